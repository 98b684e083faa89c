//! The stores that this program keeps tokens in, and what opening each one takes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::PossibleValue;
#[cfg(target_os = "linux")]
use oauth_client::token_store::{KernelKeyring, SystemdCredential};
use oauth_client::token_store::{
    KeyFile, KeySource, MemoryStore, NoAutomaticStore, Passphrase, PlainFileStore, SealedFileStore,
    StoreError, SystemKeyring, TokenKey, TokenStore, automatic_store,
};
use sha2::{Digest as _, Sha256};

#[cfg(target_os = "linux")]
use crate::environment::variable;
use crate::environment::{cache_directory, state_directory};
use crate::failure::Failure;
#[cfg(target_os = "linux")]
use crate::no_key::NoKey;
use crate::passphrase;
use crate::settings::Settings;

/// What this program is called in a keyring.
pub(crate) const APPLICATION: &str = "device-cli";
const KEYRING_DIRECTORY: &str = "tokens-keyring";
/// What the credential is called in a systemd unit.
#[cfg(target_os = "linux")]
pub(crate) const CREDENTIAL: &str = "device-cli-key";
#[cfg(target_os = "linux")]
const NO_CREDENTIALS: NoKey = NoKey {
    store: "sealed file (systemd credential)",
    cause: "systemd has given no credentials (CREDENTIALS_DIRECTORY is not set)",
    next_step: "run this as a service whose unit has LoadCredentialEncrypted=device-cli-key",
};

/// The stores that are built in. Each keeps its records in a directory of its own, so that none takes
/// another's for its own that it cannot open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Keyring,
    Passphrase,
    KeyFile,
    SystemdCredential,
    Kernel,
    File,
    Memory,
}

/// What `--store` and `--to` may say.
pub(crate) fn names() -> Vec<PossibleValue> {
    let kinds = StoreKind::ALL.map(|kind| PossibleValue::new(kind.name()).help(kind.in_words()));
    [PossibleValue::new("auto").help(StoreChoice::AUTO_IN_WORDS)].into_iter().chain(kinds).collect()
}

/// What `--store` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// Nobody has chosen: the keyring, if it works.
    Auto,
    /// Somebody has: this one, and nothing else is touched.
    Kind(StoreKind),
}

/// A store, and what it is called here.
#[derive(Clone, Debug)]
pub(crate) struct OpenStore {
    pub(crate) kind: StoreKind,
    pub(crate) store: Arc<dyn TokenStore>,
}

impl StoreKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Keyring,
        Self::Passphrase,
        Self::KeyFile,
        Self::SystemdCredential,
        Self::Kernel,
        Self::File,
        Self::Memory,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
            Self::KeyFile => "key-file",
            Self::SystemdCredential => "systemd-credential",
            Self::Kernel => "kernel",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    /// The store that is called `name`.
    pub(crate) fn by_name(name: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Failure::usage(format!("no store is called {name}: there are auto, {names}"))
        })
    }

    /// What it protects from, and what it asks for, in half a line.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Keyring => "encrypted; the key is in your desktop's keyring",
            Self::Passphrase => {
                "encrypted; safe from who takes the disk or a backup; asks for the passphrase each time"
            }
            Self::KeyFile => "encrypted; safe from who gets the tokens without the key file",
            Self::SystemdCredential => "encrypted; the key comes from the service's unit",
            Self::Kernel => "encrypted; safe from who takes the disk; kept until reboot, then sign in again",
            Self::File => "NOT encrypted; safe from other users, not from who takes the disk or a backup",
            Self::Memory => "kept nowhere, gone with this command",
        }
    }

    /// The directory of its records.
    fn directory(self, settings: &Settings) -> Result<PathBuf, Failure> {
        let name = match self {
            Self::Keyring => KEYRING_DIRECTORY.to_owned(),
            Self::Passphrase => "tokens-passphrase".to_owned(),
            // With each key a directory: what one key seals, another does not open.
            Self::KeyFile => format!("tokens-key-file/{}", name_of(&key_file(settings)?)),
            Self::SystemdCredential => "tokens-systemd-credential".to_owned(),
            Self::Kernel => "tokens-kernel".to_owned(),
            Self::File | Self::Memory => "tokens".to_owned(),
        };
        in_state_directory(&name)
    }

    /// The store, opened with what is given by settings and surroundings; nobody is asked anything. `None`: a
    /// passphrase is needed, and only a person has it.
    pub(crate) fn open(self, settings: &Settings) -> Result<Option<OpenStore>, Failure> {
        let passphrase = match self {
            Self::Passphrase => match passphrase::given(settings)? {
                Some(passphrase) => Some(Passphrase::new(passphrase)),
                None => return Ok(None),
            },
            _ => None,
        };
        self.open_with(settings, passphrase).map(Some)
    }

    /// The store as far as it goes without a person: what is sealed with a passphrase that was not given stays
    /// sealed.
    pub(crate) fn open_unasked(self, settings: &Settings) -> Result<OpenStore, Failure> {
        let passphrase = match self {
            Self::Passphrase => passphrase::given(settings).unwrap_or_default(),
            _ => None,
        };
        self.open_with(settings, passphrase.map(Passphrase::new))
    }

    /// The store, with the passphrase where one is needed.
    pub(crate) fn open_with(
        self,
        settings: &Settings,
        passphrase: Option<Passphrase>,
    ) -> Result<OpenStore, Failure> {
        let directory = self.directory(settings)?;
        let store: Arc<dyn TokenStore> = match self {
            Self::Keyring => sealed(&directory, SystemKeyring::new(APPLICATION)),
            Self::Passphrase => match passphrase {
                Some(passphrase) => sealed(&directory, passphrase),
                None => sealed(&directory, passphrase::NOT_GIVEN),
            },
            Self::KeyFile => sealed(&directory, key_source(&key_file(settings)?)?),
            #[cfg(target_os = "linux")]
            Self::SystemdCredential => match variable("CREDENTIALS_DIRECTORY") {
                Some(credentials) => sealed(&directory, SystemdCredential::new(credentials, CREDENTIAL)),
                None => sealed(&directory, NO_CREDENTIALS),
            },
            #[cfg(target_os = "linux")]
            Self::Kernel => {
                let name = format!("{APPLICATION} {}", directory.display());
                sealed(&directory, KernelKeyring::new(name))
            }
            #[cfg(not(target_os = "linux"))]
            Self::SystemdCredential | Self::Kernel => {
                return Err(Failure::storage(format!("the store {} needs Linux", self.name())));
            }
            Self::File => {
                let places = recovery_directories(&directory);
                Arc::new(places.into_iter().fold(PlainFileStore::new(directory), |store, place| {
                    store.with_recovery_directory(place)
                }))
            }
            Self::Memory => Arc::new(MemoryStore::new()),
        };
        Ok(OpenStore { kind: self, store })
    }

    /// Whether a passphrase was chosen before.
    pub(crate) fn has_passphrase(settings: &Settings) -> Result<bool, Failure> {
        Ok(Passphrase::is_set_in(&Self::Passphrase.directory(settings)?)?)
    }
}

impl StoreChoice {
    pub(crate) const AUTO_IN_WORDS: &str =
        "the default: keyring, tried before you are sent away to sign in; never plain files";

    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        match settings.store.as_deref() {
            None | Some("auto") => Ok(Self::Auto),
            Some(name) => StoreKind::by_name(name).map(Self::Kind),
        }
    }
}

impl OpenStore {
    /// Tries the store before a person is sent away: whether its key can be had, whether it can be written,
    /// and whether what lies there would give way to a new login.
    pub(crate) fn prepare(&self, key: &TokenKey) -> Result<(), Failure> {
        self.store.prepare().or_else(makes_way)?;
        let there = self.store.lock(key)?.load();
        Ok(there.map(drop).or_else(makes_way)?)
    }
}

fn makes_way(error: StoreError) -> Result<(), StoreError> {
    if error.problem().gives_way_to_a_login() { Ok(()) } else { Err(error) }
}

fn sealed(directory: &Path, source: impl KeySource + 'static) -> Arc<dyn TokenStore> {
    Arc::new(recovering(SealedFileStore::new(directory, source), directory))
}

fn recovering(store: SealedFileStore, directory: &Path) -> SealedFileStore {
    recovery_directories(directory).into_iter().fold(store, SealedFileStore::with_recovery_directory)
}

/// Where tokens go that cannot be written to `directory`. First where a reboot leaves them; then into memory, for a
/// disk that takes nothing any more. Both follow from the directory's own path and the home, so that whoever runs next
/// looks there too.
fn recovery_directories(directory: &Path) -> Vec<PathBuf> {
    let name = name_of(directory);
    let in_cache = cache_directory().map(|cache| cache.join("recovered").join(&name));
    let in_memory =
        cfg!(target_os = "linux").then(|| PathBuf::from(format!("/dev/shm/{APPLICATION}-{name}")));
    in_cache.into_iter().chain(in_memory).collect()
}

/// The store where nobody has chosen one. This tries the keyring, for up to 3 seconds.
pub(crate) fn automatic() -> Result<Result<OpenStore, NoAutomaticStore>, Failure> {
    let directory = in_state_directory(KEYRING_DIRECTORY)?;
    let store = automatic_store(&directory, &SystemKeyring::new(APPLICATION));
    Ok(store.map(|store| {
        let store = Arc::new(recovering(store, &directory));
        OpenStore { kind: StoreKind::Keyring, store }
    }))
}

/// The key file, made with the first login if it is missing, and only where it protects: beside the tokens,
/// whoever takes them takes it too.
fn key_source(path: &Path) -> Result<KeyFile, Failure> {
    let (state, folder) = (in_state_directory("")?, path.parent().unwrap_or(path));
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if !real(folder).starts_with(real(&state)) {
        return Ok(KeyFile::made_if_missing(path));
    }
    if path.exists() {
        return Ok(KeyFile::new(path));
    }
    Err(Failure::usage(format!(
        "the key file {} would lie with the tokens, and whoever takes them takes it too: name one outside {}",
        path.display(),
        state.display()
    )))
}

/// Absolute, since it is part of what a login is found by.
fn key_file(settings: &Settings) -> Result<PathBuf, Failure> {
    let Some(path) = &settings.key_file else {
        return Err(Failure::usage("the store key-file needs a --key-file PATH"));
    };
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{} is no path: {error}", path.display())))
}

/// A directory's name for a path: 16 hexadecimal digits of its hash.
fn name_of(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hash.iter().take(8).fold(String::new(), |mut name, byte| {
        // Writing to a String does not fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

fn in_state_directory(name: &str) -> Result<PathBuf, Failure> {
    let directory = state_directory()
        .ok_or_else(|| Failure::storage("no place to keep anything: set HOME or XDG_STATE_HOME"))?;
    Ok(if name.is_empty() { directory } else { directory.join(name) })
}
