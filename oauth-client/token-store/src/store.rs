//! Where records live.

use std::fmt;
use std::path::PathBuf;

use crate::{StoreError, StoreProblem, TokenKey, TokenRecord};

/// A place for records that owns the lock on them.
///
/// Everything blocks, up to 45 seconds where a lock is waited for: off the executor with it. Reading needs
/// no lock, since a record is only ever replaced as a whole; every change goes through [`TokenStore::lock`].
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The record of `key`; `None`: nobody is signed in.
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError>;

    /// Waits for the lock on `key`, which holds across threads and processes until the guard is dropped or
    /// the process ends. Taking it twice in one thread waits for itself.
    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError>;

    /// Names the lock on `key`: two stores that give the same name share that lock, and who takes two locks
    /// takes them in the order of their names.
    fn lock_name(&self, key: &TokenKey) -> String;

    /// Makes ready what the next login will need, such as a key: worth doing before a person is sent away to
    /// sign in. By default there is nothing to make ready.
    fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Keeps tokens that this store could not take, for which `cause` is the reason, where it finds them again
    /// once it works; gives the error to report: [`StoreProblem::Rescued`], or `cause` where there is no such place,
    /// as by default.
    fn rescue(&self, _record: &TokenRecord, cause: StoreError) -> StoreError {
        cause
    }

    /// What this store promises.
    fn describe(&self) -> StoreDescription;

    /// [`LockedRecord::save`] under a lock of its own.
    fn save(&self, record: &TokenRecord) -> Result<(), StoreError> {
        self.lock(&record.key)?.save(record)
    }

    /// [`LockedRecord::delete`] under a lock of its own.
    fn delete(&self, key: &TokenKey) -> Result<bool, StoreError> {
        self.lock(key)?.delete()
    }
}

/// The lock on one key, and with it the right to change its record. Dropping it unlocks.
pub trait LockedRecord: fmt::Debug + Send {
    /// The record as it is now.
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError>;

    /// Writes `in_doubt` and sets aside the space that the record after it will need, both durable when
    /// this returns: after it a refresh may be sent, and a full disk costs no token.
    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError>;

    /// Replaces the record as a whole, durable when this returns. Refused where the stored one is of a
    /// higher generation, or of a version that this release does not know.
    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError>;

    /// [`TokenStore::rescue`] where the lock is held.
    fn rescue(&mut self, _record: &TokenRecord, cause: StoreError) -> StoreError {
        cause
    }

    /// Erases the record without reading it, damaged copies too; says whether there was anything.
    fn delete(&mut self) -> Result<bool, StoreError>;
}

/// What a store promises, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDescription {
    /// Its name: "plain file", "sealed file (passphrase)", "memory".
    pub name: &'static str,
    /// Whether somebody who takes the disk can read the tokens.
    pub encrypted_at_rest: bool,
    /// Whether a login outlives a reboot.
    pub survives_reboot: bool,
    /// The directory, where there is one.
    pub location: Option<PathBuf>,
}

/// The two things that no store may do.
pub(crate) fn check_replacement(
    key: &TokenKey,
    stored: Option<&TokenRecord>,
    offered: &TokenRecord,
) -> Result<(), StoreProblem> {
    if offered.key != *key {
        return Err(StoreProblem::OtherKey);
    }
    match stored {
        Some(stored) if stored.generation > offered.generation => {
            Err(StoreProblem::Superseded { stored: stored.generation, offered: offered.generation })
        }
        _ => Ok(()),
    }
}
