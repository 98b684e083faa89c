//! What outlives this program beside the tokens: which login a profile stands for, and a login that waits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oauth_client::token_store::{Passphrase, TokenKey};
use oauth_client::{PendingLogin, Secret};
use serde::{Deserialize, Serialize};

use crate::configuration::{Configuration, DEFAULT_PROFILE};
use crate::environment::{state_directory, variable};
use crate::failure::{Failure, login_command};
use crate::interruption::Interruption;
use crate::settings::Settings;
use crate::stores::{OpenStore, StoreKind};
use crate::terminal::Terminal;
use crate::{on_a_runtime, passphrase, private_file};

const VERSION: u8 = 1;

/// Which login a profile stands for: no secret in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RememberedLogin {
    version: u8,
    pub(crate) settings: Settings,
    /// What to call the person; `None` where the server did not say, or nobody is signed in.
    pub(crate) account: Option<String>,
    /// Where a move that was cut short has left a copy of the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leftover: Option<Settings>,
}

/// A profile with the login that is remembered for it.
pub(crate) type Profile = (String, Result<RememberedLogin, Failure>);

/// A login that waits for a person while no process waits for it.
#[derive(Deserialize, Serialize)]
struct ParkedLogin {
    version: u8,
    settings: Settings,
    /// Milliseconds since 1970: whole seconds would let the next poll come up to a second too early.
    parked_at: u64,
    /// With its credential, the `device_code`.
    pending: String,
}

impl RememberedLogin {
    pub(crate) fn new(settings: Settings, account: Option<String>) -> Self {
        Self { version: VERSION, settings, account, leftover: None }
    }

    pub(crate) fn read(profile: &str) -> Result<Option<Self>, Failure> {
        match Found::at(&Self::path(profile)?)? {
            Found::Nothing => Ok(None),
            Found::Login(remembered) => Ok(Some(*remembered)),
            Found::Damaged(damaged) => Err(Failure::storage(format!(
                "{damaged}: run {}, which makes a new one and keeps this one beside it",
                login_command(profile)
            ))),
        }
    }

    /// The login of a profile that must have one.
    pub(crate) fn required(profile: &str) -> Result<Self, Failure> {
        Self::read(profile)?.ok_or_else(|| nobody_is_signed_in(profile))
    }

    /// For a new login, which takes the place of what is damaged.
    pub(crate) fn read_before_login(profile: &str, terminal: &mut Terminal) -> Result<Option<Self>, Failure> {
        match Found::at(&Self::path(profile)?)? {
            Found::Nothing => Ok(None),
            Found::Login(remembered) => Ok(Some(*remembered)),
            Found::Damaged(damaged) => {
                terminal.notice(&format!("warning: {damaged}: it is kept, and this login takes its place"));
                Ok(None)
            }
        }
    }

    /// Every profile that somebody has signed in to, in the order of their names.
    pub(crate) fn all() -> Result<Vec<Profile>, Failure> {
        let mut all = Vec::new();
        for profile in remembered_profiles()? {
            match Self::read(&profile) {
                Ok(Some(remembered)) => all.push((profile, Ok(remembered))),
                Ok(None) => {}
                Err(failure) => all.push((profile, Err(failure))),
            }
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all)
    }

    /// The store that the login is in. A login from before there was a choice is in plain files.
    pub(crate) fn kind(&self) -> Result<StoreKind, Failure> {
        self.settings.store.as_deref().map_or(Ok(StoreKind::File), StoreKind::by_name)
    }

    /// The settings as they are for this command: what a variable says about the passphrase wins.
    pub(crate) fn settings_here(&self) -> Settings {
        let passphrase_file = match variable("DEVICE_CLI_PASSPHRASE_FILE") {
            Some(file) => Some(PathBuf::from(file)),
            None if variable("DEVICE_CLI_PASSPHRASE").is_some() => None,
            None => self.settings.passphrase_file.clone(),
        };
        Settings { passphrase_file, ..self.settings.clone() }
    }

    /// Where the store keeps the login of `profile`.
    pub(crate) fn key(&self, profile: &str) -> TokenKey {
        self.settings.token_key(profile)
    }

    /// Erases the tokens of this login and what a move has left behind, unless they are where `other` has its
    /// own.
    pub(crate) fn erase_unless_it_is(&self, other: &Self, profile: &str) -> Result<(), Failure> {
        if let Some(leftover) = &self.leftover {
            Self::new(leftover.clone().over(&self.settings), None).erase_unless_it_is(other, profile)?;
        }
        let (own, others) = (self.open_unasked()?, other.open_unasked()?);
        let (key, other_key) = (self.key(profile), other.key(profile));
        if own.store.lock_name(&key) != others.store.lock_name(&other_key) {
            own.store.delete(&key)?;
        }
        Ok(())
    }

    /// This login, with the note that a copy is still where `before` was.
    pub(crate) fn with_leftover(self, before: &Self) -> Self {
        Self { leftover: Some(before.settings.store_alone()), ..self }
    }

    pub(crate) const fn has_leftover(&self) -> bool {
        self.leftover.is_some()
    }

    /// Erases the copy that a move has left behind.
    pub(crate) fn without_leftover(mut self, profile: &str) -> Result<Self, Failure> {
        if let Some(leftover) = self.leftover.take() {
            let before = Self::new(leftover.over(&self.settings), None);
            before.erase_unless_it_is(&self, profile)?;
            self.write(profile)?;
        }
        Ok(self)
    }

    /// The store that the login is in, opened with whatever it asks for.
    pub(crate) fn open(&self, profile: &str, terminal: &mut Terminal) -> Result<OpenStore, Failure> {
        let (kind, settings) = (self.kind()?, self.settings_here());
        // Nobody is asked for the passphrase of nothing.
        if kind == StoreKind::Passphrase && !self.has_tokens(profile) {
            return kind.open_with(&settings, None);
        }
        if let Some(opened) = kind.open(&settings)? {
            return Ok(opened);
        }
        if !StoreKind::has_passphrase(&settings)? {
            // Then none is right, and the store says so where there is something to open.
            return kind.open_with(&settings, Some(Passphrase::new(Secret::from(""))));
        }
        on_a_runtime(async {
            let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
            passphrase::ask(&settings, terminal, &mut interruption).await
        })
    }

    /// Whether anything is stored, readable or not.
    pub(crate) fn has_tokens(&self, profile: &str) -> bool {
        let loaded = self.open_unasked().map(|unasked| unasked.store.load(&self.key(profile)));
        !matches!(loaded, Ok(Ok(None)))
    }

    /// The store that the login is in, as far as that goes without asking anybody.
    pub(crate) fn open_unasked(&self) -> Result<OpenStore, Failure> {
        self.kind()?.open_unasked(&self.settings_here())
    }

    /// Nothing is lost: what is damaged is kept under another name.
    pub(crate) fn write(&self, profile: &str) -> Result<(), Failure> {
        let path = Self::path(profile)?;
        if matches!(Found::at(&path)?, Found::Damaged(_)) {
            private_file::put_aside(&path)?;
        }
        private_file::replace(&path, &to_json(self))
    }

    /// Forgets that anybody has ever signed in there; says whether somebody had.
    pub(crate) fn forget(profile: &str) -> Result<bool, Failure> {
        let path = Self::path(profile)?;
        let was_there = path.exists();
        private_file::remove(&path)?;
        Ok(was_there)
    }

    fn path(profile: &str) -> Result<PathBuf, Failure> {
        Ok(state("logins")?.join(format!("{profile}.json")))
    }
}

/// What ends a command that needs a login: what to type, and where it was the name of the profile, which there are.
pub(crate) fn nobody_is_signed_in(profile: &str) -> Failure {
    let failure = Failure::login_required(profile);
    let Some(others) = profiles_in_place_of(profile) else { return failure };
    let message = match profile {
        DEFAULT_PROFILE => format!("no profile is named, and nobody is signed in without: {others}"),
        profile => format!("there is no profile {profile}: {others}"),
    };
    Failure { message, ..failure }
}

/// Which profiles there are and how they are named, where `profile` is none of them.
pub(crate) fn profiles_in_place_of(profile: &str) -> Option<String> {
    let mut names: BTreeSet<String> = remembered_profiles().ok()?.into_iter().collect();
    names.extend(Configuration::read().ok()?.profiles().map(str::to_owned));
    if names.contains(profile) {
        return None;
    }
    let (are, name) = match names.len() {
        0 => return None,
        1 => ("is", names.first()?.as_str()),
        _ => ("are", "NAME"),
    };
    let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Some(format!("there {are} {names} (--profile {name}, or device-cli profile use {name})"))
}

fn remembered_profiles() -> Result<Vec<String>, Failure> {
    let names = private_file::names(&state("logins")?)?;
    Ok(names.into_iter().filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect())
}

/// What stands in a profile's file.
enum Found {
    Nothing,
    Login(Box<RememberedLogin>),
    /// The file and what is wrong with it.
    Damaged(String),
}

/// What every release writes.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl Found {
    fn at(path: &Path) -> Result<Self, Failure> {
        let Some(bytes) = private_file::read(path)? else { return Ok(Self::Nothing) };
        let read = serde_json::from_slice::<Versioned>(&bytes).and_then(|Versioned { version }| {
            if version == u64::from(VERSION) { serde_json::from_slice(&bytes).map(Some) } else { Ok(None) }
        });
        match read {
            Ok(Some(remembered)) => Ok(Self::Login(Box::new(remembered))),
            Ok(None) => Err(Failure::storage(format!(
                "{} was written by another release: use that one, or remove the file and sign in again",
                path.display()
            ))),
            Err(error) => Ok(Self::Damaged(format!("{} is damaged ({error})", path.display()))),
        }
    }
}

/// Keeps a login for `login --resume`.
pub(crate) fn park(profile: &str, settings: &Settings, pending: &PendingLogin) -> Result<(), Failure> {
    let parked = ParkedLogin {
        version: VERSION,
        settings: settings.clone(),
        parked_at: milliseconds_since_1970(),
        pending: pending.expose_json().to_string(),
    };
    private_file::replace(&parked_path(profile)?, &to_json(&parked))
}

/// Takes up what [`park`] kept, with the time that has passed; `None` where a clock went back.
pub(crate) fn parked(profile: &str) -> Result<(Settings, PendingLogin, Option<Duration>), Failure> {
    let none = || {
        Failure::new(
            crate::exit_code::ExitCode::LoginRequired,
            "login_required",
            "no login waits to be resumed: begin one with device-cli login --no-wait",
        )
    };
    let bytes = private_file::read(&parked_path(profile)?)?.ok_or_else(none)?;
    let parked: ParkedLogin = serde_json::from_slice(&bytes).map_err(|_| none())?;
    let pending = PendingLogin::from_json(&parked.pending).map_err(|_| none())?;
    let elapsed = milliseconds_since_1970().checked_sub(parked.parked_at).map(Duration::from_millis);
    Ok((parked.settings, pending, elapsed))
}

fn milliseconds_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Forgets what [`park`] kept.
pub(crate) fn unpark(profile: &str) -> Result<(), Failure> {
    private_file::remove(&parked_path(profile)?)
}

fn parked_path(profile: &str) -> Result<PathBuf, Failure> {
    Ok(state("pending")?.join(format!("{profile}.json")))
}

fn state(name: &str) -> Result<PathBuf, Failure> {
    let directory = state_directory()
        .ok_or_else(|| Failure::storage("no place to keep anything: set HOME or XDG_STATE_HOME"))?;
    Ok(directory.join(name))
}

/// Strings, numbers and maps with string keys: this cannot fail.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
