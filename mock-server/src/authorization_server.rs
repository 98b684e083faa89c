//! The authorization server as pure state: no socket, no clock, no thread. Every method takes `now`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use ring::hmac;

use crate::access_token::AccessTokenFormat;
use crate::authorization_codes::AuthorizationCodes;
use crate::checks::{Check, Explanation, Lenient};
use crate::client_authentication::named_in_basic;
use crate::clients::grant_type::{CLIENT_CREDENTIALS, REFRESH_TOKEN};
use crate::clients::{Client, Clients};
use crate::clock::{Timestamp, VirtualClock};
use crate::device_codes::{Decision, DeviceCodes};
use crate::endpoint::{self, Endpoint, Route};
use crate::error_response::ErrorResponse;
use crate::host_allow_list;
use crate::http_response::{Response, moved_permanently};
use crate::issued_tokens::IssuedTokens;
use crate::journal::{Journal, Note, RecordedRequest, printable};
use crate::login_script::{LoginScripts, Step};
use crate::misbehaviour::{Delivery, Fault, Misbehaviour, SeededChance, TokenDefect, edit_json};
use crate::person::{People, Person};
use crate::profiles::{AnswerShape, Profile, Rules, reshape};
use crate::randomness::Randomness;
use crate::request_parameters::RequestParameters;
use crate::scope::{self, Supported};
use crate::verdicts::{self, Verdict, Verdicts};
use crate::wrong_codes::WrongCodes;
use crate::{
    authorize, control, cors, device_authorization, explanation_page, introspection, jwks, metadata,
    resource, revocation, token, userinfo, verification_page,
};

/// What is chosen before the server starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// The issuer identifier (RFC 8414 section 2): scheme, host, maybe port and path; no query, fragment or last slash.
    pub issuer: String,
    /// The port that the server listens on; with a loopback name it is an allowed `Host`.
    pub port: u16,
    /// What devices are told to wait between polls (RFC 8628 section 3.2), in whole seconds.
    pub interval: Duration,
    /// Approve without a person: a device after its second poll, an authorization request at once.
    pub auto_approve: bool,
    /// Ask the person on a page before `/authorize` answers; without it, and with `auto_approve`, it answers at once.
    pub consent_page: bool,
    /// Whose behaviour to show.
    pub profile: Profile,
    /// Wrong user codes that one address may type within the life of a code (RFC 8628 section 5.1); `None` for no brake.
    pub wrong_code_limit: Option<u32>,
    /// Who may ask.
    pub clients: Vec<Client>,
    /// Who can sign in; the first is meant where nobody is named.
    pub users: Vec<Person>,
    /// The scopes that are granted (RFC 6749 section 3.3).
    pub scopes: Vec<String>,
    /// The look of access tokens.
    pub access_token_format: AccessTokenFormat,
    /// How long things are good for.
    pub lifetimes: Lifetimes,
    /// What becomes of a refresh token that was used.
    pub refresh_token_rotation: Rotation,
    /// The checks that are relaxed.
    pub lenient: Lenient,
    /// Makes codes, ids and keys repeat from run to run; `None`, the default, makes them unguessable.
    pub seed: Option<u64>,
    /// What the clock shows at the start, in place of real time.
    pub start_time: Option<Timestamp>,
    /// Lets pages of any origin call the endpoints that programs call.
    pub cors: bool,
    /// Takes requests for any address with the server's port, as they come from other machines.
    pub allow_remote: bool,
    /// Where endpoints are served that have another path than their own.
    pub endpoint_paths: Vec<(Endpoint, String)>,
}

/// How long things are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// An access token: one hour.
    pub access_token: Duration,
    /// A refresh token, spent ones included: for so long, thirty days, their reuse is noticed.
    pub refresh_token: Duration,
    /// An ID Token: one hour.
    pub id_token: Duration,
    /// An authorization code: "a maximum [...] of 10 minutes is RECOMMENDED" (RFC 6749 section 4.1.2).
    pub authorization_code: Duration,
    /// A device code and its user code; `None` leaves it to the profile.
    pub device_code: Option<Duration>,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        Self {
            access_token: HOUR,
            refresh_token: HOUR * 24 * 30,
            id_token: HOUR,
            authorization_code: HOUR / 6,
            device_code: None,
        }
    }
}

/// What becomes of a refresh token that was used: RFC 6749 section 6, RFC 9700 section 4.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// It stays good, and no other is issued.
    Off,
    /// It is spent and replaced. Within the grace window a second use repeats the first answer, for a client that lost
    /// it; after that it revokes the family.
    On {
        /// Zero for no mercy, the default.
        grace: Duration,
    },
}

impl Default for Rotation {
    fn default() -> Self {
        Self::On { grace: Duration::ZERO }
    }
}

impl Settings {
    /// Where the endpoint with this path of its own was moved.
    fn moved_path(&self, own: &str) -> Option<&str> {
        let name = own.trim_start_matches('/');
        let moved = self.endpoint_paths.iter().find(|(endpoint, _)| endpoint.name() == name);
        moved.map(|(_, path)| path.as_str())
    }

    /// The defaults for a server at `http://127.0.0.1:port`.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self {
            issuer: format!("http://127.0.0.1:{port}"),
            port,
            interval: Duration::from_secs(5),
            auto_approve: false,
            consent_page: true,
            profile: Profile::default(),
            wrong_code_limit: Some(5),
            clients: Client::ready_made(),
            users: vec![Person::alice()],
            scopes: scope::SUPPORTED.map(str::to_owned).to_vec(),
            access_token_format: AccessTokenFormat::default(),
            lifetimes: Lifetimes::default(),
            refresh_token_rotation: Rotation::default(),
            lenient: Lenient::default(),
            seed: None,
            start_time: None,
            cors: false,
            allow_remote: false,
            endpoint_paths: Vec::new(),
        }
    }
}

/// All that the server knows and decides.
///
/// [`handle`](Self::handle) turns a request into an answer; [`MockServer`](crate::MockServer) puts a socket and a
/// clock around it. The `now` of every method is real time: what [`advance`](Self::advance) added comes on top.
pub struct AuthorizationServer {
    pub(crate) settings: Settings,
    started_at: Timestamp,
    clock: VirtualClock,
    pub(crate) randomness: Randomness,
    /// Signs the tokens of the pages' forms.
    pub(crate) csrf_key: hmac::Key,
    pub(crate) clients: Clients,
    pub(crate) people: People,
    pub(crate) device_codes: DeviceCodes,
    pub(crate) wrong_codes: WrongCodes,
    pub(crate) authorization_codes: AuthorizationCodes,
    pub(crate) tokens: IssuedTokens,
    pub(crate) journal: Journal,
    pub(crate) verdicts: Verdicts,
    pub(crate) misbehaviour: Misbehaviour,
    pub(crate) scripts: LoginScripts,
    /// The name of a tenant; the server itself has none.
    pub(crate) name: Option<String>,
    tenants: BTreeMap<String, Self>,
    /// The tenant that answered last; `None` for the server itself.
    answered_last: Option<String>,
}

/// More tenants than any run of tests has in parallel.
const MOST_TENANTS: usize = 1000;

/// What goes back to the client.
#[derive(Debug)]
pub enum Answer {
    /// An HTTP response.
    Respond(hyper::Response<Bytes>),
    /// No byte of an answer: the connection is to be reset.
    ResetConnection,
    /// An HTTP response that the transport is to mistreat.
    Deliver(hyper::Response<Bytes>, Delivery),
}

/// Marks an answer that says "nothing yet": the listener asks again when something has happened, for so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotYet(pub(crate) Duration);

/// How long the question may be asked again.
pub(crate) fn not_yet(answer: &Answer) -> Option<Duration> {
    match answer {
        Answer::Respond(response) => response.extensions().get::<NotYet>().map(|not_yet| not_yet.0),
        Answer::ResetConnection | Answer::Deliver(..) => None,
    }
}

/// One request on its way through an endpoint.
pub(crate) struct Exchange<'a> {
    /// The virtual time, by which codes and tokens live.
    pub(crate) now: Timestamp,
    /// The time without what tests added.
    pub(crate) real_now: Timestamp,
    pub(crate) peer: IpAddr,
    pub(crate) request: &'a Request<Bytes>,
    /// What a test asked to go wrong, if the endpoint itself has to know.
    pub(crate) fault: Option<Fault>,
    pub(crate) note: Note,
}

impl AuthorizationServer {
    /// A server that starts at `now` with nothing issued.
    #[must_use]
    pub fn new(settings: Settings, now: Timestamp) -> Self {
        Self::named(settings, None, now)
    }

    fn named(settings: Settings, name: Option<String>, now: Timestamp) -> Self {
        let label = name.as_deref().unwrap_or_default();
        let mut randomness =
            settings.seed.map_or_else(Randomness::new, |seed| Randomness::seeded(seed, label));
        let started_at = settings.start_time.unwrap_or(now);
        let csrf_key = hmac::Key::new(hmac::HMAC_SHA256, &randomness.bytes::<32>());
        Self {
            clients: Clients::new(&settings.clients),
            people: People::new(&settings.users),
            settings,
            started_at,
            clock: VirtualClock::running(started_at, now),
            randomness,
            csrf_key,
            device_codes: DeviceCodes::default(),
            wrong_codes: WrongCodes::default(),
            authorization_codes: AuthorizationCodes::default(),
            tokens: IssuedTokens::default(),
            journal: Journal::default(),
            verdicts: Verdicts::default(),
            misbehaviour: Misbehaviour::default(),
            scripts: LoginScripts::default(),
            name,
            tenants: BTreeMap::new(),
            answered_last: None,
        }
    }

    /// Forgets all codes, tokens, faults and requests, and sets clients, users and the clock back. Tenants stay as they
    /// are.
    pub fn reset(&mut self, now: Timestamp) {
        let tenants = std::mem::take(&mut self.tenants);
        *self = Self::named(self.settings.clone(), self.name.take(), now);
        self.tenants = tenants;
    }

    /// The tenant of this name, below `/t/NAME`: made when it is first asked for, as this server was configured. `None`
    /// if the name is not 1 to 64 letters, digits, `-`, `_` or `.`, or there are too many.
    pub fn tenant_mut(&mut self, name: &str, now: Timestamp) -> Option<&mut Self> {
        if !self.tenants.contains_key(name) {
            if self.name.is_some() || !endpoint::is_tenant_name(name) || self.tenants.len() >= MOST_TENANTS {
                return None;
            }
            let mut settings = self.settings.clone();
            settings.issuer = format!("{}/t/{name}", settings.issuer);
            self.tenants.insert(name.to_owned(), Self::named(settings, Some(name.to_owned()), now));
        }
        self.tenants.get_mut(name)
    }

    /// The names of the tenants.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.tenants.keys().map(String::as_str)
    }

    /// Forgets a tenant; true if there was one.
    pub fn remove_tenant(&mut self, name: &str) -> bool {
        self.tenants.remove(name).is_some()
    }

    /// The request that was answered last, by the server itself or a tenant.
    pub(crate) fn latest_request(&self) -> Option<&RecordedRequest> {
        let tenant = self.answered_last.as_ref().and_then(|name| self.tenants.get(name));
        tenant.unwrap_or(self).requests().next_back()
    }

    /// Answers one request that arrived at `now` from `peer`, and records it.
    pub fn handle(&mut self, now: Timestamp, peer: IpAddr, request: &Request<Bytes>) -> Answer {
        let name = endpoint::tenant_name(&self.settings.issuer, request.uri().path());
        self.answered_last = name.filter(|name| self.tenant_mut(name, now).is_some()).map(str::to_owned);
        match self.answered_last.as_ref().and_then(|name| self.tenants.get_mut(name)) {
            Some(tenant) => tenant.handle_here(now, peer, request),
            None => self.handle_here(now, peer, request),
        }
    }

    fn handle_here(&mut self, now: Timestamp, peer: IpAddr, request: &Request<Bytes>) -> Answer {
        let virtual_now = self.virtual_time(now);
        let mut exchange =
            Exchange { now: virtual_now, real_now: now, peer, request, fault: None, note: Note::default() };
        let own_path = self.rules().own_path(request.uri().path());
        let route = endpoint::route(&self.settings, own_path);
        let mut answer = self.answer(&mut exchange, &route);
        if let (Route::To(endpoint), Answer::Respond(response) | Answer::Deliver(response, _)) =
            (&route, &mut answer)
            && self.settings.cors
        {
            cors::reflect_origin(&exchange, *endpoint, response);
        }
        if not_yet(&answer).is_some() {
            // The same request will be asked again.
            return answer;
        }
        verdicts::judge(self, &exchange, &route, &answer);
        let status = match &answer {
            Answer::ResetConnection | Answer::Deliver(_, Delivery::Never) => 0,
            Answer::Respond(response) | Answer::Deliver(response, _) => response.status().as_u16(),
        };
        let note = exchange.note;
        self.journal.record(RecordedRequest {
            method: printable(request.method().as_str()),
            path: route.journal_path(request.uri().path()),
            at: self.since_start(virtual_now),
            status,
            grant_type: note.grant_type,
            client_id: note.client_id,
            error: note.error,
            gap: note.gap,
            explanation: note.explanation,
        });
        answer
    }

    /// Answers the next `times` requests to `endpoint` with `fault`, after those already asked for.
    pub fn fail_next(&mut self, endpoint: Endpoint, fault: &Fault, times: usize) {
        self.misbehaviour.fail_next(endpoint, fault, times);
    }

    /// What clients did wrong so far by the server's clock, oldest first (the latest ten thousand).
    pub fn verdicts(&self) -> impl DoubleEndedIterator<Item = &Verdict> {
        self.verdicts.iter()
    }

    /// A moment as the journal tells it.
    pub(crate) fn since_start(&self, now: Timestamp) -> Duration {
        now.since(self.started_at)
    }

    /// Turns a refusal into its response.
    fn refuse(&mut self, exchange: &mut Exchange<'_>, refusal: ErrorResponse) -> Response {
        self.explain(exchange, refusal).into_response()
    }

    /// Notes a refusal, and gives it the `error_uri` of the page that says why.
    pub(crate) fn explain(&mut self, exchange: &mut Exchange<'_>, refusal: ErrorResponse) -> ErrorResponse {
        exchange.note.error = (!refusal.code.is_empty()).then(|| refusal.code.to_string());
        let Some((check, got)) = refusal.failed() else {
            return refusal;
        };
        let number = self.journal.count_refusal();
        exchange.note.explanation = Some(Explanation::new(check, got, number));
        let uri = format!("{}/explain/{}/{number}", self.settings.issuer, check.name());
        refusal.with_uri(uri)
    }

    /// The client registered as `client_id`, or made up for it where that is relaxed.
    pub(crate) fn client(&self, client_id: &str) -> Option<Arc<Client>> {
        self.clients.find(client_id).map(Arc::clone).or_else(|| {
            let mut unknown = Client::public(client_id);
            unknown.require_pkce = false;
            self.relaxes(Check::ClientId).then(|| Arc::new(unknown))
        })
    }

    /// Whether `client` may use a grant.
    pub(crate) fn may_use(&self, client: &Client, grant_type: &str) -> Result<(), ErrorResponse> {
        let may_refresh_its_own = self.rules().refresh_for_client_credentials
            && grant_type == REFRESH_TOKEN
            && client.may_use(CLIENT_CREDENTIALS);
        if client.may_use(grant_type) || may_refresh_its_own || self.relaxes(Check::AllowedGrant) {
            return Ok(());
        }
        let description =
            format!("the client {} is not registered for the grant type {grant_type}", client.id);
        Err(ErrorResponse::unauthorized_client(description).because(Check::AllowedGrant, grant_type))
    }

    pub(crate) fn supported_scopes(&self) -> Supported<'_> {
        Supported { scopes: &self.settings.scopes, any: self.relaxes(Check::Scope) }
    }

    /// Whether a check is relaxed.
    pub(crate) fn relaxes(&self, check: Check) -> bool {
        self.settings.lenient.on(check)
    }

    /// What the server's clocks show when real time is `now`.
    pub(crate) fn virtual_time(&self, now: Timestamp) -> Timestamp {
        self.clock.at(now)
    }

    pub(crate) fn rules(&self) -> &'static Rules {
        self.settings.profile.rules()
    }

    /// Moves the clock forward: over codes, tokens, expiry and the gaps between polls.
    pub fn advance(&mut self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// Sets the clock; it goes on from there, unless it is frozen.
    pub fn set_clock(&mut self, now: Timestamp, to: Timestamp) {
        self.clock.set(now, to);
    }

    /// Stops the clock; it can still be advanced and set.
    pub fn freeze_clock(&mut self, now: Timestamp) {
        self.clock.freeze(now);
    }

    /// Lets the clock go on.
    pub fn thaw_clock(&mut self, now: Timestamp) {
        self.clock.thaw(now);
    }

    pub(crate) fn clock_is_frozen(&self) -> bool {
        matches!(self.clock, VirtualClock::Frozen(_))
    }

    pub(crate) fn device_code_lifetime(&self) -> Duration {
        self.settings.lifetimes.device_code.unwrap_or(self.rules().device_code_lifetime)
    }

    /// The path of an endpoint as configuration or the profile has it, from its own.
    pub(crate) fn advertised_path<'a>(&'a self, own: &'a str) -> &'a str {
        self.settings.moved_path(own).unwrap_or_else(|| self.rules().their_path(own))
    }

    /// The URL of an endpoint as this server advertises it.
    pub(crate) fn endpoint_url(&self, path: &str) -> String {
        let slash = if self.rules().trailing_slash { "/" } else { "" };
        format!("{}{}{slash}", self.settings.issuer, self.advertised_path(path))
    }

    fn answer(&mut self, exchange: &mut Exchange<'_>, route: &Route) -> Answer {
        if let Err(refusal) = host_allow_list::check(&self.settings, exchange.request) {
            return Answer::Respond(self.refuse(exchange, refusal));
        }
        let response = match route {
            Route::To(endpoint) => {
                if let Some(response) = cors::preflight(exchange, *endpoint).filter(|_| self.settings.cors) {
                    return Answer::Respond(response);
                }
                if let Some((fault, chance)) = self.fault_for(exchange, *endpoint) {
                    return self.misbehave(exchange, *endpoint, &fault, chance);
                }
                return Answer::Respond(self.answer_as_provider(exchange, *endpoint));
            }
            Route::Elsewhere => {
                Err(ErrorResponse::new("redirect_followed", "a fault led here, and no client follows it")
                    .with_status(StatusCode::NOT_FOUND))
            }
            Route::Control(control) => control::respond(self, exchange, control),
            Route::Unknown => Err(ErrorResponse::invalid_request("there is no such endpoint here")
                .with_status(StatusCode::NOT_FOUND)
                .because(Check::Path, route.journal_path(exchange.request.uri().path()))),
            Route::Explanation { check, number } => {
                explanation_page::respond(self, exchange, *check, *number)
            }
        };
        Answer::Respond(response.unwrap_or_else(|refusal| self.refuse(exchange, refusal)))
    }

    /// What a script or a rule wants to go wrong with this request.
    fn fault_for(
        &mut self,
        exchange: &mut Exchange<'_>,
        endpoint: Endpoint,
    ) -> Option<(Fault, SeededChance)> {
        if endpoint == Endpoint::Token
            && let Some(fault) = self.next_step_of_script(exchange)
        {
            exchange.note_parameters();
            return Some((fault, SeededChance::new(0)));
        }
        if self.misbehaviour.is_empty() {
            return None;
        }
        let mut asks = exchange.note.clone();
        exchange.note_parameters();
        let note = &exchange.note;
        let struck = self.misbehaviour.take(endpoint, note.grant_type.as_deref(), note.client_id.as_deref());
        if struck.is_none() {
            // The endpoint notes for itself what it reads.
            std::mem::swap(&mut asks, &mut exchange.note);
        }
        struck
    }

    /// What the script of the polled login says; decisions are made at once, and the endpoint answers.
    fn next_step_of_script(&mut self, exchange: &mut Exchange<'_>) -> Option<Fault> {
        if !self.device_codes.have_scripts {
            return None;
        }
        let form = RequestParameters::form_with_repeats(exchange.request, Lenient::default()).ok()?;
        let login = self.device_codes.by_device_code(form.get("device_code")?)?;
        let error = |code: &str| Some(Fault::Error(code.to_owned()));
        let fault = match login.script.next_step()? {
            Step::Pending => error("authorization_pending"),
            Step::SlowDown => {
                login.slow_down();
                error("slow_down")
            }
            Step::Fault(fault) => Some(fault),
            Step::Approve => {
                login.approve(self.people.first());
                None
            }
            Step::Deny => {
                login.decision = Decision::Denied;
                None
            }
            Step::Expire => {
                login.expires_at = login.expires_at.min(exchange.now);
                None
            }
        };
        if fault.is_some() {
            exchange.note.gap = login.poll(exchange.now).gap;
        }
        fault
    }

    fn misbehave(
        &mut self,
        exchange: &mut Exchange<'_>,
        endpoint: Endpoint,
        fault: &Fault,
        mut chance: SeededChance,
    ) -> Answer {
        if let Fault::Error(code) = fault {
            exchange.note.error = Some(code.clone());
        }
        exchange.fault = Some(fault.clone());
        if let Some(answer) = fault.instead_of_answer(endpoint, self.settings.port) {
            return match answer {
                Answer::Respond(error) if matches!(fault, Fault::Error(_)) => {
                    Answer::Respond(self.in_words_of_provider(exchange, endpoint, error))
                }
                answer => answer,
            };
        }
        let mut response = self.answer_as_provider(exchange, endpoint);
        if let Fault::Token(defect) = fault {
            self.spoil_tokens(exchange.now, *defect, &mut response);
        }
        fault.apply(exchange.now, &mut chance, response)
    }

    /// Gives the JWTs of an answer a defect; the server takes the access token only if it is a harmless one.
    fn spoil_tokens(&mut self, now: Timestamp, defect: TokenDefect, response: &mut Response) {
        edit_json(response, |members| {
            for name in ["access_token", "id_token"] {
                let Some(value) = members.get_mut(name) else { continue };
                let Some(spoilt) = value.as_str().and_then(|jwt| defect.apply(now, jwt)) else { continue };
                if let (TokenDefect::Huge | TokenDefect::RotatedKey, Some(sound)) = (defect, value.as_str()) {
                    self.tokens.rename_access_token(sound, &spoilt);
                }
                *value = spoilt.into();
            }
        });
    }

    /// What the endpoint answers, at the paths and in the words of the profile.
    fn answer_as_provider(&mut self, exchange: &mut Exchange<'_>, endpoint: Endpoint) -> Response {
        let path = exchange.request.uri().path();
        let has_slash = matches!(
            endpoint,
            Endpoint::Authorize | Endpoint::DeviceAuthorization | Endpoint::Token | Endpoint::Resource
        );
        if self.rules().trailing_slash && has_slash && !path.ends_with('/') {
            exchange.note_parameters();
            let query = exchange.request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            return moved_permanently(&format!("{path}/{query}"));
        }
        let response = self.respond(exchange, endpoint);
        let response = response.unwrap_or_else(|refusal| self.refuse(exchange, refusal));
        self.in_words_of_provider(exchange, endpoint, response)
    }

    fn in_words_of_provider(
        &mut self,
        exchange: &Exchange<'_>,
        endpoint: Endpoint,
        response: Response,
    ) -> Response {
        let shape = self.rules().answer_shape;
        if shape == AnswerShape::Rfc {
            return response;
        }
        let form = RequestParameters::form_with_repeats(exchange.request, Lenient::default());
        let form = form.unwrap_or_default();
        let device_code = form.get("device_code").unwrap_or_default();
        let interval = self.device_codes.by_device_code(device_code).map(|login| login.required_gap());
        reshape(shape, endpoint, exchange.request, form.get("grant_type"), interval, response)
    }

    fn respond(
        &mut self,
        exchange: &mut Exchange<'_>,
        endpoint: Endpoint,
    ) -> Result<Response, ErrorResponse> {
        match endpoint {
            Endpoint::Authorize => authorize::respond(self, exchange),
            Endpoint::DeviceAuthorization => device_authorization::respond(self, exchange),
            Endpoint::Token => token::respond(self, exchange),
            Endpoint::VerificationPage => verification_page::respond(self, exchange),
            Endpoint::Resource => resource::respond(self, exchange),
            Endpoint::Userinfo => userinfo::respond(self, exchange),
            Endpoint::Revocation => revocation::respond(self, exchange),
            Endpoint::Introspection => introspection::respond(self, exchange),
            Endpoint::Jwks => jwks::respond(exchange),
            Endpoint::Metadata => metadata::respond(self, exchange),
        }
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthorizationServer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Exchange<'_> {
    /// Notes what the request says of itself, where no endpoint reads it.
    fn note_parameters(&mut self) {
        let query = self.request.uri().query().unwrap_or_default();
        let form = RequestParameters::form_with_repeats(self.request, Lenient::default())
            .or_else(|_| RequestParameters::with_repeats(query))
            .unwrap_or_default();
        let in_basic = || named_in_basic(self.request);
        self.note.client_id = form.get("client_id").map(printable).or_else(in_basic);
        self.note.grant_type = form.get("grant_type").map(printable);
    }

    /// The method and path as the journal tells them.
    pub(crate) fn journal_line(&self, route: &Route) -> String {
        let method = printable(self.request.method().as_str());
        format!("{method} {}", route.journal_path(self.request.uri().path()))
    }

    /// Lets only the named methods through; `HEAD` goes wherever `GET` does.
    pub(crate) fn allow(&self, methods: &'static str) -> Result<(), ErrorResponse> {
        let method = match self.request.method().as_str() {
            "HEAD" => "GET",
            method => method,
        };
        if methods.split(", ").any(|allowed| allowed == method) {
            return Ok(());
        }
        Err(ErrorResponse::method_not_allowed(methods))
    }
}
