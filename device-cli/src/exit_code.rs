//! What the process's exit status says.

use std::process;

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// Done.
    Ok = 0,
    /// Something else went wrong.
    General = 1,
    /// The server cannot be reached.
    ServerUnreachable = 3,
    /// The person said no.
    Denied = 5,
    /// The code expired, or `--timeout` passed.
    Expired = 6,
    /// The server refuses, or the configuration cannot work.
    Refused = 9,
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
