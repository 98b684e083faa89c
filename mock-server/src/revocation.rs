//! Token revocation: RFC 7009.

use hyper::StatusCode;

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::client_authentication::authenticate;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty, no_store};
use crate::request_parameters::RequestParameters;

pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("POST")?;
    let parameters = RequestParameters::from_form(exchange.request, server.settings.lenient)?;
    let client = authenticate(server, exchange, &parameters)?;
    // `token_type_hint` only speeds up a search; this server looks everywhere (section 2.1).
    let token = parameters.require("token")?;

    let of_another_client = || {
        ErrorResponse::invalid_grant("the token was issued to another client")
            .because(Check::TokenOwner, "a token of another client")
    };
    if let Some((refresh_token, grant)) = server.tokens.refresh_token(exchange.now, token) {
        if grant.client.id != client.id {
            return Err(of_another_client());
        }
        // "the authorization server SHOULD also invalidate all access tokens based on the same authorization grant"
        let grant = refresh_token.grant;
        server.tokens.revoke_grant(grant);
    } else if let Some((_, grant)) = server.tokens.active_access_token(exchange.now, token) {
        if grant.client.id != client.id {
            return Err(of_another_client());
        }
        server.tokens.revoke_access_token(token);
    }
    // "invalid tokens do not cause an error response"
    Ok(no_store(empty(StatusCode::OK)))
}
