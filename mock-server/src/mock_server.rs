//! The server as a value in a test: start it, decide in a person's place, drop it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use hyper::Uri;
use tokio::net::TcpSocket;

use crate::access_token::AccessTokenFormat;
use crate::authorization_server::{AuthorizationServer, Lifetimes, Rotation, Settings};
use crate::checks::Lenient;
use crate::clients::Client;
use crate::clock::RealClock;
use crate::control::{ControlError, PendingDevice};
use crate::endpoint::Endpoint;
use crate::journal::RecordedRequest;
use crate::listener::{self, Accepting, RequestLog, Shared, lock};
use crate::login_script::{LoginScript, WaitingScript};
use crate::misbehaviour::{Fault, FaultRule, RuleId};
use crate::person::Person;
use crate::profiles::Profile;
use crate::verdicts::{self, Severity, Verdict};

/// A running authorization server on a loopback port. Dropping it stops it.
///
/// Any number of them can run in one process; they share nothing.
pub struct MockServer {
    shared: Arc<Mutex<Shared>>,
    socket: Mutex<Socket>,
    issuer: String,
    port: u16,
}

impl MockServer {
    /// Starts a server with the defaults on a free port of 127.0.0.1, on the current tokio runtime.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Chooses something before the start.
    pub fn builder() -> MockServerBuilder {
        let mut settings = Settings::new(0);
        settings.consent_page = false;
        MockServerBuilder { port: 0, issuer: None, settings, on_request: None }
    }

    /// The issuer identifier: `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The port that the server listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Approves the device login that shows `user_code`, read as a person types it.
    pub fn approve(&self, user_code: &str) -> Result<(), ControlError> {
        let shared = &mut *lock(&self.shared);
        shared.server.approve(shared.clock.now(), user_code)
    }

    /// Denies the device login that shows `user_code`.
    pub fn deny(&self, user_code: &str) -> Result<(), ControlError> {
        let shared = &mut *lock(&self.shared);
        shared.server.deny(shared.clock.now(), user_code)
    }

    /// Lets the code expire now, approved or not.
    pub fn expire(&self, user_code: &str) -> Result<(), ControlError> {
        let shared = &mut *lock(&self.shared);
        shared.server.expire(shared.clock.now(), user_code)
    }

    /// Device logins that wait for a person, oldest first.
    pub fn pending(&self) -> Vec<PendingDevice> {
        let shared = lock(&self.shared);
        shared.server.pending(shared.clock.now())
    }

    /// What clients did so far, oldest first (the latest ten thousand requests).
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.shared).server.requests().cloned().collect()
    }

    /// What clients did wrong so far by the server's clock, oldest first (the latest ten thousand).
    pub fn verdicts(&self) -> Vec<Verdict> {
        lock(&self.shared).server.verdicts().cloned().collect()
    }

    /// The verdicts as `GET /_control/verdicts` tells them, for a file.
    pub fn verdicts_json(&self) -> String {
        verdicts::json(&lock(&self.shared).server.verdicts).to_string()
    }

    /// The verdicts in JUnit's XML: a test case a rule, failed where a verdict weighs `fail_on` or more.
    pub fn verdicts_junit(&self, fail_on: Severity) -> String {
        verdicts::junit(&lock(&self.shared).server.verdicts, fail_on)
    }

    /// Asserts that no client did anything wrong, be it only against our advice.
    ///
    /// For clients that are to break a rule, compare [`verdicts`](Self::verdicts) with what is expected.
    ///
    /// # Panics
    ///
    /// With every verdict, one a line, if there is one.
    #[track_caller]
    pub fn assert_clean(&self) {
        let lines: Vec<String> = self.verdicts().iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "the client broke rules:\n{}", lines.join("\n"));
    }

    /// Moves the server's clock forward: over codes, tokens, expiry and the gaps between polls.
    pub fn advance(&self, duration: Duration) {
        lock(&self.shared).server.advance(duration);
    }

    /// Registers a client, or replaces the one with the same `client_id`.
    pub fn put_client(&self, client: Client) {
        lock(&self.shared).server.put_client(client);
    }

    /// Forgets a client; true if there was one. What it holds already stays good.
    pub fn remove_client(&self, client_id: &str) -> bool {
        lock(&self.shared).server.remove_client(client_id)
    }

    /// The registered clients.
    pub fn clients(&self) -> Vec<Client> {
        lock(&self.shared).server.clients().cloned().collect()
    }

    /// Adds someone who can sign in, or replaces who has the same subject.
    pub fn put_user(&self, person: Person) {
        lock(&self.shared).server.put_user(person);
    }

    /// Forgets someone; true if they were known. What they approved stays good.
    pub fn remove_user(&self, subject: &str) -> bool {
        lock(&self.shared).server.remove_user(subject)
    }

    /// Everyone who can sign in.
    pub fn users(&self) -> Vec<Person> {
        lock(&self.shared).server.users().cloned().collect()
    }

    /// Answers the next `times` requests to `endpoint` with `fault`, after those already asked for.
    pub fn fail_next(&self, endpoint: Endpoint, fault: &Fault, times: usize) {
        lock(&self.shared).server.fail_next(endpoint, fault, times);
    }

    /// Lets requests meet a fault for as long as the guard lives.
    pub fn fault(&self, rule: FaultRule) -> FaultGuard {
        let id = lock(&self.shared).server.misbehaviour.add(rule);
        FaultGuard { shared: Arc::clone(&self.shared), id, expected: None }
    }

    /// Tells the next device login that no other script waits for what its polls meet.
    pub fn script_next_login(&self, script: LoginScript) {
        let waiting = WaitingScript { script, client_id: None, scope: None, times: Some(1) };
        lock(&self.shared).server.scripts.add(waiting);
    }

    /// Tells every device login of a client what its polls meet, until the server is reset.
    pub fn script_logins_of(&self, client_id: impl Into<String>, script: LoginScript) {
        let waiting = WaitingScript { script, client_id: Some(client_id.into()), scope: None, times: None };
        lock(&self.shared).server.scripts.add(waiting);
    }

    /// Forgets all codes, tokens, faults and requests, and what was added to the clock.
    pub fn reset(&self) {
        let shared = &mut *lock(&self.shared);
        shared.server.reset(shared.clock.now());
    }

    /// Closes the listening socket and every connection, as a server that dies would. State and port stay.
    pub async fn pause_listening(&self) {
        let Socket::Listening(accepting) = self.replace_socket(Socket::Closed) else {
            return;
        };
        accepting.abort().await;
        // Where the port is lost in this moment, resuming tries to get it.
        if let Ok(socket) = listener::bind(self.port) {
            self.replace_socket(Socket::Reserved(socket));
        }
    }

    /// Listens again on the same port, with the state as it was.
    pub async fn resume_listening(&self) -> io::Result<()> {
        self.pause_listening().await;
        let socket = match self.replace_socket(Socket::Closed) {
            Socket::Reserved(socket) => socket,
            Socket::Closed | Socket::Listening(_) => listener::bind(self.port)?,
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
    }

    fn replace_socket(&self, socket: Socket) -> Socket {
        let mut current = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, socket)
    }
}

/// A fault that ends with this value.
#[must_use = "the fault ends at once when the guard is dropped"]
pub struct FaultGuard {
    shared: Arc<Mutex<Shared>>,
    id: RuleId,
    expected: Option<u64>,
}

impl FaultGuard {
    /// How many requests it struck so far.
    pub fn hits(&self) -> u64 {
        lock(&self.shared).server.misbehaviour.hits(self.id)
    }

    /// Asserts, when the guard is dropped, that it struck exactly so many requests.
    pub fn expect(mut self, hits: u64) -> Self {
        self.expected = Some(hits);
        self
    }
}

impl fmt::Debug for FaultGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FaultGuard").field("hits", &self.hits()).finish_non_exhaustive()
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        let hits = lock(&self.shared).server.misbehaviour.remove(self.id);
        // A server that was reset has forgotten the rule; a test that fails already fails with its own words.
        if let (Some(expected), Some(hits)) = (self.expected, hits)
            && !std::thread::panicking()
        {
            assert_eq!(hits, expected, "the fault struck another number of requests than expected");
        }
    }
}

/// What the server has of its port.
enum Socket {
    Listening(Accepting),
    /// Bound, so that nobody who asks for a free port gets it, and not listening, so that connections are refused.
    Reserved(TcpSocket),
    Closed,
}

impl fmt::Debug for MockServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MockServer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        if let Socket::Listening(accepting) = self.socket.get_mut().unwrap_or_else(PoisonError::into_inner) {
            accepting.abort_in_background();
        }
    }
}

/// What can be chosen before a [`MockServer`] starts.
#[derive(Clone)]
#[must_use = "a builder does nothing until start"]
pub struct MockServerBuilder {
    port: u16,
    issuer: Option<String>,
    settings: Settings,
    on_request: Option<RequestLog>,
}

impl MockServerBuilder {
    /// The port on 127.0.0.1; 0, the default, picks a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The issuer identifier, when clients reach the server under another name; its host becomes an allowed `Host`.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
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
        let socket = listener::bind(self.port)?;
        let port = socket.local_addr()?.port();
        let mut settings = self.settings;
        settings.port = port;
        if let Some(issuer) = self.issuer {
            check_issuer(&issuer)?;
            settings.issuer = issuer;
        } else {
            settings.issuer = Settings::new(port).issuer;
        }
        let issuer = settings.issuer.clone();
        let clock = RealClock::start();
        let server = AuthorizationServer::new(settings, clock.now());
        let shared = Arc::new(Mutex::new(Shared { server, clock, on_request: self.on_request }));
        let accepting = listener::serve(socket, Arc::clone(&shared))?;
        Ok(MockServer { shared, socket: Mutex::new(Socket::Listening(accepting)), issuer, port })
    }
}

/// RFC 8414 section 2: "a URL that uses the https scheme and has no query or fragment components"; http is for tests.
fn check_issuer(issuer: &str) -> io::Result<()> {
    let url = issuer.parse::<Uri>().ok().filter(|url| matches!(url.scheme_str(), Some("http" | "https")));
    let authority = url.as_ref().and_then(Uri::authority).map_or("@", |authority| authority.as_str());
    if authority.contains('@') || issuer.contains(['?', '#']) || issuer.ends_with('/') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the issuer {issuer:?} must be http://HOST or https://HOST, with a port and a path if need be, \
                 without user name, query, fragment or a slash at its end"
            ),
        ));
    }
    Ok(())
}
