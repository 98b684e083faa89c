//! What an access token looks like: a JWT of RFC 9068, or a text that says nothing.

use std::time::Duration;

use serde_json::json;

use crate::authorization_server::AuthorizationServer;
use crate::clock::Timestamp;
use crate::issued_tokens::{AccessToken, GrantId};
use crate::jwks::{self, SigningAlgorithm};
use crate::scope::Scope;

/// The look of access tokens, and with it the algorithm of ID Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessTokenFormat {
    /// A JWT of RFC 9068, signed with ES256 by a key that everyone knows.
    #[default]
    Es256,
    /// The same, signed with RS256 by another such key.
    Rs256,
    /// 256 random bits; ID Tokens are signed with ES256.
    Opaque,
}

impl AccessTokenFormat {
    /// The names by which configuration chooses one.
    pub const NAMES: [(&'static str, Self); 3] =
        [("es256", Self::Es256), ("rs256", Self::Rs256), ("opaque", Self::Opaque)];

    pub(crate) const fn id_token_algorithm(self) -> SigningAlgorithm {
        match self {
            Self::Es256 | Self::Opaque => SigningAlgorithm::Es256,
            Self::Rs256 => SigningAlgorithm::Rs256,
        }
    }
}

/// Makes an access token of `grant` for `scope` and remembers it.
pub(crate) fn issue(
    server: &mut AuthorizationServer,
    now: Timestamp,
    grant: GrantId,
    scope: &Scope,
    lifetime: Duration,
) -> String {
    let token = AccessToken {
        grant,
        scope: scope.clone(),
        jti: server.randomness.token(),
        issued_at: now,
        expires_at: now + lifetime,
    };
    let text = match server.settings.access_token_format {
        AccessTokenFormat::Opaque => server.randomness.token(),
        AccessTokenFormat::Es256 => jwt(server, SigningAlgorithm::Es256, &token),
        AccessTokenFormat::Rs256 => jwt(server, SigningAlgorithm::Rs256, &token),
    };
    server.tokens.remember_access_token(now, text.clone(), token);
    text
}

/// RFC 9068 sections 2.1 and 2.2.
fn jwt(server: &AuthorizationServer, algorithm: SigningAlgorithm, token: &AccessToken) -> String {
    let mut claims = json!({
        "iss": server.settings.issuer,
        "aud": server.endpoint_url("/resource"),
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
    jwks::sign(algorithm, "at+jwt", &claims)
}
