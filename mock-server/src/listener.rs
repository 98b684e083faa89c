//! The thin shell: a loopback socket, hyper, and one lock around the pure state.

#[cfg(feature = "tls")]
mod tls;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::answer::{Answer, StreamRequests, is_unrecorded, not_yet};
use crate::clock::Timestamp;
use crate::error_response::ErrorResponse;
use crate::misbehaviour::Delivery;
use crate::misbehaviour::delivery::DeliveredBody;
use crate::printable::printable_text;
use crate::request_stream::RequestStream;
use crate::running_state::{Shared, lock};
use crate::tls_faults::TlsFault;

/// No request of any OAuth grant comes near this many bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// A client that takes longer to send its request is cut off.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long a graceful stop waits for requests that are under way.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Reserves a port, 0 for a free one, of loopback or of every address. Until the socket listens, connections are refused.
pub(crate) fn bind(port: u16, allow_remote: bool) -> io::Result<TcpSocket> {
    let ip = if allow_remote { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let address = SocketAddr::from((ip, port));
    let explain =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    let socket = TcpSocket::new_v4()?;
    // A server that comes back takes its port again while old connections still linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address).map_err(explain)?;
    Ok(socket)
}

/// A task that accepts connections. Aborting it closes the socket and every connection at once.
pub(crate) struct Accepting {
    task: JoinHandle<()>,
    /// Dropped to ask for a graceful stop.
    stop: watch::Sender<()>,
}

impl Accepting {
    /// Closes everything now, whatever is under way, and waits until it is closed.
    pub(crate) async fn abort(self) {
        self.task.abort();
        // The error says that the task was aborted.
        let _ = self.task.await;
    }

    /// Takes no new connection, lets the requests under way end, and waits for that.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        // The task does not panic, and is not aborted by anyone else.
        let _ = self.task.await;
    }

    pub(crate) fn abort_in_background(&self) {
        self.task.abort();
    }
}

/// Listens, and serves on the current runtime.
pub(crate) fn serve(socket: TcpSocket, shared: Arc<Mutex<Shared>>) -> io::Result<Accepting> {
    let listener = socket.listen(BACKLOG)?;
    let (stop, mut stopped) = watch::channel(());
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let connection = serve_connection(stream, peer.ip(), Arc::clone(&shared), stopped.clone());
                        connections.spawn(connection);
                    }
                    // Out of file descriptors, or a connection that died in the queue: give the rest a chance.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
                _ = stopped.changed() => break,
            }
        }
        drop(listener);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        // What is still under way after that is cut off.
        let _ = tokio::time::timeout(STOP_TIMEOUT, all_ended).await;
    });
    Ok(Accepting { task, stop })
}

async fn serve_connection(
    stream: TcpStream,
    peer: IpAddr,
    shared: Arc<Mutex<Shared>>,
    stopped: watch::Receiver<()>,
) {
    // Small answers go out at once; a socket that refuses is merely slower.
    let _ = stream.set_nodelay(true);
    #[cfg(feature = "tls")]
    if let Some(handshakes) = tls::handshakes_of(&shared) {
        return tls::serve_connection(&handshakes, stream, peer, shared, stopped).await;
    }
    let reset = Arc::default();
    let stream = ResettableStream { stream, reset: Arc::clone(&reset) };
    serve_http(stream, Connection { peer, shared, reset, handshake: Handshake::NotOffered }, stopped).await;
}

/// What the answers on one connection depend on.
#[derive(Clone)]
struct Connection {
    peer: IpAddr,
    shared: Arc<Mutex<Shared>>,
    /// Set to end it with RST.
    reset: Arc<AtomicBool>,
    handshake: Handshake,
}

/// How a connection began.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "nothing is over TLS then"))]
enum Handshake {
    /// The server speaks plain HTTP.
    NotOffered,
    Done {
        /// A client that goes on after it trusts what it must not.
        fault: Option<TlsFault>,
    },
    /// The client speaks plain HTTP to a server that does not.
    Missing,
}

/// Speaks HTTP on a connection until it ends.
async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    connection: Connection,
    mut stopped: watch::Receiver<()>,
) {
    let until_stop = stopped.clone();
    // A connection from before a certificate was changed would hide the change.
    let mut certificate_changes = lock(&connection.shared).tls_changes.subscribe();
    let service = service_fn(|request: Request<Incoming>| {
        let connection = connection.clone();
        let stopped = until_stop.clone();
        async move {
            match answer(request, &connection, stopped.clone()).await {
                Answer::Respond(response) => {
                    let Some(start) = response.extensions().get::<StreamRequests>() else {
                        return Ok(response.map(|body| Either::Left(DeliveredBody::whole(body))));
                    };
                    let stream = RequestStream::follow(&connection.shared, start, stopped);
                    Ok(response.map(|_| Either::Right(stream)))
                }
                Answer::Deliver(response, delivery) => {
                    match delivery {
                        Delivery::Late { until } => wait_until(&connection.shared, until).await,
                        // Until the client goes away, and this task with it.
                        Delivery::Never => std::future::pending().await,
                        _ => {}
                    }
                    Ok(response.map(|body| Either::Left(DeliveredBody::new(body, delivery))))
                }
                Answer::ResetConnection => {
                    connection.reset.store(true, Ordering::Relaxed);
                    Err(ConnectionReset)
                }
            }
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT).max_headers(100);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // An error here is the client's going away, or a reset that was asked for.
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
        _ = certificate_changes.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    connection: &Connection,
    mut stopped: watch::Receiver<()>,
) -> Answer {
    const TOO_LARGE: &str = "a request body may have 64 KiB";
    let Connection { peer, shared, handshake, .. } = connection;
    let (mut parts, body) = request.into_parts();
    match handshake {
        Handshake::Missing => {
            return refuse_body(StatusCode::BAD_REQUEST, "this port speaks TLS: use https");
        }
        Handshake::NotOffered | Handshake::Done { fault: None } => {}
        Handshake::Done { fault: Some(fault) } => {
            parts.extensions.insert(*fault);
        }
    }
    // RFC 9112 section 6.1: whatever else is done to a body, two readers may see two ends of it.
    let mut encodings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    if encodings.next().is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        || encodings.next().is_some()
    {
        return refuse_body(StatusCode::BAD_REQUEST, "Transfer-Encoding must be chunked and nothing else");
    }
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return refuse_body(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE);
    }
    let body = match tokio::time::timeout(REQUEST_TIMEOUT, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return refuse_body(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE);
        }
        Ok(Err(_)) => {
            return refuse_body(StatusCode::BAD_REQUEST, "the chunks of the request body are malformed");
        }
        Err(_) => return refuse_body(StatusCode::REQUEST_TIMEOUT, "the request body took too long"),
    };
    let request = Request::from_parts(parts, body);
    let mut asked = None;
    let (answer, log) = loop {
        let (answer, log, waited, mut changed) = {
            let shared = &mut *lock(shared);
            let now = shared.clock.now();
            let waited = now.since(*asked.get_or_insert(now));
            let answer = shared.server.handle(now, *peer, &request);
            let is_news = not_yet(&answer).is_none() && !is_unrecorded(&answer);
            if is_news {
                shared.changed.send_modify(|count| *count += 1);
            }
            shared.note_tls_changes();
            let answer = if shared.state_file.is_some() && changes_state(&request, &answer) {
                keep_state(shared, answer)
            } else {
                answer
            };
            let recorded = shared.server.latest_request().filter(|_| is_news);
            let log = shared.on_request.clone().zip(recorded.cloned());
            (answer, log, waited, shared.changed.subscribe())
        };
        let Some(patience) = not_yet(&answer) else {
            break (answer, log);
        };
        tokio::select! {
            _ = changed.changed() => {}
            () = tokio::time::sleep(patience.saturating_sub(waited)) => break (answer, None),
            _ = stopped.changed() => break (answer, None),
        }
    };
    // Outside the lock, so that whoever is told may call the server.
    if let Some((log, recorded)) = log {
        log(&recorded);
    }
    answer
}

/// Whether a restart must find what this request did. A poll that only waits leaves nothing that matters.
fn changes_state(request: &Request<Bytes>, answer: &Answer) -> bool {
    match answer {
        Answer::Respond(response) | Answer::Deliver(response, _) => {
            let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
            let is_pending = response.status() == StatusCode::BAD_REQUEST
                && response.body().windows(PENDING.len()).any(|part| part == PENDING);
            // A redirect of the authorization endpoint carries a code.
            if is_read { response.status().is_redirection() } else { !is_pending }
        }
        Answer::ResetConnection => true,
    }
}

const PENDING: &[u8] = b"\"authorization_pending\"";

/// What a client is told is kept before it is told.
fn keep_state(shared: &Shared, answer: Answer) -> Answer {
    match shared.save() {
        Ok(()) => answer,
        Err(error) => {
            let description = format!("what this request did is not kept: {error}");
            let refusal = ErrorResponse::new("temporarily_unavailable", printable_text(&description));
            Answer::Respond(refusal.with_status(StatusCode::SERVICE_UNAVAILABLE).into_response())
        }
    }
}

/// Waits by the virtual clock, which a test may move at any time.
async fn wait_until(shared: &Mutex<Shared>, moment: Timestamp) {
    /// How soon a clock that was moved is noticed.
    const LOOK: Duration = Duration::from_millis(10);
    loop {
        let left = {
            let shared = lock(shared);
            moment.since(shared.server.virtual_time(shared.clock.now()))
        };
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK)).await;
    }
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
        if self.reset.load(Ordering::Relaxed) {
            // So would the farewell of TLS.
            return Poll::Ready(Ok(bytes.len()));
        }
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
