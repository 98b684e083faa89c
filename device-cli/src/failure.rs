//! Why a command ended without its result: a sentence, and the exit code that goes with it.

use std::borrow::Cow;
use std::fmt;
use std::io;

use oauth_client::token_store::{StoreError, StoreProblem};
use oauth_client::{ConfigurationError, Error, ErrorCode, InvalidClient, LookedIn, Obstacle, ServerText};

use crate::exit_code::ExitCode;

/// A failure as a person or a script meets it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The OAuth error code, or one of ours in the same spelling.
    pub(crate) error: Cow<'static, str>,
    /// The cause and the next step.
    pub(crate) message: String,
    pub(crate) exit_code: ExitCode,
}

impl Failure {
    pub(crate) fn new(exit_code: ExitCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { error: Cow::Borrowed(error), message: message.into(), exit_code }
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Refused, "invalid_configuration", message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, "usage", message)
    }

    pub(crate) fn storage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::StorageUnavailable, "storage_unavailable", message)
    }

    pub(crate) fn login_required(profile: &str) -> Self {
        let again = login_command(profile);
        Self::new(ExitCode::LoginRequired, "login_required", format!("nobody is signed in: run {again}"))
    }

    pub(crate) fn login_ended(profile: &str) -> Self {
        let again = login_command(profile);
        Self::new(ExitCode::LoginRequired, "login_required", format!("the login has ended: run {again}"))
    }

    pub(crate) fn expired() -> Self {
        Self::new(
            ExitCode::Expired,
            "expired_token",
            "the code expired before it was approved: sign in again; --renew N gets new codes by itself",
        )
    }

    /// The system does not let the process listen to signals.
    pub(crate) fn no_signals(error: &io::Error) -> Self {
        Self::new(ExitCode::General, "system", format!("the system refuses what is needed: {error}"))
    }

    /// Whether it is no fault: `device-cli help | head` has what it wanted.
    pub(crate) fn goes_without_saying(&self) -> bool {
        self.exit_code == ExitCode::ReaderGone
    }

    pub(crate) fn interrupted(exit_code: ExitCode) -> Self {
        Self::new(exit_code, "cancelled", "Cancelled. Nothing was stored.")
    }
}

/// What to type to sign in again.
pub(crate) fn login_command(profile: &str) -> String {
    match profile {
        "default" => "device-cli login".into(),
        profile => format!("device-cli login --profile {profile}"),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit_code {
            ExitCode::Interrupted | ExitCode::Terminated => formatter.write_str(&self.message),
            _ => write!(formatter, "error: {}", self.message),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit_code, code) = match &error {
            Error::Refused(response) => {
                return Self {
                    error: Cow::Owned(ServerText::from(response.error.as_str()).to_string()),
                    message: refusal_in_words(&response.error, &error),
                    exit_code: exit_code_of(&response.error),
                };
            }
            Error::Expired | Error::RetryAfterExpiry { .. } => (ExitCode::Expired, "expired_token"),
            Error::Transport(_) | Error::Unavailable(_) => {
                (ExitCode::ServerUnreachable, "server_unreachable")
            }
            Error::InvalidResponse(_) | Error::Redirected(_) | Error::AuthorizationResponse(_) => {
                (ExitCode::Refused, "invalid_response")
            }
            _ => (ExitCode::Refused, "invalid_configuration"),
        };
        Self::new(exit_code, code, with_next_step(&error))
    }
}

fn exit_code_of(error: &ErrorCode) -> ExitCode {
    match error {
        ErrorCode::AccessDenied => ExitCode::Denied,
        ErrorCode::ExpiredToken => ExitCode::Expired,
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => ExitCode::ServerUnreachable,
        _ => ExitCode::Refused,
    }
}

fn refusal_in_words(code: &ErrorCode, error: &Error) -> String {
    match code {
        ErrorCode::AccessDenied => "the login was denied; nothing was stored".into(),
        ErrorCode::ExpiredToken => {
            "the code expired before it was approved: sign in again; --renew N gets new codes by itself"
                .into()
        }
        ErrorCode::InvalidClient => format!("{error} (--client-id, --client-secret-file)"),
        ErrorCode::InvalidScope => format!("{error} (--scope)"),
        ErrorCode::InvalidRequest | ErrorCode::UnsupportedTokenType | ErrorCode::Other(_) => {
            format!("{error}; its documentation or its operator says what that means")
        }
        _ => error.to_string(),
    }
}

/// The SDK says what to do in its own words; here the same things are flags and variables.
fn with_next_step(error: &Error) -> String {
    match error {
        Error::Transport(transport) => match transport.obstacle() {
            Some(Obstacle::UnknownAuthority | Obstacle::NoRootCertificates) => {
                format!("{error}: --ca-file FILE, or DEVICE_CLI_CA_FILE")
            }
            Some(Obstacle::ProxyCredentials) => {
                format!("{error}: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT")
            }
            Some(Obstacle::ProxyRefused) => format!("{error}: NO_PROXY=HOST"),
            _ => format!("{error}; device-cli doctor tells more"),
        },
        Error::NoEndpoint { looked_in: LookedIn::NoMetadata, .. } => {
            format!("{error} (--device-endpoint and --token-endpoint)")
        }
        Error::NoEndpoint { endpoint: "device_authorization_endpoint", .. } => {
            format!("{error} (--device-endpoint), or the server has no device login")
        }
        Error::NoEndpoint { endpoint: "token_endpoint", .. } => format!("{error} (--token-endpoint)"),
        Error::InvalidClient(InvalidClient::NotConfidential) => {
            format!("{error}: set DEVICE_CLI_CLIENT_SECRET, or sign in with --client-secret-file FILE")
        }
        Error::Configuration(ConfigurationError::NoCertificates) => format!("{error} (--ca-file)"),
        _ => error.to_string().replace("dangerously_allow_http", "--dangerously-allow-http HOST"),
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error.problem() {
            // What is there will never be read again: that is no matter of the store.
            StoreProblem::KeyGone => Self::new(ExitCode::LoginRequired, "login_required", error.to_string()),
            StoreProblem::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
                ) =>
            {
                Self::storage(format!("{error}: XDG_STATE_HOME=DIRECTORY"))
            }
            _ => Self::storage(error.to_string()),
        }
    }
}

/// Only writing results comes here.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let (exit_code, message) = match error.kind() {
            io::ErrorKind::BrokenPipe => {
                (ExitCode::ReaderGone, "nobody reads standard output any more".to_owned())
            }
            _ => (
                ExitCode::General,
                format!("cannot write to standard output: {error}; send it to where there is room for it"),
            ),
        };
        Self::new(exit_code, "output", message)
    }
}
