//! The server as a value in a test: start it, decide in a person's place, drop it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::authorization_server::{AuthorizationServer, Settings};
use crate::clock::VirtualClock;
use crate::control::{ControlError, PendingDevice};
use crate::endpoint::Endpoint;
use crate::journal::RecordedRequest;
use crate::listener::{self, Shared, lock};
use crate::misbehaviour::Fault;
use crate::profiles::Profile;

/// A running authorization server on a loopback port. Dropping it stops it.
///
/// Any number of them can run in one process; they share nothing.
pub struct MockServer {
    shared: Arc<Mutex<Shared>>,
    /// Empty while the server does not listen.
    accepting: Mutex<Option<JoinHandle<()>>>,
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
        MockServerBuilder { port: 0, issuer: None, settings: Settings::new(0) }
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
        lock(&self.shared).server.journal.iter().cloned().collect()
    }

    /// Moves the server's clock forward: over codes, tokens, expiry and the gaps between polls.
    pub fn advance(&self, duration: Duration) {
        lock(&self.shared).clock.advance(duration);
    }

    /// Answers the next `times` requests to `endpoint` with `fault`, after those already asked for.
    pub fn fail_next(&self, endpoint: Endpoint, fault: &Fault, times: usize) {
        lock(&self.shared).server.fail_next(endpoint, fault, times);
    }

    /// Closes the listening socket and every connection, as a stopped server would; the state stays.
    pub async fn pause_listening(&self) {
        let accepting = self.accepting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(accepting) = accepting {
            accepting.abort();
            // The sockets are closed once the task is gone; its error says that it was aborted.
            let _ = accepting.await;
        }
    }

    /// Listens again on the same port, with the state as it was.
    pub async fn resume_listening(&self) -> io::Result<()> {
        self.pause_listening().await;
        let listener = listener::bind(self.port).await?;
        let accepting = listener::serve(listener, Arc::clone(&self.shared));
        *self.accepting.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepting);
        Ok(())
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.get_mut().unwrap_or_else(PoisonError::into_inner) {
            accepting.abort();
        }
    }
}

/// What can be chosen before a [`MockServer`] starts.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until start"]
pub struct MockServerBuilder {
    port: u16,
    issuer: Option<String>,
    settings: Settings,
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

    /// What devices are told to wait between polls, and are held to; 5 seconds by default, whole seconds.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Approves without a person: a device after its second poll, an authorization request at once.
    pub fn auto_approve(mut self, auto_approve: bool) -> Self {
        self.settings.auto_approve = auto_approve;
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

    /// Binds the port and serves on the current tokio runtime.
    pub async fn start(self) -> io::Result<MockServer> {
        let listener = listener::bind(self.port).await?;
        let port = listener.local_addr()?.port();
        let mut settings = self.settings;
        settings.port = port;
        settings.issuer = self.issuer.unwrap_or_else(|| Settings::new(port).issuer);
        let issuer = settings.issuer.clone();
        let clock = VirtualClock::start();
        let server = AuthorizationServer::new(settings, clock.now());
        let shared = Arc::new(Mutex::new(Shared { server, clock }));
        let accepting = listener::serve(listener, Arc::clone(&shared));
        Ok(MockServer { shared, accepting: Mutex::new(Some(accepting)), issuer, port })
    }
}
