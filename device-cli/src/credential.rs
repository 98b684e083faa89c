//! `credential`: the token for other programs, each in its own protocol.
//!
//! Nobody is asked anything: a program waits for the answer, and where a login is needed it is told so.

mod cargo;
mod docker;
mod git;
mod kubectl;

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;

use oauth_client::Secret;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::CredentialCommand;
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(crate) use cargo::is_cargo_plugin;
pub(crate) use cargo::serve as serve_cargo;

/// The name before which a profile's may stand: `docker-credential-device-cli-work`.
const DOCKER_HELPER: &str = "docker-credential-device-cli";
/// Longer input than any of the protocols has.
const MAX_INPUT_BYTES: u64 = 64 * 1024;

pub(crate) fn run(
    command: &CredentialCommand,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    match command {
        CredentialCommand::Git(arguments) => git::run(arguments, profile, terminal),
        CredentialCommand::Kubectl(arguments) => kubectl::run(arguments, profile, terminal),
        CredentialCommand::Docker(arguments) => docker::run(arguments, profile, terminal),
        CredentialCommand::Cargo(_) => {
            cargo::serve(profile, terminal);
            Ok(())
        }
    }
}

/// Docker finds its helpers by name: under that name, a link to this program, the arguments are Docker's.
pub(crate) fn arguments_for_docker(words: &[OsString]) -> Option<Vec<OsString>> {
    let (own_name, rest) = words.split_first()?;
    let name = Path::new(own_name).file_stem()?.to_str()?.strip_prefix(DOCKER_HELPER)?;
    let mut arguments: Vec<OsString> = vec!["device-cli".into()];
    match name.strip_prefix('-') {
        Some(profile) => arguments.extend(["--profile".into(), profile.into()]),
        None if name.is_empty() => {}
        None => return None,
    }
    arguments.extend(["credential".into(), "docker".into()]);
    arguments.extend_from_slice(rest);
    Some(arguments)
}

fn token(profile: Option<&str>, terminal: &mut Terminal) -> Result<AccessToken, Failure> {
    AccessToken::get(profile, Wanted::For(std::time::Duration::ZERO), Asking::Forbidden, terminal)
}

/// A program says that `refused` does not work: the login stays, and the next token is another one.
fn replace_if_refused(
    refused: Secret,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    AccessToken::get(profile, Wanted::OtherThan(refused), Asking::Forbidden, terminal).map(drop)
}

fn standard_input() -> Result<String, Failure> {
    let mut input = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_INPUT_BYTES)
        .read_to_string(&mut input)
        .map_err(|error| Failure::usage(format!("the request on standard input cannot be read: {error}")))?;
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::arguments_for_docker;

    #[test]
    fn under_dockers_name_for_it_the_arguments_are_dockers() {
        let of = |name: &str| {
            let words = arguments_for_docker(&[name.into(), "get".into()])?;
            Some(words.join(" ".as_ref()).into_string().unwrap())
        };
        assert_eq!(of("/usr/bin/docker-credential-device-cli").unwrap(), "device-cli credential docker get");
        assert_eq!(
            of("docker-credential-device-cli-work").unwrap(),
            "device-cli --profile work credential docker get"
        );
        assert_eq!(of("/usr/bin/device-cli"), None);
        assert_eq!(of("docker-credential-device-clients"), None);
    }
}
