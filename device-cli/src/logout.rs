//! `logout`: erases here first, then tells the server, and reports each half.

use oauth_client::token_store::{StoreError, UnixTime};
use oauth_client::{Logout, Revocation, Session};
use serde::Serialize;

use crate::arguments::LogoutArguments;
use crate::configuration;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::login_status::in_words;
use crate::passphrase;
use crate::remembered_login::{RememberedLogin, unpark};
use crate::terminal::Terminal;

/// The object of `logout --json`.
#[derive(Serialize)]
struct LogoutObject<'a> {
    v: u8,
    profile: &'a str,
    /// Tokens were here, and are gone.
    erased: bool,
    revoked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl LogoutObject<'_> {
    fn print(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        // Strings and flags: this cannot fail.
        Ok(terminal.result(&serde_json::to_string(self).unwrap_or_default())?)
    }
}

pub(crate) async fn run(
    arguments: &LogoutArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if arguments.all {
        return all(arguments, terminal).await;
    }
    let profile = configuration::profile_name(profile)?;
    log_out(&profile, arguments, terminal).await
}

/// One that fails keeps none of the others from its end.
async fn all(arguments: &LogoutArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut first_failure = None;
    let mut is_anybody_signed_in = false;
    for (profile, remembered) in RememberedLogin::all()? {
        if remembered.is_ok_and(|remembered| !remembered.has_tokens(&profile)) {
            unpark(&profile)?;
            continue;
        }
        is_anybody_signed_in = true;
        terminal.say(&format!("{profile}:"));
        if let Err(failure) = log_out(&profile, arguments, terminal).await {
            if matches!(failure.exit_code, ExitCode::Interrupted | ExitCode::Terminated) {
                return Err(failure);
            }
            terminal.failure(&failure);
            first_failure.get_or_insert(failure);
        }
    }
    if !is_anybody_signed_in {
        terminal.say("Nobody is signed in.");
        if arguments.json {
            LogoutObject { v: 1, profile: "default", erased: false, revoked: false, error: None }
                .print(terminal)?;
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
    let mut done = LogoutObject { v: 1, profile, erased: false, revoked: false, error: None };
    let result = end_login(profile, arguments, &mut done, terminal).await;
    if arguments.json {
        done.error = result.as_ref().err().map(|failure| failure.message.as_str());
        done.print(terminal)?;
    }
    result
}

async fn end_login(
    profile: &str,
    arguments: &LogoutArguments,
    done: &mut LogoutObject<'_>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
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
    let key = remembered.key(profile);
    // Without the server nothing else is needed, not even settings that still work.
    let session = if arguments.local { None } else { Some(remembered.settings.client()) };
    let (erased, revoked) = match session {
        None => (store.store.delete(&key), None),
        Some(Ok(client)) => {
            let Logout { erased, revoked, .. } = Session::open_key(client, store.store, key).logout().await;
            (erased, Some(Ok(revoked)))
        }
        Some(Err(failure)) => (store.store.delete(&key), Some(Err(failure))),
    };
    done.erased = matches!(erased, Ok(true));
    done.revoked = matches!(revoked, Some(Ok(Revocation::Revoked)));
    if erased.is_ok() {
        // The settings stay, so that the next login needs no flags; who it was is nobody's business any more.
        RememberedLogin::new(remembered.settings, None).write(profile)?;
    }
    report(erased, revoked, terminal)
}

/// Each half, in words. `revoked` is `None` where the server was left out of it.
fn report(
    erased: Result<bool, StoreError>,
    revoked: Option<Result<Revocation, Failure>>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let was_unread = matches!(revoked, Some(Ok(Revocation::Unread(_))));
    let here = match erased {
        // What is damaged was put aside as it was read.
        Ok(was_there) if was_there || was_unread => {
            terminal.say("Erased here: the tokens are gone from this machine.");
            Ok(())
        }
        Ok(_) => {
            terminal.say("Nobody is signed in; nothing was stored here.");
            return Ok(());
        }
        Err(error) => Err(Failure::from(error)),
    };
    let there = match revoked {
        None => {
            if here.is_ok() {
                terminal.say("Not revoked, as asked: at the server they stay valid.");
            }
            return here;
        }
        Some(Ok(Revocation::Revoked)) => {
            terminal.say("Revoked at the server.");
            None
        }
        Some(Ok(Revocation::NotOffered(until))) => {
            let left = until.map(|until| until.saturating_duration_since(UnixTime::now()));
            let left = left.map_or_else(String::new, |left| format!(" for up to {}", in_words(left)));
            terminal.say(&format!(
                "Not revoked: the server offers no revocation. Whoever has a copy of the access token can use it{left}."
            ));
            None
        }
        Some(Ok(Revocation::Unread(error))) => Some(format!(", since the tokens could not be read: {error}")),
        Some(Ok(Revocation::Failed(error))) => Some(format!(": {}", Failure::from(error).message)),
        Some(Ok(_)) => None,
        Some(Err(failure)) => Some(format!(": {}", failure.message)),
    };
    match (here, there) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(why)) => {
            let message = format!("erased here, but not revoked at the server{why}");
            Err(Failure::new(ExitCode::General, "revocation_failed", message))
        }
        (Err(failure), why) => {
            let there = why.map_or_else(String::new, |why| format!("; nor revoked at the server{why}"));
            let message = format!("the tokens could not be erased here: {}{there}", failure.message);
            Err(Failure { message, ..failure })
        }
    }
}
