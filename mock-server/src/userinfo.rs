//! The `UserInfo` endpoint: OpenID Connect Core section 5.3.

use hyper::StatusCode;

use crate::authorization_server::AuthorizationServer;
use crate::bearer_token;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, json_no_store};

pub(crate) fn respond(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET, POST")?;
    let (token, grant) = bearer_token::check(server, exchange, Some("openid"))?;
    // A token with the scope `openid` always has a person behind it.
    let claims = grant.person.as_ref().map(|person| person.claims_for(&token.scope)).unwrap_or_default();
    Ok(json_no_store(StatusCode::OK, &claims.into()))
}
