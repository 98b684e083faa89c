//! A directory that only its owner can use, and the files in it.
//!
//! On Unix every operation goes through one open handle of the directory, so that nobody can put another
//! directory in its place in the middle; owner, mode and links are checked on what was opened, not on a
//! name.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::PrivateDirectory;
#[cfg(unix)]
pub(crate) use unix::PrivateDirectory;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// To be read; it may be missing.
    Read,
    /// To be locked; it is made if it is missing.
    Lock,
}
