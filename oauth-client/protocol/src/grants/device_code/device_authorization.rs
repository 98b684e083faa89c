//! The device authorization request and its tries (RFC 8628 §3.1).

use alloc::boxed::Box;
use core::time::Duration;

use super::WaitCause;
use super::decision::{Context, Decision, Outcome, decide};
use super::polling_policy::{Jitter, PollingPolicy};
use crate::{
    DeviceAuthorizationResponse, EndpointUrl, Error, HttpResponse, Instant, InvalidResponse, Unavailable,
};

/// The device authorization request is tried this often ...
const MAX_TRIES: u32 = 3;
/// ... within this time.
const TRIES_WITHIN: Duration = Duration::from_secs(30);
/// The wait before the second try; before the third it is twice as long.
const FIRST_RETRY_WAIT: Duration = Duration::from_secs(1);

/// The tries so far.
#[derive(Clone, Copy)]
pub(super) struct DeviceAuthorization {
    first_sent_at: Instant,
    sent_at: Instant,
    tries: u32,
    contacted: bool,
}

/// Waiting for the next try.
pub(super) struct WaitingToTryAgain {
    pub(super) authorization: DeviceAuthorization,
    pub(super) next_try_at: Instant,
    pub(super) cause: WaitCause,
    /// What is left to say if no time remains for another try.
    pub(super) error: Error,
}

/// What a try has brought.
pub(super) enum Answered {
    Codes(Box<DeviceAuthorizationResponse>),
    TryAgain(WaitingToTryAgain),
}

impl DeviceAuthorization {
    /// No try yet.
    pub(super) const fn first_at(now: Instant) -> Self {
        Self { first_sent_at: now, sent_at: now, tries: 0, contacted: false }
    }

    pub(super) fn is_sent(&mut self, now: Instant) {
        self.sent_at = now;
        self.tries += 1;
    }

    /// When the last try was sent.
    pub(super) const fn sent_at(self) -> Instant {
        self.sent_at
    }

    /// The end of all tries: no answer is waited for longer, and none is sent later.
    pub(super) fn answer_due(self) -> Instant {
        self.first_sent_at.saturating_add(TRIES_WITHIN)
    }

    pub(super) fn after(
        mut self,
        outcome: &Outcome<'_>,
        endpoint: &EndpointUrl,
        now: Instant,
        policy: PollingPolicy,
        jitter: &mut Jitter,
    ) -> Result<Answered, Error> {
        let context = Context {
            interval: Duration::ZERO,
            required: "device_code",
            url: endpoint,
            tls_failures: self.contacted.then_some(0),
            redirects: 0,
        };
        let decision = decide(outcome, context, DeviceAuthorizationResponse::from_parameters);
        let retry_after = outcome.retry_after();
        self.contacted |= matches!(outcome, Outcome::Response(_));
        let (cause, error) = match (decision, outcome) {
            (Decision::Finish(Ok(codes)), _) => return Ok(Answered::Codes(codes)),
            // There is nothing to poll for yet: every OAuth error is final.
            (
                Decision::Wait | Decision::SlowDown { rate_limited: false, .. },
                Outcome::Response(response),
            ) => return Err(refusal_of(response)),
            (Decision::SlowDown { rate_limited: true, .. }, Outcome::Response(response)) => {
                let error = Error::Unavailable(Unavailable { status: response.status(), retry_after });
                (WaitCause::RateLimited, error)
            }
            (Decision::BackOff(cause), _) => {
                let error = cause.clone().into_error(retry_after);
                (WaitCause::Retrying { cause, captive_portal_suspected: false }, error)
            }
            (Decision::Finish(Err(Error::InvalidResponse(InvalidResponse::UnexpectedStatus(404)))), _) => {
                return Err(Error::InvalidResponse(InvalidResponse::NoDeviceAuthorizationEndpoint));
            }
            (Decision::Finish(Err(error)), _) => return Err(error),
            (Decision::Wait | Decision::SlowDown { .. }, Outcome::Failure(failure)) => {
                return Err(Error::Transport(*failure));
            }
        };
        let wait = FIRST_RETRY_WAIT.saturating_mul(self.tries).max(retry_after.unwrap_or_default());
        let next_try_at = now.saturating_add(policy.lengthened(wait, false, jitter));
        if self.tries >= MAX_TRIES || next_try_at >= self.answer_due() {
            return Err(error);
        }
        Ok(Answered::TryAgain(WaitingToTryAgain { authorization: self, next_try_at, cause, error }))
    }
}

fn refusal_of(response: &HttpResponse) -> Error {
    match DeviceAuthorizationResponse::process_response(response) {
        Err(error) => error,
        Ok(_) => Error::InvalidResponse(InvalidResponse::MissingParameter("device_code")),
    }
}
