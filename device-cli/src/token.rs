//! `token`: a token that works now, for scripts.

use std::path::Path;

use oauth_client::token_store::UnixTime;
use oauth_client::{Secret, ServerText};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::TokenArguments;
use crate::failure::Failure;
use crate::private_file;
use crate::terminal::Terminal;

/// The object of `token --json`.
#[derive(Serialize)]
struct TokenObject<'a> {
    v: u8,
    profile: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    /// With `--id-token`, whose end is its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    /// Of the access token, in seconds since 1970.
    expires_at: Option<u64>,
    scopes: Vec<String>,
}

pub(crate) fn run(
    arguments: &TokenArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let token = AccessToken::get(profile, Wanted::For(arguments.min_ttl), Asking::Allowed, terminal)?;
    let text = if arguments.json {
        Secret::from(as_json(&token, arguments.id_token)?.as_str())
    } else if arguments.id_token {
        token.id_token()?.clone()
    } else if arguments.header {
        let header = token.authorization_header()?;
        Secret::new(format!("Authorization: {}", header.expose()))
    } else {
        token.secret().clone()
    };
    match &arguments.output {
        Some(path) if path.as_os_str() != "-" => {
            write(path, &text)?;
            // A job that does it every hour has nobody to tell.
            if terminal.capabilities().live {
                terminal.say(&format!("Written to {}, which only you can read.", path.display()));
            }
            Ok(())
        }
        _ => Ok(terminal.result(text.expose())?),
    }
}

fn as_json(token: &AccessToken, wants_id_token: bool) -> Result<Zeroizing<String>, Failure> {
    let id_token = wants_id_token.then(|| token.id_token()).transpose()?;
    let record = &token.fresh.record;
    let object = TokenObject {
        v: 1,
        profile: &token.profile,
        access_token: id_token.is_none().then(|| token.secret().expose()),
        id_token: id_token.map(Secret::expose),
        expires_at: id_token.is_none().then(|| token.expires_at()).flatten().map(UnixTime::as_seconds),
        scopes: record.scopes.values().map(|scope| ServerText::from(scope).to_string()).collect(),
    };
    // Strings and numbers: this cannot fail.
    Ok(Zeroizing::new(serde_json::to_string(&object).unwrap_or_default()))
}

/// For programs that read a token from a file: whole at any time, and for its owner alone.
fn write(path: &Path, text: &Secret) -> Result<(), Failure> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
        // A slip of the pen makes no directories.
        return Err(Failure::usage(format!("there is no directory {}: make it first", directory.display())));
    }
    private_file::try_replace(path, text.expose()).map_err(|error| {
        Failure::storage(format!("cannot write {}: {error}; name another file", path.display()))
    })
}
