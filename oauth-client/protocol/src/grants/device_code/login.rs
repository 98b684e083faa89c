//! What holds from the codes to the end of a login, and when its next poll goes out (RFC 8628 §3.5).

use alloc::boxed::Box;
use core::time::Duration;

use super::decision::RetryCause;
use super::polling_policy::{Jitter, PollingPolicy};
use crate::{DeviceAuthorizationResponse, EndpointPolicy, Error, Instant, TransportFailure};

/// The last poll leaves this long before expiry, so that its answer still arrives in time.
const LAST_POLL_LEAD: Duration = Duration::from_secs(1);
/// From this many failures in a row the person is told to look for a captive portal.
const CAPTIVE_PORTAL_AFTER: u32 = 3;

/// The codes with everything that polling has taught about them.
pub(super) struct Login {
    pub(super) codes: DeviceAuthorizationResponse,
    pub(super) interval: Duration,
    pub(super) expires_at: Instant,
    pub(super) slowed_down: bool,
    pub(super) polled: bool,
    /// Failures in a row, of any kind.
    pub(super) failures: u32,
    /// Of these the last ones that a captive portal could have caused, and two kinds that may not come too
    /// often.
    pub(super) captive_portal_signs: u32,
    pub(super) tls_failures: u32,
    pub(super) redirects: u32,
}

/// When the next poll may go out, and when it does.
#[derive(Clone, Copy)]
pub(super) struct NextPoll {
    /// Not before this, even if the person asks for it.
    pub(super) earliest_at: Instant,
    pub(super) at: Instant,
}

impl Login {
    /// A login whose codes may be shown, or why they may not.
    pub(super) fn new(
        codes: DeviceAuthorizationResponse,
        policy: &EndpointPolicy,
        interval: Duration,
        expires_at: Instant,
    ) -> Result<Box<Self>, Error> {
        Ok(Box::new(Self {
            codes: codes.check_for_display(policy)?,
            interval,
            expires_at,
            slowed_down: false,
            polled: false,
            failures: 0,
            captive_portal_signs: 0,
            tls_failures: 0,
            redirects: 0,
        }))
    }

    /// The poll after `wait`, counted from `now`, when the answer arrived, so that the gap which the server
    /// sees is never shorter, whatever the latency.
    ///
    /// `asked_for` is the server's `Retry-After`, which not even the person can cut short.
    pub(super) fn next_poll(
        &self,
        policy: PollingPolicy,
        jitter: &mut Jitter,
        now: Instant,
        wait: Duration,
        asked_for: Option<Duration>,
    ) -> NextPoll {
        let asked_for = asked_for.unwrap_or_default();
        let wait = wait.max(asked_for);
        let due_at = now.saturating_add(wait);
        let with_margin = now.saturating_add(policy.lengthened(wait, self.slowed_down, jitter));
        let time_left = self.expires_at.saturating_duration_since(now);
        let last_call = now.saturating_add(time_left.saturating_sub(LAST_POLL_LEAD.min(time_left / 2)));
        if due_at >= self.expires_at && !self.polled {
            // An interval beyond the life of the code: one poll just before expiry.
            return NextPoll { earliest_at: last_call, at: last_call };
        }
        // To fall before the expiry the last poll loses its margin, never the wait itself.
        NextPoll {
            earliest_at: now.saturating_add(self.interval.max(asked_for)),
            at: if due_at < self.expires_at {
                with_margin.min(due_at.max(last_call))
            } else {
                self.expires_at
            },
        }
    }

    /// An OAuth answer came: whatever failed before is over.
    pub(super) fn forget_failures(&mut self) {
        self.failures = 0;
        self.server_was_reached();
    }

    /// An answer came that no captive portal gives.
    pub(super) fn server_was_reached(&mut self) {
        self.captive_portal_signs = 0;
        self.tls_failures = 0;
        self.redirects = 0;
    }

    pub(super) fn count_failure(&mut self, cause: &RetryCause) {
        let in_a_row = |count: u32, is_another: bool| if is_another { count.saturating_add(1) } else { 0 };
        let is_server_failure = matches!(cause, RetryCause::Unavailable { status: 500.. });
        self.failures = self.failures.saturating_add(1);
        self.captive_portal_signs = in_a_row(self.captive_portal_signs, !is_server_failure);
        self.tls_failures =
            in_a_row(self.tls_failures, matches!(cause, RetryCause::Transport(TransportFailure::Tls)));
        self.redirects = in_a_row(self.redirects, matches!(cause, RetryCause::Redirected(_)));
    }

    pub(super) const fn captive_portal_suspected(&self) -> bool {
        self.captive_portal_signs >= CAPTIVE_PORTAL_AFTER
    }
}
