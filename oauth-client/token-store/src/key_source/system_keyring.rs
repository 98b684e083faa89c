//! The key in the keyring of the user's desktop or system.

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::record_file::{LOCK_TIMEOUT, RecordFile};
use crate::{KeySource, KeyringProblem, SealingKey, StoreError, StoreProblem};

#[cfg(any(windows, target_os = "macos"))]
mod native;
#[cfg(not(any(windows, target_os = "macos")))]
mod secret_service;

#[cfg(any(windows, target_os = "macos"))]
use native as keyring;
#[cfg(not(any(windows, target_os = "macos")))]
use secret_service as keyring;

const STORE: &str = "sealed file (system keyring)";
/// A keyring may hang: on a prompt that nobody sees, or because nothing answers.
const PATIENCE: Duration = Duration::from_secs(3);
/// What keyrings show a person beside the application's name.
const USER: &str = "key of stored tokens";
/// The same for what is written to see whether it is kept.
const CANARY: &str = "trial, may be removed";

/// A key in the Secret Service over D-Bus (GNOME Keyring and its like), the macOS Keychain, or the
/// Windows Credential Manager. It protects as well as the user's login does: once unlocked, every program of
/// the user can ask for it.
///
/// Nothing here prompts on Linux, and nothing takes longer than 3 seconds: where there is no bus, no default
/// collection, or a locked one, as on most machines without a screen, the error says so. What was read once
/// is kept in memory for reading records; with each write the keyring is asked again.
#[derive(Clone)]
pub struct SystemKeyring {
    application: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    known: Option<SealingKey>,
    /// A call that has not come back yet.
    hanging: Option<JoinHandle<()>>,
}

impl SystemKeyring {
    /// The key of `application`, one for each directory of records. Nothing is asked yet.
    pub fn new(application: impl Into<String>) -> Self {
        Self { application: application.into(), state: Arc::default() }
    }

    /// Whether the keyring would keep a key and give it back: is there a D-Bus session, a keyring on it, a
    /// default collection, and is that unlocked? The application's key is read where there is one; else a
    /// canary is written, read and deleted. Nothing is left behind.
    ///
    /// This prompts for nothing and takes 3 seconds at the most. Once there is a key, nothing is ever written
    /// but files, so that a keyring that can only be read is no reason to refuse then.
    pub fn probe(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        let application = self.application.clone();
        let kept = within(&mut state, move || match keyring::read(&application)? {
            Some(text) => Ok(Some(text)),
            None => keyring::try_out(&application).map(|()| None),
        })?;
        kept.map_or(Ok(()), |text| key_in(&text).map(drop))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, state: &mut State) -> Result<Option<SealingKey>, StoreError> {
        let application = self.application.clone();
        let text = within(state, move || keyring::read(&application))?;
        state.known = text.map(|text| key_in(&text)).transpose()?;
        Ok(state.known.clone())
    }
}

impl KeySource for SystemKeyring {
    fn store(&self) -> &'static str {
        STORE
    }

    fn find(&self, _directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        let mut state = self.state();
        match &state.known {
            Some(key) => Ok(Some(key.clone())),
            None => self.ask(&mut state),
        }
    }

    fn find_to_write(&self, _directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        self.ask(&mut self.state())
    }

    /// After one that does not answer, asking under the lock fails at once.
    fn find_before_lock(&self, directory: &Path) -> Option<SealingKey> {
        self.find_to_write(directory).ok().flatten()
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        let lock = RecordFile {
            store: STORE,
            directory: directory.to_owned(),
            stem: "system-keyring".to_owned(),
            extension: "",
        };
        let _lock = lock.lock(LOCK_TIMEOUT)?;
        let mut state = self.state();
        let key = SealingKey::generate().map_err(|problem| StoreError::new(STORE, None, problem))?;
        let (application, text) = (self.application.clone(), key.expose_base64());
        let kept = within(&mut state, move || keep(&application, text.trim_end()))?;
        let key = key_in(&kept)?;
        state.known = Some(key.clone());
        Ok(key)
    }

    fn missing(&self, _directory: &Path) -> StoreError {
        let next_step = "unlock or restore the keyring that it was in, or log out and sign in again";
        StoreError::new(STORE, None, StoreProblem::MissingKey { next_step })
    }
}

/// What the keyring gives back, not what it was given: somebody else's where there is one.
fn keep(application: &str, text: &str) -> Result<Text, KeyringProblem> {
    if let Some(kept) = keyring::read(application)? {
        return Ok(kept);
    }
    keyring::write(application, text)?;
    keyring::read(application)?.ok_or(KeyringProblem::NotKept)
}

fn key_in(text: &Text) -> Result<SealingKey, StoreError> {
    SealingKey::from_file(text).map_err(|problem| StoreError::new(STORE, None, problem))
}

/// Calls in a thread that is left behind if it takes too long. As long as one hangs, no other is tried.
fn within<T: Send + 'static>(
    state: &mut State,
    call: impl FnOnce() -> Result<T, KeyringProblem> + Send + 'static,
) -> Result<T, StoreError> {
    let no_answer = KeyringProblem::NoAnswer { waited: PATIENCE };
    state.hanging = state.hanging.take().filter(|hanging| !hanging.is_finished());
    if state.hanging.is_some() {
        return Err(no_answer.into());
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
        // Nobody listens to one that was left behind.
        let _ = sender.send(call());
    });
    let thread = thread.map_err(|source| {
        StoreError::new(STORE, None, StoreProblem::Io { operation: "start a thread for the keyring", source })
    })?;
    match receiver.recv_timeout(PATIENCE) {
        Ok(answer) => Ok(answer?),
        Err(RecvTimeoutError::Timeout) => {
            state.hanging = Some(thread);
            Err(no_answer.into())
        }
        Err(RecvTimeoutError::Disconnected) => {
            Err(KeyringProblem::Failed("the call to the keyring ended without an answer".into()).into())
        }
    }
}

impl From<KeyringProblem> for StoreError {
    fn from(problem: KeyringProblem) -> Self {
        Self::new(STORE, None, StoreProblem::Keyring(problem))
    }
}

/// What the keyring holds.
type Text = Zeroizing<Vec<u8>>;

/// The key stays out of it.
impl fmt::Debug for SystemKeyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SystemKeyring")
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}
