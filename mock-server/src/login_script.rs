//! A device login told beforehand: `pending*2, slow_down, pending, 503*3, approve`.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::misbehaviour::Fault;
use crate::printable::printable;

/// What each poll of one device login meets, in order; afterwards the login goes on as any other.
///
/// Steps are separated by commas, and `*N` repeats one: `pending`, `slow_down`, `approve`, `deny`, `expire`, or a fault
/// in its notation, such as `503`, `429:20` (with `Retry-After`), `html`, `reset` or `cut_json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginScript(VecDeque<Step>);

/// What one poll meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Pending,
    SlowDown,
    Approve,
    Deny,
    Expire,
    Fault(Fault),
}

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginScriptError(String);

impl fmt::Display for LoginScriptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "a script is pending, slow_down, approve, deny, expire or faults, separated by commas, *N to repeat: {}",
            self.0
        )
    }
}

impl Error for LoginScriptError {}

/// More polls than any code's life has room for.
const LONGEST: usize = 1000;

impl FromStr for LoginScript {
    type Err = LoginScriptError;

    fn from_str(text: &str) -> Result<Self, LoginScriptError> {
        let mut steps = VecDeque::new();
        for step in text.split(',').map(str::trim) {
            let (word, times) = match step.rsplit_once('*') {
                Some((word, times)) => (word.trim_end(), times.trim_start()),
                None => (step, "1"),
            };
            let times =
                times.parse().ok().filter(|times| (1..=LONGEST).contains(times)).ok_or_else(|| {
                    let step = printable(step);
                    LoginScriptError(format!("'{step}' repeats itself not 1 to {LONGEST} times"))
                })?;
            let step = match word {
                "pending" => Step::Pending,
                "slow_down" => Step::SlowDown,
                "approve" => Step::Approve,
                "deny" => Step::Deny,
                "expire" => Step::Expire,
                fault => Step::Fault(fault.parse().map_err(|error| LoginScriptError(format!("{error}")))?),
            };
            if steps.len() + times > LONGEST {
                return Err(LoginScriptError(format!("it is longer than {LONGEST} polls")));
            }
            steps.extend(std::iter::repeat_n(step, times));
        }
        Ok(Self(steps))
    }
}

impl LoginScript {
    /// A login without a script.
    pub(crate) const fn empty() -> Self {
        Self(VecDeque::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Answers the next poll with `slow_down` before it goes on, unless that is what comes next anyway.
    pub(crate) fn slow_down_next(&mut self) {
        if self.0.front() != Some(&Step::SlowDown) {
            self.0.push_front(Step::SlowDown);
        }
    }

    pub(crate) fn next_step(&mut self) -> Option<Step> {
        self.0.pop_front()
    }
}

/// Scripts that wait for device logins.
#[derive(Debug, Default)]
pub(crate) struct LoginScripts(Vec<WaitingScript>);

#[derive(Debug)]
pub(crate) struct WaitingScript {
    pub(crate) script: LoginScript,
    /// Only for logins of this client.
    pub(crate) client_id: Option<String>,
    /// Only for logins that ask for this scope token, among others.
    pub(crate) scope: Option<String>,
    /// For so many logins; `None` for all of them.
    pub(crate) times: Option<u64>,
}

impl LoginScripts {
    /// More waiting scripts than any test has: the oldest gives way.
    const CAPACITY: usize = 1000;

    pub(crate) fn add(&mut self, script: WaitingScript) {
        if self.0.len() == Self::CAPACITY {
            self.0.remove(0);
        }
        self.0.push(script);
    }

    /// The script for a new login of this client, the oldest that fits.
    pub(crate) fn take(&mut self, client_id: &str, has_scope: impl Fn(&str) -> bool) -> Option<LoginScript> {
        let at = self.0.iter().position(|waiting| {
            waiting.client_id.as_deref().is_none_or(|asked| asked == client_id)
                && waiting.scope.as_deref().is_none_or(&has_scope)
        })?;
        let waiting = &mut self.0[at];
        let script = waiting.script.clone();
        if let Some(times) = &mut waiting.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(at);
            }
        }
        Some(script)
    }
}
