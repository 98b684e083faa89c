//! A connection that outlives one exchange.

use core::time::Duration;

use embedded_io::{Read, Write};
use oauth_protocol::{EndpointUrl, HttpRequest, HttpResponse, Method, TransportFailure};

use super::{AfterThis, DEFAULT_MAX_BODY_BYTES, read_answer, send};
use crate::Transport;

/// The board's network, for [`KeepAlive`].
pub trait Connector {
    /// A stream of bytes, through TLS where the URL is `https`. Dropping it closes the connection.
    type Connection: Read + Write;

    /// Opens a connection to the host and port of `url`. Once `timeout` is over, this fails, and so do the reads and
    /// writes of the connection, with [`ErrorKind::TimedOut`](embedded_io::ErrorKind::TimedOut).
    fn connect(&mut self, url: &EndpointUrl, timeout: Duration)
    -> Result<Self::Connection, TransportFailure>;

    /// Whether `connection`, on which nothing is under way, can take another request; from now on its time is `timeout`.
    ///
    /// `false` as soon as the server has said anything, its goodbye above all, and better too early than too late: a
    /// form that meets a closing server is not sent again. Many servers close after 5 seconds of silence.
    fn is_open(&mut self, connection: &mut Self::Connection, timeout: Duration) -> bool;
}

/// A transport that keeps its last connection open: a request to the same origin spares the handshakes, which with TLS
/// take a small device a second or more.
#[derive(Debug)]
pub struct KeepAlive<C: Connector> {
    connector: C,
    max_body_bytes: usize,
    open: Option<Open<C::Connection>>,
}

#[derive(Debug)]
struct Open<S> {
    to: EndpointUrl,
    connection: S,
}

impl<C: Connector> KeepAlive<C> {
    /// With bodies of at most [`DEFAULT_MAX_BODY_BYTES`].
    pub const fn new(connector: C) -> Self {
        Self { connector, max_body_bytes: DEFAULT_MAX_BODY_BYTES, open: None }
    }

    /// Reads bodies of at most `bytes`, or fewer where the request says so.
    #[must_use]
    pub fn with_max_body_bytes(self, bytes: usize) -> Self {
        Self { max_body_bytes: bytes, ..self }
    }

    /// Closes the connection, before a long sleep for example.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// The connection from before, if it leads where `request` goes and is still there.
    fn kept(&mut self, request: &HttpRequest) -> Option<C::Connection> {
        // Whatever is not taken up again is closed: there is one connection at a time.
        let mut open = self.open.take().filter(|open| is_same_origin(&open.to, request.url()))?;
        let is_open = self.connector.is_open(&mut open.connection, request.timeout());
        is_open.then_some(open.connection)
    }

    fn exchange_on(
        &mut self,
        mut connection: C::Connection,
        request: &HttpRequest,
    ) -> Result<HttpResponse, TransportFailure> {
        send(&mut connection, request, AfterThis::KeepOpen)?;
        let max_body_bytes = self.max_body_bytes.min(request.max_body_bytes());
        let (response, after_this) = read_answer(&mut connection, max_body_bytes)?;
        if after_this == AfterThis::KeepOpen {
            self.open = Some(Open { to: request.url().clone(), connection });
        }
        Ok(response)
    }
}

impl<C: Connector> Transport for KeepAlive<C> {
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        if let Some(connection) = self.kept(request) {
            let result = self.exchange_on(connection, request);
            // "A user agent MUST NOT automatically retry a request with a non-idempotent method" (RFC 9110 §9.2.2): what
            // a form did at the server, nobody here knows.
            if !matches!(result, Err(TransportFailure::Closed)) || request.method() != Method::Get {
                return result;
            }
        }
        let connection = self.connector.connect(request.url(), request.timeout())?;
        self.exchange_on(connection, request)
    }
}

/// The port may be written out or not.
fn is_same_origin(one: &EndpointUrl, other: &EndpointUrl) -> bool {
    one.is_https() == other.is_https() && one.host() == other.host() && one.port() == other.port()
}
