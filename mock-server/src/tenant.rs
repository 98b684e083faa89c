//! One authorization server of a process, as a test in Rust steers it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::authorization_server::AuthorizationServer;
use crate::clients::Client;
use crate::clock::Timestamp;
use crate::decisions::{ControlError, PendingDevice, WhichDevice};
use crate::device::Devices;
use crate::endpoint::Endpoint;
use crate::fault_guard::FaultGuard;
use crate::journal::RecordedRequest;
use crate::login_script::{LoginScript, WaitingScript};
use crate::minting::Mint;
use crate::misbehaviour::{Fault, FaultRule};
use crate::person::Person;
use crate::running_state::{Shared, lock};
use crate::verdicts::{self, Severity, Verdict};

/// An authorization server with clients, users, a clock, faults and a journal of its own.
///
/// A [`MockServer`](crate::MockServer) is one; [`tenant`](Self::tenant) gives others below `/t/NAME`, so that parallel
/// tests share a process. A handle holds nothing alive: it steers a server that may have stopped.
#[derive(Clone)]
pub struct Tenant {
    shared: Arc<Mutex<Shared>>,
    name: Option<Arc<str>>,
    issuer: Arc<str>,
}

impl Tenant {
    pub(crate) fn root(shared: Arc<Mutex<Shared>>, issuer: Arc<str>) -> Self {
        Self { shared, name: None, issuer }
    }

    /// The tenant of this name, or the server itself, for what needs no issuer.
    pub(crate) fn handle(shared: Arc<Mutex<Shared>>, name: Option<&str>) -> Self {
        Self { shared, name: name.map(Arc::from), issuer: "".into() }
    }

    /// The issuer identifier, without a slash at its end: as configured, or by the address 127.0.0.1. A client that asks
    /// for another name of the server gets that one.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The tenant of this name below `/t/NAME`, made when it is first asked for; of a tenant, its sibling.
    ///
    /// # Panics
    ///
    /// If the name is not 1 to 64 letters, digits, `-`, `_` or `.`, or there are a thousand tenants.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Self {
        let shared = &mut *lock(&self.shared);
        let now = shared.clock.now();
        let tenant = shared.server.tenant_mut(name, now);
        let issuer = tenant.map(|tenant| tenant.default_issuer());
        let Some(issuer) = issuer else {
            panic!(
                "no tenant {name:?}: a name has 1 to 64 letters, digits, '-', '_' or '.', and 1000 are enough"
            );
        };
        Self { shared: Arc::clone(&self.shared), name: Some(name.into()), issuer }
    }

    /// Device logins, to wait for and decide.
    pub fn device(&self) -> Devices {
        Devices::of(self.clone())
    }

    /// Approves a device login in the place of the first user; a text is a user code, read as a person types it.
    pub fn approve<'a>(&self, device: impl Into<WhichDevice<'a>>) -> Result<(), ControlError> {
        self.steer(|server, now| server.approve(now, device))
    }

    /// Approves a device login in the place of `user`.
    pub fn approve_as<'a>(&self, device: impl Into<WhichDevice<'a>>, user: &str) -> Result<(), ControlError> {
        self.steer(|server, now| server.approve_as(now, device, user))
    }

    /// Denies a device login.
    pub fn deny<'a>(&self, device: impl Into<WhichDevice<'a>>) -> Result<(), ControlError> {
        self.steer(|server, now| server.deny(now, device))
    }

    /// Lets the code of a device login expire now, approved or not.
    pub fn expire<'a>(&self, device: impl Into<WhichDevice<'a>>) -> Result<(), ControlError> {
        self.steer(|server, now| server.expire(now, device))
    }

    /// Answers the next poll of a device login that waits for a person with `slow_down`.
    pub fn slow_down<'a>(&self, device: impl Into<WhichDevice<'a>>) -> Result<(), ControlError> {
        self.steer(|server, now| server.slow_down(now, device))
    }

    /// Device logins that wait for a person, oldest first.
    pub fn pending(&self) -> Vec<PendingDevice> {
        self.with(|server, now| server.pending(now))
    }

    /// What clients did so far, oldest first (the latest ten thousand requests).
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.with(|server, _| server.requests().cloned().collect())
    }

    /// What clients did wrong so far by the server's clock, oldest first (the latest ten thousand).
    pub fn verdicts(&self) -> Vec<Verdict> {
        self.with(|server, _| server.verdicts().cloned().collect())
    }

    /// The verdicts as `GET /_control/verdicts` tells them, for a file.
    pub fn verdicts_json(&self) -> String {
        self.with(|server, _| verdicts::json(&server.verdicts).to_string())
    }

    /// The verdicts in JUnit's XML: a test case a rule, failed where a verdict weighs `fail_on` or more.
    pub fn verdicts_junit(&self, fail_on: Severity) -> String {
        self.with(|server, _| verdicts::junit(&server.verdicts, fail_on))
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

    /// Issues tokens without a flow: the members of an access token response.
    pub fn mint(&self, mint: &Mint) -> Result<Value, ControlError> {
        self.with(|server, now| server.mint(now, mint))
    }

    /// Moves the clock forward: over codes, tokens, expiry and the gaps between polls.
    pub fn advance(&self, duration: Duration) {
        self.steer(|server, _| server.advance(duration));
    }

    /// Sets the clock; it goes on from there, unless it is frozen.
    pub fn set_clock(&self, to: Timestamp) {
        self.steer(|server, now| server.set_clock(now, to));
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.with(|server, now| server.virtual_time(now))
    }

    /// Stops the clock until the guard is dropped; it can still be advanced and set.
    pub fn freeze_clock(&self) -> FrozenClock {
        self.steer(AuthorizationServer::freeze_clock);
        FrozenClock(self.clone())
    }

    /// Registers a client, or replaces the one with the same `client_id`.
    pub fn put_client(&self, client: Client) {
        self.with(|server, _| server.put_client(client));
    }

    /// Registers a client until the guard is dropped.
    pub fn scoped_client(&self, client: Client) -> ScopedClient {
        let client_id = client.id.clone();
        self.put_client(client);
        ScopedClient { tenant: self.clone(), client_id }
    }

    /// Forgets a client; true if there was one. What it holds already stays good.
    pub fn remove_client(&self, client_id: &str) -> bool {
        self.with(|server, _| server.remove_client(client_id))
    }

    /// The registered clients.
    pub fn clients(&self) -> Vec<Client> {
        self.with(|server, _| server.clients().cloned().collect())
    }

    /// Adds someone who can sign in, or replaces who has the same subject.
    pub fn put_user(&self, person: Person) {
        self.with(|server, _| server.put_user(person));
    }

    /// Forgets someone; true if they were known. What they approved stays good.
    pub fn remove_user(&self, subject: &str) -> bool {
        self.with(|server, _| server.remove_user(subject))
    }

    /// Everyone who can sign in.
    pub fn users(&self) -> Vec<Person> {
        self.with(|server, _| server.users().cloned().collect())
    }

    /// Answers the next `times` requests to `endpoint` with `fault`, after those already asked for.
    pub fn fail_next(&self, endpoint: Endpoint, fault: &Fault, times: usize) {
        self.with(|server, _| server.fail_next(endpoint, fault, times));
    }

    /// Lets requests meet a fault for as long as the guard lives.
    pub fn fault(&self, rule: FaultRule) -> FaultGuard {
        FaultGuard::new(self.clone(), rule)
    }

    /// Tells the next device login that no other script waits for what its polls meet.
    pub fn script_next_login(&self, script: LoginScript) {
        let waiting = WaitingScript { script, client_id: None, scope: None, times: Some(1) };
        self.with(|server, _| server.scripts.add(waiting));
    }

    /// Tells every device login of a client what its polls meet, until the server is reset.
    pub fn script_logins_of(&self, client_id: impl Into<String>, script: LoginScript) {
        let waiting = WaitingScript { script, client_id: Some(client_id.into()), scope: None, times: None };
        self.with(|server, _| server.scripts.add(waiting));
    }

    /// Forgets all codes, tokens, faults and requests, and sets clients, users and the clock back.
    pub fn reset(&self) {
        self.steer(AuthorizationServer::reset);
    }

    /// Runs `act` on the state, under the lock.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut AuthorizationServer, Timestamp) -> R) -> R {
        let shared = &mut *lock(&self.shared);
        let now = shared.clock.now();
        // A name that made a handle is good; if the tenant was removed, it is made anew.
        let is_tenant = self.name.as_ref().is_some_and(|name| shared.server.tenant_mut(name, now).is_some());
        let server = match &self.name {
            Some(name) if is_tenant => shared.server.tenant_mut(name, now),
            _ => None,
        };
        let result = match server {
            Some(tenant) => act(tenant, now),
            None => act(&mut shared.server, now),
        };
        shared.note_tls_changes();
        // Where that fails, the next answer over HTTP says it.
        let _ = shared.save();
        result
    }

    /// The same for what those who watch the state have to learn.
    fn steer<R>(&self, act: impl FnOnce(&mut AuthorizationServer, Timestamp) -> R) -> R {
        let result = self.with(act);
        lock(&self.shared).changed.send_modify(|count| *count += 1);
        result
    }

    /// Tells of each request that was answered, and of what a test decided.
    pub(crate) fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        lock(&self.shared).changed.subscribe()
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tenant").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A clock that stands still as long as this lives.
#[derive(Debug)]
#[must_use = "the clock goes on when this is dropped"]
pub struct FrozenClock(Tenant);

impl Drop for FrozenClock {
    fn drop(&mut self) {
        self.0.steer(AuthorizationServer::thaw_clock);
    }
}

/// A client that is registered as long as this lives.
#[derive(Debug)]
#[must_use = "the client is forgotten when this is dropped"]
pub struct ScopedClient {
    tenant: Tenant,
    client_id: String,
}

impl Drop for ScopedClient {
    fn drop(&mut self) {
        self.tenant.remove_client(&self.client_id);
    }
}
