//! How long a device leaves a server alone that is not there.

use core::time::Duration;

use oauth_protocol::{Error, InvalidResponse, RetryCause, TransportFailure};

/// The pause after a refresh or a first contact that failed, doubled with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// After so many failures in a row, and this one.
pub(super) fn pause_after(earlier_failures: u32, error: &Error) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << earlier_failures.min(10)).min(LONGEST_PAUSE);
    let wanted = match error {
        Error::Unavailable(unavailable) => unavailable.retry_after.unwrap_or_default(),
        // The configuration is wrong, here or there: nothing changes within seconds.
        Error::Refused(_) => LONGEST_PAUSE,
        _ => Duration::ZERO,
    };
    doubled.max(wanted)
}

/// What may pass by itself: no network, a server that cannot just now, a hotel's or an airport's own page.
pub(super) fn absence(error: &Error) -> Option<RetryCause> {
    match error {
        // A certificate that is wrong at first contact stays so.
        Error::Transport(TransportFailure::Tls) => None,
        Error::Transport(failure) => Some(RetryCause::Transport(*failure)),
        Error::Unavailable(unavailable) => Some(RetryCause::Unavailable { status: unavailable.status }),
        Error::InvalidResponse(InvalidResponse::NoParameters) => Some(RetryCause::NoOAuthAnswer),
        // A slash too few or too many in the configuration is no network's doing.
        Error::Redirected(redirect) if !redirect.differs_by_slash => {
            Some(RetryCause::Redirected(redirect.clone()))
        }
        _ => None,
    }
}
