//! `/_control`: what a test or a developer decides in a person's place, over HTTP and as methods.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ORIGIN};
use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, Exchange};
use crate::checks::Lenient;
use crate::clients::Client;
use crate::clock::Timestamp;
use crate::device_codes::{Decision, DeviceLogin};
use crate::endpoint::{Control, Verdict};
use crate::error_response::ErrorResponse;
use crate::host_allow_list;
use crate::http_response::{Response, empty, json_no_store, no_store};
use crate::journal::RecordedRequest;
use crate::person::Person;
use crate::request_parameters::RequestParameters;
use crate::{control_of_faults, verdicts};

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

/// Why a decision about a device login could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlError {
    /// No device login has this user code.
    UnknownUserCode,
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
            Self::UnknownUser => "nobody with this name can sign in here: see the list of users",
            Self::Expired => "the user code has expired: let the device ask for a new one",
            Self::AlreadyDecided => "the device login was approved or denied before",
        })
    }
}

impl Error for ControlError {}

impl AuthorizationServer {
    /// Approves the device login that shows `user_code`, read as a person types it.
    pub fn approve(&mut self, now: Timestamp, user_code: &str) -> Result<(), ControlError> {
        let person = self.people.first();
        self.undecided(now, user_code)?.approve(person);
        Ok(())
    }

    /// Denies the device login that shows `user_code`.
    pub fn deny(&mut self, now: Timestamp, user_code: &str) -> Result<(), ControlError> {
        self.undecided(now, user_code)?.decision = Decision::Denied;
        Ok(())
    }

    /// Lets the code expire now, approved or not.
    pub fn expire(&mut self, now: Timestamp, user_code: &str) -> Result<(), ControlError> {
        let now = self.virtual_time(now);
        let login = self.device_codes.by_typed_code(user_code).ok_or(ControlError::UnknownUserCode)?;
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

    /// Moves the clock forward: over codes, tokens, expiry and the gaps between polls.
    pub fn advance(&mut self, duration: Duration) {
        self.clock_offset = self.clock_offset.saturating_add(duration);
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

    /// Approves as [`approve`](Self::approve) does, in the place of the user whose subject is `user`.
    pub fn approve_as(&mut self, now: Timestamp, user_code: &str, user: &str) -> Result<(), ControlError> {
        let person = self.people.find(user).map(Arc::clone).ok_or(ControlError::UnknownUser)?;
        self.undecided(now, user_code)?.approve(person);
        Ok(())
    }

    fn undecided(&mut self, now: Timestamp, user_code: &str) -> Result<&mut DeviceLogin, ControlError> {
        let now = self.virtual_time(now);
        let login = self.device_codes.by_typed_code(user_code).ok_or(ControlError::UnknownUserCode)?;
        if login.decision != Decision::Pending {
            return Err(ControlError::AlreadyDecided);
        }
        if login.is_expired(now) {
            return Err(ControlError::Expired);
        }
        Ok(login)
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
            let decided = match verdict {
                Verdict::Approve => server.approve(real_now, user_code),
                Verdict::Deny => server.deny(real_now, user_code),
                Verdict::Expire => server.expire(real_now, user_code),
            };
            decided.map_err(refuse)?;
            Ok(no_store(empty(StatusCode::NO_CONTENT)))
        }
        Control::Requests => {
            exchange.allow("GET")?;
            let requests: Vec<Value> = server.requests().map(describe_request).collect();
            Ok(json_no_store(StatusCode::OK, &json!({ "requests": requests })))
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
    }
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

fn refuse(error: ControlError) -> ErrorResponse {
    let (status, code) = match error {
        ControlError::UnknownUserCode => (StatusCode::NOT_FOUND, "unknown_user_code"),
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
