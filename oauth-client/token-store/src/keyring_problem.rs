//! Why the system's keyring cannot be used.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why the system's keyring cannot give or keep a key: what was tried last, in the order of the trial.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyringProblem {
    /// No D-Bus session can be reached, as on most machines without a desktop.
    NoBus,
    /// There is a D-Bus session, and nothing on it keeps secrets (the Secret Service).
    NoService,
    /// The service has no default collection: nobody has made a keyring yet.
    NoDefaultCollection,
    /// The keyring is locked. It was not prompted for.
    Locked,
    /// Nothing answered. The call was left behind.
    NoAnswer {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The keyring holds more than one key of this application.
    Ambiguous {
        /// How many.
        keys: usize,
    },
    /// The keyring does not give back what it was given.
    NotKept,
    /// The keyring answered with an error of its own.
    Failed(Box<dyn Error + Send + Sync>),
}

impl KeyringProblem {
    /// What helps, as the end of a sentence.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::NoBus | Self::NoService | Self::NotKept | Self::Failed(_) => "choose another store",
            Self::NoDefaultCollection => {
                "make one with the desktop's password manager, or choose another store"
            }
            Self::Locked => "unlock it, or choose another store",
            Self::NoAnswer { .. } => "unlock the keyring, or choose another store",
            Self::Ambiguous { .. } => "remove all but the right one, or choose another store",
        }
    }
}

impl fmt::Display for KeyringProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBus => formatter.write_str("no D-Bus session can be reached"),
            Self::NoService => formatter.write_str("no keyring runs in this D-Bus session"),
            Self::NoDefaultCollection => formatter.write_str("there is no default keyring"),
            Self::Locked => formatter.write_str("the keyring is locked"),
            Self::NoAnswer { waited } => {
                write!(formatter, "the keyring has not answered within {} s", waited.as_secs())
            }
            Self::Ambiguous { keys } => {
                write!(formatter, "the keyring holds {keys} keys of this application")
            }
            Self::NotKept => formatter.write_str("the keyring did not keep what it was given"),
            Self::Failed(source) => source.fmt(formatter),
        }
    }
}

impl Error for KeyringProblem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(source) => source.source(),
            _ => None,
        }
    }
}
