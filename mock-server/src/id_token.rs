//! The ID Token: OpenID Connect Core sections 2, 3.1.3.6 and 5.4.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::json;

use crate::authorization_server::AuthorizationServer;
use crate::issued_tokens::{GrantId, Issuance};
use crate::scope::Scope;
use crate::signing;

/// Signs who the person is; `None` unless the scope holds `openid` and a person is behind the grant.
pub(crate) fn issue(
    server: &AuthorizationServer,
    issuance: Issuance<'_>,
    grant: GrantId,
    scope: &Scope,
    access_token: &str,
) -> Option<String> {
    let grant = server.tokens.grant(grant)?;
    if !scope.contains("openid") {
        return None;
    }
    let Issuance { now, issuer } = issuance;
    let mut claims = grant.person.as_ref()?.claims_for(scope);
    claims.insert("iss".into(), json!(**issuer));
    claims.insert("aud".into(), json!(grant.client.id));
    claims.insert("iat".into(), json!(now.unix_seconds()));
    claims.insert("exp".into(), json!((now + server.settings.lifetimes.id_token).unix_seconds()));
    claims.insert("auth_time".into(), json!(grant.authorized_at.unix_seconds()));
    if let Some(nonce) = &grant.nonce {
        claims.insert("nonce".into(), json!(nonce));
    }
    // "the left-most half of the hash of the octets of the ASCII representation of the access_token value"
    let hash = digest(&SHA256, access_token.as_bytes());
    claims.insert("at_hash".into(), json!(URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])));
    let registered = grant.client.id_token_signed_response_alg;
    let algorithm = registered.unwrap_or(server.settings.access_token_format.id_token_algorithm());
    Some(signing::sign(algorithm, "JWT", &claims.into()))
}
