//! `refresh`: a new token before its time.

use std::time::Duration;

use oauth_client::token_store::UnixTime;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::RefreshArguments;
use crate::failure::Failure;
use crate::login_status::in_words;
use crate::terminal::Terminal;

pub(crate) fn run(
    arguments: &RefreshArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let wanted = if arguments.force { Wanted::New } else { Wanted::For(Duration::ZERO) };
    let token = AccessToken::get(profile, wanted, Asking::Allowed, terminal)?;
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
