//! Tokens that stay fresh: the refresh of `oauth-token-store`, run off the executor.

use std::fmt;
use std::sync::Arc;

use oauth_token_store::{
    FreshToken, LoginNeeded, NextStep, PendingRefresh, RefreshError, RefreshPoint, StoreError, TokenKey,
    TokenNeed, TokenStore, UnixTime, next_step, use_without_lock,
};
use tokio::task::spawn_blocking;

use crate::client::Client;
use crate::error::Error;

/// Why there is no fresh token.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// Only a person can help.
    LoginNeeded(LoginNeeded),
    /// The access token is over and the refresh failed; the refresh token is kept.
    Refresh(Error),
    /// The access token is over, and a refresh failed just now; none is tried before this moment.
    Postponed(UnixTime),
    /// The store failed; no refresh was sent.
    Store(StoreError),
    /// The runtime stopped in the middle. What the store holds is whole.
    Interrupted,
}

impl Client {
    /// An access token for `key` that works now, from `store`; refreshed, where its time has come, by one
    /// caller among all threads and processes.
    ///
    /// Dropping the future does not tear a refresh apart: it runs on to its end in the runtime, which
    /// therefore should not be shut down before.
    pub fn fresh_token(
        &self,
        store: Arc<dyn TokenStore>,
        key: &TokenKey,
        need: &TokenNeed,
    ) -> impl Future<Output = Result<FreshToken, SessionError>> + Send + 'static {
        let (client, key, need) = (self.clone(), key.clone(), need.clone());
        async move {
            let steps = tokio::spawn(async move { client.steps_of_a_refresh(store, key, need).await });
            steps.await.unwrap_or(Err(SessionError::Interrupted))
        }
    }

    async fn steps_of_a_refresh(
        &self,
        store: Arc<dyn TokenStore>,
        key: TokenKey,
        need: TokenNeed,
    ) -> Result<FreshToken, SessionError> {
        let (reader, reading) = (Arc::clone(&store), (key.clone(), need.clone()));
        if let Some(token) = blocking(move || stored_token(reader.as_ref(), &reading.0, &reading.1)).await? {
            return Ok(token);
        }
        // Before the lock is taken: what a slow server does to its metadata is nothing to wait in line for.
        let endpoint = self.shared.token_endpoint().await;
        let next = blocking(move || Ok(next_step(store.as_ref(), &key, &need, &UnixTime::now)?)).await?;
        let pending = match next {
            NextStep::Use(token) => return Ok(token),
            NextStep::Refresh(pending) => pending,
        };
        let answer = match endpoint {
            Ok(endpoint) => self.shared.refresh(endpoint, pending.refresh_token().clone()).await,
            Err(error) => Err(error),
        };
        let (answer, error) = match answer {
            Ok(answer) => (Ok(answer), None),
            Err(error) => (Err(error.to_protocol()), Some(error)),
        };
        let result = blocking(move || complete(pending, answer)).await;
        match (result, error) {
            // The store knows the kind of a failure; the transport said more.
            (Err(SessionError::Refresh(_)), Some(error)) => Err(SessionError::Refresh(error)),
            (result, _) => result,
        }
    }
}

async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, SessionError> + Send + 'static,
) -> Result<T, SessionError> {
    spawn_blocking(step).await.unwrap_or(Err(SessionError::Interrupted))
}

fn stored_token(
    store: &dyn TokenStore,
    key: &TokenKey,
    need: &TokenNeed,
) -> Result<Option<FreshToken>, SessionError> {
    let record = store.load(key).map_err(SessionError::Store)?;
    let record = record.ok_or(SessionError::LoginNeeded(LoginNeeded::NoRecord))?;
    Ok(use_without_lock(record, need, UnixTime::now())?)
}

fn complete(
    pending: PendingRefresh,
    answer: Result<oauth_protocol::AccessTokenResponse, oauth_protocol::Error>,
) -> Result<FreshToken, SessionError> {
    Ok(pending.complete(answer, UnixTime::now(), RefreshPoint::draw())?)
}

impl From<RefreshError> for SessionError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::LoginNeeded(reason) => Self::LoginNeeded(reason),
            RefreshError::Exchange(error) => Self::Refresh(error.into()),
            RefreshError::Postponed(moment) => Self::Postponed(moment),
            RefreshError::Store(error) => Self::Store(error),
            _ => Self::Interrupted,
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginNeeded(reason) => reason.fmt(formatter),
            Self::Refresh(error) => write!(
                formatter,
                "the token has expired and the refresh failed: {error}; the login is kept, try again later"
            ),
            Self::Postponed(moment) => RefreshError::Postponed(*moment).fmt(formatter),
            Self::Store(error) => error.fmt(formatter),
            Self::Interrupted => formatter.write_str("interrupted; the stored login is whole, try again"),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::LoginNeeded(reason) => Some(reason),
            Self::Refresh(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Postponed(_) | Self::Interrupted => None,
        }
    }
}
