//! `client_credentials`: RFC 6749 section 4.4.

use std::sync::Arc;

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::clients::Client;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::grants::{Refresh, access_token_response};
use crate::http_response::Response;
use crate::issued_tokens::Grant;
use crate::request_parameters::RequestParameters;
use crate::scope::Scope;

/// The scopes of OpenID Connect.
const ABOUT_A_PERSON: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

pub(crate) fn issue(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
    client: &Arc<Client>,
    parameters: &RequestParameters,
) -> Result<Response, ErrorResponse> {
    // "The client credentials grant type MUST only be used by confidential clients."
    if client.is_public() {
        return Err(ErrorResponse::unauthorized_client("a public client has no credentials to use")
            .because(Check::ConfidentialClient, "a public one"));
    }
    let scope = Scope::requested(parameters.get("scope"), &server.supported_scopes())?;
    if let Some(about_a_person) = scope.iter().find(|token| ABOUT_A_PERSON.contains(token)) {
        return Err(ErrorResponse::invalid_scope(format!(
            "the scope {about_a_person} is about a person, and this grant has none"
        ))
        .because(Check::Scope, scope.to_parameter()));
    }
    let grant = server.tokens.add_grant(Grant {
        client: Arc::clone(client),
        person: None,
        scope: scope.clone(),
        nonce: None,
        authorized_at: exchange.now,
    });
    // "A refresh token SHOULD NOT be included."
    let refresh =
        if server.rules().refresh_for_client_credentials { Refresh::Issue } else { Refresh::Withhold };
    Ok(access_token_response(server, exchange.issuance(), grant, &scope, refresh))
}
