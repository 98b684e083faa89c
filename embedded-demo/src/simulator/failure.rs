//! Why a run ended without its result: the cause, the next step, and the exit code that goes with them.

use std::fmt;
use std::io;
use std::path::Path;

use oauth_protocol::{Error, ErrorCode, InvalidResponse, ServerText, TransportFailure};

use crate::exit_code::ExitCode;

/// A failure as a person or a script meets it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit_code: ExitCode,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit_code: ExitCode, message: impl Into<String>) -> Self {
        Self { exit_code, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// `what` is what the path is for, with its flag: `the flash (--flash)`.
    pub(crate) fn file(what: &str, path: &Path, error: &io::Error) -> Self {
        let path = path.display();
        let message = format!("{what} {path} cannot be used: {error}; name another one, or make it writable");
        Self::new(ExitCode::FilesUnavailable, message)
    }

    /// Standard output is gone or full.
    pub(crate) fn output(error: &io::Error) -> Self {
        Self::new(ExitCode::General, format!("standard output cannot be written: {error}"))
    }

    /// An exchange with `place` has failed; `detail` is what the network knows beyond that.
    pub(crate) fn exchange(place: &str, error: &Error, detail: Option<&str>) -> Self {
        let (exit_code, next) = match error {
            Error::Refused(refusal) => match refusal.error {
                ErrorCode::AccessDenied => (ExitCode::Denied, "start again, and approve it this time"),
                ErrorCode::ExpiredToken => (ExitCode::Expired, "start again, and be quicker"),
                _ => (
                    ExitCode::Refused,
                    "see whether --client-id and --scope are what the server knows this client by",
                ),
            },
            Error::Expired | Error::RetryAfterExpiry { .. } => {
                (ExitCode::Expired, "start again, and be quicker")
            }
            Error::Transport(TransportFailure::Tls) => (
                ExitCode::ServerUnreachable,
                "--ca-file names the authority of a certificate that this machine does not know",
            ),
            Error::Transport(_) | Error::Unavailable(_) => (
                ExitCode::ServerUnreachable,
                "see whether the address is right and the server runs: `mock-server` starts one",
            ),
            Error::InvalidResponse(InvalidResponse::NoDeviceAuthorizationEndpoint) => (
                ExitCode::Refused,
                "name it with --device-endpoint, or ask the provider whether it has the device flow",
            ),
            Error::InvalidResponse(InvalidResponse::OtherIssuer) => {
                (ExitCode::Refused, "give --issuer exactly as the metadata has it, slash and all")
            }
            _ => (ExitCode::Refused, "see whether the address is an authorization server's"),
        };
        let detail = detail.map(|detail| format!(" ({})", ServerText::from(detail))).unwrap_or_default();
        Self::new(exit_code, format!("{place}: {error}{detail}; {next}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
