//! What a login needs of the board that it runs on.

use oauth_protocol::{HttpRequest, HttpResponse, Instant, TransportFailure};

use crate::View;

/// One HTTP exchange at a time.
pub trait Transport {
    /// Sends `request` as it is and reads the whole answer, within [`HttpRequest::timeout`]: no redirect
    /// followed, no header left out. [`crate::http1::exchange`] does it over a byte stream.
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure>;
}

/// Time since the board started, in 64 bits: 32 bits of milliseconds are over after 49.7 days.
pub trait Clock {
    /// The time now. It does not go back, and it counts while the board sleeps.
    fn now(&mut self) -> Instant;

    /// Returns at `moment` or earlier, never much later: the clock is read again after it.
    fn sleep_until(&mut self, moment: Instant);
}

/// Where a person sees how the login goes: a panel, a line of text, a few LEDs.
pub trait Screen {
    /// Shows `view` in place of the one before. Called when something has changed.
    fn show(&mut self, view: &View<'_>);
}
