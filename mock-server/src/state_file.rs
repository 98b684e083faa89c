//! The file that a restart finds the state in: replaced as a whole, held by one server at a time.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A state file that this process holds.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// Locked as long as it is open: the system unlocks it when the process ends, however it ends.
    _lock: File,
}

impl StateFile {
    /// Takes the file for this process, and reads it if it is there.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Option<Vec<u8>>)> {
        let explain = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot use the state file {}: {error}", path.display()))
        };
        let lock = private_file(&beside(path, ".lock"), false).map_err(explain)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::WouldBlock,
                format!(
                    "another mock-server uses the state file {}: stop it, or name another",
                    path.display()
                ),
            ),
            TryLockError::Error(error) => explain(error),
        })?;
        let saved = match fs::read(path) {
            Ok(saved) => Some(saved),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(explain(error)),
        };
        Ok((Self { path: path.to_owned(), _lock: lock }, saved))
    }

    /// Replaces the file; when this returns the new one is on the disk.
    pub(crate) fn write(&self, state: &[u8]) -> io::Result<()> {
        let explain = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("cannot write the state file {}: {error}", self.path.display()),
            )
        };
        let new = beside(&self.path, ".new");
        let replace = || {
            let mut file = private_file(&new, true)?;
            file.write_all(state)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        };
        replace().map_err(explain)
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Opened to be written by its owner alone: it holds codes and client secrets.
fn private_file(path: &Path, truncate: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(truncate);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
