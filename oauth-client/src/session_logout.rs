//! The end of a session: erased here first, then revoked at the server.

use std::sync::Arc;

use oauth_protocol::TokenTypeHint;
use oauth_token_store::{StoreError, StoreProblem, TokenRecord, UnixTime};
use tokio::task::spawn_blocking;

use crate::error::Error;
use crate::session::Session;
use crate::session_events::SessionEvent;

/// What became of each half of a logout.
#[derive(Debug)]
#[non_exhaustive]
pub struct Logout {
    /// Here: whether there was anything to erase; what could not be read is erased too.
    pub erased: Result<bool, StoreError>,
    /// At the server.
    pub revoked: Revocation,
}

/// What became of the tokens at the server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Revocation {
    /// The server takes them no more (RFC 7009).
    Revoked,
    /// No token was stored.
    NothingToRevoke,
    /// What was stored could not be read, and is erased unread: the server was told nothing.
    Unread(StoreError),
    /// The server offers no revocation: whoever has a copy of the access token can use it until then;
    /// `None`: nobody knows until when.
    NotOffered(Option<UnixTime>),
    /// It was not told, or did not answer: the tokens may still be valid there.
    Failed(Error),
}

impl Logout {
    /// Whether nothing is left, here or there.
    pub const fn is_complete(&self) -> bool {
        self.erased.is_ok() && matches!(self.revoked, Revocation::Revoked | Revocation::NothingToRevoke)
    }
}

impl Session {
    /// Erases the login here, then revokes it at the server, and says what became of each half. Waits for a
    /// refresh under way: what that brings is erased and revoked too. Once begun it runs on to its end in the
    /// runtime.
    ///
    /// Where nothing can be erased, the server is told nevertheless: tokens that it takes no more are the
    /// better half.
    pub fn logout(&self) -> impl Future<Output = Logout> + Send + 'static {
        let session = self.clone();
        let steps = async move {
            let (erased, stored) = session.erase().await;
            let revoked = match stored {
                Ok(Some(record)) if record.holds_a_token() => session.revoke(&record).await,
                Ok(_) => Revocation::NothingToRevoke,
                Err(error) => Revocation::Unread(error),
            };
            Logout { erased, revoked }
        };
        async move {
            tokio::spawn(steps).await.unwrap_or_else(|_| Logout {
                erased: Err(interrupted()),
                revoked: Revocation::Unread(interrupted()),
            })
        }
    }

    /// Erases the login here and leaves the server out of it, where its tokens stay valid; says whether there
    /// was one.
    pub fn erase_login(&self) -> impl Future<Output = Result<bool, StoreError>> + Send + 'static {
        let session = self.clone();
        async move { session.erase().await.0 }
    }

    /// Whether there was anything to erase, and what it said.
    async fn erase(&self) -> (Result<bool, StoreError>, Result<Option<TokenRecord>, StoreError>) {
        let (store, key) = (Arc::clone(&self.store), Arc::clone(&self.key));
        let steps = spawn_blocking(move || {
            let mut locked = match store.lock(&key) {
                Ok(locked) => locked,
                Err(error) => return (Err(error), store.load(&key)),
            };
            let stored = locked.load();
            (locked.delete(), stored)
        });
        let (erased, stored) = steps.await.unwrap_or_else(|_| (Err(interrupted()), Err(interrupted())));
        if erased.is_ok() {
            self.tell(SessionEvent::LoggedOut);
        }
        (erased, stored)
    }

    /// The refresh token, with which the server ends the whole grant (RFC 7009 §2.1); else the access token.
    async fn revoke(&self, record: &TokenRecord) -> Revocation {
        let (token, hint) = match &record.refresh_token {
            Some(refresh_token) => (refresh_token, TokenTypeHint::RefreshToken),
            None => (&record.access_token, TokenTypeHint::AccessToken),
        };
        match self.client.revoke(token, hint).await {
            Ok(()) => Revocation::Revoked,
            Err(Error::NoEndpoint { .. }) => Revocation::NotOffered(record.expires_at()),
            Err(error) => Revocation::Failed(error),
        }
    }
}

fn interrupted() -> StoreError {
    let source = std::io::Error::other("the runtime stopped in the middle");
    StoreError::new("session", None, StoreProblem::Io { operation: "erase the login", source })
}
