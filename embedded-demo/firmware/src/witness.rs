//! A screen that remembers what was on it, so that the image can judge for itself.

use core::cell::Cell;

use embedded_demo::{Screen, Status, View};
use oauth_protocol::{Error, ErrorCode, RetryCause, TransportFailure};

/// What was seen since the last look.
#[derive(Default)]
pub struct Seen {
    /// The codes.
    pub code: Cell<bool>,
    /// `access_denied` as the end of a login.
    pub denial: Cell<bool>,
    /// A slower pace.
    pub slow_down: Cell<bool>,
    /// A server that answered that it cannot, with 503.
    pub unavailable: Cell<bool>,
    /// A server that was not there.
    pub away: Cell<bool>,
    /// A refresh.
    pub refresh: Cell<bool>,
    /// No trusted TLS connection, at whatever stage.
    pub untrusted: Cell<bool>,
}

/// A screen with somebody in front of it.
pub struct Witness<'a, S> {
    seen: &'a Seen,
    screen: S,
}

impl<'a, S> Witness<'a, S> {
    /// Notes in `seen` what goes to `screen`.
    pub const fn new(seen: &'a Seen, screen: S) -> Self {
        Self { seen, screen }
    }
}

impl<S: Screen> Screen for Witness<'_, S> {
    fn show(&mut self, view: &View<'_>) {
        match view {
            View::Connecting { retrying: Some(cause) } => self.retry(cause),
            View::Code { status, .. } => {
                self.seen.code.set(true);
                match status {
                    Status::Slow { .. } => self.seen.slow_down.set(true),
                    Status::Retrying { cause, .. } => self.retry(cause),
                    _ => {}
                }
            }
            View::Failed(Error::Refused(refusal)) if refusal.error == ErrorCode::AccessDenied => {
                self.seen.denial.set(true);
            }
            View::Failed(Error::Transport(TransportFailure::Tls)) => self.seen.untrusted.set(true),
            View::Refreshing { .. } => self.seen.refresh.set(true),
            _ => {}
        }
        self.screen.show(view);
    }
}

impl<S> Witness<'_, S> {
    fn retry(&self, cause: &RetryCause) {
        match cause {
            RetryCause::Transport(TransportFailure::Tls) => self.seen.untrusted.set(true),
            RetryCause::Transport(_) => self.seen.away.set(true),
            RetryCause::Unavailable { status: 503 } => self.seen.unavailable.set(true),
            _ => {}
        }
    }
}
