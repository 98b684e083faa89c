//! One record as a file: the lock beside it, and a write that a crash cannot cut short.
#![allow(clippy::disallowed_methods, reason = "waiting for another process's lock takes real time")]

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::private_directory::{Access, PrivateDirectory};
use crate::{StoreError, StoreProblem};

/// The longest wait for a lock: one refresh takes at most 30 seconds.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(45);
/// The pause between two looks at a held lock doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);
/// No record is longer; what is, is no record.
const MAX_RECORD_BYTES: u64 = 4 * 1024 * 1024;
/// Set aside on top of twice the record that is replaced: a server's tokens are all of a size.
const RESERVE_BYTES: usize = 4 * 1024;

/// Where a record is.
#[derive(Debug)]
pub(crate) struct RecordFile {
    pub(crate) store: &'static str,
    pub(crate) directory: PathBuf,
    /// What its name and those of the files beside it have in common.
    pub(crate) stem: String,
    /// The rest of its name, with the dot.
    pub(crate) extension: &'static str,
}

/// Why a record gives up its name, and what it is called then, with a number behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SetAside {
    /// It is damaged: `.corrupt-N`.
    Corrupt,
    /// Whole, and the key that opens it is gone: `.no-key-N`.
    NoKey,
}

/// A record's file while its lock is held.
#[derive(Debug)]
pub(crate) struct LockedFile {
    file: RecordFile,
    directory: Arc<PrivateDirectory>,
    reserved: Option<TemporaryFile>,
    /// Closing it unlocks. It is never removed, and never the record itself: a rename would leave the
    /// lock on a file that nobody opens any more.
    _lock: File,
}

/// A file that is gone unless it was renamed.
#[derive(Debug)]
struct TemporaryFile {
    directory: Arc<PrivateDirectory>,
    name: String,
    file: File,
    is_in_place: bool,
}

impl RecordFile {
    /// The record's bytes, without a lock: a file is only ever replaced as a whole.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let directory = PrivateDirectory::open(self.store, &self.directory)?;
        directory.map_or(Ok(None), |directory| read(&directory, &self.name()))
    }

    /// The last copy that was set aside as damaged: as long as it is there, the login is not taken for signed out.
    pub(crate) fn damaged_copy(&self) -> Result<Option<PathBuf>, StoreError> {
        let Some(directory) = PrivateDirectory::open(self.store, &self.directory)? else { return Ok(None) };
        let prefix = self.prefix_of(SetAside::Corrupt);
        let last = last_number(&directory, &prefix)?;
        Ok(last.map(|last| self.directory.join(format!("{prefix}{last}"))))
    }

    /// Waits for the lock.
    pub(crate) fn lock(self, timeout: Duration) -> Result<LockedFile, StoreError> {
        let started = Instant::now();
        loop {
            let directory = PrivateDirectory::open_or_create(self.store, &self.directory)?;
            let name = self.lock_name();
            let lock = directory.open_file(&name, Access::Lock)?;
            let Some(lock) = lock else { continue };
            wait_for(&lock, started, timeout).map_err(|problem| directory.error(&name, problem))?;
            // Whoever removed the directory meanwhile left us with a lock that nobody else will find.
            if !directory.is_linked(&lock) {
                continue;
            }
            let locked =
                LockedFile { file: self, directory: Arc::new(directory), reserved: None, _lock: lock };
            locked.sweep()?;
            return Ok(locked);
        }
    }

    pub(crate) fn error(&self, problem: StoreProblem) -> StoreError {
        StoreError::new(self.store, Some(self.path()), problem)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(self.name())
    }

    fn name(&self) -> String {
        format!("{}{}", self.stem, self.extension)
    }

    /// The file that is locked.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.directory.join(self.lock_name())
    }

    fn lock_name(&self) -> String {
        format!("{}.lock", self.stem)
    }

    fn temporary_prefix(&self) -> String {
        format!("tmp.{}.", self.stem)
    }

    fn prefix_of(&self, set_aside: SetAside) -> String {
        let reason = match set_aside {
            SetAside::Corrupt => "corrupt",
            SetAside::NoKey => "no-key",
        };
        format!("{}.{reason}-", self.name())
    }
}

impl LockedFile {
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        read(&self.directory, &self.file.name())
    }

    pub(crate) fn damaged_copy(&self) -> Result<Option<PathBuf>, StoreError> {
        self.file.damaged_copy()
    }

    pub(crate) fn error(&self, problem: StoreProblem) -> StoreError {
        self.file.error(problem)
    }

    /// Sets space aside on the disk for a record that takes the place of one of `length` bytes.
    pub(crate) fn reserve(&mut self, length: usize) -> Result<(), StoreError> {
        let mut temporary = self.create_temporary()?;
        let space = vec![0; length.saturating_mul(2).saturating_add(RESERVE_BYTES)];
        let write = temporary.file.write_all(&space).and_then(|()| temporary.file.sync_all());
        write.map_err(|source| self.io_error("set space aside for the record", source))?;
        self.reserved = Some(temporary);
        Ok(())
    }

    /// Replaces the record; the space set aside stays as it is.
    pub(crate) fn replace(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let temporary = self.create_temporary()?;
        self.write_and_rename(temporary, bytes)
    }

    /// Replaces the record, in the space set aside if there is any.
    pub(crate) fn replace_with_reserved(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let temporary = match self.reserved.take() {
            Some(temporary) => temporary,
            None => self.create_temporary()?,
        };
        self.write_and_rename(temporary, bytes)
    }

    /// Removes the record and every copy of it that was set aside; says whether there was a record.
    pub(crate) fn delete(&mut self) -> Result<bool, StoreError> {
        let name = self.file.name();
        // For its checks only: what is in it does not matter.
        let existed = self.directory.open_file(&name, Access::Read)?.is_some();
        if existed {
            self.directory.remove(&name)?;
        }
        self.remove_all(&self.file.prefix_of(SetAside::Corrupt))?;
        self.remove_all(&self.file.prefix_of(SetAside::NoKey))?;
        self.directory.sync()?;
        Ok(existed)
    }

    /// Renames the record to the next free number and says where it is.
    pub(crate) fn set_aside(&mut self, why: SetAside) -> Result<PathBuf, StoreError> {
        let prefix = self.file.prefix_of(why);
        let last = last_number(&self.directory, &prefix)?.unwrap_or(0);
        let name = format!("{prefix}{}", last.saturating_add(1));
        self.directory.rename(&self.file.name(), &name)?;
        self.directory.sync()?;
        Ok(self.file.directory.join(name))
    }

    /// What processes that were killed left behind.
    fn sweep(&self) -> Result<(), StoreError> {
        self.remove_all(&self.file.temporary_prefix())
    }

    fn remove_all(&self, prefix: &str) -> Result<(), StoreError> {
        let names = self.directory.names()?;
        names.iter().filter(|name| name.starts_with(prefix)).try_for_each(|name| self.directory.remove(name))
    }

    fn create_temporary(&self) -> Result<TemporaryFile, StoreError> {
        let random = getrandom::u64()
            .map_err(|error| self.io_error("draw a random file name", io::Error::other(error.to_string())))?;
        let name = format!("{}{random:016x}", self.file.temporary_prefix());
        let file = self.directory.create_file(&name)?;
        Ok(TemporaryFile { directory: Arc::clone(&self.directory), name, file, is_in_place: false })
    }

    fn write_and_rename(&self, mut temporary: TemporaryFile, bytes: &[u8]) -> Result<(), StoreError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let file = &mut temporary.file;
        let write = file
            .rewind()
            .and_then(|()| file.write_all(bytes))
            .and_then(|()| file.set_len(length))
            // Before the rename: else a crash may leave the new name on an empty file.
            .and_then(|()| file.sync_all());
        write.map_err(|source| self.io_error("write the record", source))?;
        self.directory.rename(&temporary.name, &self.file.name())?;
        temporary.is_in_place = true;
        self.directory.sync()
    }

    fn io_error(&self, operation: &'static str, source: io::Error) -> StoreError {
        self.error(StoreProblem::Io { operation, source })
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.is_in_place {
            // Failing that, the next holder of the lock sweeps it.
            let _ = self.directory.remove(&self.name);
        }
    }
}

/// The highest number behind `prefix` in the directory.
fn last_number(directory: &PrivateDirectory, prefix: &str) -> Result<Option<u32>, StoreError> {
    let number_of = |name: String| name.strip_prefix(prefix)?.parse::<u32>().ok();
    Ok(directory.names()?.into_iter().filter_map(number_of).max())
}

fn read(directory: &PrivateDirectory, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(file) = directory.open_file(name, Access::Read)? else { return Ok(None) };
    let io_error = |source| directory.error(name, StoreProblem::Io { operation: "read the record", source });
    let length = file.metadata().map_err(io_error)?.len().min(MAX_RECORD_BYTES);
    // Growing would leave copies of the secrets behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
    file.take(length).read_to_end(&mut bytes).map_err(io_error)?;
    Ok(Some(bytes))
}

fn wait_for(lock: &File, started: Instant, timeout: Duration) -> Result<(), StoreProblem> {
    let mut pause = Duration::from_millis(1);
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(source)) => {
                return Err(StoreProblem::Io { operation: "lock the record", source });
            }
            Err(TryLockError::WouldBlock) => {}
        }
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(StoreProblem::LockTimeout { waited: timeout });
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
