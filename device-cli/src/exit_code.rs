//! What the process's exit status says.

use std::process;

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    Ok = 0,
    General = 1,
    Usage = 2,
    ServerUnreachable = 3,
    LoginRequired = 4,
    Denied = 5,
    Expired = 6,
    StorageUnavailable = 7,
    Pending = 8,
    Refused = 9,
    RunFailed = 125,
    CommandNotStarted = 126,
    CommandNotFound = 127,
    Interrupted = 130,
    /// As if SIGPIPE had ended it, which is ignored here.
    ReaderGone = 141,
    Terminated = 143,
}

impl ExitCode {
    pub(crate) const ALL: [Self; 16] = [
        Self::Ok,
        Self::General,
        Self::Usage,
        Self::ServerUnreachable,
        Self::LoginRequired,
        Self::Denied,
        Self::Expired,
        Self::StorageUnavailable,
        Self::Pending,
        Self::Refused,
        Self::RunFailed,
        Self::CommandNotStarted,
        Self::CommandNotFound,
        Self::Interrupted,
        Self::ReaderGone,
        Self::Terminated,
    ];

    /// One line of `help exit-codes`.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::General => {
                "something else went wrong; of a logout: one half of it; doctor: something is broken"
            }
            Self::Usage => "the command line is wrong",
            Self::ServerUnreachable => "the server cannot be reached, or is unavailable",
            Self::LoginRequired => "nobody is signed in, or the login has ended: run device-cli login",
            Self::Denied => "the person denied the login",
            Self::Expired => "the code expired, or --timeout passed",
            Self::StorageUnavailable => "tokens cannot be kept or read",
            Self::Pending => "login --resume: the person has not decided yet",
            Self::Refused => "the server refused, its answer is invalid, or the configuration cannot work",
            Self::RunFailed => "run: there is no token for the command; else run ends as the command does",
            Self::CommandNotStarted => "run: the command is there and cannot be started",
            Self::CommandNotFound => "run: there is no such command",
            Self::Interrupted => "ended by Ctrl-C",
            Self::ReaderGone => "whoever read standard output has stopped reading, as head does",
            Self::Terminated => "ended by SIGTERM",
        }
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
