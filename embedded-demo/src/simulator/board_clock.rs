//! The board's clock: time since the power came, real or jumping.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use embedded_demo::Clock;
use mock_server::Tenant;
use oauth_protocol::Instant;

/// One clock in many hands: the device's, and those of the desk that it stands on.
#[derive(Clone)]
pub(crate) struct BoardClock(Rc<Time>);

enum Time {
    Real(std::time::Instant),
    /// Time that passes only when somebody waits for it, for the server as well.
    Jumping {
        millis: Cell<u64>,
        server: Tenant,
        /// Seconds of the board in a real one; `None`: as fast as it goes.
        speed: Option<f64>,
    },
}

impl BoardClock {
    pub(crate) fn real() -> Self {
        Self(Rc::new(Time::Real(std::time::Instant::now())))
    }

    /// The clock of `server` has to stand still: it moves when this one does.
    pub(crate) fn jumping(server: Tenant, speed: Option<f64>) -> Self {
        Self(Rc::new(Time::Jumping { millis: Cell::new(0), server, speed }))
    }

    /// The time now, for those who do not own it.
    pub(crate) fn read(&self) -> Instant {
        match &*self.0 {
            Time::Real(started) => Instant::default().saturating_add(started.elapsed()),
            Time::Jumping { millis, .. } => Instant::from_millis(millis.get()),
        }
    }

    /// The power was off for so long: the board counts from zero, and knows nothing of it.
    pub(crate) fn restart_after(&self, off: Duration) {
        if let Time::Jumping { millis, server, .. } = &*self.0 {
            server.advance(off);
            millis.set(0);
        }
    }

    /// So much of the board's time passes in `real` time.
    pub(crate) fn in_real_time(&self, real: Duration) -> Duration {
        match &*self.0 {
            Time::Jumping { speed: Some(speed), .. } => real.mul_f64(*speed),
            Time::Real(_) | Time::Jumping { speed: None, .. } => real,
        }
    }
}

impl Clock for BoardClock {
    fn now(&mut self) -> Instant {
        self.read()
    }

    fn sleep_until(&mut self, moment: Instant) {
        let left = moment.saturating_duration_since(self.read());
        match &*self.0 {
            Time::Real(_) => thread::sleep(left),
            Time::Jumping { millis, server, speed } => {
                if let Some(speed) = speed {
                    thread::sleep(left.div_f64(*speed));
                }
                server.advance(left);
                millis.set(millis.get().max(moment.as_millis()));
            }
        }
    }
}
