//! The device authorization grant (RFC 8628): a login on a device that has no browser.

mod decision;
mod device_authorization;
mod device_authorization_response;
mod device_code_request;
mod login;
mod pending_login;
mod polling_policy;

use alloc::boxed::Box;
use alloc::string::ToString as _;
use core::fmt;
use core::time::Duration;

pub use decision::RetryCause;
use decision::{Context, Decision, Outcome, decide};
use device_authorization::{Answered, DeviceAuthorization, WaitingToTryAgain};
pub use device_authorization_response::DeviceAuthorizationResponse;
pub use device_code_request::DeviceCodeRequest;
use login::{Login, NextPoll};
pub use pending_login::{InvalidPendingLogin, PendingLogin};
pub use polling_policy::PollingPolicy;
use polling_policy::{Jitter, backed_off};

use crate::{
    AccessTokenResponse, Error, ErrorCode, ErrorResponse, HttpRequest, HttpResponse, Instant,
    TransportFailure,
};

/// What the caller is to do next.
#[derive(Debug)]
#[must_use = "the login goes on only if the caller does what it says"]
pub enum Action<'a> {
    /// Send this, then call [`DeviceCodeGrant::handle_response`] or
    /// [`DeviceCodeGrant::handle_transport_failure`].
    Send(HttpRequest),
    /// Show the person `user_code` and `verification_uri`. Once for each login, before the first wait.
    ShowUserCode(&'a DeviceAuthorizationResponse),
    /// Wait until this moment, read the clock again, and poll again.
    WaitUntil(Instant),
    /// The login is over; every later poll says the same.
    Finished(Result<Box<AccessTokenResponse>, Error>),
}

/// Why the login waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitCause {
    /// The codes are there; the first poll comes after one interval.
    CodesIssued,
    /// The person has not decided yet.
    Pending,
    /// The server asked for a longer interval, which holds from now on.
    SlowDown,
    /// A rate limit in front of the server; taken as [`WaitCause::SlowDown`].
    RateLimited,
    /// Something failed and is tried again; the codes stay valid.
    Retrying {
        /// What failed.
        cause: RetryCause,
        /// Failures in a row, and that many may well be a captive portal.
        captive_portal_suspected: bool,
    },
    /// Taken up again by [`DeviceCodeGrant::resume`].
    Resumed,
}

/// A device login as a state machine without I/O.
///
/// **Call [`poll`](Self::poll), do what it says; after each `handle_*`, call `poll` until it says wait or
/// finished.** Dropping the value cancels the login: no request of it is left behind.
#[must_use = "a login does nothing until it is polled"]
pub struct DeviceCodeGrant {
    request: DeviceCodeRequest,
    policy: PollingPolicy,
    jitter: Jitter,
    state: State,
}

/// ```text
///   Start ──Send──▶ AwaitingDeviceAuthorizationResponse ◀──Send──┐
///                     │ codes          │ failure, tries left     │
///                     │                ▼                         │
///                     │              WaitingToTryAgain ──────────┘
///                     ▼
///     ShowUserCode, WaitUntil ── Waiting ◀──────────────────────────┐ pending, slow_down,
///                                  │ next_poll_at                   │ failure
///                                  └──Send──▶ AwaitingAccessTokenResponse
///                                                 │ token, refusal, invalid answer
///     from every state at expiry ──────────▶ Finished
/// ```
/// What is large in it is in a box: a state is moved at each step.
enum State {
    Start,
    AwaitingDeviceAuthorizationResponse(DeviceAuthorization),
    WaitingToTryAgain(WaitingToTryAgain),
    Waiting(Waiting),
    AwaitingAccessTokenResponse { login: Box<Login>, answer_due: Instant },
    Finished(Result<Box<AccessTokenResponse>, Error>),
}

/// Waiting for the next poll.
struct Waiting {
    login: Box<Login>,
    next_poll: NextPoll,
    cause: WaitCause,
    shown: bool,
}

impl DeviceCodeGrant {
    /// A login that has not begun. `jitter_seed` is any number that differs from device to device.
    pub const fn new(request: DeviceCodeRequest, policy: PollingPolicy, jitter_seed: u64) -> Self {
        Self { request, policy, jitter: Jitter { state: jitter_seed }, state: State::Start }
    }

    /// Takes a login up again. `elapsed` is the time since the snapshot; without a clock that ran through
    /// (`None`) one full interval is waited and the time left is kept as it was.
    pub fn resume(
        request: DeviceCodeRequest,
        policy: PollingPolicy,
        pending: PendingLogin,
        elapsed: Option<Duration>,
        now: Instant,
    ) -> Self {
        let time_left = pending.time_left.saturating_sub(elapsed.unwrap_or_default());
        let expires_at = now.saturating_add(time_left);
        let login = Login::new(pending.codes, &request.policy, pending.interval, expires_at);
        let mut grant = Self::new(request, policy, pending.jitter);
        grant.state = match login {
            Ok(mut login) => {
                login.slowed_down = pending.slowed_down;
                login.polled = pending.polled;
                login.failures = pending.failures;
                let next_poll = if let Some(elapsed) = elapsed {
                    let at = now.saturating_add(pending.next_poll_in.saturating_sub(elapsed));
                    NextPoll { earliest_at: at, at }
                } else {
                    login.next_poll(grant.policy, &mut grant.jitter, now, login.interval, None)
                };
                State::Waiting(Waiting { login, next_poll, cause: WaitCause::Resumed, shown: false })
            }
            Err(error) => State::Finished(Err(error)),
        };
        grant
    }

    /// What to do at this moment.
    pub fn poll(&mut self, now: Instant) -> Action<'_> {
        self.give_up_on_a_lost_answer(now);
        if let Some(request) = self.send_what_is_due(now) {
            return Action::Send(request);
        }
        let already_shown = match &mut self.state {
            State::Waiting(waiting) => core::mem::replace(&mut waiting.shown, true),
            _ => true,
        };
        match &self.state {
            State::Waiting(waiting) if !already_shown => Action::ShowUserCode(&waiting.login.codes),
            State::Waiting(waiting) => Action::WaitUntil(waiting.next_poll.at.min(waiting.login.expires_at)),
            State::WaitingToTryAgain(waiting) => Action::WaitUntil(waiting.next_try_at),
            State::AwaitingDeviceAuthorizationResponse(authorization) => {
                Action::WaitUntil(authorization.answer_due())
            }
            State::AwaitingAccessTokenResponse { answer_due, .. } => Action::WaitUntil(*answer_due),
            State::Finished(result) => Action::Finished(result.clone()),
            // `send_what_is_due` has left it.
            State::Start => Action::WaitUntil(now),
        }
    }

    /// Takes the answer to the request in flight; an answer that nobody waits for is ignored.
    pub fn handle_response(&mut self, now: Instant, response: &HttpResponse) {
        self.handle(now, &Outcome::Response(response));
    }

    /// Takes the failure of the request in flight; one that nobody waits for is ignored.
    pub fn handle_transport_failure(&mut self, now: Instant, failure: TransportFailure) {
        self.handle(now, &Outcome::Failure(failure));
    }

    /// The person wants to know now: the next poll leaves at once if the interval has passed, and says
    /// whether it has. Saved are the margin and what failures have added, never the interval or what the
    /// server asked for with `Retry-After`.
    pub fn check_now(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Waiting(Waiting { login, next_poll, .. })
                if now >= next_poll.earliest_at && now < login.expires_at =>
            {
                next_poll.at = next_poll.at.min(now);
                true
            }
            _ => false,
        }
    }

    /// The codes, once they are there and until the login is over.
    pub const fn codes(&self) -> Option<&DeviceAuthorizationResponse> {
        match self.login() {
            Some(login) => Some(&login.codes),
            None => None,
        }
    }

    /// The interval in force, without margin.
    pub const fn interval(&self) -> Option<Duration> {
        match self.login() {
            Some(login) => Some(login.interval),
            None => None,
        }
    }

    /// When the codes expire on the caller's clock.
    pub const fn expires_at(&self) -> Option<Instant> {
        match self.login() {
            Some(login) => Some(login.expires_at),
            None => None,
        }
    }

    /// When the next request leaves, while the login waits for that.
    pub const fn next_poll_at(&self) -> Option<Instant> {
        match &self.state {
            State::WaitingToTryAgain(waiting) => Some(waiting.next_try_at),
            State::Waiting(waiting) => Some(waiting.next_poll.at),
            _ => None,
        }
    }

    /// Why the login waits, while it does.
    pub const fn wait_cause(&self) -> Option<&WaitCause> {
        match &self.state {
            State::WaitingToTryAgain(WaitingToTryAgain { cause, .. })
            | State::Waiting(Waiting { cause, .. }) => Some(cause),
            _ => None,
        }
    }

    /// The login as durations, to be taken up by [`DeviceCodeGrant::resume`]; `None` before the codes are
    /// there and after the end. A poll in flight counts as sent now.
    pub fn snapshot(&self, now: Instant) -> Option<PendingLogin> {
        let login = self.login()?;
        let next_poll = match &self.state {
            State::Waiting(waiting) => waiting.next_poll,
            _ => login.next_poll(self.policy, &mut { self.jitter }, now, login.interval, None),
        };
        Some(PendingLogin {
            codes: login.codes.clone(),
            interval: login.interval,
            time_left: login.expires_at.saturating_duration_since(now),
            next_poll_in: next_poll.at.saturating_duration_since(now),
            slowed_down: login.slowed_down,
            polled: login.polled,
            failures: login.failures,
            jitter: self.jitter.state,
        })
    }

    const fn login(&self) -> Option<&Login> {
        match &self.state {
            State::Waiting(Waiting { login, .. }) | State::AwaitingAccessTokenResponse { login, .. } => {
                Some(login)
            }
            _ => None,
        }
    }

    /// A caller that dropped an answer must not wait for it for ever.
    fn give_up_on_a_lost_answer(&mut self, now: Instant) {
        let answer_due = match &self.state {
            State::AwaitingDeviceAuthorizationResponse(authorization) => authorization.answer_due(),
            State::AwaitingAccessTokenResponse { answer_due, .. } => *answer_due,
            _ => return,
        };
        if now >= answer_due {
            self.handle_transport_failure(now, TransportFailure::Timeout);
        }
    }

    #[inline(never)] // The states on their way need a device's stack here only, not while the network is waited for.
    fn send_what_is_due(&mut self, now: Instant) -> Option<HttpRequest> {
        let (state, request) = match core::mem::replace(&mut self.state, State::Start) {
            State::Start => self.send_device_authorization_request(DeviceAuthorization::first_at(now), now),
            // The machine slept, perhaps.
            State::WaitingToTryAgain(waiting) if now >= waiting.authorization.answer_due() => {
                (State::Finished(Err(waiting.error)), None)
            }
            State::WaitingToTryAgain(waiting) if now >= waiting.next_try_at => {
                self.send_device_authorization_request(waiting.authorization, now)
            }
            State::Waiting(waiting) if now >= waiting.login.expires_at => {
                (State::Finished(Err(Error::Expired)), None)
            }
            State::Waiting(waiting) if waiting.shown && now >= waiting.next_poll.at => {
                self.send_access_token_request(waiting.login, now)
            }
            other => (other, None),
        };
        self.state = state;
        request
    }

    fn send_device_authorization_request(
        &self,
        mut authorization: DeviceAuthorization,
        now: Instant,
    ) -> (State, Option<HttpRequest>) {
        authorization.is_sent(now);
        let time_left = authorization.answer_due().saturating_duration_since(now);
        let request = self.request.device_authorization_request().within(time_left);
        (State::AwaitingDeviceAuthorizationResponse(authorization), Some(request))
    }

    fn send_access_token_request(&self, mut login: Box<Login>, now: Instant) -> (State, Option<HttpRequest>) {
        login.polled = true;
        let time_left = login.expires_at.saturating_duration_since(now);
        let request = self.request.access_token_request(&login.codes).within(time_left);
        let answer_due = now.saturating_add(request.timeout());
        (State::AwaitingAccessTokenResponse { login, answer_due }, Some(request))
    }

    fn handle(&mut self, now: Instant, outcome: &Outcome<'_>) {
        self.state = match core::mem::replace(&mut self.state, State::Start) {
            State::AwaitingDeviceAuthorizationResponse(authorization) => {
                self.after_device_authorization(authorization, now, outcome)
            }
            State::AwaitingAccessTokenResponse { login, .. } => {
                self.after_access_token_request(login, now, outcome)
            }
            other => other,
        };
    }

    fn after_device_authorization(
        &mut self,
        authorization: DeviceAuthorization,
        now: Instant,
        outcome: &Outcome<'_>,
    ) -> State {
        let endpoint = &self.request.device_authorization_endpoint;
        match authorization.after(outcome, endpoint, now, self.policy, &mut self.jitter) {
            Ok(Answered::Codes(codes)) => {
                self.codes_arrived(*codes, authorization, now, outcome.retry_after())
            }
            Ok(Answered::TryAgain(waiting)) => State::WaitingToTryAgain(waiting),
            Err(error) => State::Finished(Err(error)),
        }
    }

    fn codes_arrived(
        &mut self,
        codes: DeviceAuthorizationResponse,
        authorization: DeviceAuthorization,
        now: Instant,
        retry_after: Option<Duration>,
    ) -> State {
        // The server began to count after the request had left.
        let expires_at = authorization.sent_at().saturating_add(codes.life());
        let interval = codes.interval;
        match Login::new(codes, &self.request.policy, interval, expires_at) {
            Ok(login) => self.wait(login, now, interval, retry_after, WaitCause::CodesIssued, false),
            Err(error) => State::Finished(Err(error)),
        }
    }

    fn after_access_token_request(
        &mut self,
        mut login: Box<Login>,
        now: Instant,
        outcome: &Outcome<'_>,
    ) -> State {
        let context = Context {
            interval: login.interval,
            required: "access_token",
            url: &self.request.token_endpoint,
            tls_failures: Some(login.tls_failures),
            redirects: login.redirects,
        };
        let retry_after = outcome.retry_after();
        let (wait, cause) = match decide(outcome, context, AccessTokenResponse::from_parameters) {
            // Some servers forget the code when it expires: "invalid" after that is "expired".
            Decision::Finish(Err(Error::Refused(ErrorResponse {
                error: ErrorCode::InvalidGrant | ErrorCode::InvalidDeviceCode,
                ..
            }))) if now >= login.expires_at => return State::Finished(Err(Error::Expired)),
            Decision::Finish(result) => return State::Finished(result),
            Decision::Wait => {
                login.forget_failures();
                (login.interval, WaitCause::Pending)
            }
            Decision::SlowDown { interval, rate_limited } => {
                login.interval = interval;
                login.slowed_down = true;
                if rate_limited {
                    login.server_was_reached();
                    (interval, WaitCause::RateLimited)
                } else {
                    login.forget_failures();
                    (interval, WaitCause::SlowDown)
                }
            }
            Decision::BackOff(cause) => {
                login.count_failure(&cause);
                let captive_portal_suspected = login.captive_portal_suspected();
                (
                    backed_off(login.interval, login.failures),
                    WaitCause::Retrying { cause, captive_portal_suspected },
                )
            }
        };
        self.wait(login, now, wait, retry_after, cause, true)
    }

    /// Until the next poll, unless the server asks for more time than the code has.
    fn wait(
        &mut self,
        login: Box<Login>,
        now: Instant,
        wait: Duration,
        retry_after: Option<Duration>,
        cause: WaitCause,
        shown: bool,
    ) -> State {
        if let Some(retry_after) = retry_after.filter(|&asked| now.saturating_add(asked) >= login.expires_at)
        {
            return State::Finished(Err(Error::RetryAfterExpiry { retry_after }));
        }
        let next_poll = login.next_poll(self.policy, &mut self.jitter, now, wait, retry_after);
        State::Waiting(Waiting { login, next_poll, cause, shown })
    }
}

impl fmt::Debug for DeviceCodeGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Start => "Start",
            State::AwaitingDeviceAuthorizationResponse(_) => "AwaitingDeviceAuthorizationResponse",
            State::WaitingToTryAgain(_) => "WaitingToTryAgain",
            State::Waiting(_) => "Waiting",
            State::AwaitingAccessTokenResponse { .. } => "AwaitingAccessTokenResponse",
            State::Finished(_) => "Finished",
        };
        formatter.debug_struct("DeviceCodeGrant").field("state", &state.to_string()).finish_non_exhaustive()
    }
}
