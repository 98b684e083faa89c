//! A moment on the caller's clock.

use core::time::Duration;

/// A moment, in milliseconds since a point that the caller chose (its boot, for example).
///
/// The clock behind it should count while the machine is suspended (`CLOCK_BOOTTIME` on Linux) and must
/// not go back. All arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    millis: u64,
}

impl Instant {
    /// The moment `millis` milliseconds after the caller's starting point.
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    /// Milliseconds since the caller's starting point.
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// This moment and `duration` more, rounded up to a whole millisecond so that no wait is cut short.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self { millis: self.millis.saturating_add(millis_rounded_up(duration)) }
    }

    /// How long after `earlier` this moment lies; zero if it does not.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis.saturating_sub(earlier.millis))
    }
}

fn millis_rounded_up(duration: Duration) -> u64 {
    let below_a_second = duration.subsec_nanos().div_ceil(1_000_000);
    duration.as_secs().saturating_mul(1000).saturating_add(u64::from(below_a_second))
}
