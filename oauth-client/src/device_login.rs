//! A device login on tokio: the drive loop of [`DeviceCodeGrant`] and its events.

use std::sync::Arc;
use std::time::Duration;

use oauth_protocol::{
    AccessTokenResponse, Action, DeviceAuthorizationResponse, DeviceCodeGrant, DeviceCodeRequest,
    HttpRequest, HttpResponse, PendingLogin, RetryCause, Scope, WaitCause,
};

use oauth_token_store::UnixTime;

use crate::client::{Client, Shared};
use crate::clock::BoxFuture;
use crate::clock_drift::ClockDrift;
use crate::endpoints::Endpoint;
use crate::error::{ConfigurationError, Error};
use crate::http_transport::TransportError;

/// A device login that has its codes. Dropping it cancels the login.
#[must_use = "the person has a code, but nobody waits for the token"]
pub struct DeviceLogin {
    shared: Arc<Shared>,
    grant: DeviceCodeGrant,
    codes: DeviceAuthorizationResponse,
    /// Kept here, so that a caller may drop the future of `next_event` at any time without losing an answer.
    in_flight: Option<BoxFuture<'static, Result<HttpResponse, TransportError>>>,
    last_failure: Option<TransportError>,
    clock_drift: ClockDrift,
    token_requested_at: UnixTime,
    requested_scope: Scope,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    CodesNotReported,
    Polling,
    Ended,
}

/// What happens in a device login, in the words of `device-cli login --json`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DeviceLoginEvent {
    /// Show these to the person; always the first event.
    DeviceCodeIssued {
        /// What the person types, exactly as it was sent.
        user_code: String,
        /// Where.
        verification_uri: String,
        /// The same with the code inside: for a QR code, never without the other two beside it.
        verification_uri_complete: Option<String>,
        /// How long the codes are valid.
        expires_in: Duration,
        /// The least time between two polls.
        interval: Duration,
    },
    /// The person has not decided yet.
    Pending {
        /// The next poll leaves then.
        next_poll_in: Duration,
        /// The codes are valid for so long.
        expires_in: Duration,
    },
    /// The server asked for a longer interval.
    SlowDown {
        /// The interval from now on.
        interval: Duration,
    },
    /// Something failed; the codes stay valid.
    Retrying {
        /// What failed, in words for a person.
        cause: String,
        /// The next poll leaves then.
        next_poll_in: Duration,
        /// No whole answer came; else one came that does not decide anything.
        connection_lost: bool,
        /// So many failures in a row may well be a captive portal.
        captive_portal_suspected: bool,
    },
    /// Signed in; the last event.
    Authorized(Box<AccessTokenResponse>),
    /// The login is over without a token; the last event.
    Failed(Error),
}

/// What [`DeviceLogin::poll_once`] found.
#[derive(Debug)]
#[non_exhaustive]
pub enum PollOnce {
    /// Call again after this time.
    WaitFor(Duration),
    /// The login is over.
    Finished(Result<Box<AccessTokenResponse>, Error>),
}

impl Client {
    /// Starts a device login (RFC 8628) for these scope values, separated by spaces; "" leaves them to the
    /// server. When it resolves, the codes are there to be shown.
    ///
    /// The device authorization request is tried three times within 30 seconds.
    pub fn device_login(
        &self,
        scope: &str,
    ) -> impl Future<Output = Result<DeviceLogin, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let scope: Scope = scope.split_ascii_whitespace().collect();
        async move {
            let request = shared.device_code_request().await?.with_scope(&scope);
            let seed = getrandom::u64().map_err(|_| ConfigurationError::NoRandomness)?;
            let grant = DeviceCodeGrant::new(request, shared.polling_policy, seed);
            DeviceLogin::from_first_codes(shared, grant, scope).await
        }
    }

    /// Takes up a login that [`DeviceLogin::snapshot`] saved, `elapsed` ago; `None` where no clock ran.
    pub fn resume_device_login(
        &self,
        pending: PendingLogin,
        elapsed: Option<Duration>,
    ) -> impl Future<Output = Result<DeviceLogin, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            let request = shared.device_code_request().await?;
            let now = shared.clock.now();
            let grant = DeviceCodeGrant::resume(request, shared.polling_policy, pending, elapsed, now);
            DeviceLogin::from_first_codes(shared, grant, Scope::default()).await
        }
    }
}

impl Shared {
    async fn device_code_request(&self) -> Result<DeviceCodeRequest, Error> {
        let authentication = self.authentication().await?;
        let device_authorization = self.endpoint(Endpoint::DeviceAuthorization).await?;
        let token = self.endpoint(Endpoint::Token).await?;
        let mut request = DeviceCodeRequest::new(authentication, device_authorization, token)
            .with_endpoint_policy(self.endpoint_policy.clone());
        for (name, value) in &self.parameters {
            request = request.with_parameter(name, value.expose());
        }
        Ok(request)
    }
}

impl DeviceLogin {
    async fn from_first_codes(
        shared: Arc<Shared>,
        mut grant: DeviceCodeGrant,
        requested_scope: Scope,
    ) -> Result<Self, Error> {
        let mut last_failure = None;
        let mut clock_drift = ClockDrift::default();
        loop {
            match grant.poll(shared.clock.now()) {
                Action::Send(request) => {
                    let result = shared.send(request).await;
                    clock_drift.answered(shared.clock.now(), date_of(&result));
                    last_failure = hand_over(&mut grant, &shared, result);
                }
                Action::WaitUntil(deadline) => shared.clock.sleep_until(deadline).await,
                Action::ShowUserCode(codes) => {
                    let codes = codes.clone();
                    let token_requested_at = shared.clock.unix_time();
                    return Ok(Self {
                        shared,
                        grant,
                        codes,
                        in_flight: None,
                        last_failure: None,
                        clock_drift,
                        token_requested_at,
                        requested_scope,
                        stage: Stage::CodesNotReported,
                    });
                }
                Action::Finished(Ok(_)) => return Err(Error::Expired),
                Action::Finished(Err(error)) => return Err(with_detail(error, last_failure)),
            }
        }
    }

    /// What the person types: show it exactly as it is.
    pub fn user_code(&self) -> &str {
        &self.codes.user_code
    }

    /// Where the person types it.
    pub fn verification_uri(&self) -> &str {
        &self.codes.verification_uri
    }

    /// The URI with the code inside, if the server sent one: for a QR code, with the other two beside it.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.codes.verification_uri_complete.as_deref()
    }

    /// How long the codes are still valid.
    pub fn expires_in(&self) -> Duration {
        let now = self.shared.clock.now();
        self.grant.expires_at().map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// The least time between two polls, as it stands now.
    pub fn interval(&self) -> Duration {
        self.grant.interval().unwrap_or(self.codes.interval)
    }

    /// Waits until the person has decided or the code has expired, through lost connections, rate limits
    /// and captive portals.
    pub async fn wait(mut self) -> Result<Box<AccessTokenResponse>, Error> {
        self.wait_for_end().await
    }

    pub(crate) async fn wait_for_end(&mut self) -> Result<Box<AccessTokenResponse>, Error> {
        loop {
            match self.next_event().await {
                Some(DeviceLoginEvent::Authorized(tokens)) => return Ok(tokens),
                Some(DeviceLoginEvent::Failed(error)) => return Err(error),
                Some(_) => {}
                // Its end was reported before; it is told once more.
                None => match self.poll_once().await {
                    PollOnce::Finished(result) => return result,
                    PollOnce::WaitFor(_) => return Err(Error::Expired),
                },
            }
        }
    }

    /// The next thing that happens; `None` after the last. The future may be dropped and asked for again at
    /// any time: nothing is lost.
    pub async fn next_event(&mut self) -> Option<DeviceLoginEvent> {
        match self.stage {
            Stage::CodesNotReported => {
                self.stage = Stage::Polling;
                return Some(self.codes_issued());
            }
            Stage::Ended => return None,
            Stage::Polling => {}
        }
        loop {
            if self.exchange().await
                && let Some(event) = self.waiting_event()
            {
                return Some(event);
            }
            match self.grant.poll(self.shared.clock.now()) {
                Action::Send(request) => self.start(request),
                Action::WaitUntil(deadline) => self.shared.clock.sleep_until(deadline).await,
                Action::ShowUserCode(_) => {}
                Action::Finished(result) => return Some(self.ended(result)),
            }
        }
    }

    /// Sends the next poll if it is due, and says what to do: for callers that own their loop.
    pub async fn poll_once(&mut self) -> PollOnce {
        self.exchange().await;
        loop {
            let now = self.shared.clock.now();
            match self.grant.poll(now) {
                Action::Send(request) => {
                    self.start(request);
                    self.exchange().await;
                }
                Action::ShowUserCode(_) => {}
                Action::WaitUntil(deadline) => {
                    return PollOnce::WaitFor(deadline.saturating_duration_since(now));
                }
                Action::Finished(result) => {
                    self.stage = Stage::Ended;
                    return PollOnce::Finished(
                        result.map_err(|error| with_detail(error, self.last_failure.clone())),
                    );
                }
            }
        }
    }

    /// The person wants to know now: the next poll leaves at once if the interval allows, and says whether
    /// it does.
    pub fn check_now(&mut self) -> bool {
        self.grant.check_now(self.shared.clock.now())
    }

    /// The login for another process, or for after deep sleep; `None` once it is over.
    pub fn snapshot(&self) -> Option<PendingLogin> {
        self.grant.snapshot(self.shared.clock.now())
    }

    /// When the last poll left: the life of a token that came with its answer began no earlier.
    pub const fn token_requested_at(&self) -> UnixTime {
        self.token_requested_at
    }

    /// By how much this machine's clock runs fast beside the server's, going by the dates of its answers (RFC 9110
    /// §6.6.1): 0.5 is half as fast again, -0.5 is half as fast. It is the least that the dates prove; `None` before
    /// there are two.
    ///
    /// A clock that runs fast polls too often, whatever the interval, and meets `slow_down` after `slow_down`.
    pub fn clock_drift(&self) -> Option<f64> {
        self.clock_drift.at_least()
    }

    /// The scope that was asked for; empty for a login that was resumed.
    pub(crate) const fn requested_scope(&self) -> &Scope {
        &self.requested_scope
    }

    fn start(&mut self, request: HttpRequest) {
        self.token_requested_at = self.shared.clock.unix_time();
        let shared = Arc::clone(&self.shared);
        self.in_flight = Some(Box::pin(async move { shared.send(request).await }));
    }

    /// Waits for the request in flight, if there is one; says whether there was.
    async fn exchange(&mut self) -> bool {
        let Some(in_flight) = &mut self.in_flight else { return false };
        let result = in_flight.await;
        self.in_flight = None;
        self.clock_drift.answered(self.shared.clock.now(), date_of(&result));
        self.last_failure = hand_over(&mut self.grant, &self.shared, result);
        true
    }

    fn codes_issued(&self) -> DeviceLoginEvent {
        DeviceLoginEvent::DeviceCodeIssued {
            user_code: self.codes.user_code.clone(),
            verification_uri: self.codes.verification_uri.clone(),
            verification_uri_complete: self.codes.verification_uri_complete.clone(),
            expires_in: self.expires_in(),
            interval: self.interval(),
        }
    }

    fn waiting_event(&self) -> Option<DeviceLoginEvent> {
        let now = self.shared.clock.now();
        let next_poll_in = self.grant.next_poll_at()?.saturating_duration_since(now);
        match self.grant.wait_cause()? {
            WaitCause::Pending => {
                Some(DeviceLoginEvent::Pending { next_poll_in, expires_in: self.expires_in() })
            }
            WaitCause::SlowDown => Some(DeviceLoginEvent::SlowDown { interval: self.interval() }),
            WaitCause::RateLimited => Some(DeviceLoginEvent::Retrying {
                cause: "the server limits the rate of requests (HTTP 429)".into(),
                next_poll_in,
                connection_lost: false,
                captive_portal_suspected: false,
            }),
            WaitCause::Retrying { cause, captive_portal_suspected } => Some(DeviceLoginEvent::Retrying {
                cause: self.in_words(cause),
                next_poll_in,
                connection_lost: matches!(cause, RetryCause::Transport(_)),
                captive_portal_suspected: *captive_portal_suspected,
            }),
            _ => None,
        }
    }

    fn in_words(&self, cause: &RetryCause) -> String {
        match (cause, &self.last_failure) {
            (RetryCause::Transport(_), Some(failure)) => failure.to_string(),
            (RetryCause::Transport(failure), None) => failure.to_string(),
            (RetryCause::Unavailable { status }, _) => format!("the server is unavailable (HTTP {status})"),
            (RetryCause::NoOAuthAnswer, _) => "something else than the server answered".into(),
            (RetryCause::Redirected(redirect), _) => {
                format!("something redirects the request (HTTP {})", redirect.status)
            }
            _ => "the request failed".into(),
        }
    }

    fn ended(&mut self, result: Result<Box<AccessTokenResponse>, oauth_protocol::Error>) -> DeviceLoginEvent {
        self.stage = Stage::Ended;
        match result {
            Ok(tokens) => DeviceLoginEvent::Authorized(tokens),
            Err(error) => DeviceLoginEvent::Failed(with_detail(error, self.last_failure.clone())),
        }
    }
}

fn date_of(result: &Result<HttpResponse, TransportError>) -> Option<Duration> {
    result.as_ref().ok()?.date()
}

fn hand_over(
    grant: &mut DeviceCodeGrant,
    shared: &Shared,
    result: Result<HttpResponse, TransportError>,
) -> Option<TransportError> {
    let now = shared.clock.now();
    match result {
        Ok(response) => {
            grant.handle_response(now, &response);
            None
        }
        Err(error) => {
            grant.handle_transport_failure(now, error.failure());
            Some(error)
        }
    }
}

/// The core knows the kind of a failure; the transport said more.
fn with_detail(error: oauth_protocol::Error, failure: Option<TransportError>) -> Error {
    match (error, failure) {
        (oauth_protocol::Error::Transport(_), Some(failure)) => Error::Transport(failure),
        (error, _) => error.into(),
    }
}
