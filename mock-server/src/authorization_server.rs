//! The authorization server as pure state: no socket, no clock, no thread. Every method takes `now`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::uri::Authority;
use ring::hmac;

use crate::authorization_codes::AuthorizationCodes;
use crate::checks::{Check, Explanation};
use crate::clients::grant_type::{CLIENT_CREDENTIALS, REFRESH_TOKEN};
use crate::clients::{Client, Clients};
use crate::clock::{Timestamp, VirtualClock};
use crate::device_codes::DeviceCodes;
use crate::endpoint::Endpoint;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::Response;
use crate::issued_tokens::IssuedTokens;
use crate::issuer;
use crate::journal::{Journal, RecordedRequest};
use crate::login_script::LoginScripts;
use crate::misbehaviour::{Fault, Misbehaviour};
use crate::person::People;
use crate::profiles::Rules;
use crate::randomness::Randomness;
use crate::revision::Revision;
use crate::routes::is_tenant_name;
use crate::scope::Supported;
use crate::settings::Settings;
use crate::tls_faults::TlsFaults;
use crate::verdicts::{Verdict, Verdicts};
use crate::wrong_codes::WrongCodes;

/// All that the server knows and decides.
///
/// [`handle`](Self::handle) turns a request into an answer; [`MockServer`](crate::MockServer) puts a socket and a
/// clock around it. The `now` of every method is real time: what [`advance`](Self::advance) added comes on top.
pub struct AuthorizationServer {
    pub(crate) settings: Settings,
    started_at: Timestamp,
    pub(crate) clock: VirtualClock,
    pub(crate) randomness: Randomness,
    /// What [`csrf_key`](Self::csrf_key) is made of.
    pub(crate) csrf_secret: [u8; 32],
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
    /// Changes with whatever the home page shows.
    pub(crate) revision: Revision,
    pub(crate) tls_faults: TlsFaults,
    /// The name of a tenant; the server itself has none.
    pub(crate) name: Option<String>,
    /// `/t/NAME` of a tenant.
    tenant_path: String,
    /// What every issuer of this server has after its host.
    pub(crate) issuer_path: String,
    pub(crate) tenants: BTreeMap<String, Self>,
    /// The tenant that answered last; `None` for the server itself.
    pub(crate) answered_last: Option<String>,
}

/// More tenants than any run of tests has in parallel.
const MOST_TENANTS: usize = 1000;

impl AuthorizationServer {
    /// A server that starts at `now` with nothing issued.
    #[must_use]
    pub fn new(settings: Settings, now: Timestamp) -> Self {
        Self::named(settings, None, now)
    }

    pub(crate) fn named(settings: Settings, name: Option<String>, now: Timestamp) -> Self {
        let label = name.as_deref().unwrap_or_default();
        let mut randomness =
            settings.seed.map_or_else(Randomness::new, |seed| Randomness::seeded(seed, label));
        let started_at = settings.start_time.unwrap_or(now);
        let tenant_path = name.as_ref().map_or_else(String::new, |name| format!("/t/{name}"));
        let issuer = issuer::at(&settings, None, &tenant_path);
        let tls_fault = settings.tls_fault;
        let csrf_secret = randomness.bytes::<32>();
        Self {
            clients: Clients::new(&settings.clients),
            people: People::new(&settings.users),
            settings,
            started_at,
            clock: VirtualClock::running(started_at, now),
            randomness,
            csrf_secret,
            csrf_key: csrf_key(&csrf_secret),
            device_codes: DeviceCodes::default(),
            wrong_codes: WrongCodes::default(),
            authorization_codes: AuthorizationCodes::default(),
            tokens: IssuedTokens::default(),
            journal: Journal::default(),
            verdicts: Verdicts::default(),
            misbehaviour: Misbehaviour::default(),
            scripts: LoginScripts::default(),
            revision: Revision::default(),
            tls_faults: TlsFaults::at_start(tls_fault),
            name,
            tenant_path,
            issuer_path: issuer::path(&issuer).to_owned(),
            tenants: BTreeMap::new(),
            answered_last: None,
        }
    }

    /// Forgets all codes, tokens, faults and requests, and sets clients, users and the clock back. Tenants stay as they
    /// are.
    pub fn reset(&mut self, now: Timestamp) {
        let tenants = std::mem::take(&mut self.tenants);
        let mut revision = std::mem::take(&mut self.revision);
        let changes_of_tls = self.tls_faults.changes;
        *self = Self::named(self.settings.clone(), self.name.take(), now);
        self.tenants = tenants;
        revision.note_change();
        self.revision = revision;
        self.tls_faults.changes = changes_of_tls + 1;
    }

    /// The tenant of this name, below `/t/NAME`: made when it is first asked for, as this server was configured. `None`
    /// if the name is not 1 to 64 letters, digits, `-`, `_` or `.`, or there are too many.
    pub fn tenant_mut(&mut self, name: &str, now: Timestamp) -> Option<&mut Self> {
        if !self.tenants.contains_key(name) {
            if self.name.is_some() || !is_tenant_name(name) || self.tenants.len() >= MOST_TENANTS {
                return None;
            }
            let tenant = Self::named(self.settings.clone(), Some(name.to_owned()), now);
            self.tenants.insert(name.to_owned(), tenant);
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

    /// Answers the next `times` requests to `endpoint` with `fault`, after those already asked for.
    pub fn fail_next(&mut self, endpoint: Endpoint, fault: &Fault, times: usize) {
        self.misbehaviour.fail_next(endpoint, fault, times);
    }

    /// What clients did wrong so far by the server's clock, oldest first (the latest ten thousand).
    pub fn verdicts(&self) -> impl DoubleEndedIterator<Item = &Verdict> {
        self.verdicts.iter()
    }

    /// The verdicts of this server, then those of its tenants.
    pub(crate) fn verdicts_of_all(&self) -> Verdicts {
        let of_tenants = self.tenants.values().map(|tenant| &tenant.verdicts);
        Verdicts::of_all(std::iter::once(&self.verdicts).chain(of_tenants))
    }

    /// A moment as the journal tells it.
    pub(crate) fn since_start(&self, now: Timestamp) -> Duration {
        now.since(self.started_at)
    }

    /// Turns a refusal into its response.
    pub(crate) fn refuse(&mut self, exchange: &mut Exchange<'_>, refusal: ErrorResponse) -> Response {
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
        let uri = format!("{}/explain/{}/{number}", exchange.issuer, check.name());
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
        self.revision.note_change();
    }

    /// Sets the clock; it goes on from there, unless it is frozen.
    pub fn set_clock(&mut self, now: Timestamp, to: Timestamp) {
        self.clock.set(now, to);
        self.revision.note_change();
    }

    /// Stops the clock; it can still be advanced and set.
    pub fn freeze_clock(&mut self, now: Timestamp) {
        self.clock.freeze(now);
        self.revision.note_change();
    }

    /// Lets the clock go on.
    pub fn thaw_clock(&mut self, now: Timestamp) {
        self.clock.thaw(now);
        self.revision.note_change();
    }

    /// How long it is, by the clock, until another code expires; `None` if that is up to tests.
    pub(crate) fn until_next_expiry(&self, now: Timestamp) -> Option<Duration> {
        let now = self.virtual_time(now);
        let next = self.device_codes.next_expiry(now).filter(|_| !self.clock_is_frozen());
        next.map(|next| next.since(now))
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

    /// The issuer for a request to `host`.
    pub(crate) fn issuer_at(&self, host: Option<&Authority>) -> Arc<str> {
        issuer::at(&self.settings, host, &self.tenant_path)
    }

    /// The issuer where no request says how the client knows this server.
    pub(crate) fn default_issuer(&self) -> Arc<str> {
        self.issuer_at(None)
    }

    /// The URL of an endpoint as this server advertises it to clients of `issuer`.
    pub(crate) fn endpoint_url(&self, issuer: &str, path: &str) -> String {
        let slash = if self.rules().trailing_slash { "/" } else { "" };
        format!("{issuer}{}{slash}", self.advertised_path(path))
    }
}

pub(crate) fn csrf_key(secret: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthorizationServer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
