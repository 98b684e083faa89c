//! Docker's credential helpers (docker/docker-credential-helpers): a server's URL in, JSON out.

use serde::Serialize;

use super::{standard_input, token};
use crate::arguments::{DockerArguments, DockerOperation};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

pub(super) fn run(
    arguments: &DockerArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    match arguments.operation {
        DockerOperation::Get => get(arguments, profile, terminal),
        DockerOperation::List => Ok(terminal.result("{}")?),
        DockerOperation::Store => Err(Failure::usage(
            "device-cli keeps what device-cli login brings, and nothing else: no docker login is needed",
        )),
        // `docker logout`; the login is ended by `device-cli logout` alone.
        DockerOperation::Erase => Ok(()),
    }
}

fn get(arguments: &DockerArguments, profile: Option<&str>, terminal: &mut Terminal) -> Result<(), Failure> {
    let input = standard_input()?;
    let server_url = input.trim();
    if server_url.is_empty() {
        // Docker's words for it.
        terminal.result("no credentials server URL")?;
        return Err(Failure::usage("no registry came on standard input, where Docker names it"));
    }
    let token = match token(profile, terminal) {
        Ok(token) => token,
        // The words by which Docker knows that it is to go on without.
        Err(failure) if failure.exit_code == ExitCode::LoginRequired => {
            terminal.result("credentials not found in native keychain")?;
            return Err(Failure { exit_code: ExitCode::General, ..failure });
        }
        Err(failure) => return Err(failure),
    };
    if !has_tls(server_url) && !token.settings.may_go_without_tls(server_url) {
        return Err(Failure::usage(format!(
            "Docker asks for a token to send to {server_url}, without TLS: whoever is on the way would read it"
        )));
    }
    let credentials =
        Credentials { server_url, username: &arguments.username, secret: token.secret().expose() };
    // Strings: this cannot fail.
    Ok(terminal.result(&serde_json::to_string(&credentials).unwrap_or_default())?)
}

/// Docker names a registry without a scheme where it means https.
fn has_tls(server_url: &str) -> bool {
    server_url.split_once("://").is_none_or(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}
