//! Client authentication at the token, device authorization, revocation and introspection endpoints: RFC 6749 section 2.3.

use std::sync::Arc;

use crate::authorization_server::AuthorizationServer;
use crate::basic_credentials::basic_credentials;
use crate::checks::Check;
use crate::clients::Client;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::printable::printable;
use crate::request_parameters::RequestParameters;

/// Finds out which client sends the request and checks its secret.
///
/// A public client names itself with `client_id`; a confidential one uses HTTP Basic **or** `client_secret` in the body.
pub(crate) fn authenticate(
    server: &AuthorizationServer,
    exchange: &mut Exchange<'_>,
    parameters: &RequestParameters,
) -> Result<Arc<Client>, ErrorResponse> {
    let body_client_id = parameters.get("client_id");
    exchange.note.client_id = body_client_id.map(printable);
    let basic = basic_credentials(exchange.request)?;
    let body_secret = parameters.get("client_secret");

    let Some((client_id, secret)) = basic else {
        let Some(client_id) = body_client_id else {
            return Err(ErrorResponse::invalid_request("the parameter client_id is missing")
                .because(Check::MissingParameter, "no client_id"));
        };
        return check(server, client_id, body_secret, false);
    };
    if body_secret.is_some() {
        // "The client MUST NOT use more than one authentication method in each request."
        return Err(ErrorResponse::invalid_request(
            "one way of client authentication at a time: Basic or client_secret in the body",
        )
        .because(Check::ClientAuthentication, "Basic and client_secret"));
    }
    if body_client_id.is_some_and(|named| named != client_id) {
        return Err(ErrorResponse::invalid_request(
            "client_id in the body differs from the one in the Authorization header",
        )
        .because(Check::ClientAuthentication, "two different client_id"));
    }
    exchange.note.client_id = Some(printable(&client_id));
    check(server, &client_id, Some(&secret), true)
}

fn check(
    server: &AuthorizationServer,
    client_id: &str,
    secret: Option<&str>,
    tried_basic: bool,
) -> Result<Arc<Client>, ErrorResponse> {
    let Some(client) = server.client(client_id) else {
        return Err(ErrorResponse::invalid_client(
            "no client is registered with this client_id",
            tried_basic,
        )
        .because(Check::ClientId, client_id));
    };
    match secret {
        None if client.is_public() => Ok(client),
        _ if server.relaxes(Check::ClientSecret) => Ok(client),
        None => Err(ErrorResponse::invalid_client(
            format!("the client {client_id} is confidential: authenticate with Basic or client_secret"),
            tried_basic,
        )
        .because(Check::ClientSecret, "none")),
        Some(_) if client.is_public() => Err(ErrorResponse::invalid_client(
            format!("the client {client_id} is public and has no secret: send client_id alone"),
            tried_basic,
        )
        .because(Check::ClientSecret, "a secret of a public client")),
        Some(secret) if client.has_secret(secret) => Ok(client),
        Some(_) => Err(ErrorResponse::invalid_client("the client secret is wrong", tried_basic)
            .because(Check::ClientSecret, "another secret")),
    }
}
