//! Why a command ended without its result: a sentence, and the exit code that goes with it.

use std::fmt;
use std::io;

use oauth_client::{Error, ErrorCode};

use crate::exit_code::ExitCode;

/// A failure as a person or a script meets it. The message is safe to print.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) exit_code: ExitCode,
}

impl Failure {
    pub(crate) fn new(exit_code: ExitCode, message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit_code = match &error {
            Error::Refused(response) if response.error == ErrorCode::AccessDenied => ExitCode::Denied,
            Error::Expired | Error::RetryAfterExpiry { .. } => ExitCode::Expired,
            Error::Transport(_) | Error::Unavailable(_) => ExitCode::ServerUnreachable,
            _ => ExitCode::Refused,
        };
        Self::new(exit_code, error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(ExitCode::General, error.to_string())
    }
}
