//! A fault in the hands of a test: it lasts as long as its guard.

use std::fmt;

use crate::misbehaviour::{FaultRule, RuleId};
use crate::tenant::Tenant;

/// A fault that ends with this value.
#[must_use = "the fault ends at once when the guard is dropped"]
pub struct FaultGuard {
    tenant: Tenant,
    id: RuleId,
    expected: Option<u64>,
}

impl FaultGuard {
    pub(crate) fn new(tenant: Tenant, rule: FaultRule) -> Self {
        let id = tenant.with(|server, _| server.misbehaviour.add(rule));
        Self { tenant, id, expected: None }
    }

    /// How many requests it struck so far.
    pub fn hits(&self) -> u64 {
        self.tenant.with(|server, _| server.misbehaviour.hits(self.id))
    }

    /// Asserts, when the guard is dropped, that it struck exactly so many requests.
    pub fn expect(mut self, hits: u64) -> Self {
        self.expected = Some(hits);
        self
    }
}

impl fmt::Debug for FaultGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FaultGuard").field("hits", &self.hits()).finish_non_exhaustive()
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        let hits = self.tenant.with(|server, _| server.misbehaviour.remove(self.id));
        // A server that was reset has forgotten the rule; a test that fails already fails with its own words.
        if let (Some(expected), Some(hits)) = (self.expected, hits)
            && !std::thread::panicking()
        {
            assert_eq!(hits, expected, "the fault struck another number of requests than expected");
        }
    }
}
