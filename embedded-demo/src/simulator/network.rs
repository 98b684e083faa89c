//! The board's network: a connection of this machine, kept for the next request, with TLS where the URL says https.

use std::cell::{OnceCell, RefCell};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded_demo::Transport;
use embedded_demo::http1::{self, Connector, KeepAlive};
use oauth_protocol::{EndpointUrl, HttpRequest, HttpResponse, TransportFailure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection is not used after such a silence: many servers close after five seconds.
const LONGEST_IDLE: Duration = Duration::from_secs(4);
/// The longest metadata that is read, in bytes: it is read once, before there is much else in memory.
const MAX_METADATA_BYTES: usize = 32 * 1024;

/// One network in many hands.
#[derive(Clone)]
pub(crate) struct Network {
    transport: Rc<RefCell<KeepAlive<Host>>>,
    host: Host,
}

/// This machine as the board's network.
#[derive(Clone)]
pub(crate) struct Host(Rc<Shared>);

struct Shared {
    trust: Trust,
    /// Made at the first https request: others need no certificates.
    tls: OnceCell<Arc<ClientConfig>>,
    problem: RefCell<Option<String>>,
}

/// Whose certificates are good.
enum Trust {
    Nobody,
    ThisMachine,
    Only(Vec<CertificateDer<'static>>),
}

impl Network {
    /// Without TLS.
    pub(crate) fn plain() -> Self {
        Self::trusting(Trust::Nobody)
    }

    /// With TLS, for servers whose authority this machine trusts.
    pub(crate) fn with_tls() -> Self {
        Self::trusting(Trust::ThisMachine)
    }

    /// With TLS, for servers whose authority is in `pem`, and no others: a device is built with the one that it needs.
    pub(crate) fn with_authority(pem: &[u8]) -> Result<Self, String> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| error.to_string())?;
        if certificates.is_empty() {
            return Err("there is no BEGIN CERTIFICATE block in it".into());
        }
        Ok(Self::trusting(Trust::Only(certificates)))
    }

    fn trusting(trust: Trust) -> Self {
        let host = Host(Rc::new(Shared { trust, tls: OnceCell::new(), problem: RefCell::default() }));
        Self { transport: Rc::new(RefCell::new(KeepAlive::new(host.clone()))), host }
    }

    /// What was behind the last failure, beyond its kind.
    pub(crate) fn problem(&self) -> Option<String> {
        self.host.0.problem.borrow().clone()
    }

    /// The answer to a `GET` of metadata, on a connection of its own.
    pub(crate) fn metadata(&self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        *self.host.0.problem.borrow_mut() = None;
        let mut connection = self.host.clone().connect(request.url(), request.timeout())?;
        http1::exchange(&mut connection, request, MAX_METADATA_BYTES)
    }
}

impl Transport for Network {
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        *self.host.0.problem.borrow_mut() = None;
        self.transport.borrow_mut().exchange(request)
    }
}

impl Host {
    fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(tls) = self.0.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(match &self.0.trust {
            Trust::Nobody => return Err("there is no TLS here".into()),
            Trust::ThisMachine => rustls_native_certs::load_native_certs().certs,
            Trust::Only(certificates) => certificates.clone(),
        });
        if roots.is_empty() {
            return Err("no certificate authority is trusted here; Debian has them in ca-certificates".into());
        }
        // Never the process's default provider: there may be another one, or none.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::clone(self.0.tls.get_or_init(|| Arc::new(config))))
    }
}

impl Connector for Host {
    type Connection = Stream;

    fn connect(&mut self, url: &EndpointUrl, timeout: Duration) -> Result<Stream, TransportFailure> {
        let deadline = Instant::now() + timeout;
        if !url.is_https() {
            return Ok(Stream::Plain(connect(url.host(), url.port(), deadline)?));
        }
        let failure = |cause: String| {
            *self.0.problem.borrow_mut() = Some(cause);
            TransportFailure::Tls
        };
        let config = self.tls().map_err(failure)?;
        let host = ServerName::try_from(url.host().to_owned()).map_err(|error| failure(error.to_string()))?;
        let tls = ClientConnection::new(config, host).map_err(|error| failure(error.to_string()))?;
        let tcp = connect(url.host(), url.port(), deadline)?;
        let mut stream = StreamOwned::new(tls, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => TransportFailure::Timeout,
                _ => failure(error.to_string()),
            })?;
        }
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn is_open(&mut self, connection: &mut Stream, timeout: Duration) -> bool {
        let (stream, tls) = match connection {
            Stream::Plain(stream) => (stream, None),
            Stream::Tls(stream) => (&mut stream.sock, Some(&mut stream.conn)),
        };
        stream.deadline = Instant::now() + timeout;
        stream.last_used.elapsed() < LONGEST_IDLE
            && stream.without_waiting(|tcp| match tls {
                Some(tls) => is_silent_through_tls(tcp, tls),
                None => is_silent(tcp),
            })
    }
}

/// The first of the host's addresses that answers.
fn connect(host: &str, port: u16, deadline: Instant) -> Result<TimedStream, TransportFailure> {
    let addresses = (host, port).to_socket_addrs().map_err(|_| TransportFailure::Dns)?;
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now()).min(CONNECT_TIMEOUT);
        if left.is_zero() {
            return Err(TransportFailure::Timeout);
        }
        if let Ok(tcp) = TcpStream::connect_timeout(&address, left) {
            return Ok(TimedStream { tcp, deadline, last_used: Instant::now() });
        }
    }
    Err(TransportFailure::Connect)
}

pub(crate) enum Stream {
    Plain(TimedStream),
    Tls(Box<StreamOwned<ClientConnection, TimedStream>>),
}

/// A connection whose time is over at a moment.
pub(crate) struct TimedStream {
    tcp: TcpStream,
    deadline: Instant,
    last_used: Instant,
}

/// Whether the server has said nothing, not even that it goes.
fn is_silent(tcp: &TcpStream) -> bool {
    matches!(tcp.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// The same of what is encrypted: tickets for a later connection are nothing.
fn is_silent_through_tls(tcp: &mut TcpStream, tls: &mut ClientConnection) -> bool {
    loop {
        match tls.read_tls(tcp) {
            Ok(0) => return false,
            Ok(_) => match tls.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                _ => return false,
            },
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

impl TimedStream {
    fn without_waiting(&mut self, is_fine: impl FnOnce(&mut TcpStream) -> bool) -> bool {
        let is_fine = self.tcp.set_nonblocking(true).is_ok() && is_fine(&mut self.tcp);
        is_fine && self.tcp.set_nonblocking(false).is_ok()
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for TimedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(self.left()?)?;
        self.last_used = Instant::now();
        self.tcp.read(buffer).map_err(timed_out)
    }
}

impl Write for TimedStream {
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

impl embedded_io::ErrorType for Stream {
    type Error = io::Error;
}

impl embedded_io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl embedded_io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
