//! A board of nothing but a script: time passes only when the program sleeps or the network takes it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use embedded_demo::{Client, Clock, Screen, Storage, Transport, View};
use oauth_protocol::{
    AuthorizationScheme, ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointPolicy,
    HttpRequest, HttpResponse, Instant, PollingPolicy, Scope, TransportFailure,
};
use zeroize::Zeroizing;

/// Milliseconds since the board started, shared by all of its parts.
#[derive(Clone, Default)]
pub(crate) struct VirtualClock(Rc<Cell<u64>>);

impl VirtualClock {
    pub(crate) fn millis(&self) -> u64 {
        self.0.get()
    }

    pub(crate) fn pass(&self, duration: Duration) {
        self.0.set(self.0.get() + u64::try_from(duration.as_millis()).unwrap());
    }
}

impl Clock for VirtualClock {
    fn now(&mut self) -> Instant {
        Instant::from_millis(self.0.get())
    }

    fn sleep_until(&mut self, moment: Instant) {
        assert!(moment.as_millis() > self.0.get(), "a wait that does not end later than it begins");
        self.0.set(moment.as_millis());
    }
}

/// What the network does next: an answer, or none.
pub(crate) type Outcome = Result<(u16, &'static str), TransportFailure>;

/// Answers in order, 100 ms after each request, and keeps what was sent when.
pub(crate) struct ScriptedTransport {
    clock: VirtualClock,
    script: VecDeque<Outcome>,
    pub(crate) sent: Vec<(u64, String)>,
    /// The header of each request.
    pub(crate) authorizations: Vec<Option<String>>,
}

impl ScriptedTransport {
    pub(crate) fn new(clock: &VirtualClock, script: impl IntoIterator<Item = Outcome>) -> Self {
        Self {
            clock: clock.clone(),
            script: script.into_iter().collect(),
            sent: Vec::new(),
            authorizations: Vec::new(),
        }
    }

    /// The same network after a reset.
    pub(crate) fn on(self, clock: &VirtualClock) -> Self {
        Self { clock: clock.clone(), ..self }
    }
}

impl Transport for ScriptedTransport {
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        self.sent.push((self.clock.0.get(), request.body().to_owned()));
        let authorization = request.headers().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        self.authorizations.push(authorization.map(|(_, value)| value.to_owned()));
        self.clock.pass(Duration::from_millis(100));
        let (status, body) = self.script.pop_front().expect("one request more than the script has")?;
        Ok(HttpResponse::new(status, [("content-type", "application/json")], body))
    }
}

/// Keeps every picture as its text.
#[derive(Default)]
pub(crate) struct KeptScreen(pub(crate) Vec<String>);

impl Screen for KeptScreen {
    fn show(&mut self, view: &View<'_>) {
        self.0.push(view.to_string());
    }
}

/// A login without margins, so that the times can be told.
pub(crate) fn grant(issuer: &str) -> DeviceCodeGrant {
    let policy = EndpointPolicy::new();
    let endpoint = |path| policy.endpoint(&format!("{issuer}/{path}")).unwrap();
    let client = ClientAuthentication::none("device").unwrap();
    let request = DeviceCodeRequest::new(client, endpoint("device-authorization"), endpoint("token"))
        .with_scope(&Scope::parse("read"));
    DeviceCodeGrant::new(request, PollingPolicy::with_margin(0, 0), 1)
}

/// The client of a device, without margins.
pub(crate) fn client(issuer: &str) -> Client {
    let policy = EndpointPolicy::new();
    let endpoint = |path| policy.endpoint(&format!("{issuer}/{path}")).unwrap();
    Client {
        authentication: ClientAuthentication::none("device").unwrap(),
        device_authorization_endpoint: endpoint("device-authorization"),
        token_endpoint: endpoint("token"),
        scope: Scope::parse("offline_access"),
        endpoint_policy: policy,
        polling_policy: PollingPolicy::with_margin(0, 0),
        authorization_scheme: AuthorizationScheme::Bearer,
    }
}

/// Memory that outlives the device, until it is told to fail.
#[derive(Default)]
pub(crate) struct KeptRecord {
    pub(crate) record: Option<Vec<u8>>,
    pub(crate) is_broken: bool,
    pub(crate) saves: usize,
}

impl Storage for KeptRecord {
    type Error = &'static str;

    fn load(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, &'static str> {
        if self.is_broken { Err("broken") } else { Ok(self.record.clone().map(Zeroizing::new)) }
    }

    fn save(&mut self, record: &[u8]) -> Result<(), &'static str> {
        if self.is_broken {
            return Err("broken");
        }
        self.saves += 1;
        self.record = Some(record.to_vec());
        Ok(())
    }

    fn erase(&mut self) -> Result<(), &'static str> {
        if self.is_broken {
            return Err("broken");
        }
        self.record = None;
        Ok(())
    }
}
