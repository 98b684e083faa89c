//! What the process's exit status says: the numbers of device-cli, where it has them.

use std::process;

/// How a run ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    General = 1,
    Usage = 2,
    ServerUnreachable = 3,
    Denied = 5,
    Expired = 6,
    FilesUnavailable = 7,
    Refused = 9,
    #[cfg(unix)]
    Interrupted = 130,
    #[cfg(unix)]
    Terminated = 143,
}

/// For the end of `--help`.
pub(crate) const MEANINGS: &str = "\
Exit codes:
    0  signed in, and the call was answered; a scenario: all that it promises was seen
    1  something else went wrong; a scenario: it broke a promise
    2  the command line is wrong
    3  the server cannot be reached, or is unavailable
    5  the person denied the login
    6  the code expired
    7  a file or folder cannot be used
    9  the server or the resource refused, or its answer is invalid
  130  ended by Ctrl-C
  143  ended by SIGTERM";

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
