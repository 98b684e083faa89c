//! `/_control`: what a test or a developer decides in a person's place, over HTTP and as methods.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ORIGIN};
use serde_json::{Map, Value, json};

use crate::authorization_server::{AuthorizationServer, Exchange, NotYet};
use crate::checks::Lenient;
use crate::clients::Client;
use crate::clock::Timestamp;
use crate::control_of_state::number;
use crate::device_codes::{Decision, DeviceLogin};
use crate::endpoint::{Control, Verdict};
use crate::error_response::ErrorResponse;
use crate::host_allow_list;
use crate::http_response::{Response, empty, json_no_store, no_store, with_body};
use crate::journal::RecordedRequest;
use crate::person::Person;
use crate::request_parameters::RequestParameters;
use crate::request_stream::StreamRequests;
use crate::{control_of_faults, control_of_state, verdicts};

/// A device login that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingDevice {
    /// The code as the device shows it.
    pub user_code: String,
    /// The client that asked.
    pub client_id: String,
    /// The scope that it asked for, tokens separated by spaces.
    pub scope: String,
    /// Seconds until the code expires.
    pub expires_in: u64,
}

/// Names a device login.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhichDevice<'a> {
    /// By its user code, read as a person types it.
    UserCode(&'a str),
    /// By its device code, a secret.
    DeviceCode(&'a str),
    /// The oldest one that waits for a person.
    Next,
}

impl<'a> From<&'a str> for WhichDevice<'a> {
    fn from(user_code: &'a str) -> Self {
        Self::UserCode(user_code)
    }
}

impl<'a> From<&'a String> for WhichDevice<'a> {
    fn from(user_code: &'a String) -> Self {
        Self::UserCode(user_code)
    }
}

/// Without the device code.
impl fmt::Debug for WhichDevice<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UserCode(user_code) => user_code,
            Self::DeviceCode(_) => "by device code",
            Self::Next => "next",
        })
    }
}

/// Why a decision about a device login could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlError {
    /// No device login has this user code.
    UnknownUserCode,
    /// No device login has this device code.
    UnknownDeviceCode,
    /// No device login waits for a person.
    NonePending,
    /// No client is registered with this `client_id`.
    UnknownClient,
    /// The scope is not supported.
    UnknownScope,
    /// Nobody with this subject can sign in.
    UnknownUser,
    /// The code has expired.
    Expired,
    /// It was approved or denied before.
    AlreadyDecided,
}

impl fmt::Display for ControlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownUserCode => "no device login has this user code: see the list of pending ones",
            Self::UnknownDeviceCode => "no device login has this device code",
            Self::NonePending => "no device login waits for a person",
            Self::UnknownClient => "no client is registered with this client_id: see the list of clients",
            Self::UnknownScope => "the scope is not supported: see scopes_supported in the metadata",
            Self::UnknownUser => "nobody with this name can sign in here: see the list of users",
            Self::Expired => "the user code has expired: let the device ask for a new one",
            Self::AlreadyDecided => "the device login was approved or denied before",
        })
    }
}

impl Error for ControlError {}

impl AuthorizationServer {
    /// Approves a device login in the place of the first user; a text is a user code, read as a person types it.
    pub fn approve<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
    ) -> Result<(), ControlError> {
        let person = self.people.first();
        self.undecided(now, device.into())?.approve(person);
        Ok(())
    }

    /// Approves a device login in the place of the user whose subject is `user`.
    pub fn approve_as<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
        user: &str,
    ) -> Result<(), ControlError> {
        let person = self.people.find(user).map(Arc::clone).ok_or(ControlError::UnknownUser)?;
        self.undecided(now, device.into())?.approve(person);
        Ok(())
    }

    /// Denies a device login.
    pub fn deny<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
    ) -> Result<(), ControlError> {
        self.undecided(now, device.into())?.decision = Decision::Denied;
        Ok(())
    }

    /// Lets the code of a device login expire now, approved or not.
    pub fn expire<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
    ) -> Result<(), ControlError> {
        let now = self.virtual_time(now);
        let login = self.find_login(now, device.into())?;
        login.expires_at = login.expires_at.min(now);
        Ok(())
    }

    /// Device logins that wait for a person, oldest first.
    pub fn pending(&self, now: Timestamp) -> Vec<PendingDevice> {
        let now = self.virtual_time(now);
        let describe = |login: &DeviceLogin| PendingDevice {
            user_code: login.user_code.clone(),
            client_id: login.client.id.clone(),
            scope: login.scope.to_parameter(),
            expires_in: login.expires_at.since(now).as_secs(),
        };
        self.device_codes.pending(now).map(describe).collect()
    }

    /// What clients did so far, oldest first (the latest ten thousand requests).
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &RecordedRequest> {
        self.journal.iter()
    }

    /// Registers a client, or replaces the one with the same `client_id`; true if it is a new one.
    pub fn put_client(&mut self, client: Client) -> bool {
        self.clients.put(client)
    }

    /// Forgets a client; true if there was one. What it holds already stays good.
    pub fn remove_client(&mut self, client_id: &str) -> bool {
        self.clients.remove(client_id)
    }

    /// The registered clients.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter()
    }

    /// Adds someone who can sign in, or replaces who has the same subject; true if they are new.
    pub fn put_user(&mut self, person: Person) -> bool {
        self.people.put(person)
    }

    /// Forgets someone; true if they were known. What they approved stays good.
    pub fn remove_user(&mut self, subject: &str) -> bool {
        self.people.remove(subject)
    }

    /// Everyone who can sign in.
    pub fn users(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }

    fn undecided(
        &mut self,
        now: Timestamp,
        device: WhichDevice<'_>,
    ) -> Result<&mut DeviceLogin, ControlError> {
        let now = self.virtual_time(now);
        let login = self.find_login(now, device)?;
        if login.decision != Decision::Pending {
            return Err(ControlError::AlreadyDecided);
        }
        if login.is_expired(now) {
            return Err(ControlError::Expired);
        }
        Ok(login)
    }

    fn find_login(
        &mut self,
        virtual_now: Timestamp,
        device: WhichDevice<'_>,
    ) -> Result<&mut DeviceLogin, ControlError> {
        match device {
            WhichDevice::UserCode(typed) => {
                self.device_codes.by_typed_code(typed).ok_or(ControlError::UnknownUserCode)
            }
            WhichDevice::DeviceCode(code) => {
                self.device_codes.by_device_code(code).ok_or(ControlError::UnknownDeviceCode)
            }
            WhichDevice::Next => self.device_codes.next_pending(virtual_now).ok_or(ControlError::NonePending),
        }
    }
}

/// Answers a request below `/_control`.
pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    control: &Control,
) -> Result<Response, ErrorResponse> {
    refuse_other_sites(server, exchange)?;
    let real_now = exchange.real_now;
    match control {
        Control::Devices => {
            exchange.allow("GET")?;
            let devices: Vec<Value> = server.pending(real_now).iter().map(describe_device).collect();
            Ok(json_no_store(StatusCode::OK, &json!({ "devices": devices })))
        }
        Control::Device { user_code, verdict } => {
            exchange.allow("POST")?;
            let members = members(exchange, &["user", "wait"])?;
            let device = if user_code == "next" { WhichDevice::Next } else { user_code.as_str().into() };
            decide(server, exchange, device, *verdict, &members)
        }
        Control::DecideInBody { verdict } => {
            exchange.allow("POST")?;
            let members = members(exchange, &["device_code", "user_code", "user", "wait"])?;
            let device = match (text(&members, "device_code")?, text(&members, "user_code")?) {
                (Some(device_code), None) => WhichDevice::DeviceCode(device_code),
                (None, Some(user_code)) => WhichDevice::UserCode(user_code),
                _ => return Err(ErrorResponse::invalid_request("either device_code or user_code is needed")),
            };
            decide(server, exchange, device, *verdict, &members)
        }
        Control::Requests => {
            exchange.allow("GET")?;
            list_requests(server, exchange)
        }
        Control::RequestStream => {
            exchange.allow("GET")?;
            let since = query(exchange)?.get("since").and_then(|since| since.parse().ok());
            Ok(stream(server, since.unwrap_or(server.journal.recorded())))
        }
        Control::OpenApi => {
            exchange.allow("GET")?;
            Ok(with_body(StatusCode::OK, "application/json", OPENAPI.to_owned()))
        }
        Control::Verdicts => {
            exchange.allow("GET")?;
            Ok(json_no_store(StatusCode::OK, &verdicts::json(&server.verdicts)))
        }
        Control::Faults | Control::Fault { .. } | Control::Scripts => {
            control_of_faults::respond(server, exchange, control)
        }
        Control::AdvanceClock => {
            exchange.allow("POST")?;
            server.advance(duration_in_body(exchange)?);
            let now = server.virtual_time(real_now).unix_seconds();
            Ok(json_no_store(StatusCode::OK, &json!({ "now": now })))
        }
        Control::Reset => {
            exchange.allow("POST")?;
            server.reset(real_now);
            Ok(no_store(empty(StatusCode::NO_CONTENT)))
        }
        _ => control_of_state::respond(server, exchange, control),
    }
}

/// The document that describes this interface to programs.
const OPENAPI: &str = include_str!("control.openapi.json");

/// The longest that an answer is waited for.
const LONGEST_WAIT: f64 = 60.0;

fn decide(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    device: WhichDevice<'_>,
    verdict: Verdict,
    members: &Map<String, Value>,
) -> Result<Response, ErrorResponse> {
    let now = exchange.real_now;
    let user = text(members, "user")?;
    let wait = wait(members.get("wait"))?;
    let decided = match (verdict, user) {
        (Verdict::Approve, Some(user)) => server.approve_as(now, device, user),
        (Verdict::Approve, None) => server.approve(now, device),
        (_, Some(_)) => return Err(ErrorResponse::invalid_request("only an approval has a user")),
        (Verdict::Deny, None) => server.deny(now, device),
        (Verdict::Expire, None) => server.expire(now, device),
    };
    match decided {
        Ok(()) => Ok(no_store(empty(StatusCode::NO_CONTENT))),
        Err(ControlError::NonePending) if !wait.is_zero() => {
            let mut response = refuse(ControlError::NonePending).into_response();
            response.extensions_mut().insert(NotYet(wait));
            Ok(response)
        }
        Err(error) => Err(refuse(error)),
    }
}

/// All requests; with `since=N` those of clients after the Nth, numbered and explained, waiting for one with `wait=S`.
fn list_requests(server: &AuthorizationServer, exchange: &Exchange<'_>) -> Result<Response, ErrorResponse> {
    let query = query(exchange)?;
    let Some(since) = query.get("since") else {
        let requests: Vec<Value> = server.requests().map(describe_request).collect();
        return Ok(json_no_store(StatusCode::OK, &json!({ "requests": requests })));
    };
    let since: u64 = since
        .parse()
        .map_err(|_| ErrorResponse::invalid_request("since must be the number of a request, 0 for all"))?;
    let wait = wait(query.get("wait").map(Value::from).as_ref())?;
    let requests: Vec<Value> = requests_after(server, since).map(|(_, request)| request).collect();
    let is_empty = requests.is_empty();
    let answer = json!({ "requests": requests, "next": server.journal.recorded() });
    let mut response = json_no_store(StatusCode::OK, &answer);
    if is_empty && !wait.is_zero() {
        response.extensions_mut().insert(NotYet(wait));
    }
    Ok(response)
}

/// What clients (not tests) asked after the request of this number, with numbers and explanations.
pub(crate) fn requests_after(server: &AuthorizationServer, since: u64) -> impl Iterator<Item = (u64, Value)> {
    let of_clients = |(_, request): &(u64, &RecordedRequest)| !request.path.contains("/_control/");
    server.journal.after(since).filter(of_clients).map(|(number, request)| {
        let mut described = describe_request(request);
        described["number"] = number.into();
        described["refused"] = request.explanation.as_ref().map_or(Value::Null, |explanation| {
            json!({
                "check": explanation.check.name(),
                "section": explanation.check.section(),
                "expected": explanation.check.expected(),
                "got": explanation.got,
            })
        });
        (number, described)
    })
}

/// Asks the listener for server-sent events in place of a body.
fn stream(server: &AuthorizationServer, since: u64) -> Response {
    let mut response = no_store(with_body(StatusCode::OK, "text/event-stream", String::new()));
    response.extensions_mut().insert(StreamRequests { tenant: server.name.clone(), since });
    response
}

fn query(exchange: &Exchange<'_>) -> Result<RequestParameters, ErrorResponse> {
    RequestParameters::with_repeats(exchange.request.uri().query().unwrap_or_default())
}

/// The members of a JSON object, or the parameters of a form; nothing for an empty body. Where names are given, no
/// others may come.
pub(crate) fn members(exchange: &Exchange<'_>, names: &[&str]) -> Result<Map<String, Value>, ErrorResponse> {
    let request = exchange.request;
    if request.body().is_empty() {
        return Ok(Map::new());
    }
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let members = if content_type.unwrap_or_default().starts_with("application/json") {
        serde_json::from_slice(request.body())
            .map_err(|error| ErrorResponse::invalid_request(format!("the body is no JSON object: {error}")))?
    } else {
        let form = RequestParameters::from_form(request, Lenient::default())?;
        form.iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>()
    };
    match members.keys().find(|name| !names.is_empty() && !names.contains(&name.as_str())) {
        None => Ok(members),
        Some(unknown) => {
            let known = names.join(", ");
            Err(ErrorResponse::invalid_request(format!("unknown member {unknown}: there are {known}")))
        }
    }
}

/// A member that is a text; empty counts as left out.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ErrorResponse> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(ErrorResponse::invalid_request(format!("{name} must be a text"))),
    }
}

/// How long to wait, from the member `wait` in seconds.
fn wait(member: Option<&Value>) -> Result<Duration, ErrorResponse> {
    let Some(member) = member.filter(|member| !member.is_null()) else {
        return Ok(Duration::ZERO);
    };
    number(member)
        .filter(|seconds| (0.0..=LONGEST_WAIT).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| ErrorResponse::invalid_request("wait must be a number of seconds, 0 to 60"))
}

/// No page of another site may steer the server through the developer's browser.
fn refuse_other_sites(server: &AuthorizationServer, exchange: &Exchange<'_>) -> Result<(), ErrorResponse> {
    let headers = exchange.request.headers();
    let foreign_origin = headers.get(ORIGIN).is_some_and(|origin| {
        origin.to_str().map_or(true, |origin| !host_allow_list::is_own_origin(&server.settings, origin))
    });
    // Another port of the same host is the same site, and another origin.
    let foreign_site =
        headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    if foreign_origin || foreign_site {
        let refusal =
            ErrorResponse::new("access_denied", "the control interface takes no request from another origin");
        return Err(refusal.with_status(StatusCode::FORBIDDEN));
    }
    Ok(())
}

pub(crate) fn refuse(error: ControlError) -> ErrorResponse {
    let (status, code) = match error {
        ControlError::UnknownUserCode => (StatusCode::NOT_FOUND, "unknown_user_code"),
        ControlError::UnknownDeviceCode => (StatusCode::NOT_FOUND, "unknown_device_code"),
        ControlError::NonePending => (StatusCode::NOT_FOUND, "none_pending"),
        ControlError::UnknownClient => (StatusCode::NOT_FOUND, "unknown_client"),
        ControlError::UnknownScope => (StatusCode::BAD_REQUEST, "invalid_scope"),
        ControlError::UnknownUser => (StatusCode::NOT_FOUND, "unknown_user"),
        ControlError::Expired => (StatusCode::GONE, "expired_user_code"),
        ControlError::AlreadyDecided => (StatusCode::CONFLICT, "already_decided"),
    };
    ErrorResponse::new(code, error.to_string()).with_status(status)
}

/// `{"seconds": 960}` as JSON, or `seconds=960` as a form; fractions are fine.
fn duration_in_body(exchange: &Exchange<'_>) -> Result<Duration, ErrorResponse> {
    let content_type = exchange.request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let seconds = if content_type.unwrap_or_default().starts_with("application/json") {
        serde_json::from_slice::<Value>(exchange.request.body())
            .ok()
            .and_then(|body| body["seconds"].as_f64())
    } else {
        RequestParameters::from_form(exchange.request, Lenient::default())?
            .get("seconds")
            .and_then(|seconds| seconds.parse().ok())
    };
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        ErrorResponse::invalid_request("seconds must be a number, 0 or more: as JSON or as a form parameter")
    })
}

fn describe_device(device: &PendingDevice) -> Value {
    json!({
        "user_code": device.user_code,
        "client_id": device.client_id,
        "scope": device.scope,
        "expires_in": device.expires_in,
    })
}

fn describe_request(request: &RecordedRequest) -> Value {
    json!({
        "method": request.method,
        "path": request.path,
        "at": request.at.as_secs_f64(),
        "status": request.status,
        "grant_type": request.grant_type,
        "client_id": request.client_id,
        "error": request.error,
        "gap": request.gap.map(|gap| gap.as_secs_f64()),
    })
}
