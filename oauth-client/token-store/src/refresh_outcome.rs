//! What a refresh leads to: a token, a warning with it, or the reason why there is none.

use std::fmt;

use oauth_protocol::Error;

use crate::{StoreError, StoreProblem, TokenRecord, UnixTime};

/// A token that can be used now.
#[derive(Debug)]
#[non_exhaustive]
pub struct FreshToken {
    /// The record that it is in.
    pub record: TokenRecord,
    /// What the caller should know.
    pub warning: Option<Warning>,
}

/// What is not right about a token that can nevertheless be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Warning {
    /// Its life is shorter than asked for, and a refresh does not make it longer.
    ShorterThanAsked,
    /// The refresh failed; the token serves until it expires.
    RefreshFailed(Error),
    /// A refresh failed just now, here or in another process; none is tried before this moment.
    RefreshPostponed(UnixTime),
    /// The store could not be prepared for a refresh, so none was sent; the token serves until it expires.
    NotRefreshed(StoreError),
    /// It was refreshed but could not be stored. Unless the error is [`StoreProblem::Rescued`], these tokens are the
    /// only ones left, and they are here.
    NotStored(StoreError),
}

/// Why there is no token.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshError {
    /// Only a person can help.
    LoginNeeded(LoginNeeded),
    /// No token serves and the refresh failed; the refresh token is kept.
    Exchange(Error),
    /// No token serves, and a refresh failed just now; none is tried before this moment.
    Postponed(UnixTime),
    /// The store failed. No refresh was sent.
    Store(StoreError),
}

/// Why a login is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginNeeded {
    /// Nobody is signed in, or somebody has signed out meanwhile.
    NoRecord,
    /// The access token is over, and the server gave no refresh token with it.
    NoRefreshToken,
    /// The server refused the refresh token (`invalid_grant`).
    Refused,
    /// The tokens are sealed with a key that was kept until the reboot, and is gone.
    KeyGone,
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        match error.problem() {
            StoreProblem::KeyGone => Self::LoginNeeded(LoginNeeded::KeyGone),
            _ => Self::Store(error),
        }
    }
}

impl From<LoginNeeded> for RefreshError {
    fn from(reason: LoginNeeded) -> Self {
        Self::LoginNeeded(reason)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShorterThanAsked => formatter
                .write_str("the token's life is shorter than asked for, and the server gives no longer one"),
            Self::RefreshFailed(error) => {
                write!(formatter, "the refresh failed, the token serves until it expires: {error}")
            }
            Self::RefreshPostponed(_) => formatter.write_str(
                "a refresh failed a moment ago and is tried again later; the token serves until it expires",
            ),
            Self::NotRefreshed(error) => {
                write!(formatter, "the token was not refreshed and serves until it expires: {error}")
            }
            Self::NotStored(error) => {
                write!(formatter, "the token was refreshed but is not stored: {error}")
            }
        }
    }
}

impl fmt::Display for LoginNeeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoRecord => "nobody is signed in: sign in first",
            Self::NoRefreshToken => {
                "a new access token is needed, and the server gave no refresh token: sign in again"
            }
            Self::KeyGone => {
                "the key of the stored tokens was kept until the reboot and is gone: sign in again"
            }
            Self::Refused => "the server no longer accepts the refresh token: sign in again",
        })
    }
}

impl fmt::Display for RefreshError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginNeeded(reason) => reason.fmt(formatter),
            Self::Exchange(error) => {
                write!(formatter, "the refresh failed: {error}; the login is kept, try again later")
            }
            Self::Postponed(moment) => write!(
                formatter,
                "a refresh failed a moment ago; the login is kept, try again after {} (Unix time)",
                moment.as_seconds()
            ),
            Self::Store(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for LoginNeeded {}

impl std::error::Error for RefreshError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::LoginNeeded(reason) => Some(reason),
            Self::Exchange(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Postponed(_) => None,
        }
    }
}
