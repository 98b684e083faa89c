//! What must never happen to a device, whatever comes: that it hangs, panics, or leaves a person without a word.

mod counter;
mod flash;
mod garbage;
mod server;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use embedded_demo::{Clock, Device, Progress, Screen, Storage, Transport, View};
use oauth_protocol::Instant;

use crate::board::client;

const ISSUER: &str = "https://auth.example.com";

/// Polls in a row that take no time: a device that hangs never waits.
const MOST_POLLS_AT_ONCE: usize = 4;

/// Keeps every picture as its text, for whoever looks while the device runs.
#[derive(Clone, Default)]
struct Screens(Rc<RefCell<Vec<String>>>);

impl Screens {
    fn last(&self) -> String {
        self.0.borrow().last().cloned().unwrap_or_default()
    }

    fn has_shown(&self, part: &str) -> bool {
        self.0.borrow().iter().any(|view| view.contains(part))
    }

    #[track_caller]
    fn assert_shown(&self, part: &str) {
        assert!(self.has_shown(part), "never shown: {part:?}, but {:#?}", self.0.borrow());
    }
}

impl Screen for Screens {
    fn show(&mut self, view: &View<'_>) {
        let text = view.to_string();
        assert!(!text.is_empty() && !text.contains("hidden"), "{text}");
        self.0.borrow_mut().push(text);
    }
}

fn device<T: Transport, C: Clock, M: Storage>(
    transport: T,
    clock: C,
    screens: &Screens,
    storage: M,
) -> Device<T, C, Screens, M> {
    Device::new(client(ISSUER), transport, clock, screens.clone(), storage, 1)
}

/// Lets the device live until it is signed in, its login has ended, or so much time has passed.
fn live<T: Transport, C: Clock, S: Screen, M: Storage>(
    device: &mut Device<T, C, S, M>,
    clock: &mut impl Clock,
    longest: Duration,
) -> Progress {
    let end = clock.now().saturating_add(longest);
    let (mut last_moment, mut at_once) = (clock.now(), 0);
    loop {
        let progress = device.poll();
        let now = clock.now();
        at_once = if now > last_moment { 0 } else { at_once + 1 };
        last_moment = now;
        assert!(at_once < MOST_POLLS_AT_ONCE, "it hangs: {progress:?}");
        match progress {
            Progress::WaitUntil(_) if now >= end => return progress,
            Progress::WaitUntil(moment) if moment > now => clock.sleep_until(moment),
            Progress::WaitUntil(_) => {}
            Progress::SignedIn(_) | Progress::Ended => return progress,
        }
    }
}

fn seconds(since_start: Instant) -> u64 {
    since_start.as_millis() / 1000
}

/// Bytes that mean nothing, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(step).take(length).collect()
}
