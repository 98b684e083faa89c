//! Cargo's credential providers, over the crate that Cargo's own are made with.

use std::cell::RefCell;
use std::ffi::OsString;

use cargo_credential::{Action, CacheControl, Credential, CredentialResponse, Error, RegistryInfo};
use oauth_client::token_store::UnixTime;
use time::OffsetDateTime;

use super::token;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// What Cargo adds to the program's name, and nothing else: further words of its configuration come in the request.
const PLUGIN: &str = "--cargo-plugin";

struct Provider<'a> {
    profile: Option<&'a str>,
    terminal: RefCell<&'a mut Terminal>,
}

pub(crate) fn is_cargo_plugin(arguments: &[OsString]) -> bool {
    matches!(arguments, [_, only] if only == PLUGIN)
}

/// Answers Cargo until it has no further question.
pub(crate) fn serve(profile: Option<&str>, terminal: &mut Terminal) {
    cargo_credential::main(Provider { profile, terminal: RefCell::new(terminal) });
}

impl Credential for Provider<'_> {
    fn perform(
        &self,
        registry: &RegistryInfo<'_>,
        action: &Action<'_>,
        arguments: &[&str],
    ) -> Result<CredentialResponse, Error> {
        if !matches!(action, Action::Get(_)) {
            return Err(Error::OperationNotSupported);
        }
        let profile = match profile_in(arguments) {
            Ok(profile) => profile.or(self.profile),
            Err(failure) => return Err(other(&failure)),
        };
        let mut terminal = self.terminal.borrow_mut();
        let token = match token(profile, &mut terminal) {
            Ok(token) => token,
            Err(failure) if failure.exit_code == ExitCode::LoginRequired => {
                // Cargo says "not found" in its own words; ours name the next step.
                terminal.failure(&failure);
                return Err(Error::NotFound);
            }
            Err(failure) => return Err(other(&failure)),
        };
        let url = registry.index_url.trim_start_matches("sparse+");
        if !url.starts_with("https://") && !token.settings.may_go_without_tls(url) {
            return Err(other(&Failure::usage(format!(
                "{url} has no TLS, and whoever is on the way would read the token"
            ))));
        }
        Ok(CredentialResponse::Get {
            token: token.secret().expose().to_owned().into(),
            cache: expiration(token.expires_at()),
            operation_independent: true,
        })
    }
}

/// `credential-provider = ["device-cli", "--profile", "work"]`.
fn profile_in<'a>(arguments: &[&'a str]) -> Result<Option<&'a str>, Failure> {
    match arguments {
        [] => Ok(None),
        ["--profile", profile] => Ok(Some(profile)),
        _ => Err(Failure::usage("as a credential provider device-cli knows --profile NAME alone")),
    }
}

fn expiration(expires_at: Option<UnixTime>) -> CacheControl {
    let seconds = expires_at.and_then(|moment| i64::try_from(moment.as_seconds()).ok());
    let expiration = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    expiration.map_or(CacheControl::Session, |expiration| CacheControl::Expires { expiration })
}

fn other(failure: &Failure) -> Error {
    Error::from(failure.message.clone())
}
