//! `/_control`: what a test or a developer decides in a person's place.

mod body;
mod devices;
mod faults;
mod requests;
mod state;
mod tls;

use hyper::StatusCode;
use hyper::header::ORIGIN;
use serde_json::{Value, json};

pub(crate) use requests::{is_of_client, requests_after};

use crate::authorization_server::AuthorizationServer;
use crate::decisions::{ControlError, WhichDevice};
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty, json_no_store, no_store, with_body};
use crate::routes::{Choice, Control};
use crate::{host_allow_list, verdicts};
use body::Members;

/// The document that describes this interface to programs.
const OPENAPI: &str = include_str!("openapi.json");

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
            let devices: Vec<Value> = server.pending(real_now).iter().map(devices::describe).collect();
            Ok(json_no_store(StatusCode::OK, &json!({ "devices": devices })))
        }
        Control::Device { user_code, choice } => {
            exchange.allow("POST")?;
            let members = Members::of(exchange, known_of(*choice, &["user", "wait"]))?;
            let device = if user_code == "next" { WhichDevice::Next } else { user_code.as_str().into() };
            devices::decide(server, exchange, device, *choice, &members)
        }
        Control::DecideInBody { choice } => {
            exchange.allow("POST")?;
            let known = known_of(*choice, &["user", "device_code", "user_code", "wait"]);
            let members = Members::of(exchange, known)?;
            let device = match (members.text("device_code")?, members.text("user_code")?) {
                (Some(device_code), None) => WhichDevice::DeviceCode(device_code),
                (None, Some(user_code)) => WhichDevice::UserCode(user_code),
                _ => return Err(ErrorResponse::invalid_request("either device_code or user_code is needed")),
            };
            devices::decide(server, exchange, device, *choice, &members)
        }
        Control::Requests => {
            exchange.allow("GET")?;
            requests::list(server, exchange)
        }
        Control::RequestStream => {
            exchange.allow("GET")?;
            requests::stream(server, exchange)
        }
        Control::OpenApi => {
            exchange.allow("GET")?;
            let own_path = exchange.request.uri().path().trim_end_matches('/');
            let server_url = own_path.trim_end_matches("/openapi.json");
            let document = OPENAPI.replacen("\"/_control\"", &format!("\"{server_url}\""), 1);
            Ok(with_body(StatusCode::OK, "application/json", document))
        }
        Control::Verdicts => {
            exchange.allow("GET")?;
            Ok(json_no_store(StatusCode::OK, &verdicts::json(&server.verdicts)))
        }
        Control::Faults | Control::Fault { .. } | Control::Scripts => {
            faults::respond(server, exchange, control)
        }
        Control::Tls => tls::respond(server, exchange),
        Control::TlsAuthority => tls::authority(server, exchange),
        Control::Reset => {
            exchange.allow("POST")?;
            server.reset(real_now);
            Ok(no_store(empty(StatusCode::NO_CONTENT)))
        }
        _ => state::respond(server, exchange, control),
    }
}

/// What a decision may say: only an approval, by someone, has the `user` that leads the list.
fn known_of<'a>(choice: Choice, members: &'a [&'a str]) -> &'a [&'a str] {
    if choice == Choice::Approve { members } else { &members[1..] }
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
        ControlError::UnknownDeviceCode => (StatusCode::NOT_FOUND, "unknown_device_code"),
        ControlError::NonePending => (StatusCode::NOT_FOUND, "none_pending"),
        ControlError::UnknownClient => (StatusCode::NOT_FOUND, "unknown_client"),
        ControlError::UnknownScope => (StatusCode::NOT_FOUND, "unknown_scope"),
        ControlError::UnknownUser => (StatusCode::NOT_FOUND, "unknown_user"),
        ControlError::Expired => (StatusCode::GONE, "expired_user_code"),
        ControlError::AlreadyDecided => (StatusCode::CONFLICT, "already_decided"),
        ControlError::TooManyTokens => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        ControlError::NotOverTls => (StatusCode::CONFLICT, "not_over_tls"),
        ControlError::NoAuthority => (StatusCode::CONFLICT, "no_authority"),
    };
    ErrorResponse::new(code, error.to_string()).with_status(status)
}
