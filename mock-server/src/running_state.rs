//! The state and its clock, as the listener and the handles of tests share them.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::authorization_server::AuthorizationServer;
use crate::clock::RealClock;
use crate::journal::RecordedRequest;
use crate::state_file::StateFile;

/// The state and its clock, under one lock.
pub(crate) struct Shared {
    pub(crate) server: AuthorizationServer,
    pub(crate) clock: RealClock,
    /// Told of each request after its answer is decided.
    pub(crate) on_request: Option<RequestLog>,
    /// Counts the requests that were answered and what tests decided, for those who wait for one.
    pub(crate) changed: watch::Sender<u64>,
    /// Where the state is kept for the next run.
    pub(crate) state_file: Option<StateFile>,
    /// Counts the changes of what TLS handshakes meet.
    pub(crate) tls_changes: watch::Sender<u64>,
    /// `None` where the server speaks plain HTTP.
    #[cfg(feature = "tls")]
    pub(crate) handshakes: Option<Arc<crate::tls::Handshakes>>,
}

impl Shared {
    /// Writes the state to its file, if it has one.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(file) = &self.state_file else { return Ok(()) };
        file.write(&self.server.saved(self.clock.now()).map_err(io::Error::other)?)
    }

    /// Tells connections that their certificate is no longer what a new one would get.
    pub(crate) fn note_tls_changes(&self) {
        let changes = self.server.tls_faults.changes;
        self.tls_changes.send_if_modified(|known| std::mem::replace(known, changes) != changes);
    }
}

/// What a user of the library does with each request.
pub(crate) type RequestLog = Arc<dyn Fn(&RecordedRequest) + Send + Sync>;

/// Locks the state; a panic in another holder does not take the server away from everyone else.
pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
