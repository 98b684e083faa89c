//! `refresh_token` with rotation: RFC 6749 section 6, RFC 9700 section 4.14.

use crate::authorization_server::{AuthorizationServer, Exchange};
use crate::clients::Client;
use crate::error_response::ErrorResponse;
use crate::grants::{Refresh, access_token_response};
use crate::http_response::Response;
use crate::request_parameters::RequestParameters;
use crate::scope::Scope;

pub(crate) fn redeem(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
    client: &'static Client,
    parameters: &RequestParameters,
) -> Result<Response, ErrorResponse> {
    let now = exchange.now;
    let (token, grant) = server
        .tokens
        .refresh_token(now, parameters.require("refresh_token")?)
        .filter(|(_, grant)| grant.client_id == client.id)
        .ok_or_else(|| {
            ErrorResponse::invalid_grant(
                "no living refresh_token of this client: it is unknown, expired or revoked",
            )
        })?;
    let grant_id = token.grant;
    if token.spent {
        server.tokens.revoke_grant(grant_id);
        return Err(ErrorResponse::invalid_grant(
            "this refresh_token was used before and rotated: all tokens of its family are revoked",
        ));
    }
    let scope = match parameters.get("scope") {
        None => grant.scope.clone(),
        asked => {
            let asked = Scope::requested(asked)?;
            // "MUST NOT include any scope not originally granted by the resource owner"
            if !asked.is_within(&grant.scope) {
                return Err(ErrorResponse::invalid_scope(format!(
                    "the scope may not be wider than what was granted: {}",
                    grant.scope.to_parameter()
                )));
            }
            asked
        }
    };
    token.spent = true;
    // The new refresh token stands for the whole grant again, however narrow this access token is.
    Ok(access_token_response(server, now, grant_id, &scope, Refresh::Issue))
}
