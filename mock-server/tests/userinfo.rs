//! OpenID Connect Core section 5.3.

use serde_json::json;

use crate::state::{Received, State};

fn userinfo(scope: &str) -> Received {
    let mut state = State::new();
    let authorization = format!("Bearer {}", state.device_tokens(scope).access_token);
    state.send("GET", "/userinfo", &[("authorization", &authorization)], "")
}

#[test]
fn claims_follow_the_scopes() {
    assert_eq!(userinfo("openid").json(), json!({ "sub": "alice" }));
    assert_eq!(
        userinfo("openid+profile+email").json(),
        json!({
            "sub": "alice",
            "name": "Alice Example",
            "preferred_username": "alice",
            "email": "alice@example.com",
            "email_verified": true,
        })
    );
}

#[test]
fn the_scope_openid_is_needed() {
    userinfo("profile").assert_error(403, "insufficient_scope");
}

#[test]
fn a_token_is_needed() {
    assert_eq!(State::new().get("/userinfo").header("www-authenticate"), Some("Bearer"));
}
