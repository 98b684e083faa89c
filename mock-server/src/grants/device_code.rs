//! `urn:ietf:params:oauth:grant-type:device_code`: RFC 8628 sections 3.4 and 3.5.

use std::sync::Arc;

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::clients::Client;
use crate::device_codes::{Decision, DeviceLogin, Poll};
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::grants::{Refresh, access_token_response};
use crate::http_response::Response;
use crate::issued_tokens::Grant;
use crate::profiles::SlowDown;
use crate::request_parameters::RequestParameters;

/// With `auto_approve`, so many polls hear `authorization_pending` first.
const POLLS_BEFORE_AUTO_APPROVAL: u32 = 2;

pub(crate) fn redeem(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
    client: &Arc<Client>,
    parameters: &RequestParameters,
) -> Result<Response, ErrorResponse> {
    let now = exchange.now;
    let device_code = parameters.require("device_code")?;
    let login = server
        .device_codes
        .by_device_code(device_code)
        .filter(|login| login.client.id == client.id)
        .ok_or_else(|| {
            ErrorResponse::invalid_grant("no such device_code was issued to this client, or it is long gone")
                .because(Check::DeviceCode, "another")
        })?;
    let poll = login.poll(now);
    exchange.note.gap = poll.gap;

    let lenient = server.settings.lenient;
    let rules = server.settings.profile.rules();
    let is_too_fast = poll.too_fast && rules.slow_down != SlowDown::Never && !lenient.on(Check::PollInterval);
    if is_too_fast && rules.slow_down == SlowDown::BeforeTheState {
        return Err(slow_down(login, &poll));
    }
    if login.decision == Decision::Redeemed && !lenient.on(Check::DeviceCodeReuse) {
        return Err(ErrorResponse::invalid_grant(
            "this device_code was redeemed before: it is good for one use",
        )
        .because(Check::DeviceCodeReuse, "a second use"));
    }
    if login.is_expired(now) && !rules.pending_after_expiry {
        let description = "the device_code has expired: start a new device authorization request";
        return Err(ErrorResponse::new("expired_token", description)
            .because(Check::DeviceCodeExpiry, "an expired one"));
    }
    if login.decision == Decision::Denied {
        return Err(ErrorResponse::new("access_denied", "the person refused"));
    }
    let is_time = login.pending_answers >= POLLS_BEFORE_AUTO_APPROVAL;
    if server.settings.auto_approve && is_time && login.decision == Decision::Pending {
        login.approve(now, server.people.first());
    }
    if !matches!(login.decision, Decision::Approved | Decision::Redeemed) {
        if is_too_fast {
            return Err(slow_down(login, &poll));
        }
        login.pending_answers = login.pending_answers.saturating_add(1);
        return Err(ErrorResponse::new("authorization_pending", "the person has not decided yet"));
    }

    let scope = login.scope.clone();
    login.decision = Decision::Redeemed;
    let grant = server.tokens.add_grant(Grant {
        client: Arc::clone(client),
        person: login.person.clone(),
        scope: scope.clone(),
        nonce: None,
        authorized_at: now,
    });
    Ok(access_token_response(server, exchange.issuance(), grant, &scope, Refresh::Issue))
}

/// From now on the device has to wait five seconds longer.
fn slow_down(login: &mut DeviceLogin, poll: &Poll) -> ErrorResponse {
    login.slow_down();
    let required = poll.required_gap.as_secs_f32();
    let gap = poll.gap.unwrap_or_default().as_secs_f32();
    let description =
        format!("polled after {gap:.1} s, expected {required:.1} s: wait 5 s longer from now on");
    ErrorResponse::new("slow_down", description)
        .because(Check::PollInterval, format!("a poll after {gap:.1} s in place of {required:.1} s"))
}
