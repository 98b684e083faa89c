//! Where this program keeps what must outlive it: tokens, and which login they belong to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oauth_client::PendingLogin;
use oauth_client::token_store::{MemoryStore, PlainFileStore, StoreProblem, TokenKey, TokenStore, UnixTime};
use serde::{Deserialize, Serialize};

use crate::environment::state_directory;
use crate::failure::Failure;
use crate::private_file;
use crate::settings::Settings;

const VERSION: u8 = 1;

/// The kinds of store that are built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    File,
    Memory,
}

/// Which login a profile stands for: no secret in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RememberedLogin {
    version: u8,
    pub(crate) settings: Settings,
    /// What to call the person; `None` where the server did not say, or nobody is signed in.
    pub(crate) account: Option<String>,
}

/// A login that waits for a person while no process waits for it.
#[derive(Deserialize, Serialize)]
struct ParkedLogin {
    version: u8,
    settings: Settings,
    parked_at: u64,
    /// With its credential, the `device_code`.
    pending: String,
}

impl StoreKind {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        match settings.store.as_deref() {
            None | Some("file") => Ok(Self::File),
            Some("memory") => Ok(Self::Memory),
            Some(later @ ("auto" | "keyring" | "passphrase" | "keyfile" | "systemd" | "kernel")) => {
                Err(Failure::storage(format!(
                    "the store {later} comes with a later release: use --store file (not encrypted), or memory"
                )))
            }
            Some(other) => Err(Failure::usage(format!("no store is called {other}: use file or memory"))),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    pub(crate) fn open(self) -> Result<Arc<dyn TokenStore>, Failure> {
        Ok(match self {
            Self::File => Arc::new(PlainFileStore::new(state("tokens")?)),
            Self::Memory => Arc::new(MemoryStore::new()),
        })
    }
}

/// Tries the store before a person is sent away: whether it can be written, and whether what lies there
/// can be replaced.
pub(crate) fn probe(store: &dyn TokenStore, key: &TokenKey) -> Result<(), Failure> {
    match store.lock(key)?.load() {
        // A new login takes its place.
        Err(error) if matches!(error.problem(), StoreProblem::Corrupt { .. }) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

impl RememberedLogin {
    pub(crate) fn new(settings: Settings, account: Option<String>) -> Self {
        Self { version: VERSION, settings, account }
    }

    pub(crate) fn read(profile: &str) -> Result<Option<Self>, Failure> {
        let path = Self::path(profile)?;
        let Some(text) = private_file::read(&path)? else { return Ok(None) };
        let remembered: Self = serde_json::from_str(&text).map_err(|error| {
            Failure::storage(format!("{} is damaged ({error}): remove it and sign in again", path.display()))
        })?;
        if remembered.version == VERSION {
            Ok(Some(remembered))
        } else {
            Err(Failure::storage(format!(
                "{} was written by another release: use that one, or remove the file and sign in again",
                path.display()
            )))
        }
    }

    pub(crate) fn write(&self, profile: &str) -> Result<(), Failure> {
        private_file::replace(&Self::path(profile)?, &to_json(self))
    }

    fn path(profile: &str) -> Result<PathBuf, Failure> {
        Ok(state("logins")?.join(format!("{profile}.json")))
    }
}

/// Keeps a login for `login --resume`.
pub(crate) fn park(profile: &str, settings: &Settings, pending: &PendingLogin) -> Result<(), Failure> {
    let parked = ParkedLogin {
        version: VERSION,
        settings: settings.clone(),
        parked_at: UnixTime::now().as_seconds(),
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
    let text = private_file::read(&parked_path(profile)?)?.ok_or_else(none)?;
    let parked: ParkedLogin = serde_json::from_str(&text).map_err(|_| none())?;
    let pending = PendingLogin::from_json(&parked.pending).map_err(|_| none())?;
    let elapsed = UnixTime::now().as_seconds().checked_sub(parked.parked_at).map(Duration::from_secs);
    Ok((parked.settings, pending, elapsed))
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
