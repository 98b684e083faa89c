//! `refresh`: a new token before its time.

use std::time::Duration;

use oauth_client::token_store::UnixTime;
use serde::Serialize;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::RefreshArguments;
use crate::failure::Failure;
use crate::login_status::in_words;
use crate::terminal::Terminal;

/// The object of `refresh --json`.
#[derive(Serialize)]
struct RefreshObject<'a> {
    v: u8,
    profile: &'a str,
    is_new: bool,
    /// Seconds since 1970.
    expires_at: Option<u64>,
}

pub(crate) fn run(
    arguments: &RefreshArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let wanted = if arguments.force { Wanted::New } else { Wanted::For(Duration::ZERO) };
    let token = AccessToken::get(profile, wanted, Asking::Allowed, terminal)?;
    if arguments.json {
        let object = RefreshObject {
            v: 1,
            profile: &token.profile,
            is_new: token.is_new,
            expires_at: token.expires_at().map(UnixTime::as_seconds),
        };
        // A string, a flag and numbers: this cannot fail.
        return Ok(terminal.result(&serde_json::to_string(&object).unwrap_or_default())?);
    }
    let left = match token.fresh.record.life_left(UnixTime::now()) {
        Some(left) => format!("valid for {}", in_words(left)),
        None => "valid until the server says otherwise".to_owned(),
    };
    terminal.say(&if token.is_new {
        format!("A new token, {left}.")
    } else {
        format!("The token that is there is {left}; --force gets a new one all the same.")
    });
    Ok(())
}
