//! A counter of milliseconds that begins anew after 49.7 days.

use std::time::Duration;

use embedded_demo::{Clock, Progress, TickCounter};
use oauth_protocol::Instant;
use proptest::prelude::*;

use super::server::{Server, Stage, Wire, answer};
use super::{Screens, device, live, seconds};
use crate::board::{KeptRecord, VirtualClock};

/// Milliseconds until the counter begins anew.
const WRAP: u64 = 1 << 32;

/// A board whose timer has 32 bits.
#[derive(Clone)]
struct SmallTimer {
    time: VirtualClock,
    counter: TickCounter,
}

impl SmallTimer {
    /// It was switched on so long before its timer wraps.
    fn before_the_wrap(millis: u64) -> Self {
        let time = VirtualClock::default();
        time.pass(Duration::from_millis(WRAP - millis));
        Self { time, counter: TickCounter::new() }
    }
}

impl Clock for SmallTimer {
    fn now(&mut self) -> Instant {
        let [.., a, b, c, d] = self.time.millis().to_be_bytes();
        self.counter.widen(u32::from_be_bytes([a, b, c, d]))
    }

    fn sleep_until(&mut self, moment: Instant) {
        let now = self.now();
        self.time.pass(moment.saturating_duration_since(now));
    }
}

#[test]
fn it_wraps_in_the_middle_of_polling_and_the_pace_stays() {
    for before in [1, 99, 100, 101, 5_099, 5_100, 5_101, 12_000, 20_000] {
        let mut clock = SmallTimer::before_the_wrap(before);
        let pending = answer(r#"{"error":"authorization_pending"}"#);
        let server = Server::new(&clock.time, Stage::Token, Wire::Bytes(pending), 6);
        let screens = Screens::default();
        let mut device = device(server.clone(), clock.clone(), &screens, KeptRecord::default());
        let start = clock.time.millis();
        let progress = live(&mut device, &mut clock, Duration::from_secs(600));
        assert!(matches!(progress, Progress::SignedIn(_)), "{before}: {progress:?}");
        // The codes, then seven polls, each 5 seconds after the answer before it, which takes 100 ms.
        assert_eq!(clock.time.millis() - start, 100 + 7 * 5_100, "{before} ms before the wrap");
        assert!(clock.time.millis() > WRAP);
        assert_eq!(server.requests(Stage::Token), 7);
    }
}

#[test]
fn it_wraps_while_a_code_is_valid_and_the_code_ends_in_time() {
    let mut clock = SmallTimer::before_the_wrap(300_000);
    let pending = answer(r#"{"error":"authorization_pending"}"#);
    let server = Server::new(&clock.time, Stage::Token, Wire::Bytes(pending), usize::MAX);
    let screens = Screens::default();
    let mut device = device(server, clock.clone(), &screens, KeptRecord::default());
    let start = clock.time.millis();
    assert_eq!(live(&mut device, &mut clock, Duration::from_secs(3_600)), Progress::Ended);
    let lasted = clock.time.millis() - start;
    assert!((590_000..=600_100).contains(&lasted), "{lasted}");
    assert_eq!(screens.last(), "not signed in: the code expired before it was approved");
}

#[test]
fn it_wraps_in_the_middle_of_a_tokens_life_and_the_token_is_replaced_before_its_end() {
    let mut clock = SmallTimer::before_the_wrap(1_800_000);
    let server = Server::good(&clock.time);
    let screens = Screens::default();
    let mut device = device(server.clone(), clock.clone(), &screens, KeptRecord::default());
    let minute = Duration::from_secs(60);
    let Progress::SignedIn(Some(replaced_at)) = live(&mut device, &mut clock, minute) else { panic!() };
    let signed_in_at = clock.now();
    assert_eq!(replaced_at.saturating_duration_since(signed_in_at), Duration::from_secs(3_540));
    assert!(signed_in_at.as_millis() < WRAP && replaced_at.as_millis() > WRAP);
    for _ in 0..59 {
        clock.time.pass(Duration::from_secs(59));
        assert_eq!(device.poll(), Progress::SignedIn(Some(replaced_at)), "at {} s", seconds(clock.now()));
    }
    assert_eq!(server.requests(Stage::Refresh), 0);
    clock.time.pass(minute);
    assert!(matches!(live(&mut device, &mut clock, minute), Progress::SignedIn(Some(_))));
    assert_eq!(server.requests(Stage::Refresh), 1);
}

proptest! {
    /// However often it is looked at, once within 49.7 days is enough.
    #[test]
    fn the_time_is_the_one_that_has_passed(steps in prop::collection::vec(0..=u32::MAX, 0..60)) {
        let mut counter = TickCounter::new();
        let mut passed = 0_u64;
        for step in steps {
            passed += u64::from(step);
            let [.., a, b, c, d] = passed.to_be_bytes();
            prop_assert_eq!(counter.widen(u32::from_be_bytes([a, b, c, d])).as_millis(), passed);
        }
    }
}
