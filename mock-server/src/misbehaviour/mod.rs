//! Faults on demand, for tests of a client's patience.

pub(crate) mod delivery;
mod fault;
mod notation;
mod rule;
mod seeded_chance;
mod token_defect;

pub use delivery::Delivery;
pub use fault::Fault;
pub(crate) use fault::edit_json;
pub use notation::FaultNotationError;
pub use rule::FaultRule;
pub(crate) use seeded_chance::SeededChance;
pub use token_defect::TokenDefect;

use crate::endpoint::Endpoint;

/// Names a rule that was added, to take it away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleId(pub(crate) u64);

/// The rules in force, oldest first: the first that wants a request gets it.
#[derive(Debug, Default)]
pub(crate) struct Misbehaviour {
    last_id: u64,
    rules: Vec<(RuleId, FaultRule)>,
}

impl Misbehaviour {
    pub(crate) fn fail_next(&mut self, endpoint: Endpoint, fault: &Fault, times: usize) {
        if let Ok(times @ 1..) = u64::try_from(times) {
            self.add(FaultRule::new(fault.clone()).endpoint(endpoint).times(times).forgotten_when_used_up());
        }
    }

    pub(crate) fn add(&mut self, rule: FaultRule) -> RuleId {
        self.last_id += 1;
        let id = RuleId(self.last_id);
        self.rules.push((id, rule));
        id
    }

    /// Takes a rule away; returns how often it struck, `None` if there is no such rule.
    pub(crate) fn remove(&mut self, id: RuleId) -> Option<u64> {
        let at = self.rules.iter().position(|(known, _)| *known == id)?;
        Some(self.rules.remove(at).1.hits())
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn hits(&self, id: RuleId) -> u64 {
        self.iter().find(|(known, _)| *known == id).map_or(0, |(_, rule)| rule.hits())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (RuleId, &FaultRule)> {
        self.rules.iter().map(|(id, rule)| (*id, rule))
    }

    /// The fault that this request meets, and the chance that it draws from.
    pub(crate) fn take(
        &mut self,
        endpoint: Endpoint,
        grant_type: Option<&str>,
        client_id: Option<&str>,
    ) -> Option<(Fault, SeededChance)> {
        let at = self.rules.iter_mut().position(|(_, rule)| rule.strikes(endpoint, grant_type, client_id))?;
        let (_, rule) = &mut self.rules[at];
        let struck = (rule.fault().clone(), rule.chance());
        if rule.is_forgotten() {
            self.rules.retain(|(_, rule)| !rule.is_forgotten());
        }
        Some(struck)
    }
}
