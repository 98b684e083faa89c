//! A device whose memory is gone after each sleep but for the snapshot, in virtual time.

use std::time::Duration;

use embedded_demo::{Device, KeptLogin, Progress};
use proptest::prelude::*;

use crate::board::{KeptRecord, KeptScreen, Outcome, ScriptedTransport, VirtualClock, client};
use crate::device::{
    CODES, DENIED, FIRST, ISSUER, PENDING, SECOND, SLOW_DOWN, TestDevice, WITHOUT_REFRESH, device,
    until_it_waits, with,
};

/// What is left of a device that goes to sleep.
struct Asleep {
    snapshot: Vec<u8>,
    transport: ScriptedTransport,
    storage: KeptRecord,
}

fn put_to_sleep(mut device: TestDevice) -> Asleep {
    let snapshot = device.snapshot().expect("a device that was polled").to_vec();
    let (transport, _, _, storage) = device.into_parts();
    Asleep { snapshot, transport, storage }
}

impl Asleep {
    /// The board starts anew, its clock at `clock`.
    fn wake(self, clock: &VirtualClock, elapsed: Option<Duration>) -> TestDevice {
        let transport = self.transport.on(clock);
        let (screen, seed) = (KeptScreen::default(), 2);
        Device::new(client(ISSUER), transport, clock.clone(), screen, self.storage, seed)
            .resume(&self.snapshot, elapsed)
    }
}

/// Sleeps through every wait, each time with a clock that begins at 0; what was sent, by the time that really passed.
/// Where the time of the sleep is unknown, the wait is repeated awake.
fn live_in_deep_sleep(script: &[Outcome], is_time_known: bool) -> Vec<(u64, String)> {
    let mut total = 0;
    let mut clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), script.iter().copied());
    let mut sent = Vec::new();
    for _ in 0..=script.len() {
        if !is_time_known && let Progress::WaitUntil(moment) = until_it_waits(&mut device, &clock) {
            clock.pass(Duration::from_millis(moment.as_millis() - clock.millis()));
        }
        let progress = until_it_waits(&mut device, &clock);
        let mut asleep = put_to_sleep(device);
        sent.extend(asleep.transport.sent.drain(..).map(|(at, body)| (total + at, body)));
        let Progress::WaitUntil(moment) = progress else { return sent };
        let asleep_for = moment.as_millis() - clock.millis();
        total += clock.millis() + asleep_for;
        clock = VirtualClock::default();
        device = asleep.wake(&clock, is_time_known.then_some(Duration::from_millis(asleep_for)));
    }
    panic!("it sleeps on and on: {sent:?}");
}

fn moments(sent: &[(u64, String)]) -> Vec<u64> {
    sent.iter().map(|(at, _)| *at).collect()
}

#[test]
fn a_login_slept_through_polls_at_the_same_moments_as_one_awake() {
    let script = [CODES, PENDING, SLOW_DOWN, PENDING, FIRST];
    let clock = VirtualClock::default();
    let mut awake = device(&clock, KeptRecord::default(), script);
    awake.access_token().unwrap();
    let (transport, ..) = awake.into_parts();
    let asleep = live_in_deep_sleep(&script, true);
    assert_eq!(moments(&asleep), moments(&transport.sent));
    assert_eq!(moments(&asleep), [0, 5_100, 10_200, 20_300, 30_400]);
}

#[test]
fn without_a_clock_in_the_sleep_no_poll_comes_early() {
    let sent = live_in_deep_sleep(&[CODES, PENDING, SLOW_DOWN, FIRST], false);
    let sent = moments(&sent);
    // Each wait is slept, and then waited once more.
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 5_000), "{sent:?}");
    assert!(sent[3] - sent[2] >= 10_000, "{sent:?}");
}

#[test]
fn a_code_that_expires_in_the_sleep_is_over_when_it_wakes() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), [CODES]);
    let _ = until_it_waits(&mut device, &clock);
    let later = VirtualClock::default();
    let mut woken = put_to_sleep(device).wake(&later, Some(Duration::from_secs(601)));
    assert_eq!(until_it_waits(&mut woken, &later), Progress::Ended);
    let (_, _, screen, _) = woken.into_parts();
    assert!(screen.0.last().unwrap().contains("expired"), "{:?}", screen.0);
}

#[test]
fn an_access_token_outlives_the_sleep_where_its_time_is_known() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, with("refresh-0"), [FIRST, SECOND]);
    let _ = until_it_waits(&mut device, &clock);
    let later = VirtualClock::default();
    let mut woken = put_to_sleep(device).wake(&later, Some(Duration::from_secs(600)));
    assert_eq!(woken.access_token().unwrap().expose(), "access-1");
    let mut woken = put_to_sleep(woken).wake(&VirtualClock::default(), Some(Duration::from_secs(2_941)));
    assert_eq!(woken.access_token().unwrap().expose(), "access-2", "its life was over but for 59 s");
    let (transport, ..) = woken.into_parts();
    assert_eq!(transport.sent.len(), 2);
    assert!(transport.sent[1].1.contains("refresh_token=refresh-1"), "{:?}", transport.sent[1].1);
}

#[test]
fn an_access_token_of_unknown_age_counts_as_over() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, with("refresh-0"), [FIRST, SECOND]);
    let _ = until_it_waits(&mut device, &clock);
    let mut woken = put_to_sleep(device).wake(&VirtualClock::default(), None);
    assert_eq!(woken.access_token().unwrap().expose(), "access-2");
}

#[test]
fn without_a_refresh_token_its_access_token_is_all_that_a_sleep_keeps() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), [CODES, WITHOUT_REFRESH, CODES]);
    device.access_token().unwrap();
    let woken = put_to_sleep(device);
    let mut woken = woken.wake(&VirtualClock::default(), Some(Duration::from_secs(60)));
    assert_eq!(woken.access_token().unwrap().expose(), "access-1");
    let later = VirtualClock::default();
    let mut woken = put_to_sleep(woken).wake(&later, None);
    assert!(matches!(until_it_waits(&mut woken, &later), Progress::WaitUntil(_)), "a new code");
}

#[test]
fn a_pause_between_two_refreshes_goes_on_in_the_sleep() {
    const DOWN: Outcome = Ok((503, ""));
    let clock = VirtualClock::default();
    let mut device = device(&clock, with("refresh-0"), [DOWN, DOWN, FIRST]);
    let Progress::WaitUntil(first) = until_it_waits(&mut device, &clock) else { panic!("no pause") };
    assert_eq!(first.as_millis() - clock.millis(), 5_000);
    clock.pass(Duration::from_secs(5));
    let Progress::WaitUntil(second) = until_it_waits(&mut device, &clock) else { panic!("no pause") };
    assert_eq!(second.as_millis() - clock.millis(), 10_000);
    let later = VirtualClock::default();
    let mut woken = put_to_sleep(device).wake(&later, Some(Duration::from_secs(4)));
    let Progress::WaitUntil(moment) = until_it_waits(&mut woken, &later) else { panic!("no pause") };
    assert_eq!(moment.as_millis(), 6_000);
    assert_eq!(woken.access_token().unwrap().expose(), "access-1");
}

#[test]
fn a_login_that_ended_stays_ended() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), [CODES, DENIED]);
    assert!(device.access_token().is_none());
    let mut woken = put_to_sleep(device).wake(&VirtualClock::default(), None);
    assert_eq!(woken.poll(), Progress::Ended);
}

#[test]
fn before_the_first_poll_and_before_there_is_a_code_nothing_is_to_be_kept() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), []);
    assert!(device.snapshot().is_none());
    let _ = device.poll();
    assert!(device.snapshot().is_none());
}

#[test]
fn every_part_of_a_snapshot_alone_leaves_the_word_to_the_flash() {
    let clock = VirtualClock::default();
    let mut signed_in = device(&clock, with("refresh-0"), [FIRST]);
    let _ = until_it_waits(&mut signed_in, &clock);
    let snapshot = signed_in.snapshot().unwrap();
    // The end of the refresh token may be missing without a sign of it: memory that is read whole is the board's to see to.
    let up_to_the_access_token = snapshot.len() - "refresh-1".len();
    for length in 0..up_to_the_access_token {
        let mut device = device(&clock, with("refresh-0"), [SECOND]).resume(&snapshot[..length], None);
        assert_eq!(device.access_token().unwrap().expose(), "access-2", "{length} bytes");
    }
}

proptest! {
    #[test]
    fn noise_is_no_snapshot(noise: Vec<u8>) {
        let clock = VirtualClock::default();
        let mut device = device(&clock, with("refresh-0"), [SECOND]).resume(&noise, Some(Duration::from_secs(1)));
        prop_assert_eq!(device.access_token().unwrap().expose(), "access-2");
        let (_, _, _, storage) = device.into_parts();
        let kept = KeptLogin::from_bytes(&storage.record.unwrap());
        prop_assert!(matches!(kept, Some(KeptLogin::RefreshToken(_))));
    }

    #[test]
    fn noise_after_the_right_beginning_does_no_harm(kind in "[PRSE]", noise: Vec<u8>, known: bool) {
        let snapshot = [b"dev\x01".as_slice(), kind.as_bytes(), &noise].concat();
        let clock = VirtualClock::default();
        let script = [SECOND, CODES, FIRST];
        let elapsed = known.then_some(Duration::from_secs(1));
        let mut device = device(&clock, with("refresh-0"), script).resume(&snapshot, elapsed);
        // It lives on in one of its states; an end is one of them.
        let _ = device.poll();
    }
}
