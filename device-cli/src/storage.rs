//! `storage`: where each login's tokens are kept, and how to keep them elsewhere.

use std::path::PathBuf;

use oauth_client::token_store::{StoreDescription, move_record_with};
use serde::Serialize;

use crate::arguments::{StorageCommand, StorageMoveArguments, StorageShowArguments};
use crate::configuration;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::on_a_runtime;
use crate::remembered_login::RememberedLogin;
use crate::settings::Settings;
use crate::status::in_one_line;
use crate::store_choice::Chooser;
use crate::stores::{StoreChoice, StoreKind};
use crate::terminal::Terminal;

/// The object of `storage show --json`.
#[derive(Serialize)]
struct StorageObject {
    v: u8,
    profiles: Vec<ProfileObject>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ProfileObject {
    Known {
        profile: String,
        account: Option<String>,
        server: String,
        store: &'static str,
        encrypted_at_rest: bool,
        survives_reboot: bool,
        location: Option<PathBuf>,
    },
    Unknown {
        profile: String,
        error: String,
    },
}

pub(crate) fn run(
    command: &StorageCommand,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    match command {
        StorageCommand::Show(arguments) => show(arguments, terminal),
        StorageCommand::Move(arguments) => move_login(arguments, profile, terminal),
    }
}

/// From what is remembered alone: no record is read, no keyring is asked.
fn show(arguments: &StorageShowArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut profiles = Vec::new();
    for (profile, remembered) in RememberedLogin::all()? {
        let described = remembered.and_then(|remembered| Ok((describe(&remembered)?, remembered)));
        if !arguments.json {
            let line = match &described {
                Ok(((_, description), remembered)) if remembered.has_leftover() => {
                    format!("{}; a copy is where it was before: move it again", in_one_line(description))
                }
                Ok(((_, description), _)) => in_one_line(description),
                Err(failure) => failure.message.clone(),
            };
            terminal.result_text(&format!("{profile:<12}{line}"))?;
        }
        profiles.push(match described {
            Ok(((kind, description), remembered)) => ProfileObject::Known {
                profile,
                server: remembered.settings.server().to_owned(),
                account: remembered.account,
                store: kind.name(),
                encrypted_at_rest: description.encrypted_at_rest,
                survives_reboot: description.survives_reboot,
                location: description.location,
            },
            Err(failure) => ProfileObject::Unknown { profile, error: failure.message },
        });
    }
    if arguments.json {
        // Strings and flags: this cannot fail.
        let json = serde_json::to_string(&StorageObject { v: 1, profiles }).unwrap_or_default();
        terminal.result_json(&json)?;
    } else if profiles.is_empty() {
        terminal.say("No login is kept here.");
    }
    Ok(())
}

fn describe(remembered: &RememberedLogin) -> Result<(StoreKind, StoreDescription), Failure> {
    let opened = remembered.open_unasked()?;
    Ok((opened.kind, opened.store.describe()))
}

/// Copies the login, remembers where it is now, deletes the old copy, in this order: whenever this is cut short,
/// what is remembered leads to a whole copy. One that was left behind is noted, and goes the next time.
fn move_login(
    arguments: &StorageMoveArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let profile = configuration::profile_name(profile)?;
    let remembered = RememberedLogin::required(&profile)?;
    let remembered = remembered.without_leftover(&profile)?;
    let key = remembered.key(&profile);
    let settings = settings_there(arguments, &remembered.settings)?;

    let from = remembered.open(&profile, terminal)?;
    let to = on_a_runtime(async {
        let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
        Chooser::new(&settings, true, terminal, &mut interruption).choose().await
    })?;
    if from.store.lock_name(&key) == to.store.lock_name(&key) {
        terminal.say(&format!("The login is there already: {}.", in_one_line(&to.store.describe())));
        return Ok(());
    }
    to.prepare(&key)?;
    let settings = Settings { store: Some(to.kind.name().to_owned()), ..settings }.made_lasting();
    let there = RememberedLogin::new(settings, remembered.account.clone());
    let is_moved = move_record_with(&*from.store, &*to.store, &key, || {
        there.clone().with_leftover(&remembered).write(&profile)
    })?;
    if !is_moved {
        return Err(Failure::login_required(&profile));
    }
    there.write(&profile)?;
    terminal.say(&format!("Moved: now in a {}.", in_one_line(&to.store.describe())));
    terminal.say(&format!("The old copy, in a {}, is deleted.", in_one_line(&from.store.describe())));
    Ok(())
}

/// The settings of the login where it goes.
fn settings_there(arguments: &StorageMoveArguments, here: &Settings) -> Result<Settings, Failure> {
    let given = Settings {
        store: Some(arguments.to.clone()),
        key_file: arguments.key_file.clone(),
        passphrase_file: arguments.passphrase_file.clone(),
        ..Settings::default()
    };
    let settings = given.tidied().over(here);
    match StoreChoice::of(&settings)? {
        StoreChoice::Kind(StoreKind::Memory) => {
            Err(Failure::usage("memory ends with this command: to end a login, use device-cli logout"))
        }
        _ => Ok(settings),
    }
}
