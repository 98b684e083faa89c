//! What a person sees of a login.

use core::fmt;
use core::time::Duration;

use oauth_protocol::{AccessTokenResponse, Error, RetryCause};

/// One picture on the screen. Nothing in it is a secret; `Display` writes it as short lines of text.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum View<'a> {
    /// The server is asked for a code.
    Connecting {
        /// Why it is asked again.
        retrying: Option<&'a RetryCause>,
    },
    /// The code and where to type it, for as long as the login goes on (RFC 8628 §3.3).
    Code {
        /// What the person types, exactly as it is here.
        user_code: &'a str,
        /// Where.
        verification_uri: &'a str,
        /// The same with the code inside, for a QR code beside the text.
        verification_uri_complete: Option<&'a str>,
        /// How long the code is valid.
        time_left: Duration,
        /// What the device is doing.
        status: Status<'a>,
    },
    /// The access token is over, or the device was off: another one is asked for.
    Refreshing {
        /// Why it is asked for again.
        problem: Option<&'a Error>,
    },
    /// What should outlive the power does not: it is signed in, or waits, until the power fails.
    NotStored {
        /// What the storage says.
        cause: &'a str,
    },
    /// Signed in.
    Done {
        /// The life of the access token, where the server named it.
        expires_in: Option<Duration>,
    },
    /// The login is over without a token.
    Failed(&'a Error),
}

/// What the device does while the person has the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status<'a> {
    /// It waits for the person.
    Waiting,
    /// It waits, and asks less often from now on, since the server wants it so.
    Slow {
        /// The time between two questions.
        interval: Duration,
    },
    /// Something failed; it tries again, and the code stays valid.
    Retrying {
        /// What failed.
        cause: &'a RetryCause,
        /// So many failures in a row may well be a hotel's or an airport's login page.
        captive_portal_suspected: bool,
    },
}

impl<'a> View<'a> {
    pub(crate) fn of_result(result: &'a Result<alloc::boxed::Box<AccessTokenResponse>, Error>) -> Self {
        match result {
            Ok(token) => Self::Done { expires_in: token.expires_in },
            Err(error) => Self::Failed(error),
        }
    }
}

impl fmt::Display for View<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { retrying: None } => formatter.write_str("connecting"),
            Self::Connecting { retrying: Some(cause) } => {
                write!(formatter, "connecting again: {}", Cause(cause))
            }
            Self::Code { user_code, verification_uri, verification_uri_complete, time_left, status } => {
                writeln!(formatter, "visit {verification_uri}")?;
                if let Some(complete) = verification_uri_complete {
                    writeln!(formatter, "   or {complete}")?;
                }
                writeln!(formatter, "code  {user_code}")?;
                let seconds = time_left.as_secs();
                write!(formatter, "{status}, {}:{:02} left", seconds / 60, seconds % 60)
            }
            Self::Refreshing { problem: None } => formatter.write_str("getting a new token"),
            Self::Refreshing { problem: Some(error) } => write!(formatter, "trying again: {error}"),
            Self::NotStored { cause } => write!(formatter, "not stored: {cause}"),
            Self::Done { expires_in: Some(life) } => {
                write!(formatter, "signed in, the token is valid for {} s", life.as_secs())
            }
            Self::Done { expires_in: None } => formatter.write_str("signed in"),
            Self::Failed(error) => write!(formatter, "not signed in: {error}"),
        }
    }
}

impl fmt::Display for Status<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => formatter.write_str("waiting"),
            Self::Slow { interval } => {
                write!(formatter, "waiting, asking every {} s", interval.as_secs())
            }
            Self::Retrying { cause, captive_portal_suspected } => {
                write!(formatter, "{}, trying again", Cause(cause))?;
                if *captive_portal_suspected {
                    formatter.write_str(" (does this network want a login of its own?)")?;
                }
                Ok(())
            }
        }
    }
}

/// A failure in a few words.
struct Cause<'a>(&'a RetryCause);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RetryCause::Transport(failure) => failure.fmt(formatter),
            RetryCause::Unavailable { status } => write!(formatter, "the server is busy (HTTP {status})"),
            RetryCause::NoOAuthAnswer => formatter.write_str("another page in the server's place"),
            RetryCause::Redirected(_) => formatter.write_str("the network leads elsewhere"),
            _ => formatter.write_str("a failure"),
        }
    }
}
