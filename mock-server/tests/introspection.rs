//! RFC 7662.

use serde_json::json;

use crate::state::{State, basic};

#[test]
fn an_access_token_is_described() {
    let mut state = State::new();
    let tokens = state.device_tokens("read+write");
    let mut answer = state.introspect(&tokens.access_token);
    let jti = answer.as_object_mut().unwrap().remove("jti").unwrap();
    assert_ne!(jti, tokens.access_token, "an identifier is no token");
    assert_eq!(
        answer,
        json!({
            "active": true,
            "scope": "read write",
            "client_id": "device",
            "username": "alice",
            "token_type": "Bearer",
            "exp": 1_800_003_600,
            "iat": 1_800_000_000,
            "nbf": 1_800_000_000,
            "sub": "alice",
            "aud": "http://127.0.0.1:8080/resource",
            "iss": "http://127.0.0.1:8080",
        })
    );
}

#[test]
fn a_refresh_token_is_described() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    let answer = state.introspect(&tokens.refresh_token);
    assert_eq!(answer["active"], true);
    assert_eq!(answer["client_id"], "device");
    assert_eq!(answer["exp"], 1_800_000_000 + 30 * 24 * 3600);
}

#[test]
fn answers_are_not_stored() {
    let api = basic("api", "api-secret");
    let answer = State::new().post_with("/introspect", &[api.as_header()], "token=x");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn unknown_expired_and_spent_tokens_are_inactive_and_nothing_else() {
    let mut state = State::new();
    let inactive = json!({ "active": false });
    assert_eq!(state.introspect("made-up"), inactive);
    let tokens = state.device_tokens("read");
    let form = format!("grant_type=refresh_token&client_id=device&refresh_token={}", tokens.refresh_token);
    state.post("/token", &form);
    assert_eq!(state.introspect(&tokens.refresh_token), inactive, "rotated out");
    state.wait_seconds(3600);
    assert_eq!(state.introspect(&tokens.access_token), inactive, "expired");
}

#[test]
fn a_device_code_or_an_authorization_code_is_no_token() {
    let mut state = State::with(|settings| settings.consent_page = false);
    let login = state.start_device_login();
    assert_eq!(state.introspect(&login.device_code), json!({ "active": false }));
    let code = state.code("");
    assert_eq!(state.introspect(&code), json!({ "active": false }));
}

#[test]
fn a_client_sees_its_own_tokens_only() {
    let mut state = State::new();
    let service = basic("service", "service-secret");
    let own = state.post_with("/token", &[service.as_header()], "grant_type=client_credentials").tokens();
    let others = state.device_tokens("read");
    let mut introspect = |token: &str| {
        state.post_with("/introspect", &[service.as_header()], &format!("token={token}")).json()
    };
    let seen = introspect(&own.access_token);
    assert_eq!((&seen["active"], &seen["sub"]), (&json!(true), &json!("service")));
    assert_eq!(seen.get("username"), None);
    assert_eq!(introspect(&others.access_token), json!({ "active": false }));
    assert_eq!(introspect(&others.refresh_token), json!({ "active": false }));
}

#[test]
fn only_a_confidential_client_that_authenticates_may_ask() {
    let mut state = State::new();
    for form in ["token=x", "token=x&client_id=device", "token=x&client_id=api"] {
        state.post("/introspect", form).assert_error(401, "invalid_client");
    }
    let wrong = basic("api", "guess");
    let answer = state.post_with("/introspect", &[wrong.as_header()], "token=x");
    answer.assert_error(401, "invalid_client");
    assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
}

#[test]
fn only_post_with_a_token_is_allowed() {
    State::new().get("/introspect?token=x").assert_error(405, "invalid_request");
    let api = basic("api", "api-secret");
    State::new().post_with("/introspect", &[api.as_header()], "").assert_error(400, "invalid_request");
}
