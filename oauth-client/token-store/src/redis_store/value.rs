//! One record in Redis: the lock beside it, and scripts that write only while nobody newer has had the lock.
#![allow(clippy::disallowed_methods, reason = "waiting for another machine's lock takes real time")]

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;
use zeroize::Zeroizing;

use super::late_commands::LateCommands;
use super::scripts::{DELETE, FREE, SET_ASIDE, TAKE, WRITE};
use super::server::{Failure, Server};
use crate::token_key::hexadecimal;
use crate::{StoreError, StoreProblem};

/// The life of a lock, counted anew from the moment a refresh may be sent: longer than that takes (30
/// seconds) with the writing after it, shorter than others wait, so that they outlive a holder that died.
pub(super) const LOCK_LIFE: Duration = Duration::from_secs(40);
/// Whoever frees the lock wakes one that waits. This is for the case that it dies on the way.
const LONGEST_NAP: Duration = Duration::from_secs(1);
/// Numbers that are tried for a damaged record where the count of those before it was lost.
const MOST_NUMBERS: usize = 1000;

/// Where a record is. The braces keep all its keys on one node of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) server: Arc<Server>,
    pub(super) store: &'static str,
    /// The record's own key; the others begin with it.
    pub(super) name: String,
}

/// A record while its lock is held.
#[derive(Debug)]
pub(super) struct LockedValue {
    place: Place,
    /// Drawn anew for each lock.
    holder: String,
    /// Higher than that of every holder before.
    number: String,
    /// Until then at least the server keeps the lock.
    held_until: Instant,
}

/// What is under a record's key.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) enum Stored {
    #[default]
    Nothing,
    Bytes(Zeroizing<Vec<u8>>),
    /// A list, a hash and so on: no record.
    NoString,
}

/// What became of a change.
enum Change {
    Done,
    /// The record is not what the holder has seen.
    Changed,
}

impl Place {
    pub(super) fn read(&self) -> Result<Stored, StoreError> {
        match self.server.ask(&[b"GET", self.name.as_bytes()]) {
            Ok(Value::BulkString(bytes)) => Ok(Stored::Bytes(Zeroizing::new(bytes))),
            Ok(Value::Nil) => Ok(Stored::Nothing),
            Err(failure) if failure.is_wrong_type => Ok(Stored::NoString),
            answer => Err(self.unexpected("read the record", answer)),
        }
    }

    /// Waits for the lock.
    pub(super) fn lock(self, timeout: Duration) -> Result<LockedValue, StoreError> {
        let started = Instant::now();
        let holder = self.draw_name()?;
        let life = LOCK_LIFE.as_millis().to_string();
        loop {
            let asked_at = Instant::now();
            let keys = [self.key(":lock"), self.key(":fence")];
            let answer = self.run(TAKE, &keys, &[holder.as_bytes(), life.as_bytes()]);
            if matches!(&answer, Err(failure) if failure.is_in_doubt) {
                // Nobody would know that it is ours.
                LateCommands::add(&self.server, self.free(&holder), asked_at + LOCK_LIFE);
            }
            let ttl = match answer {
                Ok(Value::Int(number @ 1..)) => {
                    let (number, held_until) = (number.to_string(), asked_at + LOCK_LIFE);
                    return Ok(LockedValue { place: self, holder, number, held_until });
                }
                Ok(Value::Int(ttl)) => Duration::from_millis(ttl.unsigned_abs()),
                answer => return Err(self.unexpected("take the lock", answer)),
            };
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(self.error(StoreProblem::LockTimeout { waited: timeout }));
            }
            self.nap(left.min(ttl).min(LONGEST_NAP))?;
        }
    }

    /// Waits until the lock is freed, at most this long.
    pub(super) fn nap(&self, longest: Duration) -> Result<(), StoreError> {
        // Zero would be without an end.
        let longest = longest.max(Duration::from_millis(1));
        let (key, seconds) = (self.key(":wake"), format!("{:.3}", longest.as_secs_f64()));
        self.server
            .ask_patiently(&[b"BLPOP", key.as_bytes(), seconds.as_bytes()], longest)
            .map(|_| ())
            .map_err(|failure| self.error(failure.of_operation("wait for the lock")))
    }

    /// Removes what a record's lock leaves behind, once nobody will ask for it again.
    pub(super) fn forget(&self) -> Result<(), StoreError> {
        let keys = [":lock", ":fence", ":wake"].map(|suffix| self.key(suffix));
        let command: Vec<_> = [&b"DEL"[..]].into_iter().chain(keys.iter().map(String::as_bytes)).collect();
        self.server
            .ask(&command)
            .map(|_| ())
            .map_err(|failure| self.error(failure.of_operation("remove a record's lock")))
    }

    /// The server and the record's key.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("{} {}", self.server.location(), self.name))
    }

    pub(super) fn error(&self, problem: StoreProblem) -> StoreError {
        StoreError::new(self.store, Some(self.path()), problem)
    }

    fn key(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.name)
    }

    fn draw_name(&self) -> Result<String, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            self.error(StoreProblem::Io { operation: "draw a random name for the lock", source })
        })?;
        Ok(hexadecimal(&bytes))
    }

    fn run(&self, script: &[u8], keys: &[String], arguments: &[&[u8]]) -> Result<Value, Failure> {
        let number = keys.len().to_string();
        let mut command = vec![b"EVAL", script, number.as_bytes()];
        command.extend(keys.iter().map(String::as_bytes));
        command.extend(arguments);
        self.server.ask(&command)
    }

    /// The command that frees the lock of this holder.
    fn free(&self, holder: &str) -> Vec<Vec<u8>> {
        let (lock, wake) = (self.key(":lock"), self.key(":wake"));
        let life = LOCK_LIFE.as_millis().to_string();
        let arguments = [b"EVAL", FREE, b"2", lock.as_bytes(), wake.as_bytes(), holder.as_bytes()];
        arguments.into_iter().chain([life.as_bytes()]).map(<[u8]>::to_vec).collect()
    }

    fn unexpected(&self, operation: &'static str, answer: Result<Value, Failure>) -> StoreError {
        self.error(match answer {
            Err(failure) => failure.of_operation(operation),
            Ok(_) => StoreProblem::Server {
                operation,
                source: "the answer is not one of Redis".into(),
                next_step: "check the address in the URL, and that the server is Redis 6 or newer",
            },
        })
    }
}

impl LockedValue {
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Until then a write can be tried again.
    pub(super) const fn held_until(&self) -> Instant {
        self.held_until
    }

    /// Replaces the record, which is as `seen`; says whether it still was.
    pub(super) fn replace(&self, seen: &Stored, bytes: &[u8]) -> Result<bool, StoreError> {
        self.write(&[self.number.as_bytes(), seen.bytes(), bytes])
    }

    /// [`LockedValue::replace`], and holds the lock for another life.
    pub(super) fn reserve(&mut self, seen: &Stored, bytes: &[u8]) -> Result<bool, StoreError> {
        let asked_at = Instant::now();
        let (holder, life) = (self.holder.as_bytes(), LOCK_LIFE.as_millis().to_string());
        let is_done = self.write(&[self.number.as_bytes(), seen.bytes(), bytes, holder, life.as_bytes()])?;
        self.held_until = asked_at + LOCK_LIFE;
        Ok(is_done)
    }

    /// Gives the record, which is as `seen`, the next free number and says what it is called now; `None`: it
    /// is another.
    pub(super) fn set_aside(&self, seen: &Stored) -> Result<Option<PathBuf>, StoreError> {
        for _ in 0..MOST_NUMBERS {
            let copy = self.copies()?.saturating_add(1).to_string();
            let name = self.place.key(&format!(":corrupt-{copy}"));
            let keys = [self.fence(), self.place.name.clone(), self.place.key(":corrupt"), name.clone()];
            let arguments = [self.number.as_bytes(), copy.as_bytes(), seen.bytes()];
            match self.change("set the damaged record aside", SET_ASIDE, &keys, &arguments)? {
                Change::Done => return Ok(Some(name.into())),
                Change::Changed if self.place.read()? != *seen => return Ok(None),
                // The number is a copy's: the count was lost.
                Change::Changed => {}
            }
        }
        Ok(None)
    }

    /// Removes the record and every copy of it that was set aside; says whether there was a record.
    pub(super) fn delete(&self) -> Result<bool, StoreError> {
        let mut keys = vec![self.fence(), self.place.name.clone(), self.place.key(":corrupt")];
        keys.extend((1..=self.copies()?).map(|copy| self.place.key(&format!(":corrupt-{copy}"))));
        let change = self.change("delete the record", DELETE, &keys, &[self.number.as_bytes()])?;
        Ok(matches!(change, Change::Done))
    }

    /// How many copies were set aside.
    fn copies(&self) -> Result<u32, StoreError> {
        match self.place.server.ask(&[b"GET", self.place.key(":corrupt").as_bytes()]) {
            Ok(Value::BulkString(digits)) => {
                Ok(std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0))
            }
            Ok(Value::Nil) => Ok(0),
            answer => Err(self.place.unexpected("count the damaged records", answer)),
        }
    }

    fn write(&self, arguments: &[&[u8]]) -> Result<bool, StoreError> {
        let keys = [self.fence(), self.place.name.clone(), self.place.key(":lock")];
        let change = self.change("write the record", WRITE, &keys, arguments)?;
        Ok(matches!(change, Change::Done))
    }

    fn change(
        &self,
        operation: &'static str,
        script: &[u8],
        keys: &[String],
        arguments: &[&[u8]],
    ) -> Result<Change, StoreError> {
        match self.place.run(script, keys, arguments) {
            Ok(Value::Int(1)) => Ok(Change::Done),
            Ok(Value::Int(0)) => Ok(Change::Changed),
            Ok(Value::Int(-1)) => Err(self.place.error(StoreProblem::LockLost)),
            answer => Err(self.place.unexpected(operation, answer)),
        }
    }

    fn fence(&self) -> String {
        self.place.key(":fence")
    }
}

impl Drop for LockedValue {
    fn drop(&mut self) {
        // It is over by itself, and its server may be gone.
        if Instant::now() >= self.held_until {
            return;
        }
        let free = self.place.free(&self.holder);
        let arguments: Vec<_> = free.iter().map(Vec::as_slice).collect();
        if self.place.server.ask(&arguments).is_err() {
            // Restarted, the server would keep it from all who wait.
            LateCommands::add(&self.place.server, free, self.held_until);
        }
    }
}

/// It holds tokens.
impl fmt::Debug for Stored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Bytes(_) => "Bytes(..)",
            Self::NoString => "NoString",
        })
    }
}

impl Stored {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Nothing | Self::NoString => &[],
        }
    }
}
