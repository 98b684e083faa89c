//! git's credential protocol (gitcredentials(7), git-credential(1)): attributes as lines `key=value`.

use std::fmt::Write as _;

use oauth_client::Secret;
use oauth_client::token_store::UnixTime;

use super::{replace_if_refused, standard_input, token};
use crate::arguments::{GitArguments, GitOperation};
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(super) fn run(
    arguments: &GitArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let input = standard_input()?;
    let attributes = Attributes::parse(&input);
    match arguments.operation {
        GitOperation::Get => get(&attributes, arguments, profile, terminal),
        // The login is kept by `login` alone; and what it does not know a helper ignores (gitcredentials(7)).
        GitOperation::Store | GitOperation::Other => Ok(()),
        GitOperation::Erase => match attributes.value("password").or(attributes.value("credential")) {
            Some(refused) => replace_if_refused(Secret::from(refused), profile, terminal),
            None => Ok(()),
        },
    }
}

fn get(
    attributes: &Attributes<'_>,
    arguments: &GitArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let (protocol, host) = (attributes.value("protocol"), attributes.value("host").unwrap_or_default());
    let token = token(profile, terminal)?;
    let url = format!("{}://{host}/", protocol.unwrap_or_default());
    if protocol != Some("https") && !token.settings.may_go_without_tls(&url) {
        return Err(Failure::usage(format!(
            "git asks for a token to send to {url}, without TLS: whoever is on the way would read it"
        )));
    }
    let mut answer = String::new();
    // Writing into a string cannot fail.
    let _ = if arguments.bearer && attributes.has("capability[]", "authtype") {
        write!(answer, "capability[]=authtype\nauthtype=Bearer\ncredential={}", token.secret().expose())
    } else {
        let username = attributes.value("username").unwrap_or(&arguments.username);
        write!(answer, "username={username}\npassword={}", token.secret().expose())
    };
    if let Some(expires_at) = token.expires_at().map(UnixTime::as_seconds) {
        let _ = write!(answer, "\npassword_expiry_utc={expires_at}");
    }
    Ok(terminal.result(&answer)?)
}

/// What git says of the credential.
struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    /// Up to the first blank line.
    fn parse(input: &'a str) -> Self {
        let lines = input.lines().take_while(|line| !line.is_empty());
        Self(lines.filter_map(|line| line.split_once('=')).collect())
    }

    /// The last one wins.
    fn value(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn has(&self, key: &str, value: &str) -> bool {
        self.0.contains(&(key, value))
    }
}
