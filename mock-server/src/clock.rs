//! Moments in time, and the clock that they are read from.
#![allow(clippy::disallowed_methods, reason = "the one place that reads the system's clocks")]

use std::ops::Add;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment, counted from the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Timestamp(Duration);

impl Timestamp {
    /// The moment that lies `since_epoch` after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// Whole seconds since the Unix epoch: the `NumericDate` of RFC 7519 section 2.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0.as_secs()
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment that lies so long before this one.
    #[cfg(feature = "tls")]
    pub(crate) const fn earlier_by(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates: a clock that was advanced to the end of time stays there.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// Real time: the date of the start plus a monotonic count, so that a wall clock that is set does not expire tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealClock {
    started_at: Timestamp,
    started: Instant,
}

impl RealClock {
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started_at: Timestamp::from_unix(since_epoch), started: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.started_at + self.started.elapsed()
    }
}

/// The clock that codes and tokens live by: it runs with real time from what it was set to, or stands still.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum VirtualClock {
    Running {
        /// What it showed when real time was `real`.
        shown: Timestamp,
        real: Timestamp,
    },
    Frozen(Timestamp),
}

impl VirtualClock {
    pub(crate) fn running(shown: Timestamp, real: Timestamp) -> Self {
        Self::Running { shown, real }
    }

    /// What it shows when real time is `real_now`.
    pub(crate) fn at(self, real_now: Timestamp) -> Timestamp {
        match self {
            Self::Running { shown, real } => shown + real_now.since(real),
            Self::Frozen(shown) => shown,
        }
    }

    /// The clock that was saved at `saved`, at `real_now` of another run: real time passed between, unless it went back.
    pub(crate) fn gone_on(self, saved: Timestamp, real_now: Timestamp) -> Self {
        match self {
            Self::Running { .. } => Self::running(self.at(saved) + real_now.since(saved), real_now),
            Self::Frozen(shown) => Self::Frozen(shown),
        }
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        match self {
            Self::Running { shown, .. } | Self::Frozen(shown) => *shown = *shown + duration,
        }
    }

    pub(crate) fn set(&mut self, real_now: Timestamp, to: Timestamp) {
        *self = match self {
            Self::Running { .. } => Self::running(to, real_now),
            Self::Frozen(_) => Self::Frozen(to),
        };
    }

    pub(crate) fn freeze(&mut self, real_now: Timestamp) {
        *self = Self::Frozen(self.at(real_now));
    }

    pub(crate) fn thaw(&mut self, real_now: Timestamp) {
        *self = Self::running(self.at(real_now), real_now);
    }
}
