//! `authorization_code`: RFC 6749 section 4.1.3, RFC 7636 section 4.6.

use std::sync::Arc;

use crate::authorization_codes::Usage;
use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::clients::Client;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::grants::{Refresh, access_token_response};
use crate::http_response::Response;
use crate::issued_tokens::Grant;
use crate::request_parameters::RequestParameters;

pub(crate) fn redeem(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
    client: &Arc<Client>,
    parameters: &RequestParameters,
) -> Result<Response, ErrorResponse> {
    let now = exchange.now;
    let lenient = server.settings.lenient;
    let shortest_code_verifier = server.rules().shortest_code_verifier;
    let reusable = lenient.on(Check::CodeReuse);
    let code = server
        .authorization_codes
        .find(parameters.require("code")?)
        .filter(|code| code.client.id == client.id)
        .ok_or_else(|| {
            ErrorResponse::invalid_grant("no such code was issued to this client")
                .because(Check::Code, "another code")
        })?;
    match code.usage {
        Usage::Fresh => {}
        _ if reusable => {}
        Usage::Spent => {
            return Err(ErrorResponse::invalid_grant("an earlier token request spent this code")
                .because(Check::CodeReuse, "a second use"));
        }
        Usage::Redeemed(grant) => {
            // "SHOULD revoke (when possible) all tokens previously issued based on that authorization code"
            server.tokens.revoke_grant(grant);
            return Err(ErrorResponse::invalid_grant(
                "this code was redeemed before: the tokens of its first use are revoked",
            )
            .because(Check::CodeReuse, "a second use"));
        }
    }
    if code.is_expired(now) {
        return Err(ErrorResponse::invalid_grant("the code has expired: let the person approve again")
            .because(Check::Code, "an expired code"));
    }
    if !lenient.on(Check::TokenRedirectUri) {
        check_redirect_uri(client, code.redirect_uri.as_deref(), parameters.get("redirect_uri"))?;
    }
    let proof = match (&code.challenge, parameters.get("code_verifier")) {
        (Some(challenge), verifier) => challenge.verify(verifier, shortest_code_verifier, lenient),
        (None, _) if lenient.on(Check::CodeVerifier) => Ok(()),
        (None, None) => Ok(()),
        // RFC 9700 section 2.1.1: otherwise an attacker could strip the challenge from the authorization request.
        (None, Some(_)) => Err(ErrorResponse::invalid_grant(
            "code_verifier came, but the authorization request had no code_challenge",
        )
        .because(Check::CodeVerifier, "a verifier without a challenge")),
    };
    if let Err(refusal) = proof {
        code.usage = Usage::Spent;
        return Err(refusal);
    }

    let scope = code.scope.clone();
    let grant = server.tokens.add_grant(Grant {
        client: Arc::clone(client),
        person: Some(Arc::clone(&code.person)),
        scope: scope.clone(),
        nonce: code.nonce.clone(),
        authorized_at: code.authorized_at,
    });
    code.usage = Usage::Redeemed(grant);
    Ok(access_token_response(server, exchange.issuance(), grant, &scope, Refresh::Issue))
}

/// `redirect_uri` is "REQUIRED, if the `redirect_uri` parameter was included in the authorization request [...], and
/// their values MUST be identical".
fn check_redirect_uri(
    client: &Client,
    authorized: Option<&str>,
    given: Option<&str>,
) -> Result<(), ErrorResponse> {
    let expected = match (authorized, given) {
        (None, None) => return Ok(()),
        (Some(authorized), _) => Some(authorized),
        (None, Some(_)) => client.redirect_uris.first().map(String::as_str),
    };
    if given == expected {
        return Ok(());
    }
    Err(ErrorResponse::invalid_grant(match given {
        None => "redirect_uri is missing: the authorization request had one",
        Some(_) => "redirect_uri is not the one of the authorization request",
    })
    .because(Check::TokenRedirectUri, given.unwrap_or("none")))
}
