//! Each store with a canary: written, read back, deleted, and how long that took. The canary lies beside the logins, in
//! a directory that is gone afterwards; of the logins' own directories only the state is looked at.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use oauth_client::token_store::{KernelKeyring, SystemdCredential};
use oauth_client::token_store::{
    KeyFile, KeySource as _, MemoryStore, Passphrase, PlainFileStore, RefreshPoint, SealedFileStore,
    StoreError, StoreProblem, SystemKeyring, TokenKey, TokenRecord, TokenStore, UnixTime,
};
use oauth_client::{AccessTokenResponse, HttpResponse, Scope, Secret};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::doctor::PATIENCE;
use crate::doctor::finding::Finding;
use crate::environment::state_directory;
#[cfg(target_os = "linux")]
use crate::environment::variable;
use crate::settings::Settings;
#[cfg(target_os = "linux")]
use crate::stores::CREDENTIAL;
use crate::stores::{APPLICATION, StoreChoice, StoreKind};

/// What lies in the store while it is tried.
const CANARY: &str = "canary";

/// What came of one store.
enum Trial {
    Works(Duration),
    /// It is made for other surroundings.
    NotHere(&'static str),
    Fails(StoreError),
}

/// Side by side: a keyring that does not answer delays nothing but itself.
pub(super) async fn findings(settings: &Settings) -> Vec<Finding> {
    let choice = match StoreChoice::of(settings) {
        Ok(choice) => choice,
        Err(failure) => {
            return vec![Finding::problem("store", failure.message, "device-cli help stores")];
        }
    };
    let Some(scratch) = Scratch::new() else {
        return vec![Finding::problem(
            "stores",
            "not tried: there is no place for state",
            "see HOME and state",
        )];
    };
    let trials = StoreKind::ALL.map(|kind| {
        let (settings, places) = (settings.clone(), scratch.places.clone());
        (kind, spawn_blocking(move || tried(kind, &settings, &places)))
    });
    let mut findings = Vec::new();
    let mut has_one = false;
    for (kind, trial) in trials {
        let is_chosen = choice == StoreChoice::Kind(kind);
        findings.push(match timeout(PATIENCE, trial).await {
            Ok(Ok(trial)) => {
                has_one |= matches!(trial, Trial::Works(_)) && kind != StoreKind::Memory;
                in_words(kind, trial, is_chosen)
            }
            Ok(Err(_)) => Finding::note(kind.name(), "the trial itself failed: please report it"),
            Err(_) => {
                let told = format!("no answer within {} s", PATIENCE.as_secs());
                bad(
                    kind,
                    told,
                    &format!("look for a disk that hangs, or choose another store: {STORE_FLAG}"),
                    is_chosen,
                )
            }
        });
    }
    if !has_one {
        let told = "no store works but memory: a login would be gone with its command";
        findings.push(Finding::problem("stores", told, "see state, above"));
    }
    findings
}

fn in_words(kind: StoreKind, trial: Trial, is_chosen: bool) -> Finding {
    match trial {
        Trial::Works(took) => {
            let chosen = if is_chosen { ", and is the one that was chosen" } else { "" };
            Finding::ok(kind.name(), format!("works ({} ms){chosen}", took.as_millis()))
        }
        Trial::NotHere(why) if is_chosen => {
            Finding::problem(kind.name(), why, format!("choose another store: {STORE_FLAG}"))
        }
        Trial::NotHere(why) => Finding::ok(kind.name(), why),
        Trial::Fails(error) => match error.problem() {
            StoreProblem::Keyring(problem) => {
                bad(kind, problem.to_string(), &format!("{}: {STORE_FLAG}", problem.next_step()), is_chosen)
            }
            _ => bad(
                kind,
                error.to_string(),
                &format!("mend that, or choose another store: {STORE_FLAG}"),
                is_chosen,
            ),
        },
    }
}

const STORE_FLAG: &str = "--store NAME, or export DEVICE_CLI_STORE=NAME";

/// One that nobody chose is no problem: there are others.
fn bad(kind: StoreKind, told: String, mend: &str, is_chosen: bool) -> Finding {
    if is_chosen {
        Finding::problem(kind.name(), told, mend)
    } else {
        Finding::note(kind.name(), told).mended_by(mend)
    }
}

fn tried(kind: StoreKind, settings: &Settings, places: &Places) -> Trial {
    let started = Instant::now();
    // The keyring writes no file, and may keep us waiting.
    let _in_use = (kind != StoreKind::Keyring).then(|| places.in_use.read());
    let result = match kind {
        StoreKind::Memory => canary(&MemoryStore::new()),
        StoreKind::File => places.of(kind).and_then(|place| canary(&PlainFileStore::new(place))),
        // A keyring gets no second key of ours, only what is gone again.
        StoreKind::Keyring => SystemKeyring::new(APPLICATION).probe(),
        StoreKind::Passphrase => places
            .of(kind)
            .and_then(|place| canary(&SealedFileStore::new(place, Passphrase::new(Secret::from(CANARY))))),
        StoreKind::KeyFile => key_file(settings, places),
        #[cfg(target_os = "linux")]
        StoreKind::SystemdCredential => {
            let Some(credentials) = variable("CREDENTIALS_DIRECTORY") else {
                return Trial::NotHere(
                    "not here: for a service whose unit has LoadCredentialEncrypted=device-cli-key",
                );
            };
            let credential = SystemdCredential::new(credentials, CREDENTIAL);
            places.of(kind).and_then(|place| canary(&SealedFileStore::new(place, credential)))
        }
        #[cfg(target_os = "linux")]
        StoreKind::Kernel => places.of(kind).and_then(|place| {
            let keyring = KernelKeyring::new(format!("{APPLICATION} {CANARY} {}", std::process::id()));
            let tried = canary(&SealedFileStore::new(place, keyring.clone()));
            keyring.forget().and(tried)
        }),
        #[cfg(not(target_os = "linux"))]
        StoreKind::SystemdCredential | StoreKind::Kernel => {
            return Trial::NotHere("not here: it needs Linux");
        }
    };
    let took = started.elapsed();
    match result.and_then(|()| state_of_its_own(kind, settings)) {
        Ok(()) => Trial::Works(took),
        Err(error) => Trial::Fails(error),
    }
}

/// With the key file that is named, where that is there already; it is read and no more.
fn key_file(settings: &Settings, places: &Places) -> Result<(), StoreError> {
    let place = places.of(StoreKind::KeyFile)?;
    let own = settings.key_file.as_deref().filter(|path| path.exists());
    if let Some(path) = own {
        KeyFile::new(path).find(&place)?;
    }
    canary(&SealedFileStore::new(&place, KeyFile::made_if_missing(place.join("key/canary.key"))))
}

fn canary(store: &dyn TokenStore) -> Result<(), StoreError> {
    let key = canary_key();
    let json = [("content-type", "application/json")];
    let body = format!(r#"{{"access_token":"{CANARY}","token_type":"Bearer"}}"#);
    let Ok(response) = AccessTokenResponse::process_response(&HttpResponse::new(200, json, body)) else {
        return Ok(());
    };
    let point = RefreshPoint::from_random(0);
    let record = TokenRecord::new(key.clone(), &response, &Scope::default(), UnixTime::now(), point);
    store.prepare()?;
    store.save(&record)?;
    let read_back = store.load(&key)?.is_some_and(|read| read.access_token.expose() == CANARY);
    store.delete(&key)?;
    let is_gone = store.load(&key)?.is_none();
    if read_back && is_gone {
        Ok(())
    } else {
        Err(StoreError::new(store.describe().name, store.describe().location, StoreProblem::NotReadBack))
    }
}

/// Of a login that nobody has.
fn canary_key() -> TokenKey {
    TokenKey::new("https://canary.invalid", APPLICATION, CANARY)
}

/// Whether the directory with the logins would be taken as it is. No key is asked for, and no login is read.
fn state_of_its_own(kind: StoreKind, settings: &Settings) -> Result<(), StoreError> {
    let Ok(opened) = kind.open_unasked(settings) else { return Ok(()) };
    let there = opened.store.describe().location.is_some_and(|directory| directory.exists());
    if there { opened.store.load(&canary_key()).map(drop) } else { Ok(()) }
}

/// A directory beside the logins that is gone with this value, also where somebody presses Ctrl-C, and with it whatever
/// of the way to it was not there.
struct Scratch {
    places: Places,
    nearest: PathBuf,
}

/// Where in it each store is tried.
#[derive(Clone)]
struct Places {
    directory: PathBuf,
    /// Read by each trial as long as it may write there.
    in_use: Arc<RwLock<()>>,
}

/// How long a trial may take to end once nobody waits for it any more.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Scratch {
    fn new() -> Option<Self> {
        let directory = state_directory()?.join(format!("{CANARY}-{}", std::process::id()));
        let nearest = directory.ancestors().find(|ancestor| ancestor.exists())?.to_owned();
        Some(Self { places: Places { directory, in_use: Arc::default() }, nearest })
    }
}

impl Places {
    fn of(&self, kind: StoreKind) -> Result<PathBuf, StoreError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.directory).map_err(|source| {
            let problem = StoreProblem::Io { operation: "make the directory", source };
            StoreError::new("any", Some(self.directory.clone()), problem)
        })?;
        Ok(self.directory.join(kind.name()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Places { directory, in_use } = &self.places;
        let start = Instant::now();
        // Else one that is still at it would make the directory again.
        let unused = loop {
            let unused = in_use.try_write().ok();
            if unused.is_some() || start.elapsed() > LAST_WORDS {
                break unused;
            }
            thread::sleep(Duration::from_millis(5));
        };
        // Nor may one begin now.
        std::mem::forget(unused);
        let _ = fs::remove_dir_all(directory);
        let made = directory.ancestors().skip(1).take_while(|path| **path != *self.nearest);
        for directory in made {
            // Not if somebody has put something there meanwhile.
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
    }
}
