//! The four grants, one file each, and the answer that they share: RFC 6749 section 5.1.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
pub(crate) mod refresh_token;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::http_response::{Response, json_no_store};
use crate::issued_tokens::{GrantId, Issuance};
use crate::scope::Scope;
use crate::{access_token, id_token};

/// Whether a refresh token comes with the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    Issue,
    Withhold,
}

/// Issues tokens of `grant` for `scope` and makes the access token response.
pub(crate) fn access_token_response(
    server: &mut AuthorizationServer,
    issuance: Issuance<'_>,
    grant: GrantId,
    scope: &Scope,
    refresh: Refresh,
) -> Response {
    json_no_store(StatusCode::OK, &issue_tokens(server, issuance, grant, scope, refresh))
}

/// Issues tokens of `grant` for `scope`: the members of the access token response.
pub(crate) fn issue_tokens(
    server: &mut AuthorizationServer,
    issuance: Issuance<'_>,
    grant: GrantId,
    scope: &Scope,
    refresh: Refresh,
) -> Value {
    let lifetimes = server.settings.lifetimes;
    let access_token = access_token::issue(server, issuance, grant, scope, lifetimes.access_token);
    let mut answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetimes.access_token.as_secs(),
        "scope": scope.to_parameter(),
    });
    if refresh == Refresh::Issue {
        let lifetime = lifetimes.refresh_token;
        answer["refresh_token"] =
            server.tokens.issue_refresh_token(issuance, &mut server.randomness, grant, lifetime).into();
    }
    if let Some(id_token) = id_token::issue(server, issuance, grant, scope, &access_token) {
        answer["id_token"] = id_token.into();
    }
    answer
}
