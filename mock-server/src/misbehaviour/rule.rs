//! Which requests a fault strikes.

use super::fault::Fault;
use super::seeded_chance::SeededChance;
use crate::endpoint::Endpoint;

/// A fault and the requests that it strikes: every one, unless narrowed down.
///
/// ```
/// use mock_server::{Endpoint, Fault, FaultRule};
/// let every_third_refresh_or_so = FaultRule::new(Fault::ConnectionReset)
///     .endpoint(Endpoint::Token)
///     .grant_type("refresh_token")
///     .probability(0.3, 42);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a rule does nothing until a server has it"]
pub struct FaultRule {
    fault: Fault,
    endpoint: Option<Endpoint>,
    grant_type: Option<String>,
    client_id: Option<String>,
    first: u64,
    times: Option<u64>,
    probability: f64,
    chance: SeededChance,
    is_forgotten_when_used_up: bool,
    seen: u64,
    hits: u64,
}

impl FaultRule {
    /// Every request to every endpoint meets `fault`.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            endpoint: None,
            grant_type: None,
            client_id: None,
            first: 1,
            times: None,
            probability: 1.0,
            chance: SeededChance::new(0),
            is_forgotten_when_used_up: false,
            seen: 0,
            hits: 0,
        }
    }

    /// Only requests to this endpoint.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Only token requests with this `grant_type`.
    pub fn grant_type(mut self, grant_type: impl Into<String>) -> Self {
        self.grant_type = Some(grant_type.into());
        self
    }

    /// Only requests that name this client, in the body, the query or Basic.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Only from the n-th of these requests on, counted from 1; once, unless [`times`](Self::times) says otherwise.
    pub fn nth(mut self, nth: u64) -> Self {
        self.first = nth.max(1);
        self.times = self.times.or(Some(1));
        self
    }

    /// At most so many of these requests.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Each of these requests with this probability, from 0 to 1; the same seed strikes the same requests.
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.probability = probability;
        self.chance = SeededChance::new(seed);
        self
    }

    pub(super) fn forgotten_when_used_up(mut self) -> Self {
        self.is_forgotten_when_used_up = true;
        self
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits
    }

    pub(crate) fn fault(&self) -> &Fault {
        &self.fault
    }

    /// What the next strike draws from, different each time.
    pub(super) fn chance(&mut self) -> SeededChance {
        self.chance.happens(1.0);
        self.chance.clone()
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.is_forgotten_when_used_up && self.times.is_some_and(|times| self.hits >= times)
    }

    /// Whether this request is struck; it is counted if it is one of these.
    pub(super) fn strikes(
        &mut self,
        endpoint: Endpoint,
        grant_type: Option<&str>,
        client_id: Option<&str>,
    ) -> bool {
        let is_asked = |asked: &Option<String>, given: Option<&str>| {
            asked.as_deref().is_none_or(|asked| given == Some(asked))
        };
        let matches = self.endpoint.is_none_or(|asked| asked == endpoint)
            && is_asked(&self.grant_type, grant_type)
            && is_asked(&self.client_id, client_id);
        if !matches {
            return false;
        }
        self.seen += 1;
        let is_used_up = self.times.is_some_and(|times| self.hits >= times);
        if self.seen < self.first || is_used_up || !self.chance.happens(self.probability) {
            return false;
        }
        self.hits += 1;
        true
    }
}
