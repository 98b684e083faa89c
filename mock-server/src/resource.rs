//! A protected resource: RFC 6750.

use hyper::StatusCode;
use hyper::header::AUTHORIZATION;
use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Exchange};
use crate::error_response::ErrorResponse;
use crate::http_response::{Response, json_no_store};
use crate::profiles::ResourceAuthorization;

pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    let header = exchange.request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = match server.rules().resource_authorization {
        ResourceAuthorization::RawToken => header,
        ResourceAuthorization::Bearer => header.and_then(|header| header.strip_prefix("Bearer ")),
    };
    let active = token.and_then(|token| server.tokens.active_access_token(exchange.now, token));
    let Some((token, grant)) = active else {
        return Err(
            ErrorResponse::new("invalid_token", "no such token").with_status(StatusCode::UNAUTHORIZED)
        );
    };
    let body = json!({
        "resource": "demo",
        "sub": grant.subject,
        "client_id": grant.client_id,
        "scope": token.scope.to_parameter(),
    });
    Ok(json_no_store(StatusCode::OK, &body))
}
