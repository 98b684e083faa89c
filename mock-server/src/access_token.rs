//! Making access tokens: a JWT of RFC 9068, or a text that says nothing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::access_token_format::AccessTokenFormat;
use crate::authorization_server::AuthorizationServer;
use crate::issued_tokens::{AccessToken, GrantId, Issuance};
use crate::scope::Scope;
use crate::signing::{self, SigningAlgorithm};

/// Makes an access token of `grant` for `scope` and remembers it.
pub(crate) fn issue(
    server: &mut AuthorizationServer,
    issuance: Issuance<'_>,
    grant: GrantId,
    scope: &Scope,
    lifetime: Duration,
) -> String {
    let Issuance { now, issuer } = issuance;
    let token = AccessToken {
        grant,
        scope: scope.clone(),
        issuer: Arc::clone(issuer),
        jti: server.randomness.token(),
        issued_at: now,
        expires_at: now + lifetime,
    };
    let text = match server.settings.access_token_format {
        AccessTokenFormat::Opaque => server.randomness.token(),
        AccessTokenFormat::Es256 => jwt(server, SigningAlgorithm::Es256, &token),
        AccessTokenFormat::Rs256 => jwt(server, SigningAlgorithm::Rs256, &token),
    };
    server.tokens.remember_access_token(now, &text, token);
    text
}

/// RFC 9068 sections 2.1 and 2.2.
fn jwt(server: &AuthorizationServer, algorithm: SigningAlgorithm, token: &AccessToken) -> String {
    let mut claims = json!({
        "iss": &*token.issuer,
        "aud": server.endpoint_url(&token.issuer, "/resource"),
        "exp": token.expires_at.unix_seconds(),
        "iat": token.issued_at.unix_seconds(),
        "nbf": token.issued_at.unix_seconds(),
        "jti": token.jti,
        "scope": token.scope.to_parameter(),
    });
    if let Some(grant) = server.tokens.grant(token.grant) {
        claims["sub"] = grant.subject().into();
        claims["client_id"] = grant.client.id.as_str().into();
        if grant.person.is_some() {
            claims["auth_time"] = grant.authorized_at.unix_seconds().into();
        }
    }
    signing::sign(algorithm, "at+jwt", &claims)
}
