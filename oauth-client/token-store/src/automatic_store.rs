//! The store where nobody has chosen one.

use std::fmt;
use std::path::PathBuf;

use crate::{KeyringProblem, SealedFileStore, StoreError, StoreProblem, SystemKeyring};

/// The store for a login for which nobody has chosen one: sealed files in `directory` with their key in the
/// system's keyring, if that was tried and works ([`SystemKeyring::probe`]); else a refusal.
///
/// To be asked before a person is sent away to sign in. It prompts for nothing and takes 3 seconds at the
/// most. There is no second choice, and no plain file ever: what protects less, or asks for more, is for the
/// person to choose. Where a store was chosen, do not call this: open that one and touch nothing else.
///
/// ```no_run
/// # fn choose() -> Result<oauth_token_store::SealedFileStore, Box<dyn std::error::Error>> {
/// use oauth_token_store::{SystemKeyring, TokenStore as _, automatic_store};
///
/// let store = automatic_store("/home/me/.local/state/my-app/tokens", &SystemKeyring::new("my-app"))?;
/// store.prepare()?;
/// # Ok(store)
/// # }
/// ```
pub fn automatic_store(
    directory: impl Into<PathBuf>,
    keyring: &SystemKeyring,
) -> Result<SealedFileStore, NoAutomaticStore> {
    match keyring.probe() {
        Ok(()) => Ok(SealedFileStore::new(directory, keyring.clone())),
        Err(error) => Err(NoAutomaticStore { error }),
    }
}

/// Nobody has chosen a store, and the one that needs no choice does not work here.
#[derive(Debug)]
pub struct NoAutomaticStore {
    error: StoreError,
}

impl NoAutomaticStore {
    /// What the keyring said, where it was that which failed: of a locked one a person at the machine can be
    /// asked to unlock it.
    #[must_use]
    pub const fn keyring_problem(&self) -> Option<&KeyringProblem> {
        match self.error.problem() {
            StoreProblem::Keyring(problem) => Some(problem),
            _ => None,
        }
    }

    /// The trial's own error.
    #[must_use]
    pub fn into_error(self) -> StoreError {
        self.error
    }
}

/// What was tried, why it failed, and what to choose instead.
impl fmt::Display for NoAutomaticStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no store was chosen, and the system's keyring was tried: ")?;
        match self.keyring_problem() {
            Some(problem) => problem.fmt(formatter)?,
            None => self.error.fmt(formatter)?,
        }
        formatter.write_str(
            ". Choose a store: sealed files with a passphrase, a key file, a systemd credential or the kernel's \
             keyring, or plain files, which are not encrypted",
        )
    }
}

impl std::error::Error for NoAutomaticStore {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
