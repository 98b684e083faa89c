//! The server as a value in a test: start it, decide in a person's place, drop it.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use tokio::net::TcpSocket;
use tokio::sync::{oneshot, watch};

use crate::access_token_format::AccessTokenFormat;
use crate::authorization_server::AuthorizationServer;
use crate::checks::Lenient;
use crate::clients::Client;
use crate::clock::{RealClock, Timestamp};
#[cfg(feature = "tls")]
use crate::decisions::ControlError;
use crate::endpoint::Endpoint;
use crate::host_allow_list;
use crate::issuer;
use crate::journal::RecordedRequest;
use crate::listener::{self, Accepting};
use crate::person::Person;
use crate::profiles::Profile;
use crate::running_state::{RequestLog, Shared, lock};
use crate::settings::{Lifetimes, Rotation, Settings};
use crate::state_file::StateFile;
use crate::tenant::Tenant;
#[cfg(feature = "tls")]
use crate::tls::{Handshakes, Tls};
#[cfg(feature = "tls")]
use crate::tls_fault_guard::TlsFaultGuard;
use crate::tls_faults;
#[cfg(feature = "tls")]
use crate::tls_faults::TlsFault;
use crate::verdicts::{self, Severity, Verdict};

/// A running authorization server on a loopback port. Dropping it stops it.
///
/// Any number of them can run in one process; they share nothing. What can be asked of it is that of a [`Tenant`].
pub struct MockServer {
    /// The server itself, which all tenants are beside.
    tenant: Tenant,
    shared: Arc<Mutex<Shared>>,
    socket: Mutex<Socket>,
    port: u16,
    allow_remote: bool,
    /// Where the server has a thread of its own: told to end, and waited for.
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl MockServer {
    /// Starts a server with the defaults on a free port of 127.0.0.1, on the current tokio runtime.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// The same for a test without a runtime: the server gets a thread of its own.
    pub fn start_blocking() -> io::Result<Self> {
        Self::builder().start_blocking()
    }

    /// Chooses something before the start.
    pub fn builder() -> MockServerBuilder {
        let mut settings = Settings::new(0);
        settings.consent_page = false;
        MockServerBuilder {
            port: 0,
            settings,
            on_request: None,
            state_file: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The port that the server listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that signed the server's, as PEM, for clients to trust; `None` without TLS, and
    /// with a certificate of one's own.
    #[cfg(feature = "tls")]
    pub fn ca_certificate_pem(&self) -> Option<String> {
        self.with(|server, _| server.settings.ca_certificate_pem.clone())
    }

    /// Lets something be wrong with every TLS handshake until the guard is dropped. Connections that are open end with
    /// the answer under way, so that the next request meets it.
    #[cfg(feature = "tls")]
    pub fn tls_fault(&self, fault: TlsFault) -> Result<TlsFaultGuard, ControlError> {
        let change = self.with(|server, _| server.break_handshakes(fault, None))?;
        Ok(TlsFaultGuard::new(self.tenant.clone(), change))
    }

    /// The same for the next `connections`, in place of what was wrong before.
    #[cfg(feature = "tls")]
    pub fn fail_next_handshakes(&self, fault: TlsFault, connections: u64) -> Result<(), ControlError> {
        self.with(|server, _| server.break_handshakes(fault, Some(connections))).map(|_| ())
    }

    /// What clients did wrong so far, at this server and then at its tenants.
    pub fn verdicts_of_all(&self) -> Vec<Verdict> {
        self.with(|server, _| server.verdicts_of_all().iter().cloned().collect())
    }

    /// The same as `GET /_control/verdicts` tells those of one.
    pub fn verdicts_of_all_json(&self) -> String {
        self.with(|server, _| verdicts::json(&server.verdicts_of_all()).to_string())
    }

    /// The same in JUnit's XML, as [`verdicts_junit`](Tenant::verdicts_junit).
    pub fn verdicts_of_all_junit(&self, fail_on: Severity) -> String {
        self.with(|server, _| verdicts::junit(&server.verdicts_of_all(), fail_on))
    }

    /// Closes the listening socket and every connection, as a server that dies would. State and port stay.
    pub async fn pause_listening(&self) {
        let Socket::Listening(accepting) = self.replace_socket(Socket::Closed) else {
            return;
        };
        accepting.abort().await;
        // Where the port is lost in this moment, resuming tries to get it.
        if let Ok(socket) = listener::bind(self.port, self.allow_remote) {
            self.replace_socket(Socket::Reserved(socket));
        }
    }

    /// Listens again on the same port, with the state as it was.
    pub async fn resume_listening(&self) -> io::Result<()> {
        self.pause_listening().await;
        let socket = match self.replace_socket(Socket::Closed) {
            Socket::Reserved(socket) => socket,
            Socket::Closed | Socket::Listening(_) => listener::bind(self.port, self.allow_remote)?,
        };
        let accepting = listener::serve(socket, Arc::clone(&self.shared))?;
        self.replace_socket(Socket::Listening(accepting));
        Ok(())
    }

    /// Stops gracefully: requests under way are answered, for at most five seconds.
    pub async fn stop(self) {
        self.stop_listening().await;
    }

    /// The same, but what was recorded can still be asked for.
    pub async fn stop_listening(&self) {
        if let Socket::Listening(accepting) = self.replace_socket(Socket::Closed) {
            accepting.stop().await;
        }
        // Only polls that wait are not kept yet, and those a restart may forget.
        let _ = lock(&self.shared).save();
    }

    fn replace_socket(&self, socket: Socket) -> Socket {
        let mut current = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, socket)
    }
}

/// What the server has of its port.
enum Socket {
    Listening(Accepting),
    /// Bound, so that nobody who asks for a free port gets it, and not listening, so that connections are refused.
    Reserved(TcpSocket),
    Closed,
}

impl Deref for MockServer {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}

impl fmt::Debug for MockServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MockServer").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        // Handles and connections may outlive the server; its state file goes to the next one.
        lock(&self.shared).state_file = None;
        if let Socket::Listening(accepting) = self.socket.get_mut().unwrap_or_else(PoisonError::into_inner) {
            accepting.abort_in_background();
        }
        if let Some((end, thread)) = self.thread.take() {
            drop(end);
            // It has nothing left to do, and does not panic.
            let _ = thread.join();
        }
    }
}

/// What can be chosen before a [`MockServer`] starts.
#[derive(Clone)]
#[must_use = "a builder does nothing until start"]
pub struct MockServerBuilder {
    port: u16,
    settings: Settings,
    on_request: Option<RequestLog>,
    state_file: Option<PathBuf>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl MockServerBuilder {
    /// The port on 127.0.0.1; 0, the default, picks a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// One issuer identifier for all requests; its host becomes an allowed `Host`. Without it each request is answered
    /// with the issuer that it was sent to.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.settings.issuer = Some(issuer.into());
        self
    }

    /// What devices are told to wait between polls, and are held to: 5 seconds by default, rounded up to whole
    /// seconds.
    pub fn interval(mut self, interval: Duration) -> Self {
        let started_second = u64::from(interval.subsec_nanos() > 0);
        self.settings.interval = Duration::from_secs(interval.as_secs().saturating_add(started_second));
        self
    }

    /// Approves without a person: a device after its second poll, an authorization request at once.
    pub fn auto_approve(mut self, auto_approve: bool) -> Self {
        self.settings.auto_approve = auto_approve;
        self
    }

    /// Asks the person on a page before `/authorize` answers. Off by default in the library (a single GET is answered
    /// with the redirect), on in the program.
    pub fn consent_page(mut self, consent_page: bool) -> Self {
        self.settings.consent_page = consent_page;
        self
    }

    /// Whose behaviour to show.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.settings.profile = profile;
        self
    }

    /// Wrong user codes that one address may type within the life of a code, 5 by default; `None` takes the brake off.
    pub fn wrong_code_limit(mut self, limit: Option<u32>) -> Self {
        self.settings.wrong_code_limit = limit;
        self
    }

    /// Registers a client beside the ready-made ones, or in place of the one with the same `client_id`.
    pub fn client(mut self, client: Client) -> Self {
        self.settings.clients.retain(|known| known.id != client.id);
        self.settings.clients.push(client);
        self
    }

    /// The people who can sign in, in place of alice; the first is meant where nobody is named.
    pub fn users(mut self, users: impl IntoIterator<Item = Person>) -> Self {
        self.settings.users = users.into_iter().collect();
        self
    }

    /// The look of access tokens: JWTs signed with ES256 by default.
    pub fn access_token_format(mut self, format: AccessTokenFormat) -> Self {
        self.settings.access_token_format = format;
        self
    }

    /// How long tokens and codes are good for.
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.settings.lifetimes = lifetimes;
        self
    }

    /// What becomes of a refresh token that was used: replaced by default, without a grace window.
    pub fn refresh_token_rotation(mut self, rotation: Rotation) -> Self {
        self.settings.refresh_token_rotation = rotation;
        self
    }

    /// Relaxes single checks, each by its name.
    pub fn lenient(mut self, lenient: Lenient) -> Self {
        self.settings.lenient = lenient;
        self
    }

    /// The scopes that are granted, in place of the ready-made ones.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = String>) -> Self {
        self.settings.scopes = scopes.into_iter().collect();
        self
    }

    /// Serves an endpoint under another path than its own, such as `/oauth2/token`.
    pub fn endpoint_path(mut self, endpoint: Endpoint, path: impl Into<String>) -> Self {
        self.settings.endpoint_paths.push((endpoint, path.into()));
        self
    }

    /// Lets pages of any origin call the endpoints that programs call.
    pub fn cors(mut self, cors: bool) -> Self {
        self.settings.cors = cors;
        self
    }

    /// Listens on every address, not on 127.0.0.1 alone, and takes requests for any of them. Who can reach the machine
    /// can then steer the server: it is for containers.
    pub fn allow_remote(mut self, allow_remote: bool) -> Self {
        self.settings.allow_remote = allow_remote;
        self
    }

    /// Takes requests for a further `Host`: a name that means the server's own port, or `NAME:PORT`. Other names are
    /// refused, so that no page can lead a browser here by a name of its own (DNS rebinding).
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.settings.allowed_hosts.push(host.into());
        self
    }

    /// Speaks TLS; the issuer then begins with https.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.settings.tls = true;
        self.tls = Some(tls);
        self
    }

    /// Lets something be wrong with every TLS handshake, from the start until it is taken away.
    #[cfg(feature = "tls")]
    pub fn tls_fault_from_the_start(mut self, fault: TlsFault) -> Self {
        self.settings.tls_fault = Some(fault);
        self
    }

    /// Makes codes, ids, keys and what tokens say repeat from run to run; what tells the time repeats if the clock does.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// What the clock shows at the start, in place of real time.
    pub fn start_time(mut self, start_time: Timestamp) -> Self {
        self.settings.start_time = Some(start_time);
        self
    }

    /// Keeps codes, tokens, clients, people and the clock in this file over restarts: what a client was told, the next
    /// run knows. Faults, scripts, the journal and verdicts end with the run. Every change writes the whole state.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Is told of each request after its answer is decided, before it is sent; it may call the server.
    pub fn on_request(mut self, log: impl Fn(&RecordedRequest) + Send + Sync + 'static) -> Self {
        self.on_request = Some(Arc::new(log));
        self
    }

    /// Binds the port and serves on the current tokio runtime.
    #[expect(
        clippy::unused_async,
        reason = "needs a runtime, and may come to wait: starting is async for callers"
    )]
    pub async fn start(self) -> io::Result<MockServer> {
        let allow_remote = self.settings.allow_remote;
        let socket = listener::bind(self.port, allow_remote)?;
        let port = socket.local_addr()?.port();
        let mut settings = self.settings;
        settings.port = port;
        if let Some(issuer) = &settings.issuer {
            issuer::check(issuer)?;
        }
        for host in &settings.allowed_hosts {
            host_allow_list::check_allowed(host)?;
        }
        let clock = RealClock::start();
        #[cfg(feature = "tls")]
        let handshakes = match &self.tls {
            Some(tls) => Some(Handshakes::new(tls, &settings, clock)?),
            None => None,
        };
        #[cfg(feature = "tls")]
        {
            settings.ca_certificate_pem = handshakes.as_ref().and_then(Handshakes::ca_certificate_pem);
        }
        if let Some(fault) = settings.tls_fault {
            tls_faults::check(&settings, fault)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        }
        let (state_file, server) = match self.state_file {
            Some(path) => {
                let (file, saved) = StateFile::open(&path)?;
                (Some(file), restore(settings, &path, saved.as_deref(), clock.now())?)
            }
            None => (None, AuthorizationServer::new(settings, clock.now())),
        };
        let issuer = server.default_issuer();
        let changed = watch::Sender::new(0);
        let shared = Arc::new(Mutex::new(Shared {
            server,
            clock,
            on_request: self.on_request,
            changed,
            state_file,
            tls_changes: watch::Sender::new(0),
            #[cfg(feature = "tls")]
            handshakes: handshakes.map(Arc::new),
        }));
        // A file that cannot be written is told of now, not at the first login.
        lock(&shared).save()?;
        let accepting = listener::serve(socket, Arc::clone(&shared))?;
        let tenant = Tenant::root(Arc::clone(&shared), issuer);
        let socket = Mutex::new(Socket::Listening(accepting));
        Ok(MockServer { tenant, shared, socket, port, allow_remote, thread: None })
    }

    /// The same for a test without a runtime: the server gets a thread of its own, which ends with it.
    pub fn start_blocking(self) -> io::Result<MockServer> {
        let (end, ended) = oneshot::channel::<()>();
        let (started, start) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("mock-server".to_owned()).spawn(move || {
            runtime.block_on(async {
                // If nobody takes it, the server is dropped, and nobody holds the other end either.
                let _ = started.send(self.start().await);
                let _ = ended.await;
            });
        })?;
        let mut server = start.recv().map_err(io::Error::other)??;
        server.thread = Some((end, thread));
        Ok(server)
    }
}

/// The server as `path` has it; a file that cannot be read stays as it is.
fn restore(
    settings: Settings,
    path: &Path,
    saved: Option<&[u8]>,
    now: Timestamp,
) -> io::Result<AuthorizationServer> {
    let Some(saved) = saved else {
        return Ok(AuthorizationServer::new(settings, now));
    };
    AuthorizationServer::restored(settings, saved, now).map_err(|unusable| {
        let message = format!(
            "cannot use the state file {}: {unusable}; it is left as it is: move it away, or name another",
            path.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}
