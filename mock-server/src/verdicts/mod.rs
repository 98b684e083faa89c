//! What the journal thinks of the clients: each request is held, by the server's clock, against what the RFCs demand.

mod authorization_request;
mod device_authorization_response;
mod judging;
mod polling;
mod redirects;
mod report;
mod rules;
mod token_request;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::time::Duration;

pub(crate) use judging::judge;
pub(crate) use polling::PollingConduct;
pub(crate) use report::{json, junit};

use crate::login_timeline::Remark;
use rules::Rule;

/// How much a verdict weighs; later ones weigh more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The client went against our advice; no RFC forbids it.
    Note,
    /// A SHOULD or a RECOMMENDED of an RFC.
    Warning,
    /// A MUST of an RFC.
    Error,
}

/// One thing that a client did wrong.
///
/// It holds no code, token or secret; what a client chose freely is bounded and printable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// How much it weighs.
    pub severity: Severity,
    /// The rule's name, such as `poll-interval`.
    pub rule: &'static str,
    /// The RFC and section that asks for it.
    pub section: &'static str,
    /// What the rule expected of this request.
    pub expected: String,
    /// What the client did.
    pub got: String,
    /// The client that the request names or authenticates.
    pub client_id: Option<String>,
    /// The method and path of the request, without its query.
    pub request: String,
    /// When it came, on the server's virtual clock, counted from the server's start.
    pub at: Duration,
}

impl Severity {
    /// `error`, `warning` or `note`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One line: `error poll-interval: expected 5.0 s since the last poll, got 1.0 s (RFC 8628 section 3.5; ...)`.
impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, rule, section, expected, got, request, .. } = self;
        let client = self.client_id.as_deref().unwrap_or("unknown");
        let at = self.at.as_secs_f64();
        write!(
            formatter,
            "{severity} {rule}: expected {expected}, got {got} ({section}; {request} by client {client} at {at:.1} s)"
        )
    }
}

/// The latest verdicts, and what was remembered to reach them.
#[derive(Default)]
pub(crate) struct Verdicts {
    latest: VecDeque<Verdict>,
    /// How often each rule was put to a request, broken or not.
    checked: BTreeMap<&'static str, u64>,
    code_challenges: Recent,
    states: Recent,
    /// Refresh tokens that were spent with an answer that a fault kept from the client.
    unheard: Recent,
}

/// Older verdicts make room for newer ones past this many.
const CAPACITY: usize = 10_000;

impl Verdicts {
    /// Those of several servers, one server after the other.
    pub(crate) fn of_all<'a>(several: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for verdicts in several {
            all.latest.extend(verdicts.latest.iter().cloned());
            for (rule, times) in &verdicts.checked {
                *all.checked.entry(rule).or_default() += times;
            }
        }
        all
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Verdict> {
        self.latest.iter()
    }

    /// How often a rule was put to a request: a rule that never was has not been kept, only not been met.
    fn times_checked(&self, rule: &Rule) -> u64 {
        self.checked.get(rule.name).copied().unwrap_or_default()
    }
}

/// What one request was held against, and where it fell short.
#[derive(Default)]
struct Findings {
    checked: Vec<&'static str>,
    broken: Vec<Broken>,
}

struct Broken {
    rule: &'static Rule,
    expected: String,
    got: String,
}

impl Findings {
    /// Puts a rule to the request; `expected` and `got` are asked for only where it was broken.
    fn check(&mut self, rule: &'static Rule, kept: bool, explain: impl FnOnce() -> (String, String)) {
        self.checked.push(rule.name);
        if !kept {
            let (expected, got) = explain();
            self.broken.push(Broken { rule, expected, got });
        }
    }
}

impl Findings {
    /// What was broken so far, in words.
    fn remarks(&self) -> Vec<Remark> {
        let in_words = |Broken { rule, expected, got }: &Broken| Remark {
            severity: rule.severity,
            text: format!("{}: expected {expected}, got {got} ({})", rule.name, rule.section),
        };
        self.broken.iter().map(in_words).collect()
    }
}

/// The digests of the latest values that must not come twice.
#[derive(Default)]
struct Recent {
    known: HashSet<[u8; 32]>,
    oldest_first: VecDeque<[u8; 32]>,
}

impl Recent {
    fn contains(&self, value: &str) -> bool {
        self.known.contains(&Self::digest(value))
    }

    fn digest(value: &str) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, value.as_bytes()).as_ref());
        digest
    }

    /// Whether `value` is new among the latest ten thousand. Only its SHA-256 is kept.
    fn is_fresh(&mut self, value: &str) -> bool {
        let digest = Self::digest(value);
        if !self.known.insert(digest) {
            return false;
        }
        self.oldest_first.push_back(digest);
        if self.oldest_first.len() > CAPACITY
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
