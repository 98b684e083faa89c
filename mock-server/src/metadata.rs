//! Authorization server metadata: RFC 8414, and OpenID Connect Discovery.

use hyper::StatusCode;
use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Exchange};
use crate::clients::grant_type;
use crate::error_response::ErrorResponse;
use crate::http_response::{Response, json};
use crate::scope;

pub(crate) fn respond(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET")?;
    let metadata = json!({
        "issuer": server.settings.issuer,
        "device_authorization_endpoint": server.endpoint_url("/device-authorization"),
        "token_endpoint": server.endpoint_url("/token"),
        "grant_types_supported": grant_type::ALL,
        "response_types_supported": ["code"],
        "scopes_supported": scope::SUPPORTED,
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
    });
    Ok(json(StatusCode::OK, &metadata))
}
