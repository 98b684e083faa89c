//! `logout`: erases here first, then tells the server, and reports each half.

use oauth_client::token_store::{StoreError, TokenKey, TokenRecord, UnixTime};
use oauth_client::{Error, TokenTypeHint};

use crate::arguments::LogoutArguments;
use crate::configuration::Configuration;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::login_status::in_words;
use crate::passphrase;
use crate::remembered_login::{RememberedLogin, unpark};
use crate::settings::Settings;
use crate::stores::OpenStore;
use crate::terminal::Terminal;

pub(crate) async fn run(
    arguments: &LogoutArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if arguments.all {
        return all(arguments, terminal).await;
    }
    let profile = Configuration::read()?.profile_name(profile)?;
    log_out(&profile, arguments, terminal).await
}

/// One that fails keeps none of the others from its end.
async fn all(arguments: &LogoutArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut first_failure = None;
    for (profile, _) in RememberedLogin::all()? {
        terminal.say(&format!("{profile}:"));
        if let Err(failure) = log_out(&profile, arguments, terminal).await {
            if matches!(failure.exit_code, ExitCode::Interrupted | ExitCode::Terminated) {
                return Err(failure);
            }
            terminal.failure(&failure);
            first_failure.get_or_insert(failure);
        }
    }
    match first_failure {
        Some(failure) => {
            Err(Failure { message: format!("not everything is done: {}", failure.message), ..failure })
        }
        None => Ok(()),
    }
}

async fn log_out(profile: &str, arguments: &LogoutArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    unpark(profile)?;
    let Some(remembered) = RememberedLogin::read(profile)? else {
        terminal.say("Nobody is signed in.");
        return Ok(());
    };
    let remembered = remembered.without_leftover(profile)?;
    let store = match remembered.kind()?.open(&remembered.settings_here()) {
        Ok(Some(store)) => store,
        Ok(None) if terminal.capabilities().keys && !arguments.local && remembered.has_tokens(profile) => {
            terminal
                .say("To tell the server as well, the tokens must be read. Enter alone erases them unread.");
            let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
            passphrase::ask_once(&remembered.settings_here(), terminal, &mut interruption).await?
        }
        _ => remembered.open_unasked()?,
    };
    let erased = erase(&store, &remembered.key(profile))?;
    // The settings stay, so that the next login needs no flags; who it was is nobody's business any more.
    let settings = remembered.settings;
    RememberedLogin::new(settings.clone(), None).write(profile)?;
    let record = match erased {
        Erased::Record(record) => *record,
        Erased::Unread(error) => {
            terminal.say("Erased here: the tokens are gone from this machine.");
            if arguments.local {
                return Ok(());
            }
            let message = format!(
                "erased here, but not revoked at the server, since the tokens could not be read: {error}"
            );
            return Err(Failure::new(ExitCode::General, "revocation_failed", message));
        }
        Erased::Nothing => {
            terminal.say("Nobody is signed in; nothing was stored here.");
            return Ok(());
        }
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

/// What was there before the logout.
enum Erased {
    Record(Box<TokenRecord>),
    /// Something that could not be read.
    Unread(StoreError),
    Nothing,
}

/// Waits for a refresh under way: what that brings is erased too. What cannot be read is erased like the rest.
fn erase(store: &OpenStore, key: &TokenKey) -> Result<Erased, StoreError> {
    let mut locked = store.store.lock(key)?;
    let there = locked.load();
    locked.delete()?;
    Ok(match there {
        Ok(Some(record)) => Erased::Record(Box::new(record)),
        Ok(None) => Erased::Nothing,
        Err(error) => Erased::Unread(error),
    })
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
