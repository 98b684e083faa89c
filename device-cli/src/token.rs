//! `token`: a token that works now, for scripts.

use std::path::Path;

use oauth_client::Secret;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::TokenArguments;
use crate::failure::Failure;
use crate::private_file;
use crate::terminal::Terminal;

pub(crate) fn run(
    arguments: &TokenArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let token = AccessToken::get(profile, Wanted::For(arguments.min_ttl), Asking::Allowed, terminal)?;
    let text = if arguments.id_token {
        token.id_token()?.clone()
    } else if arguments.header {
        let header = token.authorization_header()?;
        Secret::new(format!("Authorization: {}", header.expose()))
    } else {
        token.secret().clone()
    };
    match &arguments.output {
        Some(path) => write(path, &text),
        None => Ok(terminal.result(text.expose())?),
    }
}

/// For programs that read a token from a file: whole at any time, and for its owner alone.
fn write(path: &Path, text: &Secret) -> Result<(), Failure> {
    private_file::try_replace(path, text.expose())
        .map_err(|error| Failure::storage(format!("cannot write {}: {error}", path.display())))
}
