//! What clients did, as the server saw it; without any secret.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::checks::Explanation;

/// Older entries make room for newer ones past this many.
const CAPACITY: usize = 10_000;

/// One request and its answer.
///
/// It holds no query, body, code, token or secret; what a client chose freely is bounded and printable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path without its query; a user code in it reads `{user_code}`.
    pub path: String,
    /// When it came, on the server's virtual clock, counted from the server's start.
    pub at: Duration,
    /// The status of the answer; 0 if the connection was reset instead.
    pub status: u16,
    /// `grant_type`, at the token endpoint.
    pub grant_type: Option<String>,
    /// The client that the request names or authenticates.
    pub client_id: Option<String>,
    /// The OAuth `error` of the answer.
    pub error: Option<String>,
    /// For a poll: the time since the last poll of the same device code; `None` for the first.
    pub gap: Option<Duration>,
    /// Why it was refused, if a check failed.
    pub explanation: Option<Explanation>,
}

/// The line of a log: `POST /token 400 grant_type=... client_id=device error=slow_down gap=1.0s`.
impl fmt::Display for RecordedRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.method, self.path, self.status)?;
        let noted =
            [("grant_type", &self.grant_type), ("client_id", &self.client_id), ("error", &self.error)];
        for (name, value) in noted {
            if let Some(value) = value {
                write!(formatter, " {name}={value}")?;
            }
        }
        match self.gap {
            Some(gap) => write!(formatter, " gap={:.1}s", gap.as_secs_f64()),
            None => Ok(()),
        }
    }
}

/// The latest requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    requests: VecDeque<RecordedRequest>,
    refusals: u64,
    /// How many requests were recorded, those that made room included: the number of the latest.
    recorded: u64,
}

impl Journal {
    pub(crate) fn record(&mut self, request: RecordedRequest) {
        if self.requests.len() == CAPACITY {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
        self.recorded += 1;
    }

    /// The number of the latest request, counted from 1.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded
    }

    /// The requests after the one of this number that are still known, with their numbers.
    pub(crate) fn after(&self, number: u64) -> impl Iterator<Item = (u64, &RecordedRequest)> {
        let forgotten = self.recorded - self.requests.len() as u64;
        (forgotten + 1..).zip(&self.requests).filter(move |(known, _)| *known > number)
    }

    /// The number of the next refusal.
    pub(crate) fn count_refusal(&mut self) -> u64 {
        self.refusals += 1;
        self.refusals
    }

    /// Why the refusal of this number was made, if it is still remembered.
    pub(crate) fn explanation(&self, number: u64) -> Option<&Explanation> {
        let explanations = self.requests.iter().rev().filter_map(|request| request.explanation.as_ref());
        explanations.into_iter().find(|explanation| explanation.number == number)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &RecordedRequest> {
        self.requests.iter()
    }
}

/// What an endpoint adds to the journal entry of the request that it answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    pub(crate) grant_type: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) gap: Option<Duration>,
    /// Whether the refresh token of the request had been rotated out before.
    pub(crate) spent_refresh_token: bool,
    pub(crate) explanation: Option<Explanation>,
}
