//! `logout`: erases here first, then tells the server, and reports each half.

use oauth_client::token_store::{TokenRecord, UnixTime, log_out};
use oauth_client::{Error, TokenTypeHint};

use crate::arguments::LogoutArguments;
use crate::configuration::Configuration;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::login_status::in_words;
use crate::settings::Settings;
use crate::storage::{RememberedLogin, StoreKind, unpark};
use crate::terminal::Terminal;

pub(crate) async fn run(
    arguments: &LogoutArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let profile = Configuration::read()?.profile_name(profile)?;
    unpark(&profile)?;
    let Some(remembered) = RememberedLogin::read(&profile)? else {
        terminal.say("Nobody is signed in.");
        return Ok(());
    };
    let store = StoreKind::of(&remembered.settings)?.open()?;
    let erased = log_out(&*store, &remembered.settings.token_key(&profile))?;
    // The settings stay, so that the next login needs no flags; who it was is nobody's business any more.
    let settings = remembered.settings;
    RememberedLogin::new(settings.clone(), None).write(&profile)?;
    let Some(record) = erased else {
        terminal.say("Nobody is signed in; nothing readable was stored here.");
        return Ok(());
    };
    terminal.say("Erased here: the tokens are gone from this machine.");
    let left = record.life_left(UnixTime::now());
    if arguments.local {
        terminal.say("Not revoked, as asked: at the server they stay valid.");
        return Ok(());
    }
    match revoke(&settings, &record).await {
        Ok(()) => {
            terminal.say("Revoked at the server.");
            Ok(())
        }
        Err(Half::NotOffered) => {
            let left = left.map_or_else(String::new, |left| format!(" for up to {}", in_words(left)));
            terminal.say(&format!(
                "Not revoked: the server offers no revocation. Whoever has a copy of the access token can use it{left}."
            ));
            Ok(())
        }
        Err(Half::Failed(failure)) => Err(Failure::new(
            ExitCode::General,
            "revocation_failed",
            format!("erased here, but not revoked at the server: {}", failure.message),
        )),
    }
}

/// What became of the server's half.
enum Half {
    NotOffered,
    Failed(Failure),
}

/// The refresh token, with which the server ends the whole grant (RFC 7009 §2.1); else the access token.
async fn revoke(settings: &Settings, record: &TokenRecord) -> Result<(), Half> {
    let client = settings.client().map_err(Half::Failed)?;
    let (token, hint) = match &record.refresh_token {
        Some(refresh_token) => (refresh_token, TokenTypeHint::RefreshToken),
        None => (&record.access_token, TokenTypeHint::AccessToken),
    };
    client.revoke(token, hint).await.map_err(|error| match error {
        Error::NoEndpoint { .. } => Half::NotOffered,
        error => Half::Failed(error.into()),
    })
}
