//! The directory where permissions are bits and files have owners.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

use super::Access;
use crate::{StoreError, StoreProblem, UnsafeState};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const WRITE_BY_OTHERS: u32 = 0o022;
const READ_BY_OTHERS: u32 = 0o044;
const PERMISSION_BITS: u32 = 0o7777;

/// An open directory that was found safe.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    store: &'static str,
    path: PathBuf,
    handle: File,
}

impl PrivateDirectory {
    /// Opens the directory; `None`: there is none.
    pub(crate) fn open(store: &'static str, path: &Path) -> Result<Option<Self>, StoreError> {
        let error = |problem| StoreError::new(store, Some(path.to_owned()), problem);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(handle) => File::from(handle),
            Err(Errno::NOENT) => return Ok(None),
            // Linux says NOTDIR for a symbolic link too, FreeBSD MLINK: the name is looked at for the
            // message only.
            Err(errno @ (Errno::NOTDIR | Errno::LOOP | Errno::MLINK)) => {
                let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
                return Err(error(match (is_link, errno) {
                    (true, _) => StoreProblem::Unsafe(UnsafeState::SymbolicLink),
                    (false, Errno::NOTDIR) => StoreProblem::Unsafe(UnsafeState::NotADirectory),
                    (false, errno) => io_problem("open the directory", errno),
                }));
            }
            Err(errno) => return Err(error(io_problem("open the directory", errno))),
        };
        let metadata = handle
            .metadata()
            .map_err(|source| error(StoreProblem::Io { operation: "check the directory", source }))?;
        // That others can list it does no harm: the names in it are hashes.
        check_owner_and_mode(&metadata, WRITE_BY_OTHERS)
            .map_err(|state| error(StoreProblem::Unsafe(state)))?;
        Ok(Some(Self { store, path: path.to_owned(), handle }))
    }

    /// Opens the directory, or makes it and those above it.
    pub(crate) fn open_or_create(store: &'static str, path: &Path) -> Result<Self, StoreError> {
        loop {
            if let Some(directory) = Self::open(store, path)? {
                return Ok(directory);
            }
            create(path).map_err(|source| {
                let problem = StoreProblem::Io { operation: "create the directory", source };
                StoreError::new(store, Some(path.to_owned()), problem)
            })?;
        }
    }

    /// Opens a file and checks it; `None`: there is none.
    pub(crate) fn open_file(&self, name: &str, access: Access) -> Result<Option<File>, StoreError> {
        // Without NONBLOCK a pipe in the file's place would be waited for.
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let flags = match access {
            Access::Read => flags | OFlags::RDONLY,
            Access::Lock => flags | OFlags::RDWR | OFlags::CREATE,
        };
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o600)) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) if access == Access::Read => return Ok(None),
            Err(errno) => {
                return Err(self.error(
                    name,
                    match errno {
                        Errno::LOOP | Errno::MLINK => StoreProblem::Unsafe(UnsafeState::SymbolicLink),
                        // A directory opened for writing; a socket, or a device without a driver.
                        Errno::ISDIR | Errno::NXIO | Errno::NODEV => {
                            StoreProblem::Unsafe(UnsafeState::NotARegularFile)
                        }
                        errno => io_problem("open the file", errno),
                    },
                ));
            }
        };
        let metadata = file
            .metadata()
            .map_err(|source| self.error(name, StoreProblem::Io { operation: "check the file", source }))?;
        check_file(&metadata).map_err(|state| self.error(name, StoreProblem::Unsafe(state)))?;
        // A umask that takes from the owner too has just made a lock file that nobody could open again.
        if access == Access::Lock && metadata.mode() & FILE_MODE != FILE_MODE {
            self.set_mode(name, &file)?;
        }
        Ok(Some(file))
    }

    /// Makes a file that was not there, mode 0600 whatever the umask.
    pub(crate) fn create_file(&self, name: &str) -> Result<File, StoreError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o600))
            .map_err(|errno| self.error(name, io_problem("create the file", errno)))?;
        let file = File::from(file);
        match self.set_mode(name, &file) {
            Ok(()) => Ok(file),
            Err(error) => {
                let _ = self.remove(name);
                Err(error)
            }
        }
    }

    fn set_mode(&self, name: &str, file: &File) -> Result<(), StoreError> {
        file.set_permissions(Permissions::from_mode(FILE_MODE)).map_err(|source| {
            self.error(name, StoreProblem::Io { operation: "set the file's permissions", source })
        })
    }

    /// Gives a file another name, in place of the file that has it.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        rustix::fs::renameat(&self.handle, from, &self.handle, to)
            .map_err(|errno| self.error(to, io_problem("put the file in place", errno)))
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StoreError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.error(name, io_problem("remove the file", errno))),
        }
    }

    /// Makes what was renamed and removed durable.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        match rustix::fs::fsync(&self.handle) {
            // A file system that knows no such thing for directories.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => {
                let problem = io_problem("make the change durable", errno);
                Err(StoreError::new(self.store, Some(self.path.clone()), problem))
            }
        }
    }

    /// The names in it that are text.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let error = |errno| {
            let problem = io_problem("list the directory", errno);
            StoreError::new(self.store, Some(self.path.clone()), problem)
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(error)? {
            if let Ok(name) = entry.map_err(error)?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Whether an open file still has a name.
    #[allow(clippy::unused_self)] // The portable directory has the same methods.
    pub(crate) fn is_linked(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }

    /// What is wrong with the file `name`.
    pub(crate) fn error(&self, name: &str, problem: StoreProblem) -> StoreError {
        StoreError::new(self.store, Some(self.path.join(name)), problem)
    }
}

/// Another process may do the same at the same time.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.mode(DIRECTORY_MODE);
    if let Some(parent) = path.parent() {
        builder.recursive(true).create(parent)?;
    }
    match builder.recursive(false).create(path) {
        // The umask can only have taken permissions away.
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn check_file(metadata: &Metadata) -> Result<(), UnsafeState> {
    if !metadata.is_file() {
        return Err(UnsafeState::NotARegularFile);
    }
    // None at all: it has just been replaced, and what was opened is the whole record before.
    if metadata.nlink() > 1 {
        return Err(UnsafeState::ManyLinks { links: metadata.nlink() });
    }
    check_owner_and_mode(metadata, WRITE_BY_OTHERS | READ_BY_OTHERS)
}

fn check_owner_and_mode(metadata: &Metadata, refused: u32) -> Result<(), UnsafeState> {
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let mode = metadata.mode() & PERMISSION_BITS;
    if owner != user {
        Err(UnsafeState::ForeignOwner { owner, user })
    } else if mode & refused & WRITE_BY_OTHERS != 0 {
        Err(UnsafeState::WritableByOthers { mode })
    } else if mode & refused & READ_BY_OTHERS != 0 {
        Err(UnsafeState::ReadableByOthers { mode })
    } else {
        Ok(())
    }
}

fn io_problem(operation: &'static str, errno: Errno) -> StoreProblem {
    StoreProblem::Io { operation, source: errno.into() }
}
