//! A connection that begins with a TLS handshake, or should have.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::rustls;

use super::{Connection, Handshake, REQUEST_TIMEOUT, ResettableStream, serve_http};
use crate::running_state::{Shared, lock};
use crate::tls::Handshakes;

/// The first byte of every TLS connection: a record of the type handshake (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

pub(super) fn handshakes_of(shared: &Mutex<Shared>) -> Option<Arc<Handshakes>> {
    lock(shared).handshakes.clone()
}

/// Shakes hands, well or with the fault that is in force, and then speaks HTTP.
pub(super) async fn serve_connection(
    handshakes: &Handshakes,
    stream: TcpStream,
    peer: IpAddr,
    shared: Arc<Mutex<Shared>>,
    mut stopped: watch::Receiver<()>,
) {
    let reset = Arc::default();
    let connection =
        |handshake| Connection { peer, shared: Arc::clone(&shared), reset: Arc::clone(&reset), handshake };
    let until_stop = stopped.clone();
    let beginning = async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            // Somebody who only looked whether the port is open.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let local = stream.local_addr().map_or(Ipv4Addr::LOCALHOST.into(), |local| local.ip());
        let stream = ResettableStream { stream, reset: Arc::clone(&reset) };
        if first != [HANDSHAKE_RECORD] {
            return Ok((Err(stream), None));
        }
        let fault = lock(&shared).server.tls_faults.take();
        let accepted = handshakes.accept(stream, local, fault).await;
        if let (Some(fault), Err(error)) = (fault, &accepted)
            && fault.shows_certificate()
            && is_refusal(error)
        {
            lock(&shared).server.note_certificate_refused();
        }
        accepted.map(|stream| (Ok(stream), fault))
    };
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(REQUEST_TIMEOUT, beginning) => outcome,
        _ = stopped.changed() => return,
    };
    match outcome {
        Ok(Ok((Ok(stream), fault))) => {
            serve_http(stream, connection(Handshake::Done { fault }), until_stop).await;
        }
        Ok(Ok((Err(stream), _))) => serve_http(stream, connection(Handshake::Missing), until_stop).await,
        // The client went away, or was too slow.
        Ok(Err(_)) | Err(_) => {}
    }
}

/// Whether the client said that it does not go on.
fn is_refusal(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::AlertReceived(_)))
}
