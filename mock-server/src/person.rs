//! The one person who signs in here, and what a client may learn about her: OpenID Connect Core sections 5.1 and 5.4.

use serde_json::{Map, Value, json};

use crate::scope::Scope;

/// The `sub` claim, and the name that she signs in with.
pub(crate) const SUBJECT: &str = "alice";

const NAME: &str = "Alice Example";
const EMAIL: &str = "alice@example.com";

/// The claims that `scope` opens.
pub(crate) fn claims(subject: &str, scope: &Scope) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".into(), json!(subject));
    if scope.contains("profile") {
        claims.insert("name".into(), json!(NAME));
        claims.insert("preferred_username".into(), json!(subject));
    }
    if scope.contains("email") {
        claims.insert("email".into(), json!(EMAIL));
        claims.insert("email_verified".into(), json!(true));
    }
    claims
}
