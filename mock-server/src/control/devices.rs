//! `/_control/devices`: device logins and what becomes of them.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::body::Members;
use super::refuse;
use crate::answer::NotYet;
use crate::authorization_server::AuthorizationServer;
use crate::decisions::{ControlError, PendingDevice, WhichDevice};
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty, no_store};
use crate::routes::Choice;

pub(super) fn decide(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    device: WhichDevice<'_>,
    choice: Choice,
    members: &Members,
) -> Result<Response, ErrorResponse> {
    let now = exchange.real_now;
    let user = members.text("user")?;
    let wait = members.wait()?;
    let decided = match (choice, user) {
        (Choice::Approve, Some(user)) => server.approve_as(now, device, user),
        (Choice::Approve, None) => server.approve(now, device),
        (Choice::Deny, _) => server.deny(now, device),
        (Choice::Expire, _) => server.expire(now, device),
        (Choice::SlowDown, _) => server.slow_down(now, device),
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

pub(super) fn describe(device: &PendingDevice) -> Value {
    json!({
        "user_code": device.user_code,
        "client_id": device.client_id,
        "scope": device.scope,
        "expires_in": device.expires_in,
    })
}
