//! Where a scenario is played: a server and a desk with one clock, and a book of promises.

use std::time::Duration;

use embedded_demo::{Client, KeptLogin, Progress, Storage as _};
use mock_server::{FrozenClock, MockServer, RecordedRequest, Tenant};
use oauth_protocol::{
    AuthorizationScheme, ClientAuthentication, EndpointPolicy, EndpointUrl, PollingPolicy, Scope,
};

use crate::arguments::Arguments;
use crate::board_clock::BoardClock;
use crate::desk::{Desk, SimulatedDevice};
use crate::endpoints::endpoint;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::network::Network;
use crate::nor_flash::SimulatedFlash;
use crate::own_server::OwnServer;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) struct Stage {
    name: String,
    pub(super) desk: Desk,
    pub(super) server: OwnServer,
    _frozen: FrozenClock,
    client: Client,
    resource: EndpointUrl,
    broken: Vec<String>,
    /// The rule that a device cannot keep here, once.
    excused: Option<&'static str>,
}

impl Stage {
    pub(super) fn set(name: &str, arguments: &Arguments) -> Result<Self, Failure> {
        let server = OwnServer::start(MockServer::builder()).map_err(|error| {
            Failure::new(ExitCode::General, format!("the own server does not start: {error}"))
        })?;
        let frozen = server.freeze_clock();
        let clock = BoardClock::jumping(Tenant::clone(&server), arguments.speed);
        let desk = Desk::new(arguments, clock, Network::plain(), true)?;
        let policy = EndpointPolicy::new();
        let at = |path: &str| endpoint(&format!("{}/{path}", server.issuer()), &policy);
        let client = Client {
            authentication: ClientAuthentication::none("device")
                .map_err(|error| Failure::usage(error.to_string()))?,
            device_authorization_endpoint: at("device-authorization")?,
            token_endpoint: at("token")?,
            scope: Scope::parse(&arguments.scope),
            endpoint_policy: policy.clone(),
            polling_policy: PollingPolicy::default(),
            authorization_scheme: AuthorizationScheme::Bearer,
        };
        let resource = at("resource")?;
        let (broken, excused) = (Vec::new(), None);
        let stage =
            Self { name: name.into(), desk, server, _frozen: frozen, client, resource, broken, excused };
        stage.desk.say(&format!("-- scenario {name}"))?;
        Ok(stage)
    }

    /// The last word: what was promised, and whether the server has anything to say of the device's manners.
    pub(super) fn close(mut self) -> Result<(), Failure> {
        let verdicts = self.server.verdicts();
        for verdict in &verdicts {
            self.desk.say(&format!("the server complains: {verdict}"))?;
        }
        match self.excused {
            None => self.promise("the server has no complaint about the device", verdicts.is_empty())?,
            Some(rule) => self.promise(
                "the server has no other complaint about the device",
                verdicts.len() == 1 && verdicts.iter().all(|verdict| verdict.rule == rule),
            )?,
        }
        if self.broken.is_empty() {
            return self.desk.say(&format!("-- scenario {}: all as promised", self.name));
        }
        let message = format!("scenario {} broke its promise: {}", self.name, self.broken.join("; "));
        Err(Failure::new(ExitCode::General, message))
    }

    /// The device will break this rule, once, and could not know.
    pub(super) const fn excuse(&mut self, rule: &'static str) {
        self.excused = Some(rule);
    }

    /// Notes whether a promise was kept.
    pub(super) fn promise(&mut self, promise: &str, is_kept: bool) -> Result<(), Failure> {
        if !is_kept {
            self.broken.push(promise.to_owned());
        }
        self.desk.say(&format!("{} {promise}", if is_kept { "[ok]" } else { "[BROKEN]" }))
    }

    /// Tells what happens around the device.
    pub(super) fn tell(&self, what: &str) -> Result<(), Failure> {
        self.desk.say(&format!("-- {what}"))
    }

    pub(super) fn power_on(&self, flash: SimulatedFlash) -> Result<SimulatedDevice, Failure> {
        self.desk.power_on(&self.client, flash)
    }

    /// Only the flash is left; the board counts from zero when the power is back.
    pub(super) fn power_off(&self, device: SimulatedDevice, time: Duration) -> SimulatedFlash {
        let (.., record) = device.into_parts();
        self.desk.clock.restart_after(time);
        record.release()
    }

    /// Somebody types the code that the panel shows.
    pub(super) fn approve(&self) -> Result<(), Failure> {
        self.tell("a person types the code and says yes")?;
        self.decide(|server, code| server.approve(code))
    }

    pub(super) fn deny(&self) -> Result<(), Failure> {
        self.tell("a person types the code and says no")?;
        self.decide(|server, code| server.deny(code))
    }

    fn decide(
        &self,
        decide: impl FnOnce(&MockServer, &str) -> Result<(), mock_server::ControlError>,
    ) -> Result<(), Failure> {
        let user_code = self.shown_code();
        decide(&self.server, &user_code).map_err(|error| {
            Failure::new(
                ExitCode::General,
                format!("the server does not know the code on the panel: {error}"),
            )
        })
    }

    /// What the panel shows, or showed last.
    pub(super) fn shown_code(&self) -> String {
        self.desk.seen().user_code.clone().unwrap_or_default()
    }

    /// Whether some picture said so.
    pub(super) fn was_shown(&self, text: &str) -> bool {
        self.desk.seen().views.iter().any(|view| view.contains(text))
    }

    /// The device has a token, and it works.
    pub(super) fn is_signed_in(&mut self, device: &mut SimulatedDevice) -> Result<(), Failure> {
        let progress = self.desk.until_the_end(device)?;
        self.promise("the device is signed in", matches!(progress, Progress::SignedIn(_)))?;
        let status = device.call(&self.resource).map_or(0, |response| response.status());
        self.promise("a call with its token is answered", status == 200)
    }

    /// The flash has what outlives the power.
    pub(super) fn keeps_a_refresh_token(
        &mut self,
        device: SimulatedDevice,
    ) -> Result<SimulatedFlash, Failure> {
        let (.., mut record) = device.into_parts();
        let kept = record.load().ok().flatten().and_then(|bytes| KeptLogin::from_bytes(&bytes));
        self.promise("the refresh token is in the flash", matches!(kept, Some(KeptLogin::RefreshToken(_))))?;
        self.desk.clock.restart_after(Duration::ZERO);
        Ok(record.release())
    }

    /// How many codes were asked for.
    pub(super) fn codes_asked_for(&self) -> usize {
        self.server.requests().iter().filter(|request| request.path.starts_with("/device-auth")).count()
    }

    pub(super) fn polls(&self) -> Vec<RecordedRequest> {
        self.token_requests(DEVICE_CODE)
    }

    pub(super) fn refreshes(&self) -> usize {
        self.token_requests("refresh_token").len()
    }

    fn token_requests(&self, grant_type: &str) -> Vec<RecordedRequest> {
        let requests = self.server.requests().into_iter();
        requests.filter(|request| request.grant_type.as_deref() == Some(grant_type)).collect()
    }
}
