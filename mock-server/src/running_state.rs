//! The state and its clock, as the listener and the handles of tests share them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::authorization_server::AuthorizationServer;
use crate::clock::RealClock;
use crate::journal::RecordedRequest;

/// The state and its clock, under one lock.
pub(crate) struct Shared {
    pub(crate) server: AuthorizationServer,
    pub(crate) clock: RealClock,
    /// Told of each request after its answer is decided.
    pub(crate) on_request: Option<RequestLog>,
    /// Counts the requests that were answered and what tests decided, for those who wait for one.
    pub(crate) changed: watch::Sender<u64>,
}

/// What a user of the library does with each request.
pub(crate) type RequestLog = Arc<dyn Fn(&RecordedRequest) + Send + Sync>;

/// Locks the state; a panic in another holder does not take the server away from everyone else.
pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
