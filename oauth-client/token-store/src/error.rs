//! What can go wrong with a store: which store, where, why, and what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::KeyringProblem;

/// A store that could not do what it was asked. Whatever it holds is still there.
#[derive(Debug)]
pub struct StoreError {
    store: &'static str,
    path: Option<PathBuf>,
    problem: StoreProblem,
}

/// Why a store could not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreProblem {
    /// The system refused an operation on the file.
    Io {
        /// What was to be done: "read the record".
        operation: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The file or its directory is in a state in which tokens are not safe.
    Unsafe(UnsafeState),
    /// The record cannot be read. It is kept under another name.
    Corrupt {
        /// Where it is now.
        kept_as: PathBuf,
    },
    /// Another release wrote the record; it is neither read nor overwritten.
    UnknownVersion {
        /// The version that stands in it.
        version: u64,
    },
    /// The file holds the record of another login.
    ForeignRecord,
    /// The record is sealed, or is to be, and the key for it is not where it should be. The record stays.
    MissingKey {
        /// What helps.
        next_step: &'static str,
    },
    /// The record is sealed with a key that was to live until the next reboot, and it is gone for good: only
    /// a new login helps. The record stays until that takes its place, then it has another name.
    KeyGone,
    /// The record is sealed with another key than the one that was given. It stays as it is.
    ForeignKey,
    /// The passphrase is not the one that the records are sealed with. They stay as they are.
    WrongPassphrase,
    /// What should be the key is something else.
    InvalidKey {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What keeps the key does not work, does not answer, or is locked.
    KeyUnavailable {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What helps.
        next_step: &'static str,
    },
    /// The system's keyring cannot give or keep the key.
    Keyring(KeyringProblem),
    /// The server that keeps the records did not do it: it cannot be reached, or it said why.
    Server {
        /// What was to be done: "write the record".
        operation: &'static str,
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What helps.
        next_step: &'static str,
    },
    /// The lock was held for longer than it lives, and somebody newer has had it: nothing was written.
    LockLost,
    /// Tokens that were obtained could not be stored, and are safe elsewhere. The store takes them from there.
    Rescued {
        /// Where they are, in the form that they have in the store.
        kept_as: PathBuf,
        /// Why they could not be stored.
        cause: Box<StoreError>,
    },
    /// What was written came back as something else; the old copy was not touched.
    NotReadBack,
    /// A login is to be moved to where it is already.
    SamePlace,
    /// A login is to be moved to where a newer one of the same name is.
    NewerLogin,
    /// Somebody else held the lock all the time.
    LockTimeout {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The stored record is of a higher generation than the one that was to replace it.
    Superseded {
        /// The generation that is stored.
        stored: u64,
        /// The one that was refused.
        offered: u64,
    },
    /// The lock was taken for another login than the record's.
    OtherKey,
}

/// Why a file or directory is not trusted with tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsafeState {
    /// It is a symbolic link, which may lead anywhere.
    SymbolicLink,
    /// Where the directory should be stands something else.
    NotADirectory,
    /// A directory, pipe, socket or device where a file should be.
    NotARegularFile,
    /// It belongs to another user.
    ForeignOwner {
        /// The user that it belongs to.
        owner: u32,
        /// The user that this process acts as.
        user: u32,
    },
    /// Its group, or everybody, may write to it.
    WritableByOthers {
        /// Its permission bits.
        mode: u32,
    },
    /// Its group, or everybody, may read it.
    ReadableByOthers {
        /// Its permission bits.
        mode: u32,
    },
    /// The same file is reachable under another name too.
    ManyLinks {
        /// How many names it has.
        links: u64,
    },
}

impl StoreProblem {
    /// Whether a new login may take the record's place, since nobody will read that again. It is kept under
    /// another name.
    #[must_use]
    pub const fn gives_way_to_a_login(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::KeyGone)
    }
}

impl StoreError {
    /// What `store` could not do, with the file that it is about in a store that has files.
    pub fn new(store: &'static str, path: Option<PathBuf>, problem: StoreProblem) -> Self {
        Self { store, path, problem }
    }

    /// The same about another store: what a source of keys says of itself, in the words for files.
    #[cfg(feature = "redis")]
    pub(crate) fn of_store(self, store: &'static str) -> Self {
        Self { store, ..self }
    }

    /// The store's name: "plain file", "sealed file (passphrase)", "memory".
    pub const fn store(&self) -> &'static str {
        self.store
    }

    /// The file or directory that it is about, in a store that has files.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is wrong.
    pub const fn problem(&self) -> &StoreProblem {
        &self.problem
    }
}

/// Store, path, cause and the next step, in one line.
impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} store", self.store)?;
        let path = self.path.as_deref().unwrap_or(Path::new(""));
        if self.path.is_some() {
            write!(formatter, ", {}", path.display())?;
        }
        formatter.write_str(": ")?;
        match &self.problem {
            StoreProblem::Io { operation, source } => {
                write!(formatter, "cannot {operation}: {source}; {}", next_step(source))
            }
            StoreProblem::Unsafe(state) => write!(formatter, "{}", Mend { state, path }),
            StoreProblem::Corrupt { kept_as } => write!(
                formatter,
                "the record is damaged; it is kept as {}: sign in again, or restore a backup",
                kept_as.display()
            ),
            StoreProblem::UnknownVersion { version } => write!(
                formatter,
                "the record has version {version}, which this release does not know, and is left as it is: \
                 use the release that wrote it, or log out and sign in again"
            ),
            StoreProblem::ForeignRecord => formatter.write_str(
                "this is another login's record and is left as it is: \
                 was it copied? Log out and sign in again",
            ),
            StoreProblem::MissingKey { next_step } => write!(formatter, "the key is not there: {next_step}"),
            StoreProblem::KeyGone => formatter.write_str(
                "the key of the record was kept until the reboot and is gone; the record is left as it is: \
                 sign in again",
            ),
            StoreProblem::ForeignKey => formatter.write_str(
                "the record is sealed with another key and is left as it is: \
                 use the key that it was sealed with, or log out and sign in again",
            ),
            StoreProblem::WrongPassphrase => formatter.write_str(
                "the passphrase is wrong, and the records are left as they are: try again with the right one; \
                 if it is lost, remove this directory and sign in again",
            ),
            StoreProblem::InvalidKey { reason } => write!(
                formatter,
                "this is no key ({reason}), and the records are left as they are: restore it from a backup"
            ),
            StoreProblem::KeyUnavailable { source, next_step } => {
                write!(formatter, "the key cannot be had: {source}; {next_step}")
            }
            StoreProblem::Keyring(problem) => {
                write!(formatter, "the key cannot be had: {problem}; {}", problem.next_step())
            }
            StoreProblem::Server { operation, source, next_step } => {
                write!(formatter, "cannot {operation}: {source}; {next_step}")
            }
            StoreProblem::LockLost => formatter.write_str(
                "the lock was held for too long, somebody else has had it meanwhile, and nothing is written: \
                 read the record again",
            ),
            StoreProblem::Rescued { kept_as, cause } => write!(
                formatter,
                "the tokens could not be stored and are safe in {}, from where they are taken as soon as this is \
                 mended: {cause}",
                kept_as.display()
            ),
            StoreProblem::NotReadBack => formatter.write_str(
                "what was written came back as something else; the login stays where it was: \
                 check the disk, or choose another store",
            ),
            StoreProblem::SamePlace => {
                formatter.write_str("the login is to be moved to where it is: name another directory or store")
            }
            StoreProblem::NewerLogin => formatter.write_str(
                "a newer login is here already and is not overwritten: log out of one of the two",
            ),
            StoreProblem::LockTimeout { waited } => write!(
                formatter,
                "another process has held the lock for {} s: end it if it hangs, then try again",
                waited.as_secs()
            ),
            StoreProblem::Superseded { stored, offered } => write!(
                formatter,
                "generation {stored} is stored, generation {offered} came late and is not written: \
                 read the record again"
            ),
            StoreProblem::OtherKey => {
                formatter.write_str("the lock is another login's: take the lock of the record's own key")
            }
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            StoreProblem::Io { source, .. } => Some(source),
            StoreProblem::KeyUnavailable { source, .. } | StoreProblem::Server { source, .. } => {
                Some(&**source)
            }
            StoreProblem::Keyring(problem) => Some(problem),
            StoreProblem::Rescued { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}

fn next_step(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, then try again",
        io::ErrorKind::ReadOnlyFilesystem => "choose a directory that can be written to",
        io::ErrorKind::PermissionDenied => "choose a directory of your own, or correct its permissions",
        io::ErrorKind::Unsupported => "choose a directory on a file system that has locks",
        _ => "check the disk, or choose another directory",
    }
}

/// The state and the command that mends it.
struct Mend<'a> {
    state: &'a UnsafeState,
    path: &'a Path,
}

impl fmt::Display for Mend<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.state {
            UnsafeState::SymbolicLink => {
                formatter.write_str("is a symbolic link: name the directory or file that it leads to")
            }
            UnsafeState::NotADirectory => formatter.write_str("is no directory: choose another path"),
            UnsafeState::NotARegularFile => {
                formatter.write_str("is no regular file: move it away, then try again")
            }
            UnsafeState::ForeignOwner { owner, user } => write!(
                formatter,
                "belongs to user {owner}, and this process acts as user {user}: \
                 run it as that user, or choose a directory of your own"
            ),
            UnsafeState::WritableByOthers { mode } => {
                write!(formatter, "can be written by others (mode {mode:04o}): chmod go-rwx {path}")
            }
            UnsafeState::ReadableByOthers { mode } => {
                write!(formatter, "can be read by others (mode {mode:04o}): chmod go-rwx {path}")
            }
            UnsafeState::ManyLinks { links } => write!(
                formatter,
                "has {links} names (hard links), so another name leads to the same tokens: \
                 remove the others, then try again"
            ),
        }
    }
}
