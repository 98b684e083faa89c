//! The device authorization endpoint: RFC 8628 sections 3.1 and 3.2.

use hyper::StatusCode;
use serde_json::json;

use crate::authorization_server::AuthorizationServer;
use crate::client_authentication::authenticate;
use crate::clients::grant_type;
use crate::device_codes::{Full, NewDeviceLogin};
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, json_no_store};
use crate::login_script::{LoginScript, LoginScriptError};
use crate::request_parameters::RequestParameters;
use crate::scope::Scope;

pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("POST")?;
    let parameters = RequestParameters::from_form(exchange.request, server.settings.lenient)?;
    let client = authenticate(server, exchange, &parameters)?;
    server.may_use(&client, grant_type::DEVICE_CODE)?;
    let (scope, script) = scope_and_script(server, exchange, &client.id, &parameters)?;

    let rules = server.rules();
    let lifetime = server.device_code_lifetime();
    let request = NewDeviceLogin {
        client,
        scope,
        requested_from: exchange.peer,
        lifetime,
        interval: server.settings.interval,
        script,
    };
    let issued = server.device_codes.issue(exchange.now, &mut server.randomness, rules.user_code, request);
    let (device_code, login) = issued.map_err(|Full| {
        ErrorResponse::full_table("too many device logins are waiting: let some expire, or reset the server")
    })?;
    let user_code = login.user_code.clone();

    let verification_uri = format!("{}{}", exchange.issuer, server.advertised_path("/device"));
    let mut answer = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": verification_uri,
        "expires_in": lifetime.as_secs(),
        "interval": server.settings.interval.as_secs(),
    });
    if rules.sends_verification_uri_complete {
        // The codes of every profile need no percent-encoding.
        answer["verification_uri_complete"] = format!("{verification_uri}?user_code={user_code}").into();
    }
    Ok(json_no_store(StatusCode::OK, &answer))
}

/// A header that says what the polls of this login meet; a scope token `script:...` says the same.
const SCRIPT_HEADER: &str = "mock-script";

/// The scope that is asked for, and the script: by header, by scope, or as it waits for such a login.
fn scope_and_script(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    client_id: &str,
    parameters: &RequestParameters,
) -> Result<(Scope, LoginScript), ErrorResponse> {
    let asked = parameters.get("scope");
    let in_scope = asked.and_then(|scope| scope.split(' ').find_map(|token| token.strip_prefix("script:")));
    let without_script = in_scope.and(asked).map(|scope| {
        scope.split(' ').filter(|token| !token.starts_with("script:")).collect::<Vec<_>>().join(" ")
    });
    let rest = without_script.as_deref().or(asked).filter(|scope| !scope.is_empty());
    let scope = Scope::requested(rest, &server.supported_scopes())?;
    let in_header = exchange.request.headers().get(SCRIPT_HEADER).and_then(|script| script.to_str().ok());
    let script = match in_header.or(in_scope) {
        Some(script) => script
            .parse()
            .map_err(|error: LoginScriptError| ErrorResponse::invalid_request(error.to_string()))?,
        None => {
            server.scripts.take(client_id, |token| scope.contains(token)).unwrap_or_else(LoginScript::empty)
        }
    };
    Ok((scope, script))
}
