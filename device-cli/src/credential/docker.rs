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
    let token = match token(profile, terminal) {
        Ok(token) => token,
        // The words by which Docker knows that it is to go on without.
        Err(failure) if failure.exit_code == ExitCode::LoginRequired => {
            terminal.result("credentials not found in native keychain")?;
            return Err(Failure { exit_code: ExitCode::General, ..failure });
        }
        Err(failure) => return Err(failure),
    };
    let credentials =
        Credentials { server_url, username: &arguments.username, secret: token.secret().expose() };
    // Strings: this cannot fail.
    Ok(terminal.result(&serde_json::to_string(&credentials).unwrap_or_default())?)
}
