//! What a device is about, and what of it outlives a sleep.

use alloc::boxed::Box;
use core::time::Duration;

use oauth_protocol::{DeviceCodeGrant, Instant, Secret};

use super::snapshot::Snapshot;

/// Where a device stands.
///
/// ```text
///                   approved                 its end is near, or 401
///  PowerOn -> LoggingIn ------------> SignedIn <----------------> Refreshing
///    |         |  ^  |                            a new token      |   ^
///    |  nobody |  |  | denied, expired, a mistake                  |   | the flash has a refresh token
///    |  there  v  |  v                            invalid_grant    |   |
///    |        Alone  Ended -> LoggingIn, by hand  -> LoggingIn <---+   |
///    +-----------------------------------------------------------------+
/// ```
#[derive(Debug)]
pub(super) enum State {
    PowerOn,
    LoggingIn {
        grant: Box<DeviceCodeGrant>,
        /// The pace that the storage knows, once it has the codes.
        kept_interval: Option<Duration>,
    },
    /// No server was there to ask for a code.
    Alone {
        until: Instant,
    },
    Refreshing(Refreshing),
    SignedIn(SignedIn),
    Ended,
}

#[derive(Debug)]
pub(super) struct Refreshing {
    pub(super) refresh_token: Secret,
    pub(super) not_before: Instant,
    pub(super) failures: u32,
}

#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    pub(super) replaced_at: Option<Instant>,
}

impl State {
    /// `None` where there is nothing to be kept.
    pub(super) fn snapshot(&self, now: Instant) -> Option<Snapshot> {
        Some(match self {
            Self::PowerOn | Self::Alone { .. } => return None,
            Self::LoggingIn { grant, .. } => Snapshot::Pending(grant.snapshot(now)?),
            Self::Refreshing(refreshing) => Snapshot::Refreshing {
                refresh_token: refreshing.refresh_token.clone(),
                wait: refreshing.not_before.saturating_duration_since(now),
                failures: refreshing.failures,
            },
            Self::SignedIn(signed_in) => Snapshot::SignedIn {
                access_token: signed_in.access_token.clone(),
                refresh_token: signed_in.refresh_token.clone(),
                replaced_in: signed_in.replaced_at.map(|moment| moment.saturating_duration_since(now)),
            },
            Self::Ended => Snapshot::Ended,
        })
    }
}

impl Refreshing {
    /// Now, and again until it works.
    pub(super) const fn due(refresh_token: Secret, now: Instant) -> Self {
        Self { refresh_token, not_before: now, failures: 0 }
    }

    pub(super) fn resumed(
        refresh_token: Secret,
        wait: Duration,
        failures: u32,
        elapsed: Option<Duration>,
        now: Instant,
    ) -> Self {
        let left = wait.saturating_sub(elapsed.unwrap_or_default());
        Self { refresh_token, not_before: now.saturating_add(left), failures }
    }
}

impl SignedIn {
    /// Without a known age, a token whose life is known counts as over.
    pub(super) fn resumed(
        access_token: Secret,
        refresh_token: Option<Secret>,
        replaced_in: Option<Duration>,
        elapsed: Option<Duration>,
        now: Instant,
    ) -> Self {
        let left = |life: Duration| elapsed.map_or(Duration::ZERO, |elapsed| life.saturating_sub(elapsed));
        let replaced_at = replaced_in.map(|life| now.saturating_add(left(life)));
        Self { access_token, refresh_token, replaced_at }
    }
}
