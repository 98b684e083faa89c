//! Whatever comes in, in whatever order, at whatever time: what never happens.

use std::time::Duration;

use oauth_protocol::{
    Action, DeviceCodeGrant, HttpResponse, Instant, PendingLogin, PollingPolicy, TransportFailure,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::scripted_login::request;

/// What may happen to a login.
#[derive(Clone, Debug)]
enum Event {
    /// The caller asks what to do.
    Poll,
    /// The caller does as it was told and wakes when it should.
    PollUntilItSends,
    /// Time passes, in milliseconds.
    Pass(u64),
    /// The clock shows another time, perhaps an earlier one.
    Jump(u64),
    Answer(Answer),
    Failure(TransportFailure),
    CheckNow,
    /// Another process takes the login up, so many milliseconds later, if a clock ran through.
    TakeUp(Option<u64>),
}

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A number as JSON may hold it, sane or not.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..100_u32).prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        (0..40_u32).prop_map(|number| format!("\"{number}\"")),
        Just("1e999".to_owned()),
        Just("null".to_owned()),
        Just("[]".to_owned()),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let codes = (number(), number()).prop_map(|(expires_in, interval)| {
        format!(
            r#"{{"device_code": "d", "user_code": "u", "verification_uri": "https://example.com/",
                "expires_in": {expires_in}, "interval": {interval}}}"#
        )
        .into_bytes()
    });
    let sane_codes = (1..4000_u32, 0..100_u32).prop_map(|(expires_in, interval)| {
        format!(
            r#"{{"device_code": "d", "user_code": "u", "verification_uri": "https://example.com/",
                "expires_in": {expires_in}, "interval": {interval}}}"#
        )
        .into_bytes()
    });
    let slow_down = number()
        .prop_map(|interval| format!(r#"{{"error": "slow_down", "interval": {interval}}}"#).into_bytes());
    let known = |text: &'static str| Just(text.as_bytes().to_vec());
    prop_oneof![
        2 => codes,
        4 => sane_codes,
        4 => slow_down,
        8 => known(r#"{"error": "authorization_pending"}"#),
        1 => known(r#"{"error": "access_denied"}"#),
        1 => known(r#"{"access_token": "t"}"#),
        1 => known("error=slow_down&interval=7"),
        2 => known("<html>"),
        1 => known("{}"),
        2 => vec(any::<u8>(), 0..60),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let status = prop_oneof![
        4 => Just(200_u16),
        4 => Just(400),
        2 => prop::sample::select(vec![301, 302, 403, 408, 428, 429, 500, 503]),
        1 => any::<u16>(),
    ];
    let retry_after = prop_oneof![
        6 => Just(None),
        2 => (0..200_u32).prop_map(|seconds| Some(seconds.to_string())),
        1 => Just(Some("99999999999999999999".to_owned())),
        1 => "[ -~]{0,30}".prop_map(Some),
        1 => Just(Some("Sun, 06 Nov 1994 08:50:37 GMT".to_owned())),
    ];
    let media_type = prop::sample::select(vec!["application/json", "text/plain", "text/html"]);
    (status, retry_after, media_type, "[ -~]{0,20}", body()).prop_map(
        |(status, retry_after, media_type, location, body)| {
            let mut headers = vec![
                ("content-type", media_type.to_owned()),
                ("date", "Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
                ("location", location),
            ];
            headers.extend(retry_after.map(|value| ("retry-after", value)));
            Answer { status, headers, body }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    use TransportFailure::{BodyTooLarge, Closed, Connect, Dns, NotHttp, Timeout, Tls};
    let failure = prop::sample::select(vec![Dns, Connect, Tls, Closed, Timeout, BodyTooLarge, NotHttp]);
    prop_oneof![
        4 => Just(Event::Poll),
        16 => Just(Event::PollUntilItSends),
        4 => (0..10_000_u64).prop_map(Event::Pass),
        1 => (0..10_000_000_u64).prop_map(Event::Pass),
        1 => any::<u64>().prop_map(Event::Jump),
        1 => (0..5_000_000_u64).prop_map(Event::Jump),
        16 => answer().prop_map(Event::Answer),
        4 => failure.prop_map(Event::Failure),
        8 => Just(Event::CheckNow),
        4 => proptest::option::of(0..6_000_u64).prop_map(Event::TakeUp),
    ]
}

/// A login with somebody who watches it.
struct Watched {
    grant: DeviceCodeGrant,
    policy: PollingPolicy,
    now: Instant,
    in_flight: bool,
    is_over: bool,
    polls: u32,
    interval: Duration,
    /// When the wait began that the next poll ends, what of it passed in another process, and what life the
    /// code had left.
    wait_began: Instant,
    waited_before: Duration,
    life: Duration,
}

impl Watched {
    fn new(policy: PollingPolicy, seed: u64, now: u64) -> Self {
        let now = Instant::from_millis(now);
        Self {
            grant: DeviceCodeGrant::new(request(), policy, seed),
            policy,
            now,
            in_flight: false,
            is_over: false,
            polls: 0,
            interval: Duration::ZERO,
            wait_began: now,
            waited_before: Duration::ZERO,
            life: Duration::MAX,
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Poll => self.poll(),
            Event::PollUntilItSends => {
                for _ in 0..5 {
                    if let Some(moment) = self.grant.next_poll_at().filter(|_| !self.in_flight) {
                        self.now = self.now.max(moment);
                    }
                    self.poll();
                }
            }
            Event::Pass(millis) => self.now = self.now.saturating_add(Duration::from_millis(*millis)),
            Event::Jump(millis) => self.now = Instant::from_millis(*millis),
            Event::Answer(Answer { status, headers, body }) => {
                self.grant
                    .handle_response(self.now, &HttpResponse::new(*status, headers.clone(), body.clone()));
            }
            Event::Failure(failure) => self.grant.handle_transport_failure(self.now, *failure),
            Event::CheckNow => drop(self.grant.check_now(self.now)),
            Event::TakeUp(elapsed) => self.take_up(elapsed.map(Duration::from_millis)),
        }
        self.watch_the_wait();
    }

    /// Polls as often as one must at one moment.
    fn poll(&mut self) {
        for _ in 0..4 {
            let now = self.now;
            let was_over = self.is_over;
            match self.grant.poll(now) {
                Action::WaitUntil(moment) => {
                    assert!(!was_over, "it waits after its end");
                    assert!(moment > now || now == Instant::from_millis(u64::MAX), "a busy loop");
                    self.watch_the_wait();
                    return;
                }
                Action::Finished(_) => {
                    self.is_over = true;
                    return;
                }
                Action::ShowUserCode(_) => assert!(!was_over, "codes are shown after the end"),
                Action::Send(request) => {
                    assert!(!was_over, "a request after the end");
                    assert!(!self.in_flight || self.grant_gave_up(), "two requests in flight");
                    let is_poll = request.body().contains("device_code=");
                    self.in_flight = true;
                    if is_poll {
                        self.watch_the_poll();
                    }
                }
            }
        }
        panic!("many actions at one moment: an endless loop");
    }

    /// Whether the request before was given up for lost within this very call: only a try of the device
    /// authorization request follows that soon, and never a poll.
    fn grant_gave_up(&self) -> bool {
        self.grant.codes().is_none()
    }

    fn watch_the_poll(&mut self) {
        let expires_at = self.grant.expires_at().expect("codes");
        assert!(self.now < expires_at, "a poll after the expiry");
        let waited = self.waited_before.saturating_add(self.now.saturating_duration_since(self.wait_began));
        let is_the_only_one = self.polls == 0 && self.life <= self.interval;
        assert!(waited >= self.interval || is_the_only_one, "{waited:?} instead of {:?}", self.interval);
        self.polls += 1;
    }

    /// Sees whether a wait has begun, and that no interval ever gets shorter.
    fn watch_the_wait(&mut self) {
        let interval = self.grant.interval().unwrap_or(self.interval);
        assert!(interval >= self.interval, "{interval:?} after {:?}", self.interval);
        self.interval = interval;
        if self.in_flight && self.grant.wait_cause().is_some() {
            self.in_flight = false;
            self.begin_wait(Duration::ZERO);
        }
    }

    fn begin_wait(&mut self, waited_before: Duration) {
        self.wait_began = self.now;
        self.waited_before = waited_before;
        if let Some(expires_at) = self.grant.expires_at() {
            self.life = expires_at.saturating_duration_since(self.now);
        }
    }

    fn take_up(&mut self, elapsed: Option<Duration>) {
        let Some(pending) = self.grant.snapshot(self.now) else { return };
        let pending = PendingLogin::from_json(&pending.expose_json()).expect("what was written can be read");
        let waited = self.waited_before.saturating_add(self.now.saturating_duration_since(self.wait_began));
        // A poll in flight counts as sent now.
        let waited = if self.in_flight { Duration::ZERO } else { waited };
        let elsewhere = Instant::from_millis(self.now.as_millis() / 2);
        self.grant = DeviceCodeGrant::resume(request(), self.policy, pending, elapsed, elsewhere);
        self.now = elsewhere;
        self.in_flight = false;
        let life = self.life;
        self.begin_wait(elapsed.map_or(Duration::ZERO, |elapsed| waited.saturating_add(elapsed)));
        if elapsed.is_some() {
            self.life = life;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_events_make_a_login_panic_loop_poll_early_or_poll_after_its_end(
        events in vec(event(), 0..60),
        margin in (0..=255_u8, 0..=255_u8),
        seed in any::<u64>(),
        start in prop_oneof![Just(0), 0..10_000_000_u64, any::<u64>()],
    ) {
        let mut login = Watched::new(PollingPolicy::with_margin(margin.0, margin.1), seed, start);
        for event in &events {
            login.take(event);
        }
    }

    /// The same with a caller that does as it is told, so that logins get far.
    #[test]
    fn no_answers_make_an_obedient_client_poll_early_or_poll_after_its_end(
        answers in vec(answer(), 0..80),
        seed in any::<u64>(),
    ) {
        let mut login = Watched::new(PollingPolicy::default(), seed, 3_600_000);
        let codes = r#"{"device_code": "d", "user_code": "u", "verification_uri": "https://example.com/"}"#;
        let codes = Answer { status: 200, headers: Vec::new(), body: codes.as_bytes().to_vec() };
        for answer in std::iter::once(codes).chain(answers) {
            login.take(&Event::PollUntilItSends);
            login.take(&Event::Answer(answer));
        }
    }
}
