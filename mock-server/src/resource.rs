//! A protected resource: it says for whom the access token stands.

use hyper::header::USER_AGENT;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::authorization_server::AuthorizationServer;
use crate::bearer_token;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, json_no_store};

/// Any active token may read; a POST needs the scope `write`.
pub(crate) fn respond(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET, POST")?;
    if server.rules().requires_user_agent && !exchange.request.headers().contains_key(USER_AGENT) {
        let refusal = ErrorResponse::invalid_request("a request to this API needs a User-Agent header");
        return Err(refusal.with_status(StatusCode::FORBIDDEN));
    }
    let required_scope = (exchange.request.method() == Method::POST).then_some("write");
    let (token, grant) = bearer_token::check(server, exchange, required_scope)?;
    let body = json!({
        "resource": "demo",
        "sub": grant.subject(),
        "client_id": grant.client.id,
        "scope": token.scope.to_parameter(),
    });
    Ok(json_no_store(StatusCode::OK, &body))
}
