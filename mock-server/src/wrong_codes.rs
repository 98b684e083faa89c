//! The brake on guessing user codes: RFC 8628 section 5.1.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Timestamp;

/// Wrong user codes by the address that they came from, as long as they count.
#[derive(Default)]
pub(crate) struct WrongCodes(HashMap<IpAddr, Vec<Timestamp>>);

impl WrongCodes {
    /// Counts a wrong code for as long as a code lives; a right one takes nothing back.
    pub(crate) fn note(&mut self, now: Timestamp, peer: IpAddr, code_lifetime: Duration) {
        self.0.retain(|_, forgotten_at| {
            forgotten_at.retain(|moment| now < *moment);
            !forgotten_at.is_empty()
        });
        self.0.entry(peer).or_default().push(now + code_lifetime);
    }

    /// How long no code is taken from `peer`, in whole seconds, rounded up; `None` if it may try.
    /// A limit of 0 is taken as 1: a wrong code has to be seen to be counted.
    pub(crate) fn must_wait(&self, now: Timestamp, peer: IpAddr, limit: Option<u32>) -> Option<Duration> {
        let limit = usize::try_from(limit?.max(1)).unwrap_or(usize::MAX);
        let counted = self.0.get(&peer)?;
        // Oldest first: enough of them have to be forgotten.
        let relevant = counted.len().checked_sub(limit)?;
        let until = counted.get(relevant)?;
        let wait = until.since(now);
        (!wait.is_zero()).then(|| Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)))
    }
}
