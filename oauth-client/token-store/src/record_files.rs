//! Records as files of one format: what the plain and the sealed file store have in common.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::record_file::{LOCK_TIMEOUT, LockedFile, RecordFile, SetAside};
use crate::record_json::{NotARecord, from_json};
use crate::store::check_replacement;
use crate::{LockedRecord, StoreError, StoreProblem, TokenKey, TokenRecord};

/// How a record stands in its file.
pub(crate) trait RecordFormat: Clone + fmt::Debug + Send + 'static {
    /// What a file's name begins with: no two formats share a file, a lock or the sweeping of either.
    const PREFIX: &'static str;
    /// What a file's name ends with.
    const EXTENSION: &'static str;

    /// The store's name.
    fn store(&self) -> &'static str;

    /// Does what may take long before the lock is waited for.
    fn prepare_for_lock(&mut self) {}

    /// The record of `key` in a file's bytes.
    fn decode(&self, key: &TokenKey, bytes: Zeroizing<Vec<u8>>) -> Result<TokenRecord, Unreadable>;

    /// The bytes of the file. What the first call had to fetch serves the later ones: after `reserve` a
    /// save depends on nobody.
    fn encode(&mut self, record: &TokenRecord) -> Result<Zeroizing<Vec<u8>>, StoreError>;
}

/// Why a file's bytes are not the record that was asked for.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// They are damaged: the file is to be set aside.
    Damaged,
    /// They may be what somebody else can read: the file stays as it is.
    Kept(StoreProblem),
    /// The key could not be had, so nothing is known; the file stays as it is.
    #[cfg_attr(not(feature = "sealed-file"), expect(dead_code, reason = "a plain file needs no key"))]
    NoKey(StoreError),
}

/// A directory of records.
#[derive(Clone, Debug)]
pub(crate) struct RecordFiles<F> {
    pub(crate) format: F,
    directory: PathBuf,
    lock_timeout: Duration,
}

#[derive(Debug)]
struct Lock<F> {
    file: LockedFile,
    format: F,
    key: TokenKey,
}

impl<F: RecordFormat> RecordFiles<F> {
    pub(crate) fn new(directory: impl Into<PathBuf>, format: F) -> Self {
        Self { format, directory: without_trailing_slash(directory), lock_timeout: LOCK_TIMEOUT }
    }

    pub(crate) fn set_lock_timeout(&mut self, timeout: Duration) {
        self.lock_timeout = timeout.min(LOCK_TIMEOUT);
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        let file = self.file(key);
        let Some(bytes) = file.read()? else { return Ok(None) };
        match self.format.decode(key, bytes) {
            Ok(record) => Ok(Some(record)),
            // Only under the lock is it certain that what is set aside is what was read.
            Err(Unreadable::Damaged) => self.lock(key)?.load(),
            Err(Unreadable::Kept(problem)) => Err(file.error(problem)),
            Err(Unreadable::NoKey(error)) => Err(error),
        }
    }

    pub(crate) fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        let mut format = self.format.clone();
        format.prepare_for_lock();
        let file = self.file(key).lock(self.lock_timeout)?;
        Ok(Box::new(Lock { file, format, key: key.clone() }))
    }

    /// The path of the lock file, the same by whatever way the directory is named.
    pub(crate) fn lock_name(&self, key: &TokenKey) -> String {
        let mut file = self.file(key);
        let real = file.directory.canonicalize().or_else(|_| std::path::absolute(&file.directory));
        file.directory = real.unwrap_or(file.directory);
        file.lock_path().display().to_string()
    }

    fn file(&self, key: &TokenKey) -> RecordFile {
        RecordFile {
            store: self.format.store(),
            directory: self.directory.clone(),
            stem: format!("{}{}", F::PREFIX, key.file_stem()),
            extension: F::EXTENSION,
        }
    }
}

/// "dir/" and "dir/." would be followed where "dir" is a symbolic link.
pub(crate) fn without_trailing_slash(directory: impl Into<PathBuf>) -> PathBuf {
    directory.into().components().collect()
}

/// The record of `key` in its JSON.
pub(crate) fn record_of(key: &TokenKey, json: &[u8]) -> Result<TokenRecord, Unreadable> {
    match from_json(json) {
        Err(NotARecord::Corrupt) => Err(Unreadable::Damaged),
        Err(NotARecord::UnknownVersion(version)) => {
            Err(Unreadable::Kept(StoreProblem::UnknownVersion { version }))
        }
        Ok(record) if record.key != *key => Err(Unreadable::Kept(StoreProblem::ForeignRecord)),
        Ok(record) => Ok(record),
    }
}

impl<F: RecordFormat> Lock<F> {
    /// Whether `record` may be written; makes room for it where what is there gives way to a new login.
    fn check(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        let stored = match self.load() {
            Err(error) => match error.problem() {
                // What was damaged is kept under another name: the new record has its place.
                StoreProblem::Corrupt { .. } => None,
                StoreProblem::KeyGone => {
                    self.file.set_aside(SetAside::NoKey)?;
                    None
                }
                _ => return Err(error),
            },
            Ok(stored) => stored,
        };
        check_replacement(&self.key, stored.as_ref(), record).map_err(|problem| self.file.error(problem))
    }
}

impl<F: RecordFormat> LockedRecord for Lock<F> {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        let Some(bytes) = self.file.read()? else { return Ok(None) };
        match self.format.decode(&self.key, bytes) {
            Ok(record) => Ok(Some(record)),
            Err(Unreadable::Damaged) => {
                let kept_as = self.file.set_aside(SetAside::Corrupt)?;
                Err(self.file.error(StoreProblem::Corrupt { kept_as }))
            }
            Err(Unreadable::Kept(problem)) => Err(self.file.error(problem)),
            Err(Unreadable::NoKey(error)) => Err(error),
        }
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        let bytes = self.format.encode(in_doubt)?;
        self.check(in_doubt)?;
        self.file.reserve(bytes.len())?;
        self.file.replace(&bytes)
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        let bytes = self.format.encode(record)?;
        self.check(record)?;
        self.file.replace_with_reserved(&bytes)
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.file.delete()
    }
}
