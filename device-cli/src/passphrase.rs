//! The passphrase that tokens are sealed with: from a file, a variable, or a person.

use oauth_client::Secret;
use oauth_client::token_store::{Passphrase, StoreProblem};

use crate::environment::variable;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::no_key::NoKey;
use crate::secret_entry;
use crate::settings::{Settings, secret_in};
use crate::stores::{OpenStore, StoreKind};
use crate::terminal::Terminal;

/// How often a person may be wrong.
const TRIES: usize = 3;
/// Nobody types more.
const MOST_BYTES: usize = 1024;
/// Whoever has the disk tries out all that are shorter.
const FEWEST_CHARACTERS: usize = 8;

const PROMPT: &str = "Passphrase of the stored tokens: ";

/// What was given without anybody being asked.
pub(crate) fn given(settings: &Settings) -> Result<Option<Secret>, Failure> {
    match &settings.passphrase_file {
        Some(file) => secret_in(file, "passphrase").map(Some),
        None => Ok(variable("DEVICE_CLI_PASSPHRASE").map(Secret::from)),
    }
}

/// Asks for the passphrase of the stored tokens, twice where it is a new one, and opens the store with it.
pub(crate) async fn ask(
    settings: &Settings,
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<OpenStore, Failure> {
    if !terminal.capabilities().keys {
        return Err(needed());
    }
    let is_new = !StoreKind::has_passphrase(settings)?;
    for tries_left in (0..TRIES).rev() {
        let passphrase = if is_new {
            ask_for_a_new_one(terminal, interruption).await?
        } else {
            secret_entry::read(PROMPT, MOST_BYTES, terminal, interruption).await?
        };
        let Some(passphrase) = passphrase else { continue };
        let opened = StoreKind::Passphrase.open_with(settings, Some(Passphrase::new(passphrase)))?;
        if is_new {
            return Ok(opened);
        }
        // The key is derived here, and kept for what follows.
        match opened.store.prepare() {
            Err(error) if matches!(error.problem(), StoreProblem::WrongPassphrase) && tries_left > 0 => {
                terminal.say("That is not the passphrase.");
            }
            Err(error) => return Err(error.into()),
            Ok(()) => return Ok(opened),
        }
    }
    Err(Failure::storage("no passphrase was given: nothing was changed"))
}

/// Asks once, for a login that is to be erased: with nothing typed, or the wrong thing, it stays sealed.
pub(crate) async fn ask_once(
    settings: &Settings,
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<OpenStore, Failure> {
    let typed = secret_entry::read(PROMPT, MOST_BYTES, terminal, interruption).await?;
    StoreKind::Passphrase.open_with(settings, typed.map(Passphrase::new))
}

/// `None`: the two were not the same, or too short.
async fn ask_for_a_new_one(
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<Option<Secret>, Failure> {
    terminal.say("Choose a passphrase for the stored tokens. Nobody can restore it.");
    let first = secret_entry::read("New passphrase: ", MOST_BYTES, terminal, interruption).await?;
    let Some(first) = first else {
        terminal.say("An empty passphrase protects nothing.");
        return Ok(None);
    };
    if first.expose().chars().count() < FEWEST_CHARACTERS {
        terminal.say(
            "That is too short: whoever has the disk can try out all passphrases of fewer than 8 characters.",
        );
        return Ok(None);
    }
    let second = secret_entry::read("Once more: ", MOST_BYTES, terminal, interruption).await?;
    if second.as_ref() == Some(&first) {
        return Ok(Some(first));
    }
    terminal.say("The two are not the same.");
    Ok(None)
}

/// There is nobody to ask.
pub(crate) fn needed() -> Failure {
    Failure::storage(format!("the tokens are sealed with a passphrase, and {NOBODY_TO_ASK}: {GIVE_IT}"))
}

/// Stands for a passphrase that nobody gave.
pub(crate) const NOT_GIVEN: NoKey =
    NoKey { store: "sealed file (passphrase)", cause: NOBODY_TO_ASK, next_step: GIVE_IT };

const NOBODY_TO_ASK: &str = "nobody can be asked for it here";
const GIVE_IT: &str = "set DEVICE_CLI_PASSPHRASE_FILE to a file that holds it, or run this in a terminal";
