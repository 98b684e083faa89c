//! The thin shell: a loopback socket, hyper, and one lock around the pure state.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::authorization_server::{Answer, AuthorizationServer};
use crate::clock::VirtualClock;
use crate::error_response::ErrorResponse;

/// No request of any OAuth grant comes near this many bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// A client that takes longer to send its request is cut off.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The state and its clock, under one lock.
pub(crate) struct Shared {
    pub(crate) server: AuthorizationServer,
    pub(crate) clock: VirtualClock,
}

/// Locks the state; a panic in another holder does not take the server away from everyone else.
pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bound loopback socket; port 0 picks a free one.
pub(crate) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Serves until the task is aborted, which closes the socket and every connection.
pub(crate) fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(serve_connection(stream, peer.ip(), Arc::clone(&shared)));
                    }
                    // Out of file descriptors, or a connection that died in the queue: give the rest a chance.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    })
}

async fn serve_connection(stream: TcpStream, peer: IpAddr, shared: Arc<Mutex<Shared>>) {
    // Small answers go out at once; a socket that refuses is merely slower.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let stream = ResettableStream { stream, reset: Arc::clone(&reset) };
    let service = service_fn(|request| {
        let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
        async move {
            match answer(request, peer, &shared).await {
                Answer::Respond(response) => Ok(response.map(Full::new)),
                Answer::ResetConnection => {
                    reset.store(true, Ordering::Relaxed);
                    Err(ConnectionReset)
                }
            }
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT).max_headers(100);
    // An error here is the client's going away, or a reset that was asked for.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, peer: IpAddr, shared: &Mutex<Shared>) -> Answer {
    let (parts, body) = request.into_parts();
    let body = match tokio::time::timeout(REQUEST_TIMEOUT, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return refuse_body(StatusCode::PAYLOAD_TOO_LARGE, "a request body may have 64 KiB"),
        Err(_) => return refuse_body(StatusCode::REQUEST_TIMEOUT, "the request body took too long"),
    };
    let mut shared = lock(shared);
    let now = shared.clock.now();
    shared.server.handle(now, peer, &Request::from_parts(parts, body))
}

fn refuse_body(status: StatusCode, description: &str) -> Answer {
    let mut response = ErrorResponse::invalid_request(description).with_status(status).into_response();
    // What is left of the body is not read.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Answer::Respond(response)
}

/// Tells hyper to give up on a connection.
#[derive(Debug)]
struct ConnectionReset;

impl std::fmt::Display for ConnectionReset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is to be reset")
    }
}

impl std::error::Error for ConnectionReset {}

/// A TCP stream that can end with RST in place of FIN.
struct ResettableStream {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl AsyncRead for ResettableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            // A FIN would come before the RST.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}

impl Drop for ResettableStream {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // Closing a socket that does not linger sends RST; where that is refused the client sees FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}
