//! Token introspection: RFC 7662.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::client_authentication::authenticate;
use crate::clients::Client;
use crate::clock::Timestamp;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, json_no_store};
use crate::issued_tokens::Grant;
use crate::request_parameters::RequestParameters;

pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("POST")?;
    let parameters = RequestParameters::from_form(exchange.request, server.settings.lenient)?;
    // "To prevent token scanning attacks, the endpoint MUST also require some form of authorization".
    let must_authenticate = || {
        ErrorResponse::invalid_client("only a confidential client that authenticates may introspect", true)
            .because(Check::ConfidentialClient, "a public one, or none")
    };
    let client =
        authenticate(server, exchange, &parameters).map_err(|refusal| match parameters.get("client_id") {
            None if refusal.code == "invalid_request" => must_authenticate(),
            _ => refusal,
        })?;
    if client.is_public() {
        return Err(must_authenticate());
    }
    let token = parameters.require("token")?;
    let answer = describe(server, exchange.now, &client, token);
    Ok(json_no_store(StatusCode::OK, &answer.unwrap_or_else(|| json!({ "active": false }))))
}

/// What `client` may know about `token`; `None` if it is not active or not for this client to see (section 2.2).
fn describe(server: &mut AuthorizationServer, now: Timestamp, client: &Client, token: &str) -> Option<Value> {
    let may_see = |grant: &Grant| client.may_introspect_all || grant.client.id == client.id;
    if let Some((token, grant)) = server.tokens.active_access_token(now, token) {
        if !may_see(grant) {
            return None;
        }
        let mut answer = json!({
            "scope": token.scope.to_parameter(),
            "token_type": "Bearer",
            "aud": server.endpoint_url(&token.issuer, "/resource"),
            "iat": token.issued_at.unix_seconds(),
            "nbf": token.issued_at.unix_seconds(),
            "exp": token.expires_at.unix_seconds(),
            "jti": token.jti,
        });
        add_grant(&mut answer, grant, &token.issuer);
        return Some(answer);
    }
    let (token, grant) = server.tokens.refresh_token(now, token)?;
    if token.spent.is_some() || !may_see(grant) {
        return None;
    }
    let mut answer = json!({
        "scope": grant.scope.to_parameter(),
        "aud": &*token.issuer,
        "iat": token.issued_at.unix_seconds(),
        "nbf": token.issued_at.unix_seconds(),
        "exp": token.expires_at.unix_seconds(),
        "jti": token.jti,
    });
    add_grant(&mut answer, grant, &token.issuer);
    Some(answer)
}

fn add_grant(answer: &mut Value, grant: &Grant, issuer: &str) {
    answer["active"] = true.into();
    answer["client_id"] = grant.client.id.as_str().into();
    answer["iss"] = issuer.into();
    answer["sub"] = grant.subject().into();
    if let Some(person) = &grant.person {
        answer["username"] = person.subject.as_str().into();
    }
}
