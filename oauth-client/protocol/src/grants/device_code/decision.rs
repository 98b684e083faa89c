//! The page to open first: what came back, and what the client does about it.

use alloc::boxed::Box;
use core::time::Duration;

use super::polling_policy::{LONGEST, SLOW_DOWN_STEP};
use crate::access_token_response::redirect;
use crate::response_parameters::{Body, Parameters};
use crate::{
    EndpointUrl, Error, ErrorCode, ErrorResponse, HttpResponse, InvalidResponse, Redirect, TransportFailure,
    Unavailable,
};

/// What came back from a request.
pub(super) enum Outcome<'a> {
    Response(&'a HttpResponse),
    Failure(TransportFailure),
}

impl Outcome<'_> {
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Response(response) => response.retry_after(),
            Self::Failure(_) => None,
        }
    }
}

/// What to do next; `T` is what a success carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision<T> {
    /// Wait one interval, which stays as it is.
    Wait,
    /// Wait the new interval, which holds for all later polls.
    SlowDown { interval: Duration, rate_limited: bool },
    /// The server or the network failed: wait longer, the login goes on.
    BackOff(RetryCause),
    /// The end.
    Finish(Result<Box<T>, Error>),
}

/// Why a request is repeated although no answer to it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryCause {
    /// 408, 425 or 5xx.
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// A success without an OAuth body: a captive portal's page, or an answer cut off.
    NoOAuthAnswer,
    /// A redirect that was not followed: a captive portal.
    Redirected(Redirect),
    /// No whole answer came.
    Transport(TransportFailure),
}

/// How often some failures may come in a row before they are final.
const MAX_IN_A_ROW: u32 = 3;

/// What the decision depends on beside the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The interval in force.
    pub(super) interval: Duration,
    /// The parameter without which a success is none.
    pub(super) required: &'static str,
    /// Where the request went.
    pub(super) url: &'a EndpointUrl,
    /// TLS failures in a row before this one; `None` at first contact with the server.
    pub(super) tls_failures: Option<u32>,
    /// Redirects in a row before this one.
    pub(super) redirects: u32,
}

/// One arm a row of the table; the first that matches wins. RFC 8628 §3.5 where no other source is named.
#[allow(clippy::match_same_arms)] // One arm a row.
pub(super) fn decide<T>(
    outcome: &Outcome<'_>,
    context: Context<'_>,
    success: impl FnOnce(&Parameters) -> Result<T, Error>,
) -> Decision<T> {
    let finish = |error| Decision::Finish(Err(error));
    let invalid = |what| Decision::Finish(Err(Error::InvalidResponse(what)));
    let response = match outcome {
        // A certificate that is wrong at first contact will not be right later; one that turns wrong in the
        // middle of a login is a captive portal's.
        Outcome::Failure(TransportFailure::Tls) => {
            return match context.tls_failures {
                Some(earlier) if earlier < MAX_IN_A_ROW => {
                    Decision::BackOff(RetryCause::Transport(TransportFailure::Tls))
                }
                _ => finish(Error::Transport(TransportFailure::Tls)),
            };
        }
        // "On encountering a connection timeout, clients MUST unilaterally reduce their polling frequency
        // before retrying."
        Outcome::Failure(failure) => return Decision::BackOff(RetryCause::Transport(*failure)),
        Outcome::Response(response) => *response,
    };
    let status = response.status();
    match (status, Body::of(response)) {
        // Even with an OAuth body: `server_error` and `temporarily_unavailable` pass.
        (500..=599, _) => Decision::BackOff(RetryCause::Unavailable { status }),
        (200..=299 | 400..=499, Body::OAuth(parameters)) => {
            if parameters.is_ambiguous() {
                return invalid(InvalidResponse::RepeatedParameter);
            }
            // `error` wins over everything else in the body.
            match ErrorResponse::from_parameters(&parameters) {
                // "The authorization request is still pending"
                Some(ErrorResponse { error: ErrorCode::AuthorizationPending, .. }) => Decision::Wait,
                // "the interval MUST be increased by 5 seconds for this and all subsequent requests"
                Some(ErrorResponse { error: ErrorCode::SlowDown, interval: sent, .. }) => {
                    Decision::SlowDown {
                        interval: slowed_down(context.interval)
                            .max(Duration::from_secs(sent.unwrap_or_default().into()).min(LONGEST)),
                        rate_limited: false,
                    }
                }
                // "If the client receives an error response with any other error code, it MUST stop polling"
                Some(refusal) => finish(Error::Refused(refusal)),
                None => Decision::Finish(success(&parameters).map(Box::new)),
            }
        }
        // A rate limit in front of the server (RFC 6585 §4).
        (429, _) => Decision::SlowDown { interval: slowed_down(context.interval), rate_limited: true },
        (408 | 425, _) => Decision::BackOff(RetryCause::Unavailable { status }),
        (200..=299, Body::OtherObject(_)) => invalid(InvalidResponse::MissingParameter(context.required)),
        (200..=299, Body::Unusable) => Decision::BackOff(RetryCause::NoOAuthAnswer),
        // Never followed: the target receives nothing.
        (300..=399, _) => {
            let redirect = redirect(response, Some(context.url));
            if redirect.differs_by_slash || context.redirects >= MAX_IN_A_ROW {
                finish(Error::Redirected(redirect))
            } else {
                Decision::BackOff(RetryCause::Redirected(redirect))
            }
        }
        // A bare 400, 403 or 404 is not "pending": a client that was revoked would poll for ever.
        _ => invalid(InvalidResponse::UnexpectedStatus(status)),
    }
}

impl RetryCause {
    /// The error that is left when no try remains.
    pub(super) fn into_error(self, retry_after: Option<Duration>) -> Error {
        match self {
            Self::Unavailable { status } => Error::Unavailable(Unavailable { status, retry_after }),
            Self::NoOAuthAnswer => Error::InvalidResponse(InvalidResponse::NoParameters),
            Self::Redirected(redirect) => Error::Redirected(redirect),
            Self::Transport(failure) => Error::Transport(failure),
        }
    }
}

fn slowed_down(interval: Duration) -> Duration {
    interval.saturating_add(SLOW_DOWN_STEP)
}
