//! Wall-clock time, which survives a reboot and may jump.
#![allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]

use std::time::{Duration, SystemTime};

/// Whole seconds since 1970 on the wall clock. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The moment `seconds` after 1970 began.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// The system's clock; a clock set before 1970 reads as 1970.
    pub fn now() -> Self {
        Self(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// This moment and `duration` more, part of a second cut off.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// How long after `earlier` this moment lies; zero if it does not.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}
