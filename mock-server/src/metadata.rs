//! Authorization server metadata: RFC 8414 sections 2 and 3, and OpenID Connect Discovery section 3.

use hyper::StatusCode;
use serde_json::json;

use crate::authorization_server::AuthorizationServer;
use crate::clients::grant_type;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty, json, open_to_all_origins};
use crate::profiles::MetadataDocuments;
use crate::signing::SigningAlgorithm;

/// One document for both well-known paths: what is true of the server depends only on the name by which it is asked.
pub(crate) fn respond(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET")?;
    let is_openid = exchange.request.uri().path().contains("openid-configuration");
    let missing = match server.rules().metadata {
        MetadataDocuments::Both => None,
        MetadataDocuments::AuthorizationServerOnly => is_openid.then_some(StatusCode::UNAUTHORIZED),
        MetadataDocuments::Neither => Some(StatusCode::NOT_FOUND),
    };
    if let Some(status) = missing {
        return Ok(empty(status));
    }
    // "The algorithm RS256 MUST be included": a client gets it by registering id_token_signed_response_alg.
    let id_token_algorithms = match server.settings.access_token_format.id_token_algorithm() {
        SigningAlgorithm::Es256 => [SigningAlgorithm::Es256, SigningAlgorithm::Rs256],
        SigningAlgorithm::Rs256 => [SigningAlgorithm::Rs256, SigningAlgorithm::Es256],
    };
    let endpoint_url = |path| server.endpoint_url(&exchange.issuer, path);
    let metadata = json!({
        "issuer": &*exchange.issuer,
        "authorization_endpoint": endpoint_url("/authorize"),
        "token_endpoint": endpoint_url("/token"),
        "device_authorization_endpoint": endpoint_url("/device-authorization"),
        "revocation_endpoint": endpoint_url("/revoke"),
        "introspection_endpoint": endpoint_url("/introspect"),
        "userinfo_endpoint": endpoint_url("/userinfo"),
        "jwks_uri": endpoint_url("/jwks"),
        "scopes_supported": server.settings.scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_type::ALL,
        "code_challenge_methods_supported": ["S256", "plain"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": id_token_algorithms.map(SigningAlgorithm::name),
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash",
            "name", "preferred_username", "email", "email_verified",
        ],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    Ok(open_to_all_origins(json(StatusCode::OK, &metadata)))
}
