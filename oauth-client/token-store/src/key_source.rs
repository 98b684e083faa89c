//! Where the key of a sealed file store comes from.

use std::fmt;
use std::path::Path;

use crate::{SealingKey, StoreError};

#[cfg(all(feature = "kernel-keyring", target_os = "linux"))]
pub(crate) mod kernel_keyring;
#[cfg(feature = "key-file")]
pub(crate) mod key_file;
#[cfg(feature = "passphrase")]
pub(crate) mod passphrase;
#[cfg(feature = "system-keyring")]
pub(crate) mod system_keyring;
#[cfg(all(feature = "systemd-credential", target_os = "linux"))]
pub(crate) mod systemd_credential;

/// A place that keeps the key of a [`SealedFileStore`](crate::SealedFileStore).
///
/// `directory` is that of the records, for a source that keeps something beside them; it may not exist yet,
/// and is empty where they lie in none.
/// Errors name the store and the place of the key, and never hold the key.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// What a store with this key is called: "sealed file (key file)".
    fn store(&self) -> &'static str;

    /// Whether the key outlives a reboot. One that does not takes the records with it: a new login then
    /// replaces them, and none is waited for.
    fn survives_reboot(&self) -> bool {
        true
    }

    /// The key; `None`: there is none. Asked for with every record that is read.
    fn find(&self, directory: &Path) -> Result<Option<SealingKey>, StoreError>;

    /// The key as it is now, for records that others must be able to read: a source that remembers what it
    /// found looks again.
    fn find_to_write(&self, directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        self.find(directory)
    }

    /// [`find_to_write`](Self::find_to_write) before a lock is waited for, for a source that may be slow: the
    /// others who want the lock do not wait for it too. `None`, also where there is no key or it cannot be had:
    /// it is looked for under the lock.
    fn find_before_lock(&self, _directory: &Path) -> Option<SealingKey> {
        None
    }

    /// Makes the key. Several threads and processes may do so at the same time: all get the same one.
    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError>;

    /// Says that the key is not there, and what helps.
    fn missing(&self, directory: &Path) -> StoreError;
}

/// A [`KeySource`] that gives every machine the same key and keeps nothing beside the records: one for stores
/// that several machines share.
pub trait SharedKeySource: KeySource {}

#[cfg(feature = "key-file")]
impl SharedKeySource for key_file::KeyFile {}

#[cfg(all(feature = "systemd-credential", target_os = "linux"))]
impl SharedKeySource for systemd_credential::SystemdCredential {}
