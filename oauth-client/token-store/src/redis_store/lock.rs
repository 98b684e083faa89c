//! The lock on a record in Redis, and the right to change it.
#![allow(
    clippy::disallowed_methods,
    reason = "a write is tried again for as long as the server keeps the lock"
)]

use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::form::Form;
use super::value::{LockedValue, Stored};
use crate::record_files::Unreadable;
use crate::store::check_replacement;
use crate::{LockedRecord, StoreError, StoreProblem, TokenKey, TokenRecord};

/// The pause between two tries to write a new token doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Looks at a record that changes although nobody else may write.
const MOST_LOOKS: usize = 3;

#[derive(Debug)]
pub(super) struct Lock {
    value: LockedValue,
    form: Form,
    key: TokenKey,
    seen: Option<Seen>,
}

/// What was under the key when the holder of the lock last looked, and what it has written since.
#[derive(Debug, Default)]
struct Seen {
    stored: Stored,
    record: Option<TokenRecord>,
}

impl Lock {
    pub(super) const fn new(value: LockedValue, form: Form, key: TokenKey) -> Self {
        Self { value, form, key, seen: None }
    }

    /// What is there, and what it says; what is damaged is set aside and reported once.
    fn look(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        for _ in 0..MOST_LOOKS {
            let stored = self.value.place().read()?;
            match self.form.decode(&self.key, &stored) {
                Ok(record) => {
                    self.seen = Some(Seen { stored, record: record.clone() });
                    return Ok(record);
                }
                Err(Unreadable::Damaged) => {
                    if let Some(kept_as) = self.value.set_aside(&stored)? {
                        self.seen = Some(Seen::default());
                        return Err(self.value.place().error(StoreProblem::Corrupt { kept_as }));
                    }
                }
                Err(Unreadable::Kept(problem)) => return Err(self.value.place().error(problem)),
                Err(Unreadable::NoKey(error)) => return Err(error.of_store(self.value.place().store)),
            }
        }
        Err(self.value.place().error(StoreProblem::LockLost))
    }

    /// Writes `record` where it may take the place of what is there, by `write`.
    fn put(
        &mut self,
        record: &TokenRecord,
        bytes: &[u8],
        write: impl Fn(&mut LockedValue, &Stored, &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        for _ in 0..MOST_LOOKS {
            if self.seen.is_none() {
                match self.look() {
                    // What was damaged is kept under another name: the new record has its place.
                    Err(error) if matches!(error.problem(), StoreProblem::Corrupt { .. }) => {}
                    looked => drop(looked?),
                }
            }
            let seen = self.seen.take().unwrap_or_default();
            if let Err(problem) = check_replacement(&self.key, seen.record.as_ref(), record) {
                let error = self.value.place().error(problem);
                self.seen = Some(seen);
                return Err(error);
            }
            if write(&mut self.value, &seen.stored, bytes)? {
                let stored = Stored::Bytes(Zeroizing::new(bytes.to_vec()));
                self.seen = Some(Seen { stored, record: Some(record.clone()) });
                return Ok(());
            }
        }
        Err(self.value.place().error(StoreProblem::LockLost))
    }

    /// Whether `record` brings what is stored nowhere yet.
    fn is_news(&self, record: &TokenRecord) -> bool {
        let is_newer = |seen: &TokenRecord| seen.generation < record.generation;
        self.seen.as_ref().is_some_and(|seen| seen.record.as_ref().is_none_or(is_newer))
    }
}

impl LockedRecord for Lock {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        self.look()
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        let bytes = self.form.encode(in_doubt)?;
        self.put(in_doubt, &bytes, LockedValue::reserve)
    }

    /// A new token is tried again for as long as the server keeps the lock: it may only be restarting.
    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        let bytes = self.form.encode(record)?;
        let is_news = self.is_news(record);
        let mut pause = Duration::from_millis(10);
        loop {
            let saved = self.put(record, &bytes, |value, seen, bytes| value.replace(seen, bytes));
            let is_passing =
                matches!(&saved, Err(error) if matches!(error.problem(), StoreProblem::Server { .. }));
            if !is_passing || !is_news || Instant::now() + pause >= self.value.held_until() {
                return saved;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.seen = None;
        self.value.delete()
    }
}
