//! Records as plain files that only their owner can read.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::record_files::{RecordFiles, RecordFormat, Unreadable, record_of};
use crate::record_json::to_json;
use crate::{LockedRecord, StoreDescription, StoreError, TokenKey, TokenRecord, TokenStore};

const NAME: &str = "plain file";

/// One file a login, mode 0600, in a directory of mode 0700: safe from other users, not from whoever takes
/// the disk or a backup.
///
/// A file or directory that others can write, that belongs to another user, is a link, or has more than
/// one name is refused. A record is replaced as a whole by a crash-safe write; the lock is a file beside
/// it, `flock(2)` on Unix.
#[derive(Clone, Debug)]
pub struct PlainFileStore {
    files: RecordFiles<Json>,
}

/// The record as it is.
#[derive(Clone, Debug)]
struct Json;

impl PlainFileStore {
    /// A store in `directory`, which is made with the first record.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { files: RecordFiles::new(directory, Json) }
    }

    /// Waits this long for a lock, at most and by default 45 seconds.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.files.set_lock_timeout(timeout);
        self
    }

    /// Tokens that were obtained and cannot be written are kept in this directory, a plain file as they would be here, and are taken
    /// from there until the store can be written again. Best on another file system than the records; of several,
    /// the first that works.
    #[must_use]
    pub fn with_recovery_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.files.add_recovery_directory(directory);
        self
    }
}

impl TokenStore for PlainFileStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        self.files.load(key)
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        self.files.lock(key)
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.files.lock_name(key)
    }

    fn rescue(&self, record: &TokenRecord, cause: StoreError) -> StoreError {
        self.files.clone().rescue(record, cause)
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            name: NAME,
            encrypted_at_rest: false,
            survives_reboot: true,
            location: Some(self.files.directory().to_owned()),
        }
    }
}

impl RecordFormat for Json {
    const PREFIX: &'static str = "";
    const EXTENSION: &'static str = ".json";

    fn store(&self) -> &'static str {
        NAME
    }

    fn decode(&self, key: &TokenKey, bytes: Zeroizing<Vec<u8>>) -> Result<TokenRecord, Unreadable> {
        record_of(key, &bytes)
    }

    fn encode(&mut self, record: &TokenRecord) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        Ok(to_json(record))
    }
}
