//! `token`: an access token that works now, for scripts.

use std::sync::Arc;
use std::time::Duration;

use oauth_client::token_store::{
    FreshToken, LoginNeeded, RefreshError, TokenKey, TokenNeed, TokenStore, UnixTime, use_without_lock,
};
use oauth_client::{Session, SessionError};

use crate::arguments::TokenArguments;
use crate::configuration::Configuration;
use crate::exit_code::ExitCode;
use crate::failure::{Failure, login_command};
use crate::interruption::Interruption;
use crate::on_a_runtime;
use crate::remembered_login::RememberedLogin;
use crate::settings::Settings;
use crate::stores::OpenStore;
use crate::terminal::Terminal;

pub(crate) fn run(
    arguments: &TokenArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let profile = Configuration::read()?.profile_name(profile)?;
    let Some(remembered) = RememberedLogin::read(&profile)? else {
        return Err(Failure::login_required(&profile));
    };
    let OpenStore { store, .. } = remembered.open(&profile, terminal)?;
    let key = remembered.key(&profile);
    let settings = remembered.settings;
    let need = TokenNeed::new().with_min_ttl(arguments.min_ttl);
    let Some(record) = store.load(&key)? else { return Err(Failure::login_required(&profile)) };
    // A fresh token costs one file: no runtime, no HTTP, no lock.
    let in_words = |error: RefreshError| failure(SessionError::from(error), &profile);
    let fresh = match use_without_lock(record, &need, UnixTime::now()).map_err(in_words)? {
        Some(fresh) => fresh,
        None => on_a_runtime(refresh(&settings, store, &key, arguments.min_ttl, &profile, terminal))?,
    };
    if let Some(warning) = &fresh.warning {
        terminal.say(&format!("warning: {warning}"));
    }
    // The SDK takes no token that is not printable (RFC 6749 §A.12).
    let access_token = &fresh.record.access_token;
    if arguments.header {
        let header = settings.client()?.authorization_header(access_token);
        terminal.result(&format!("Authorization: {}", header.expose()))?;
    } else {
        terminal.result(access_token.expose())?;
    }
    Ok(())
}

/// Between sending a refresh and storing its answer no signal ends it, for a refresh token that was sent
/// may be spent; a second signal does.
async fn refresh(
    settings: &Settings,
    store: Arc<dyn TokenStore>,
    key: &TokenKey,
    min_ttl: Duration,
    profile: &str,
    terminal: &mut Terminal,
) -> Result<FreshToken, Failure> {
    let session = Session::open_key(settings.client()?, store, key.clone());
    let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
    let mut refresh = std::pin::pin!(session.access_token_for(min_ttl));
    let mut interrupted = None;
    let result = loop {
        tokio::select! {
            result = &mut refresh => break result,
            code = interruption.next(), if interrupted.is_none() => {
                interrupted = Some(code);
                terminal.say("The refresh is finished first; once more ends it at once.");
            }
        }
    };
    match interrupted {
        Some(code) => Err(Failure::new(code, "cancelled", "Cancelled. The login is kept.")),
        None => result.map_err(|error| failure(error, profile)),
    }
}

fn failure(error: SessionError, profile: &str) -> Failure {
    let message = error.to_string();
    match error {
        SessionError::LoginNeeded(LoginNeeded::NoRecord) => Failure::login_required(profile),
        SessionError::LoginNeeded(_) => {
            let again = login_command(profile);
            Failure::new(ExitCode::LoginRequired, "login_required", format!("{message}: {again}"))
        }
        SessionError::Refresh(error) => Failure { message, ..Failure::from(error) },
        SessionError::Postponed(_) => {
            Failure::new(ExitCode::ServerUnreachable, "server_unreachable", message)
        }
        SessionError::Store(error) => error.into(),
        _ => Failure::new(ExitCode::General, "interrupted", message),
    }
}
