//! When the next poll goes out (RFC 8628 §3.5).

use core::time::Duration;

/// How much longer than the interval the client waits. Only ever longer: nothing here can shorten a wait.
///
/// The margin is drawn anew for each wait. It is there because the clocks of virtual machines run 5-30 %
/// fast, and because some servers end the login at the third early poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollingPolicy {
    margin: PermilleRange,
    margin_after_slow_down: PermilleRange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PermilleRange {
    low: u16,
    high: u16,
}

/// The wait where the server names none (RFC 8628 §3.2: "clients MUST use 5 as the default").
pub(crate) const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest wait, whatever the server says.
pub(crate) const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// What `slow_down` adds (RFC 8628 §3.5).
pub(crate) const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);
/// The longest interval and the longest life of a code that is believed.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The life of a code where the server names none.
pub(crate) const DEFAULT_LIFE: Duration = Duration::from_secs(15 * 60);
/// The most that failures in a row add to the interval.
const MAX_BACK_OFF: Duration = Duration::from_secs(60);

impl Default for PollingPolicy {
    /// 10 to 30 %, and 30 to 50 % after the first `slow_down`.
    fn default() -> Self {
        Self::with_margin(10, 30).with_margin_after_slow_down(30, 50)
    }
}

impl PollingPolicy {
    /// A margin drawn evenly from `low` to `high` percent of each wait, also after `slow_down`.
    #[must_use]
    pub const fn with_margin(low: u8, high: u8) -> Self {
        let margin = PermilleRange::percent(low, high);
        Self { margin, margin_after_slow_down: margin }
    }

    /// Another margin once the server has asked to slow down.
    #[must_use]
    pub const fn with_margin_after_slow_down(self, low: u8, high: u8) -> Self {
        Self { margin_after_slow_down: PermilleRange::percent(low, high), ..self }
    }

    /// `wait` and its margin.
    pub(crate) fn lengthened(self, wait: Duration, slowed_down: bool, jitter: &mut Jitter) -> Duration {
        let range = if slowed_down { self.margin_after_slow_down } else { self.margin };
        let permille = u32::from(range.low) + jitter.below(u32::from(range.high - range.low) + 1);
        wait.saturating_add(wait.saturating_mul(permille) / 1000)
    }
}

impl PermilleRange {
    const fn percent(low: u8, high: u8) -> Self {
        let high = if high < low { low } else { high };
        Self { low: low as u16 * 10, high: high as u16 * 10 }
    }
}

/// interval + min(interval × (2ⁿ − 1), 60 s) after `failures` in a row.
pub(crate) fn backed_off(interval: Duration, failures: u32) -> Duration {
    let factor = 2_u32.checked_pow(failures).map_or(u32::MAX, |power| power - 1);
    interval.saturating_add(interval.saturating_mul(factor).min(MAX_BACK_OFF))
}

/// Numbers that need not be secret (`SplitMix64`), so that many devices do not poll in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jitter {
    pub(crate) state: u64,
}

impl Jitter {
    fn below(&mut self, bound: u32) -> u32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        u32::try_from((u128::from(mixed) * u128::from(bound)) >> 64).unwrap_or(0)
    }
}
