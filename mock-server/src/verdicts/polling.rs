//! How one device polls: RFC 8628 sections 3.3 and 3.5.

use std::time::Duration;

use super::Findings;
use super::rules::{
    BACK_OFF_AFTER_FAILURE, BACK_OFF_AFTER_TIMEOUT, FIRST_POLL, POLL_INTERVAL, RETRY_AFTER_HONOURED,
    SLOW_DOWN_KEPT, STOP_AT_EXPIRY, STOP_AT_FINAL_ANSWER,
};
use crate::clock::Timestamp;

/// "If no value is provided, clients MUST use 5 as the default." (section 3.2)
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);

/// What a device was told so far, and when it asked last.
pub(crate) struct PollingConduct {
    told_interval: Duration,
    told_expiry: Timestamp,
    /// The interval with every `slow_down` that the device heard.
    interval: Duration,
    /// The device authorization request, then each poll.
    last_request: Timestamp,
    last_answer: Heard,
    retry_after: Option<Duration>,
}

/// What the device learnt from the last answer, if one reached it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The answer of the device authorization request: no poll yet.
    Codes,
    /// To poll on: `authorization_pending`, or that it is rate limited.
    PollOn,
    SlowDown,
    /// What one client understands and another does not.
    Unclear,
    /// A failure that says nothing of the login: 5xx, a captive portal, a lost connection.
    Failure,
    /// Nothing at all, until it stopped waiting.
    Silence,
    /// The last word, named.
    Final(String),
}

impl PollingConduct {
    /// A device that was told these at `now`.
    pub(crate) fn new(now: Timestamp, interval: Duration, lifetime: Duration) -> Self {
        Self {
            told_interval: interval,
            told_expiry: now + lifetime,
            interval,
            last_request: now,
            last_answer: Heard::Codes,
            retry_after: None,
        }
    }

    /// What the device has to wait, by what it heard.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// Notes that the device was told less than the server knows: without an interval it has to wait the default one,
    /// and without a lifetime it cannot know the end.
    pub(super) fn was_told(&mut self, interval: Option<Duration>, knows_expiry: bool) {
        let interval = interval.unwrap_or(DEFAULT_INTERVAL);
        self.told_interval = interval;
        self.interval = interval;
        if !knows_expiry {
            self.told_expiry = Timestamp::from_unix(Duration::MAX);
        }
    }

    /// Judges a poll that came at `now`.
    pub(super) fn poll(&mut self, now: Timestamp, findings: &mut Findings) {
        let gap = now.since(self.last_request);
        self.last_request = now;
        let since_last =
            |least: Duration| (format!("at least {} since the last request", seconds(least)), seconds(gap));
        if let Heard::Final(answer) = &self.last_answer {
            findings.check(&STOP_AT_FINAL_ANSWER, false, || {
                (format!("no poll after {answer}"), format!("one, {} later", seconds(gap)))
            });
            return;
        }
        findings.check(&STOP_AT_EXPIRY, now < self.told_expiry, || {
            let late = now.since(self.told_expiry);
            ("no poll once expires_in has passed".to_owned(), format!("one, {} later", seconds(late)))
        });
        if self.last_answer == Heard::Codes {
            findings.check(&FIRST_POLL, gap >= self.told_interval, || since_last(self.told_interval));
            return;
        }
        findings.check(&POLL_INTERVAL, gap >= self.told_interval, || since_last(self.told_interval));
        if self.interval > self.told_interval && gap >= self.told_interval {
            findings.check(&SLOW_DOWN_KEPT, gap >= self.interval, || since_last(self.interval));
        }
        // Doubling is what the RFC recommends; half of that shows the intention.
        let backed_off = self.interval + self.interval / 2;
        match self.last_answer {
            Heard::Failure => {
                findings.check(&BACK_OFF_AFTER_FAILURE, gap >= backed_off, || since_last(backed_off));
            }
            Heard::Silence => {
                findings.check(&BACK_OFF_AFTER_TIMEOUT, gap >= backed_off, || since_last(backed_off));
            }
            _ => {}
        }
        if let Some(wait) = self.retry_after {
            findings.check(&RETRY_AFTER_HONOURED, gap >= wait, || since_last(wait));
        }
    }

    /// Notes what the device heard in answer.
    pub(super) fn hear(&mut self, heard: Heard, retry_after: Option<Duration>, findings: &mut Findings) {
        if matches!(self.last_answer, Heard::Final(_)) {
            return;
        }
        match &heard {
            Heard::SlowDown => self.interval = self.interval.saturating_add(SLOW_DOWN_STEP),
            // Kept until a poll shows otherwise.
            Heard::Final(_) => findings.check(&STOP_AT_FINAL_ANSWER, true, Default::default),
            _ => {}
        }
        self.last_answer = heard;
        self.retry_after = retry_after;
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
