//! The board's network: one TCP connection a request, no TLS.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use embedded_demo::{Transport, http1};
use oauth_protocol::{HttpRequest, HttpResponse, Method, TransportFailure};

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest metadata that is read, in bytes: it is read once, before there is much else in memory.
const MAX_METADATA_BYTES: usize = 32 * 1024;

pub(crate) struct TcpTransport;

/// A connection whose time is over at a moment.
struct TimedStream {
    tcp: TcpStream,
    deadline: Instant,
}

impl Transport for TcpTransport {
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        if request.url().is_https() {
            return Err(TransportFailure::Tls);
        }
        let deadline = Instant::now() + request.timeout();
        let mut stream = TimedStream { tcp: connect(request, deadline)?, deadline };
        let max_body_bytes = match request.method() {
            Method::Get => MAX_METADATA_BYTES,
            Method::Post => http1::DEFAULT_MAX_BODY_BYTES,
        };
        http1::exchange(&mut stream, request, max_body_bytes)
    }
}

/// The first of the host's addresses that answers.
fn connect(request: &HttpRequest, deadline: Instant) -> Result<TcpStream, TransportFailure> {
    let url = request.url();
    let addresses = (url.host(), url.port()).to_socket_addrs().map_err(|_| TransportFailure::Dns)?;
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now()).min(CONNECT_TIMEOUT);
        if left.is_zero() {
            return Err(TransportFailure::Timeout);
        }
        if let Ok(stream) = TcpStream::connect_timeout(&address, left) {
            return Ok(stream);
        }
    }
    Err(TransportFailure::Connect)
}

impl TimedStream {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl embedded_io::ErrorType for TimedStream {
    type Error = io::Error;
}

impl embedded_io::Read for TimedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(self.left()?)?;
        self.tcp.read(buffer).map_err(timed_out)
    }
}

impl embedded_io::Write for TimedStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(self.left()?)?;
        self.tcp.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// Unix says "would block" when the time of a read is over.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}
