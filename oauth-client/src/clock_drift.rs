//! How this machine's clock runs beside the server's, by the dates of its answers.

use std::time::Duration;

use oauth_protocol::Instant;

/// A date is a whole second, and its answer was some time on the way.
const UNCERTAINTY: f64 = 2.0;

/// The first answer with a date, and the last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClockDrift {
    first: Option<(Instant, Duration)>,
    last: Option<(Instant, Duration)>,
}

impl ClockDrift {
    /// An answer came at `now`, with this date (RFC 9110 §6.6.1).
    pub(crate) fn answered(&mut self, now: Instant, date: Option<Duration>) {
        let Some(date) = date else { return };
        self.first.get_or_insert((now, date));
        self.last = Some((now, date));
    }

    /// As [`DeviceLogin::clock_drift`](crate::DeviceLogin::clock_drift).
    pub(crate) fn at_least(&self) -> Option<f64> {
        let ((own_first, first), (own_last, last)) = self.first.zip(self.last)?;
        let own = own_last.saturating_duration_since(own_first).as_secs_f64();
        let server = last.checked_sub(first).filter(|passed| !passed.is_zero())?.as_secs_f64();
        let drift = own - server;
        Some(((drift.abs() - UNCERTAINTY).max(0.0) / server).copysign(drift))
    }
}
