//! What happens in a session, for a log or a status light.

use oauth_token_store::{LoginNeeded, UnixTime};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// What happened in a session. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A login was stored.
    LoginStored {
        /// When its access token expires; `None`: unknown.
        expires_at: Option<UnixTime>,
    },
    /// This process brought a new access token.
    Refreshed {
        /// The record's generation with it.
        generation: u64,
        /// When it expires; `None`: unknown.
        expires_at: Option<UnixTime>,
    },
    /// A refresh failed; the login is kept.
    RefreshFailed {
        /// What failed, in words for a person.
        cause: String,
    },
    /// New tokens could not be stored: only who asked for them has them.
    NotStored {
        /// What the store said, in words for a person.
        cause: String,
    },
    /// Only a new login helps.
    LoginNeeded(LoginNeeded),
    /// The login was erased here.
    LoggedOut,
}

/// The events of a session, in their order.
#[derive(Debug)]
pub struct SessionEvents {
    receiver: broadcast::Receiver<SessionEvent>,
}

impl SessionEvents {
    pub(crate) const fn new(receiver: broadcast::Receiver<SessionEvent>) -> Self {
        Self { receiver }
    }

    /// The next event; `None` once the session and its clones are gone. Who stays 64 events behind misses
    /// the oldest. The future may be dropped and asked for again: nothing is lost by that.
    pub async fn next(&mut self) -> Option<SessionEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
