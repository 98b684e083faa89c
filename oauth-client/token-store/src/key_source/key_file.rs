//! The key in a file of its own.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::record_file::{LOCK_TIMEOUT, RecordFile};
use crate::{KeySource, SealingKey, StoreError, StoreProblem};

const STORE: &str = "sealed file (key file)";

/// A file that holds the key, as private as a record must be: 32 bytes, as they are or in Base64. Best kept
/// on another disk than the records, or at least out of the same backup.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
    is_made: bool,
}

impl KeyFile {
    /// The key in `path`, which somebody else has put there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_made: false }
    }

    /// The key in `path`; with the first record it is made, mode 0600, if it is missing. A file that is
    /// there is never overwritten.
    pub fn made_if_missing(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_made: true }
    }

    fn file(&self) -> Result<RecordFile, StoreError> {
        let name = self.path.file_name().and_then(|name| name.to_str());
        let (Some(directory), Some(name)) = (self.path.parent(), name) else {
            let reason = "its path ends with no file name of text";
            return Err(self.error(StoreProblem::InvalidKey { reason }));
        };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        Ok(RecordFile { store: STORE, directory: directory.to_owned(), stem: name.to_owned(), extension: "" })
    }

    fn read(&self, bytes: Option<Zeroizing<Vec<u8>>>) -> Result<Option<SealingKey>, StoreError> {
        let key = bytes.map(|bytes| SealingKey::from_file(&bytes)).transpose();
        key.map_err(|problem| self.error(problem))
    }

    fn error(&self, problem: StoreProblem) -> StoreError {
        StoreError::new(STORE, Some(self.path.clone()), problem)
    }
}

impl KeySource for KeyFile {
    fn store(&self) -> &'static str {
        STORE
    }

    fn find(&self, _directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        self.read(self.file()?.read()?)
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        if !self.is_made {
            return Err(self.missing(directory));
        }
        let mut file = self.file()?.lock(LOCK_TIMEOUT)?;
        if let Some(key) = self.read(file.read()?)? {
            return Ok(key);
        }
        let key = SealingKey::generate().map_err(|problem| self.error(problem))?;
        file.replace(key.expose_base64().as_bytes())?;
        Ok(key)
    }

    fn missing(&self, _directory: &Path) -> StoreError {
        let next_step = "mount its disk, restore it from a backup, or name the right file";
        self.error(StoreProblem::MissingKey { next_step })
    }
}
