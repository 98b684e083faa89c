//! Records as plain files that only their owner can read.

use std::path::PathBuf;
use std::time::Duration;

use crate::record_file::{LOCK_TIMEOUT, LockedFile, RecordFile};
use crate::record_json::{NotARecord, from_json, to_json};
use crate::store::check_replacement;
use crate::{LockedRecord, StoreDescription, StoreError, StoreProblem, TokenKey, TokenRecord, TokenStore};

const NAME: &str = "plain file";

/// One file a login, mode 0600, in a directory of mode 0700: safe from other users, not from whoever takes
/// the disk or a backup.
///
/// A file or directory that others can write, that belongs to another user, is a link, or has more than
/// one name is refused. A record is replaced as a whole by a crash-safe write; the lock is a file beside
/// it, `flock(2)` on Unix.
#[derive(Clone, Debug)]
pub struct PlainFileStore {
    directory: PathBuf,
    lock_timeout: Duration,
}

#[derive(Debug)]
struct Lock {
    file: LockedFile,
    key: TokenKey,
}

impl PlainFileStore {
    /// A store in `directory`, which is made with the first record.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        // "dir/" and "dir/." would be followed where "dir" is a symbolic link.
        let directory = directory.into().components().collect();
        Self { directory, lock_timeout: LOCK_TIMEOUT }
    }

    /// Waits this long for a lock, at most and by default 45 seconds.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout.min(LOCK_TIMEOUT);
        self
    }

    fn file(&self, key: &TokenKey) -> RecordFile {
        RecordFile { store: NAME, directory: self.directory.clone(), stem: key.file_stem() }
    }
}

impl TokenStore for PlainFileStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        let file = self.file(key);
        let Some(bytes) = file.read()? else { return Ok(None) };
        match from_json(&bytes) {
            // Only under the lock is it certain that what is set aside is what was read.
            Err(NotARecord::Corrupt) => self.lock(key)?.load(),
            Err(NotARecord::UnknownVersion(version)) => {
                Err(file.error(StoreProblem::UnknownVersion { version }))
            }
            Ok(record) if record.key != *key => Err(file.error(StoreProblem::ForeignRecord)),
            Ok(record) => Ok(Some(record)),
        }
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        let file = self.file(key).lock(self.lock_timeout)?;
        Ok(Box::new(Lock { file, key: key.clone() }))
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            name: NAME,
            encrypted_at_rest: false,
            survives_reboot: true,
            location: Some(self.directory.clone()),
        }
    }
}

impl Lock {
    fn check(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        let stored = match self.load() {
            // What was damaged is kept under another name: the new record has its place.
            Err(error) if matches!(error.problem(), StoreProblem::Corrupt { .. }) => None,
            stored => stored?,
        };
        check_replacement(&self.key, stored.as_ref(), record).map_err(|problem| self.file.error(problem))
    }
}

impl LockedRecord for Lock {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        let Some(bytes) = self.file.read()? else { return Ok(None) };
        match from_json(&bytes) {
            Err(NotARecord::Corrupt) => {
                let kept_as = self.file.set_aside()?;
                Err(self.file.error(StoreProblem::Corrupt { kept_as }))
            }
            Err(NotARecord::UnknownVersion(version)) => {
                Err(self.file.error(StoreProblem::UnknownVersion { version }))
            }
            Ok(record) if record.key != self.key => Err(self.file.error(StoreProblem::ForeignRecord)),
            Ok(record) => Ok(Some(record)),
        }
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        self.check(in_doubt)?;
        let bytes = to_json(in_doubt);
        self.file.reserve(bytes.len())?;
        self.file.replace(&bytes)
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        self.check(record)?;
        self.file.replace_with_reserved(&to_json(record))
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.file.delete()
    }
}
