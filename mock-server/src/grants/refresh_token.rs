//! `refresh_token` with rotation: RFC 6749 section 6, RFC 9700 section 4.14.

use std::sync::Arc;

use hyper::StatusCode;

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::clients::Client;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::grants::{Refresh, access_token_response, issue_tokens};
use crate::http_response::{Response, json_no_store};
use crate::issued_tokens::Spent;
use crate::request_parameters::RequestParameters;
use crate::scope::{Scope, Supported};
use crate::settings::Rotation;

pub(crate) fn redeem(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
    client: &Arc<Client>,
    parameters: &RequestParameters,
) -> Result<Response, ErrorResponse> {
    let now = exchange.now;
    let lenient = server.settings.lenient;
    let rotation = server.settings.refresh_token_rotation;
    let refresh_token = parameters.require("refresh_token")?;
    let (token, grant) = server
        .tokens
        .refresh_token(now, refresh_token)
        .filter(|(_, grant)| grant.client.id == client.id)
        .ok_or_else(|| {
            ErrorResponse::invalid_grant(
                "no living refresh_token of this client: it is unknown, expired or revoked",
            )
            .because(Check::RefreshToken, "another")
        })?;
    let grant_id = token.grant;
    if let Some(spent) = token.spent.as_ref().filter(|_| !lenient.on(Check::RefreshTokenReuse)) {
        // The window is for a client that lost the answer, not for a second one.
        if let (Rotation::On { grace }, Some(answer)) = (rotation, &spent.answer)
            && now.since(spent.at) < grace
        {
            return Ok(json_no_store(StatusCode::OK, answer));
        }
        exchange.note.spent_refresh_token = true;
        server.tokens.revoke_grant(grant_id);
        return Err(ErrorResponse::invalid_grant(
            "this refresh_token was used before and rotated: all tokens of its family are revoked",
        )
        .because(Check::RefreshTokenReuse, "a second use"));
    }
    let scope = match parameters.get("scope") {
        None => grant.scope.clone(),
        asked => {
            let supported = Supported { scopes: &server.settings.scopes, any: lenient.on(Check::Scope) };
            let asked = Scope::requested(asked, &supported)?;
            // "MUST NOT include any scope not originally granted by the resource owner"
            if !asked.is_within(&grant.scope) {
                return Err(ErrorResponse::invalid_scope(format!(
                    "the scope may not be wider than what was granted: {}",
                    grant.scope.to_parameter()
                ))
                .because(Check::RefreshScope, asked.to_parameter()));
            }
            asked
        }
    };
    let Rotation::On { grace } = rotation else {
        return Ok(access_token_response(server, exchange.issuance(), grant_id, &scope, Refresh::Withhold));
    };
    token.spent = Some(Spent { at: now, answer: None });
    // The new refresh token stands for the whole grant again, however narrow this access token is.
    let answer = issue_tokens(server, exchange.issuance(), grant_id, &scope, Refresh::Issue);
    let response = json_no_store(StatusCode::OK, &answer);
    if !grace.is_zero() {
        server.tokens.remember_answer(refresh_token, answer);
    }
    Ok(response)
}
