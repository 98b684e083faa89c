//! The directory where the system's access lists protect the user's own profile, as on Windows: no modes
//! to check, no handle to hold on to.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::Access;
use crate::{StoreError, StoreProblem, UnsafeState};

/// A directory that is there.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    store: &'static str,
    path: PathBuf,
}

impl PrivateDirectory {
    /// Looks at the directory; `None`: there is none.
    pub(crate) fn open(store: &'static str, path: &Path) -> Result<Option<Self>, StoreError> {
        let error = |problem| StoreError::new(store, Some(path.to_owned()), problem);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => {
                Err(error(StoreProblem::Unsafe(UnsafeState::SymbolicLink)))
            }
            Ok(metadata) if !metadata.is_dir() => {
                Err(error(StoreProblem::Unsafe(UnsafeState::NotADirectory)))
            }
            Ok(_) => Ok(Some(Self { store, path: path.to_owned() })),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(error(StoreProblem::Io { operation: "open the directory", source })),
        }
    }

    /// Opens the directory, or makes it and those above it.
    pub(crate) fn open_or_create(store: &'static str, path: &Path) -> Result<Self, StoreError> {
        loop {
            if let Some(directory) = Self::open(store, path)? {
                return Ok(directory);
            }
            std::fs::create_dir_all(path).map_err(|source| {
                let problem = StoreProblem::Io { operation: "create the directory", source };
                StoreError::new(store, Some(path.to_owned()), problem)
            })?;
        }
    }

    /// Opens a file and checks it; `None`: there is none.
    pub(crate) fn open_file(&self, name: &str, access: Access) -> Result<Option<File>, StoreError> {
        let path = self.path.join(name);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => {
                return Err(self.error(name, StoreProblem::Unsafe(UnsafeState::SymbolicLink)));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Err(self.error(name, StoreProblem::Unsafe(UnsafeState::NotARegularFile)));
            }
            _ => {}
        }
        let is_lock = access == Access::Lock;
        match OpenOptions::new().read(true).write(is_lock).create(is_lock).truncate(false).open(path) {
            Ok(file) => Ok(Some(file)),
            Err(source) if source.kind() == io::ErrorKind::NotFound && !is_lock => Ok(None),
            Err(source) => Err(self.io_error(name, "open the file", source)),
        }
    }

    /// Makes a file that was not there.
    pub(crate) fn create_file(&self, name: &str) -> Result<File, StoreError> {
        let created = OpenOptions::new().read(true).write(true).create_new(true).open(self.path.join(name));
        created.map_err(|source| self.io_error(name, "create the file", source))
    }

    /// Gives a file another name, in place of the file that has it.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        std::fs::rename(self.path.join(from), self.path.join(to))
            .map_err(|source| self.io_error(to, "put the file in place", source))
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StoreError> {
        match std::fs::remove_file(self.path.join(name)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(self.io_error(name, "remove the file", source))
            }
            _ => Ok(()),
        }
    }

    /// Directories are made durable by the system here.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)] // The Unix directory has the same methods.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The names in it that are text.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let error = |source| {
            let problem = StoreProblem::Io { operation: "list the directory", source };
            StoreError::new(self.store, Some(self.path.clone()), problem)
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(error)? {
            names.extend(entry.map_err(error)?.file_name().into_string());
        }
        Ok(names)
    }

    /// A file that is open cannot be removed here.
    #[allow(clippy::unused_self)] // The Unix directory has the same methods.
    pub(crate) fn is_linked(&self, _file: &File) -> bool {
        true
    }

    /// What is wrong with the file `name`.
    pub(crate) fn error(&self, name: &str, problem: StoreProblem) -> StoreError {
        StoreError::new(self.store, Some(self.path.join(name)), problem)
    }

    fn io_error(&self, name: &str, operation: &'static str, source: io::Error) -> StoreError {
        self.error(name, StoreProblem::Io { operation, source })
    }
}
