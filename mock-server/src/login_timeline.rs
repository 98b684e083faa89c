//! What happened to one device login, moment by moment, for the page that shows it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::verdicts::Severity;

/// Older moments make room for newer ones past this many.
const CAPACITY: usize = 200;

/// What happened to one device login since its codes were issued.
pub(crate) struct LoginTimeline {
    /// Oldest first.
    moments: VecDeque<Moment>,
    /// How many made room.
    forgotten: usize,
    last_request: Timestamp,
    is_kept: bool,
}

pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) event: LoginEvent,
}

pub(crate) enum LoginEvent {
    Poll(TimedPoll),
    Approved {
        subject: String,
    },
    Denied,
    /// Before its time.
    Expired,
    SlowDownAsked,
}

/// A poll with what it was held to.
pub(crate) struct TimedPoll {
    /// Since the last poll; since the codes were issued for the first.
    pub(crate) gap: Duration,
    pub(crate) required: Duration,
    /// The OAuth error, or what came in place of one.
    pub(crate) answer: String,
    pub(crate) remarks: Vec<Remark>,
}

/// A rule that the poll broke.
pub(crate) struct Remark {
    pub(crate) severity: Severity,
    pub(crate) text: String,
}

impl LoginTimeline {
    /// The timeline of a login whose codes are issued at `now`.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { moments: VecDeque::new(), forgotten: 0, last_request: now, is_kept: true }
    }

    pub(crate) fn note(&mut self, at: Timestamp, event: LoginEvent) {
        if !self.is_kept {
            return;
        }
        if self.moments.len() == CAPACITY {
            self.moments.pop_front();
            self.forgotten += 1;
        }
        self.moments.push_back(Moment { at, event });
    }

    /// Notes a poll; `describe` is asked for its answer and the rules that it broke only where that is kept.
    pub(crate) fn note_poll(
        &mut self,
        at: Timestamp,
        required: Duration,
        describe: impl FnOnce() -> (String, Vec<Remark>),
    ) {
        if !self.is_kept {
            return;
        }
        let gap = at.since(self.last_request);
        self.last_request = at;
        let (answer, remarks) = describe();
        self.note(at, LoginEvent::Poll(TimedPoll { gap, required, answer, remarks }));
    }

    /// Gives the memory back, and keeps nothing from now on.
    pub(crate) fn forget(&mut self) {
        self.moments = VecDeque::new();
        self.is_kept = false;
    }

    /// What is still known, newest first.
    pub(crate) fn newest_first(&self) -> impl ExactSizeIterator<Item = &Moment> {
        self.moments.iter().rev()
    }

    /// How many moments made room for newer ones.
    pub(crate) fn forgotten(&self) -> usize {
        self.forgotten
    }
}
