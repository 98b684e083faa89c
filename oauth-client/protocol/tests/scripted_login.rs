//! A device login against a script: the test is the server, the network and the clock.

use std::time::Duration;

use oauth_protocol::{
    Action, ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointPolicy, EndpointUrl, Error,
    HttpRequest, HttpResponse, Instant, PendingLogin, PollingPolicy, TransportFailure,
};

/// RFC 8628 §3.2.
pub(crate) const CODES: &str = r#"{
    "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://example.com/device",
    "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5
}"#;
pub(crate) const PENDING: &str = r#"{"error": "authorization_pending"}"#;
pub(crate) const SLOW_DOWN: &str = r#"{"error": "slow_down"}"#;
pub(crate) const DENIED: &str = r#"{"error": "access_denied"}"#;
/// RFC 6749 §5.1, shortened.
pub(crate) const TOKEN: &str = r#"{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer"}"#;
pub(crate) const PORTAL: &str = "<html><body>Welcome to the hotel</body></html>";

/// A policy without margin: waits are as long as the rules say, to the millisecond.
pub(crate) const EXACT: PollingPolicy = PollingPolicy::with_margin(0, 0);

/// What a login came to: the access token, or the error.
pub(crate) type Outcome = Result<String, Error>;

pub(crate) struct ScriptedLogin {
    pub(crate) grant: DeviceCodeGrant,
    now: Instant,
    answered_at: Instant,
    /// How often the codes were shown.
    pub(crate) shown: u32,
    /// How many requests went out.
    pub(crate) sent: u32,
}

/// What the login does when it next stops waiting.
#[derive(Debug)]
pub(crate) enum Next {
    Sends(Box<HttpRequest>),
    Ends(Outcome),
}

/// A public client at the endpoints of RFC 8628's examples.
pub(crate) fn request() -> DeviceCodeRequest {
    DeviceCodeRequest::new(
        ClientAuthentication::none("1406020730").unwrap(),
        EndpointUrl::parse("https://server.example.com/device_authorization").unwrap(),
        EndpointUrl::parse("https://server.example.com/token").unwrap(),
    )
}

pub(crate) fn json(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(status, [("content-type", "application/json")], body)
}

impl ScriptedLogin {
    /// Not yet begun, one hour after the clock's start.
    pub(crate) fn new(policy: PollingPolicy) -> Self {
        Self::of(DeviceCodeGrant::new(request(), policy, 1))
    }

    pub(crate) fn of(grant: DeviceCodeGrant) -> Self {
        let now = Instant::from_millis(3_600_000);
        Self { grant, now, answered_at: now, shown: 0, sent: 0 }
    }

    /// The codes of this answer have just arrived; waits are exact.
    pub(crate) fn issued(codes: &str) -> Self {
        Self::issued_with(EXACT, codes)
    }

    pub(crate) fn issued_with(policy: PollingPolicy, codes: &str) -> Self {
        let mut login = Self::new(policy);
        login.sends();
        login.answer(200, codes);
        login
    }

    /// The codes have arrived and the first poll is in flight.
    pub(crate) fn polling() -> Self {
        let mut login = Self::issued(CODES);
        login.sends();
        login
    }

    pub(crate) fn taken_up(policy: PollingPolicy, pending: PendingLogin, elapsed: Option<Duration>) -> Self {
        // Another process, another clock.
        let now = Instant::from_millis(77);
        let grant = DeviceCodeGrant::resume(request(), policy, pending, elapsed, now);
        Self { now, answered_at: now, ..Self::of(grant) }
    }

    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass, or a clock jump.
    pub(crate) fn pass(&mut self, seconds: f64) {
        self.now = self.now.saturating_add(Duration::from_secs_f64(seconds));
    }

    pub(crate) fn jump_to(&mut self, millis: u64) {
        self.now = Instant::from_millis(millis);
    }

    /// The device's loop up to the next request or the end, with a timer that fires when it should.
    pub(crate) fn next(&mut self) -> Next {
        for _ in 0..10 {
            match self.grant.poll(self.now) {
                Action::ShowUserCode(_) => self.shown += 1,
                Action::WaitUntil(moment) => {
                    assert!(moment > self.now, "a wait that is over when it begins: a busy loop");
                    self.now = moment;
                }
                Action::Send(request) => {
                    self.sent += 1;
                    return Next::Sends(Box::new(request));
                }
                Action::Finished(result) => {
                    return Next::Ends(result.map(|token| token.access_token.expose().to_owned()));
                }
            }
        }
        panic!("the login neither sends nor ends");
    }

    /// Waits for the next request; says after how many seconds, counted from the last answer, it left.
    pub(crate) fn sends(&mut self) -> f64 {
        match self.next() {
            Next::Sends(_) => self.seconds_since_answer(),
            Next::Ends(outcome) => panic!("the login ended: {outcome:?}"),
        }
    }

    /// The login ends without a further request.
    pub(crate) fn ends(&mut self) -> Outcome {
        let sent = self.sent;
        match self.next() {
            Next::Ends(outcome) => {
                assert!(matches!(self.next(), Next::Ends(_)), "it stays ended");
                assert_eq!(self.sent, sent);
                outcome
            }
            Next::Sends(request) => panic!("the login goes on: {request:?}"),
        }
    }

    /// As [`Self::ends`], and at once: no time passes.
    pub(crate) fn ends_at_once(&mut self) -> Outcome {
        let now = self.now;
        let outcome = self.ends();
        assert_eq!(self.now, now, "it waited before it ended");
        outcome
    }

    pub(crate) fn seconds_since_answer(&self) -> f64 {
        self.now.saturating_duration_since(self.answered_at).as_secs_f64()
    }

    pub(crate) fn answer(&mut self, status: u16, body: &str) {
        self.answer_with(&json(status, body));
    }

    pub(crate) fn answer_with(&mut self, response: &HttpResponse) {
        self.answered_at = self.now;
        self.grant.handle_response(self.now, response);
    }

    pub(crate) fn fail(&mut self, failure: TransportFailure) {
        self.answered_at = self.now;
        self.grant.handle_transport_failure(self.now, failure);
    }

    pub(crate) fn interval(&self) -> u64 {
        self.grant.interval().expect("a login that goes on").as_secs()
    }
}

/// A request whose `verification_uri` may be http at this host.
pub(crate) fn request_allowing_http(host: &str) -> DeviceCodeRequest {
    request().with_endpoint_policy(EndpointPolicy::dangerously_allow_http(host))
}
