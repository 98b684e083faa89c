//! A counter of 32 bits as a time that does not end.

use oauth_protocol::Instant;

/// Makes moments out of a counter of milliseconds that begins anew after 2^32 of them, which is 49.7 days.
///
/// It has to see the counter once in that time: a board that may sleep longer wakes up for it.
///
/// ```
/// use embedded_demo::TickCounter;
///
/// let mut counter = TickCounter::new();
/// assert_eq!(counter.widen(0xFFFF_FFFF).as_millis(), 0xFFFF_FFFF);
/// assert_eq!(counter.widen(0x0000_0005).as_millis(), 0x1_0000_0005);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TickCounter {
    now: u64,
}

impl TickCounter {
    /// A counter that was zero when the board was switched on, within the last 49.7 days.
    pub const fn new() -> Self {
        Self { now: 0 }
    }

    /// The moment at which the board's counter says `millis`.
    pub fn widen(&mut self, millis: u32) -> Instant {
        let [.., a, b, c, d] = self.now.to_be_bytes();
        // What has passed since the last look, whether the counter began anew in between or not.
        let passed = millis.wrapping_sub(u32::from_be_bytes([a, b, c, d]));
        self.now = self.now.saturating_add(u64::from(passed));
        Instant::from_millis(self.now)
    }
}
