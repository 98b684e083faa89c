//! The passphrase that tokens are sealed with: from a file, a variable, or a person.

use oauth_client::Secret;
use oauth_client::token_store::{Passphrase, StoreProblem};
use zeroize::Zeroizing;

use crate::environment::variable;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::no_key::NoKey;
use crate::settings::{Settings, secret_in};
use crate::stores::{OpenStore, StoreKind};
use crate::terminal::{Terminal, Typing};

/// How often a person may be wrong.
const TRIES: usize = 3;
/// Nobody types more, and the buffer must not grow: that would leave copies behind.
const MOST_BYTES: usize = 1024;

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
            type_in(PROMPT, terminal, interruption).await?
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
    let typed = type_in(PROMPT, terminal, interruption).await?;
    StoreKind::Passphrase.open_with(settings, typed.map(Passphrase::new))
}

/// `None`: the two were not the same, or empty.
async fn ask_for_a_new_one(
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<Option<Secret>, Failure> {
    terminal.say("Choose a passphrase for the stored tokens. Nobody can restore it.");
    let first = type_in("New passphrase: ", terminal, interruption).await?;
    let Some(first) = first else {
        terminal.say("An empty passphrase protects nothing.");
        return Ok(None);
    };
    let second = type_in("Once more: ", terminal, interruption).await?;
    if second.as_ref() == Some(&first) {
        return Ok(Some(first));
    }
    terminal.say("The two are not the same.");
    Ok(None)
}

/// One line without echo; `None`: an empty one.
async fn type_in(
    prompt: &str,
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<Option<Secret>, Failure> {
    let Ok(mut typing) = terminal.read_typing(prompt) else { return Err(needed()) };
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES));
    let typed = loop {
        let typed = tokio::select! {
            typed = typing.recv() => typed,
            code = interruption.next() => break Err(code),
        };
        match typed {
            Some(Typing::Character(character)) if text.len() + character.len_utf8() <= MOST_BYTES => {
                text.push(character);
            }
            Some(Typing::Character(_)) => {}
            Some(Typing::EraseOne) => drop(text.pop()),
            Some(Typing::EraseAll) => text.clear(),
            Some(Typing::Enter) => break Ok(()),
            Some(Typing::Interrupt) | None => {
                interruption.happened();
                break Err(ExitCode::Interrupted);
            }
        }
    };
    terminal.end_typing();
    typed.map_err(Failure::interrupted)?;
    Ok((!text.is_empty()).then(|| Secret::from(text.as_str())))
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
