//! Why a session has no token, and why a login could not be kept.

use std::fmt;

use oauth_token_store::{LoginNeeded, RefreshError, StoreError, TokenRecord, UnixTime};

use crate::error::Error;

/// Why there is no fresh token.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// Only a person can help: sign in.
    LoginNeeded(LoginNeeded),
    /// No token serves and the refresh failed; the refresh token is kept.
    Refresh(Error),
    /// No token serves, and a refresh failed just now; none is tried before this moment.
    Postponed(UnixTime),
    /// The store failed; no refresh was sent.
    Store(StoreError),
    /// The runtime stopped in the middle. What the store holds is whole.
    Interrupted,
}

/// Tokens that were obtained and could not be stored. They are in [`LoginNotStored::record`], which
/// [`save_login`](crate::token_store::save_login) takes for another store.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoginNotStored {
    /// The login, with its tokens.
    pub record: Box<TokenRecord>,
    /// What the store said; `None`: the runtime stopped in the middle.
    pub error: Option<StoreError>,
}

/// Why a login did not end with stored tokens.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignInError {
    /// There is no token.
    Login(Error),
    /// There are tokens, and they are not stored.
    NotStored(LoginNotStored),
}

impl SessionError {
    /// Whether only a new login helps.
    pub const fn is_login_needed(&self) -> bool {
        matches!(self, Self::LoginNeeded(_))
    }
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

impl From<Error> for SignInError {
    fn from(error: Error) -> Self {
        Self::Login(error)
    }
}

impl From<LoginNotStored> for SignInError {
    fn from(error: LoginNotStored) -> Self {
        Self::NotStored(error)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginNeeded(reason) => reason.fmt(formatter),
            Self::Refresh(error) => {
                write!(formatter, "the refresh failed: {error}; the login is kept")
            }
            Self::Postponed(moment) => RefreshError::Postponed(*moment).fmt(formatter),
            Self::Store(error) => error.fmt(formatter),
            Self::Interrupted => formatter.write_str("interrupted; the stored login is whole, try again"),
        }
    }
}

impl fmt::Display for LoginNotStored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("signed in, but the tokens are not stored: ")?;
        match &self.error {
            Some(error) => error.fmt(formatter),
            None => formatter.write_str("interrupted; store them again"),
        }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(error) => error.fmt(formatter),
            Self::NotStored(error) => error.fmt(formatter),
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

impl std::error::Error for LoginNotStored {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.as_ref().map(|error| error as _)
    }
}

impl std::error::Error for SignInError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Login(error) => Some(error),
            Self::NotStored(error) => Some(error),
        }
    }
}
