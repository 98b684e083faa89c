//! The board's clock: time since the program started.

use std::thread;
use std::time::Duration;

use embedded_demo::Clock;
use oauth_protocol::Instant;

pub(crate) struct BootClock {
    started: std::time::Instant,
}

impl BootClock {
    pub(crate) fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for BootClock {
    fn now(&mut self) -> Instant {
        Instant::default().saturating_add(Duration::from_millis(
            u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        ))
    }

    fn sleep_until(&mut self, moment: Instant) {
        thread::sleep(moment.saturating_duration_since(self.now()));
    }
}
