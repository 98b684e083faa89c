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

    /// The same for tokens that have nowhere else to go, with what is at hand.
    fn encode_at_any_rate(&mut self, record: &TokenRecord) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.encode(record)
    }
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
    recovery: Vec<PathBuf>,
    lock_timeout: Duration,
}

#[derive(Debug)]
struct Lock<F> {
    file: LockedFile,
    /// Those of the whole store, with the format that this lock writes with.
    files: RecordFiles<F>,
    key: TokenKey,
}

impl<F: RecordFormat> RecordFiles<F> {
    pub(crate) fn new(directory: impl Into<PathBuf>, format: F) -> Self {
        let directory = without_trailing_slash(directory);
        Self { format, directory, recovery: Vec::new(), lock_timeout: LOCK_TIMEOUT }
    }

    pub(crate) fn add_recovery_directory(&mut self, directory: impl Into<PathBuf>) {
        self.recovery.push(without_trailing_slash(directory));
    }

    pub(crate) fn set_lock_timeout(&mut self, timeout: Duration) {
        self.lock_timeout = timeout.min(LOCK_TIMEOUT);
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        let file = self.file(key);
        let stored = file.read().and_then(|bytes| match bytes.map(|bytes| self.format.decode(key, bytes)) {
            None if file.damaged_copy()?.is_none() => Ok(None),
            // Only under the lock is it certain that what is set aside is what was read, and that no new login is
            // just being put in its place.
            None | Some(Err(Unreadable::Damaged)) => self.locked(key)?.load_stored(),
            Some(Ok(record)) => Ok(Some(record)),
            Some(Err(Unreadable::Kept(problem))) => Err(file.error(problem)),
            Some(Err(Unreadable::NoKey(error))) => Err(error),
        });
        newest(stored, self.rescued(key))
    }

    pub(crate) fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        Ok(Box::new(self.locked(key)?))
    }

    fn locked(&self, key: &TokenKey) -> Result<Lock<F>, StoreError> {
        let mut files = self.clone();
        files.format.prepare_for_lock();
        let file = self.file(key).lock(self.lock_timeout)?;
        Ok(Lock { file, files, key: key.clone() })
    }

    /// Writes the record to the first recovery directory that takes it, in the form that it has in the store.
    pub(crate) fn rescue(&mut self, record: &TokenRecord, cause: StoreError) -> StoreError {
        if !is_worth_a_rescue(cause.problem()) {
            return cause;
        }
        let Ok(bytes) = self.format.encode_at_any_rate(record) else { return cause };
        for directory in &self.recovery {
            let file = self.file_in(directory, &record.key);
            let kept_as = file.path();
            if file.lock(self.lock_timeout).and_then(|mut file| file.replace(&bytes)).is_ok() {
                let problem = StoreProblem::Rescued { kept_as, cause: Box::new(cause) };
                return StoreError::new(self.format.store(), Some(self.directory.clone()), problem);
            }
        }
        cause
    }

    /// What [`RecordFiles::rescue`] has kept. What cannot be read there is as good as none.
    fn rescued(&self, key: &TokenKey) -> Option<TokenRecord> {
        let in_directory = |directory: &PathBuf| {
            let bytes = self.file_in(directory, key).read().ok()??;
            self.format.decode(key, bytes).ok()
        };
        let all = self.recovery.iter().filter_map(in_directory);
        all.reduce(newer)
    }

    /// Removes what was rescued; says whether there was anything.
    fn forget_rescued(&self, key: &TokenKey) -> Result<bool, StoreError> {
        let mut existed = false;
        for directory in &self.recovery {
            let file = self.file_in(directory, key);
            if file.read()?.is_some() {
                existed |= file.lock(self.lock_timeout)?.delete()?;
            }
        }
        Ok(existed)
    }

    /// The path of the lock file, the same by whatever way the directory is named.
    pub(crate) fn lock_name(&self, key: &TokenKey) -> String {
        let mut file = self.file(key);
        let real = file.directory.canonicalize().or_else(|_| std::path::absolute(&file.directory));
        file.directory = real.unwrap_or(file.directory);
        file.lock_path().display().to_string()
    }

    fn file(&self, key: &TokenKey) -> RecordFile {
        self.file_in(&self.directory, key)
    }

    fn file_in(&self, directory: &Path, key: &TokenKey) -> RecordFile {
        RecordFile {
            store: self.format.store(),
            directory: directory.to_owned(),
            stem: format!("{}{}", F::PREFIX, key.file_stem()),
            extension: F::EXTENSION,
        }
    }
}

/// "dir/" and "dir/." would be followed where "dir" is a symbolic link.
pub(crate) fn without_trailing_slash(directory: impl Into<PathBuf>) -> PathBuf {
    directory.into().components().collect()
}

/// Of a store that was written to after a rescue, the record is the newer one; and then it took it into account.
fn newest(
    stored: Result<Option<TokenRecord>, StoreError>,
    rescued: Option<TokenRecord>,
) -> Result<Option<TokenRecord>, StoreError> {
    let Some(rescued) = rescued else { return stored };
    match stored {
        Ok(Some(stored)) => Ok(Some(newer(stored, rescued))),
        Err(error) if !(error.problem().gives_way_to_a_login() || is_io(error.problem())) => Err(error),
        _ => Ok(Some(rescued)),
    }
}

/// The first where neither is newer.
fn newer(one: TokenRecord, other: TokenRecord) -> TokenRecord {
    let age = |record: &TokenRecord| (record.obtained_at, record.generation);
    if age(&other) > age(&one) { other } else { one }
}

/// Whether the store may be in order again one day, with the tokens still good. Where it holds a newer login, or one
/// that is not to be overwritten, it is in order now.
fn is_worth_a_rescue(problem: &StoreProblem) -> bool {
    match problem {
        StoreProblem::Unsafe(_)
        | StoreProblem::KeyUnavailable { .. }
        | StoreProblem::Keyring(_)
        | StoreProblem::LockTimeout { .. } => true,
        problem => is_io(problem),
    }
}

const fn is_io(problem: &StoreProblem) -> bool {
    matches!(problem, StoreProblem::Io { .. })
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
        let stored = self.load_stored();
        newest(stored, self.files.rescued(&self.key))
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        let bytes = self.files.format.encode(in_doubt)?;
        self.check(in_doubt)?;
        self.file.reserve(bytes.len())?;
        self.file.replace(&bytes)?;
        self.rescue_is_over();
        Ok(())
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        let bytes = self.files.format.encode(record)?;
        self.check(record)?;
        self.file.replace_with_reserved(&bytes)?;
        self.rescue_is_over();
        Ok(())
    }

    fn rescue(&mut self, record: &TokenRecord, cause: StoreError) -> StoreError {
        self.files.rescue(record, cause)
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        let was_rescued = self.files.forget_rescued(&self.key)?;
        Ok(self.file.delete()? || was_rescued)
    }
}

impl<F: RecordFormat> Lock<F> {
    /// What lies in the store itself.
    fn load_stored(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        let Some(bytes) = self.file.read()? else {
            return match self.file.damaged_copy()? {
                Some(kept_as) => Err(self.file.error(StoreProblem::Corrupt { kept_as })),
                None => Ok(None),
            };
        };
        match self.files.format.decode(&self.key, bytes) {
            Ok(record) => Ok(Some(record)),
            Err(Unreadable::Damaged) => {
                let kept_as = self.file.set_aside(SetAside::Corrupt)?;
                Err(self.file.error(StoreProblem::Corrupt { kept_as }))
            }
            Err(Unreadable::Kept(problem)) => Err(self.file.error(problem)),
            Err(Unreadable::NoKey(error)) => Err(error),
        }
    }

    /// The store has what was rescued, or something newer. What cannot be removed is the older one from now on.
    fn rescue_is_over(&self) {
        let _ = self.files.forget_rescued(&self.key);
    }
}
