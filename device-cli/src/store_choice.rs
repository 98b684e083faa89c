//! Which store a login goes to, found out before anybody is sent away to sign in.

use std::time::Duration;

use oauth_client::token_store::{KeyringProblem, NoAutomaticStore, StoreProblem};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::environment::variable;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::passphrase;
use crate::settings::Settings;
use crate::stores::{self, OpenStore, StoreChoice, StoreKind};
use crate::styled_line::{Line, Style, wrapped};
use crate::terminal::{Key, Terminal};

/// How often a locked keyring is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The column in which the description of a store begins.
const INDENT: usize = 17;

/// Who may be asked what.
pub(crate) struct Chooser<'a> {
    settings: &'a Settings,
    has_person: bool,
    terminal: &'a mut Terminal,
    interruption: &'a mut Interruption,
}

impl<'a> Chooser<'a> {
    /// `may_ask`: whether a person may be asked, if there is one at this terminal.
    pub(crate) fn new(
        settings: &'a Settings,
        may_ask: bool,
        terminal: &'a mut Terminal,
        interruption: &'a mut Interruption,
    ) -> Self {
        let has_person = may_ask && terminal.capabilities().keys;
        Self { settings, has_person, terminal, interruption }
    }

    /// The store that the settings name, or else the keyring, or else what the person says.
    pub(crate) async fn choose(&mut self) -> Result<OpenStore, Failure> {
        match StoreChoice::of(self.settings)? {
            StoreChoice::Auto => self.automatic().await,
            StoreChoice::Kind(kind) => self.open(kind).await,
        }
    }

    /// The store that somebody chose, with whatever it asks for.
    pub(crate) async fn open(&mut self, kind: StoreKind) -> Result<OpenStore, Failure> {
        match kind.open(self.settings)? {
            Some(opened) if kind == StoreKind::Keyring && self.can_unlock() => self.unlocked(opened).await,
            Some(opened) => Ok(opened),
            None if self.has_person => passphrase::ask(self.settings, self.terminal, self.interruption).await,
            None => Err(passphrase::needed()),
        }
    }

    async fn automatic(&mut self) -> Result<OpenStore, Failure> {
        let mut has_asked = false;
        loop {
            let refusal = match self.uninterrupted(stores::automatic).await?? {
                Ok(opened) => return Ok(opened),
                Err(refusal) => refusal,
            };
            let is_locked = matches!(refusal.keyring_problem(), Some(KeyringProblem::Locked));
            // To unlock it may mean to start it again.
            if has_asked || (is_locked && self.can_unlock()) {
                self.ask_to_unlock(&mut has_asked).await?;
            } else if self.has_person {
                return self.ask_which(&refusal).await;
            } else {
                return Err(refused(&refusal));
            }
        }
    }

    /// The keyring by explicit choice: with a person who can unlock it, it is waited for.
    async fn unlocked(&mut self, opened: OpenStore) -> Result<OpenStore, Failure> {
        let mut has_asked = false;
        loop {
            let store = opened.store.clone();
            let Err(error) = self.uninterrupted(move || store.prepare()).await? else { return Ok(opened) };
            match error.problem() {
                StoreProblem::Keyring(KeyringProblem::Locked) => self.ask_to_unlock(&mut has_asked).await?,
                // To unlock it may mean to start it again.
                StoreProblem::Keyring(_) if has_asked => self.ask_to_unlock(&mut has_asked).await?,
                // What else is wrong is found, and said, by whoever uses it.
                _ => return Ok(opened),
            }
        }
    }

    async fn ask_to_unlock(&mut self, has_asked: &mut bool) -> Result<(), Failure> {
        if !*has_asked {
            let hint = "Unlock your keyring, with the desktop's password manager; this goes on by itself. \
                        Ctrl-C cancels.";
            self.terminal.say_line(&Line::strong(hint));
            *has_asked = true;
        }
        tokio::select! {
            () = sleep(LOOK_AGAIN) => Ok(()),
            code = self.interruption.next() => Err(Failure::interrupted(code)),
        }
    }

    async fn ask_which(&mut self, refusal: &NoAutomaticStore) -> Result<OpenStore, Failure> {
        let why = refusal.keyring_problem().map_or_else(|| refusal.to_string(), ToString::to_string);
        self.terminal.say(&format!("Your system's keyring cannot keep the tokens: {why}."));
        let kind = ask_for_a_kind(self.settings, self.terminal, self.interruption).await?;
        self.open(kind).await
    }

    /// What may take a few seconds, while signals are still heard.
    async fn uninterrupted<T: Send + 'static>(
        &mut self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        tokio::select! {
            result = spawn_blocking(call) => result.map_err(|error| {
                Failure::new(ExitCode::General, "runtime", format!("the store could not be tried: {error}"))
            }),
            code = self.interruption.next() => Err(Failure::interrupted(code)),
        }
    }

    /// A person with a desktop before them.
    fn can_unlock(&self) -> bool {
        self.has_person && (variable("DISPLAY").is_some() || variable("WAYLAND_DISPLAY").is_some())
    }
}

/// The stores to choose from where the keyring does not work, each with what it protects from.
pub(crate) async fn ask_for_a_kind(
    settings: &Settings,
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<StoreKind, Failure> {
    let mut offered = vec![StoreKind::Passphrase];
    if settings.key_file.is_some() {
        offered.push(StoreKind::KeyFile);
    }
    if cfg!(target_os = "linux") {
        offered.push(StoreKind::Kernel);
    }
    offered.push(StoreKind::File);
    // Before the question, so that no key is lost that comes at once.
    let Ok(mut keys) = terminal.read_keys() else {
        return Err(Failure::storage("no keys can be read here: choose with --store NAME"));
    };
    terminal.say("Where shall they be kept?");
    let columns = Terminal::size().columns.saturating_sub(INDENT + 1);
    for (number, kind) in (1..).zip(&offered) {
        let mut beginning = Line::plain(format!("  {number}  ")).with(Style::Strong, kind.name());
        for text in wrapped(kind.in_words(), columns) {
            terminal.say_line(&beginning.padded(INDENT).with(Style::Plain, text));
            beginning = Line::default();
        }
    }
    terminal.say(&format!(
        "Press 1 to {}; Ctrl-C cancels. --store NAME answers this beforehand; device-cli help stores has more.",
        offered.len()
    ));
    let chosen = loop {
        let key = tokio::select! {
            key = keys.recv() => key,
            code = interruption.next() => break Err(Failure::interrupted(code)),
        };
        match key {
            Some(Key::Character(digit)) => {
                let number = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
                let kind = number.and_then(|number| offered.get(number.checked_sub(1)?));
                if let Some(kind) = kind {
                    break Ok(*kind);
                }
            }
            Some(Key::Interrupt) | None => {
                interruption.happened();
                break Err(Failure::interrupted(ExitCode::Interrupted));
            }
            Some(_) => {}
        }
    };
    terminal.restore();
    chosen
}

/// What was tried, why it failed, and what to type instead.
fn refused(refusal: &NoAutomaticStore) -> Failure {
    let why = refusal.keyring_problem().map_or_else(|| refusal.to_string(), ToString::to_string);
    let kernel = if cfg!(target_os = "linux") { ", --store kernel (until reboot)" } else { "" };
    Failure::storage(format!(
        "no store was chosen, and the system's keyring was tried: {why}. Choose where the tokens are kept: \
         --store passphrase (with DEVICE_CLI_PASSPHRASE_FILE), --store key-file --key-file PATH{kernel}, or \
         --store file (not encrypted)"
    ))
}
