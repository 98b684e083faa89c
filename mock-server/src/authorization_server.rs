//! The authorization server as pure state: no socket, no clock, no thread. Every method takes `now`.

use std::net::IpAddr;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Request, StatusCode};

use crate::clock::Timestamp;
use crate::device_codes::DeviceCodes;
use crate::endpoint::{self, Endpoint, Route};
use crate::error_response::ErrorResponse;
use crate::host_allow_list;
use crate::http_response::Response;
use crate::issued_tokens::IssuedTokens;
use crate::journal::{Journal, Note, RecordedRequest, printable};
use crate::misbehaviour::{Fault, Misbehaviour};
use crate::profiles::{Profile, Rules};
use crate::randomness::Randomness;
use crate::{device_authorization, metadata, resource, token, verification_page};

/// What is chosen before the server starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The issuer identifier (RFC 8414 section 2): scheme, host, maybe port and path; no query, fragment or last slash.
    pub issuer: String,
    /// The port that the server listens on; with a loopback name it is an allowed `Host`.
    pub port: u16,
    /// What devices are told to wait between polls (RFC 8628 section 3.2), in whole seconds.
    pub interval: Duration,
    /// Approve without a person: a device after its second poll, an authorization request at once.
    pub auto_approve: bool,
    /// Whose behaviour to show.
    pub profile: Profile,
    /// Wrong user codes that one address may type within the life of a code (RFC 8628 section 5.1); `None` for no brake.
    pub wrong_code_limit: Option<u32>,
}

impl Settings {
    /// The defaults for a server at `http://127.0.0.1:port`.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self {
            issuer: format!("http://127.0.0.1:{port}"),
            port,
            interval: Duration::from_secs(5),
            auto_approve: false,
            profile: Profile::default(),
            wrong_code_limit: Some(5),
        }
    }
}

/// All that the server knows and decides.
///
/// [`handle`](Self::handle) turns a request into an answer; [`MockServer`](crate::MockServer) puts a socket and a clock around it.
pub struct AuthorizationServer {
    pub(crate) settings: Settings,
    pub(crate) started_at: Timestamp,
    pub(crate) randomness: Randomness,
    pub(crate) device_codes: DeviceCodes,
    pub(crate) tokens: IssuedTokens,
    pub(crate) journal: Journal,
    misbehaviour: Misbehaviour,
}

/// What goes back to the client.
#[derive(Debug)]
pub enum Answer {
    /// An HTTP response.
    Respond(hyper::Response<Bytes>),
    /// No byte of an answer: the connection is to be reset.
    ResetConnection,
}

/// One request on its way through an endpoint.
pub(crate) struct Exchange<'a> {
    pub(crate) now: Timestamp,
    pub(crate) peer: IpAddr,
    pub(crate) request: &'a Request<Bytes>,
    pub(crate) note: Note,
}

impl AuthorizationServer {
    /// A server that starts at `now` with nothing issued.
    #[must_use]
    pub fn new(settings: Settings, now: Timestamp) -> Self {
        Self {
            settings,
            started_at: now,
            randomness: Randomness::new(),
            device_codes: DeviceCodes::default(),
            tokens: IssuedTokens::default(),
            journal: Journal::default(),
            misbehaviour: Misbehaviour::default(),
        }
    }

    /// Answers one request that arrived at `now` from `peer`, and records it.
    pub fn handle(&mut self, now: Timestamp, peer: IpAddr, request: &Request<Bytes>) -> Answer {
        let mut exchange = Exchange { now, peer, request, note: Note::default() };
        let route = endpoint::route(&self.settings.issuer, request.uri().path());
        let answer = self.answer(&mut exchange, &route);
        let status = match &answer {
            Answer::Respond(response) => response.status().as_u16(),
            Answer::ResetConnection => 0,
        };
        let note = exchange.note;
        self.journal.record(RecordedRequest {
            method: printable(request.method().as_str()),
            path: printable(request.uri().path()),
            at: now.since(self.started_at),
            status,
            grant_type: note.grant_type,
            client_id: note.client_id,
            error: note.error.map(str::to_owned),
            gap: note.gap,
        });
        answer
    }

    /// Answers the next `times` requests to `endpoint` with `fault`, after those already asked for.
    pub fn fail_next(&mut self, endpoint: Endpoint, fault: &Fault, times: usize) {
        self.misbehaviour.fail_next(endpoint, fault, times);
    }

    /// The latest request, as recorded.
    pub fn last_request(&self) -> Option<&RecordedRequest> {
        self.journal.iter().last()
    }

    pub(crate) fn rules(&self) -> &'static Rules {
        self.settings.profile.rules()
    }

    /// The URL of an endpoint as this server advertises it.
    pub(crate) fn endpoint_url(&self, path: &str) -> String {
        let slash = if self.rules().trailing_slash { "/" } else { "" };
        format!("{}{path}{slash}", self.settings.issuer)
    }

    fn answer(&mut self, exchange: &mut Exchange<'_>, route: &Route) -> Answer {
        if let Err(refusal) = host_allow_list::check(&self.settings, exchange.request) {
            return Answer::Respond(exchange.refuse(refusal));
        }
        let Route::To(endpoint) = *route else {
            let refusal = ErrorResponse::invalid_request("there is no such endpoint here");
            return Answer::Respond(exchange.refuse(refusal.with_status(StatusCode::NOT_FOUND)));
        };
        if let Some(fault) = self.misbehaviour.take(endpoint) {
            return fault.answer();
        }
        let response = match endpoint {
            Endpoint::DeviceAuthorization => device_authorization::respond(self, exchange),
            Endpoint::Token => token::respond(self, exchange),
            Endpoint::VerificationPage => verification_page::respond(self, exchange),
            Endpoint::Resource => resource::respond(self, exchange),
            Endpoint::Metadata => metadata::respond(self, exchange),
        };
        Answer::Respond(response.unwrap_or_else(|refusal| exchange.refuse(refusal)))
    }
}

impl Exchange<'_> {
    /// Turns a refusal into its response and notes its code.
    pub(crate) fn refuse(&mut self, refusal: ErrorResponse) -> Response {
        self.note.error = Some(refusal.code);
        refusal.into_response()
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
