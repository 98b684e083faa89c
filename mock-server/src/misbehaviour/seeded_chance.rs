//! Chance that repeats with its seed: for faults, never for codes.

use std::time::Duration;

/// `SplitMix64` (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct SeededChance(u64);

impl SeededChance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// True with this probability, 0 to 1.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// Evenly from nothing to `longest`.
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.fraction())
    }

    /// From 0 to just under 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let high = u32::try_from(mixed >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_brings_the_same_and_the_share_is_as_asked() {
        let drawn = |seed| {
            let mut chance = SeededChance::new(seed);
            (0..10_000).map(|_| chance.happens(0.3)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let share = drawn(7).iter().filter(|happened| **happened).count();
        assert!((2800..3200).contains(&share), "{share}");
    }
}
