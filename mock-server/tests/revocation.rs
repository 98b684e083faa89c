//! RFC 7009.

use std::time::Duration;

use mock_server::{Endpoint, Fault};
use serde_json::json;

use crate::state::{Received, State, basic};

fn revoke(state: &mut State, form: &str) -> Received {
    state.post("/revoke", &format!("client_id=device&{form}"))
}

#[test]
fn a_revoked_access_token_is_dead_and_the_refresh_token_lives() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    let answer = revoke(&mut state, &format!("token={}&token_type_hint=access_token", tokens.access_token));
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(state.resource(&tokens.access_token).status, 401);
    assert_eq!(state.introspect(&tokens.refresh_token)["active"], true);
}

#[test]
fn a_revoked_refresh_token_takes_its_access_tokens_along() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    assert_eq!(revoke(&mut state, &format!("token={}", tokens.refresh_token)).status, 200);
    assert_eq!(state.resource(&tokens.access_token).status, 401);
    assert_eq!(state.introspect(&tokens.access_token), json!({ "active": false }));
    assert_eq!(state.introspect(&tokens.refresh_token), json!({ "active": false }));
}

#[test]
fn a_wrong_hint_still_revokes() {
    let mut state = State::new();
    for hint in ["access_token", "something_else"] {
        let tokens = state.device_tokens("read");
        revoke(&mut state, &format!("token={}&token_type_hint={hint}", tokens.refresh_token));
        assert_eq!(state.introspect(&tokens.refresh_token), json!({ "active": false }));
    }
}

#[test]
fn unknown_expired_and_revoked_tokens_are_fine() {
    let mut state = State::new();
    assert_eq!(revoke(&mut state, "token=made-up").status, 200);
    let tokens = state.device_tokens("read");
    let form = format!("token={}", tokens.refresh_token);
    assert_eq!(revoke(&mut state, &form).status, 200);
    assert_eq!(revoke(&mut state, &form).status, 200, "again");
    let tokens = state.device_tokens("read");
    state.wait_seconds(3600);
    assert_eq!(revoke(&mut state, &format!("token={}", tokens.access_token)).status, 200);
}

#[test]
fn a_token_of_another_client_is_not_revoked() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    let other = basic("device-secret", "device-secret");
    for token in [&tokens.access_token, &tokens.refresh_token] {
        let answer = state.post_with("/revoke", &[other.as_header()], &format!("token={token}"));
        answer.assert_error(400, "invalid_grant");
    }
    assert_eq!(state.resource(&tokens.access_token).status, 200);
}

#[test]
fn a_confidential_client_authenticates() {
    let wrong = basic("web", "guess");
    let answer = State::new().post_with("/revoke", &[wrong.as_header()], "token=x");
    answer.assert_error(401, "invalid_client");
    assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
}

#[test]
fn a_missing_token_is_an_invalid_request() {
    revoke(&mut State::new(), "").assert_error(400, "invalid_request");
}

#[test]
fn only_post_is_allowed() {
    State::new().get("/revoke").assert_error(405, "invalid_request");
}

#[test]
fn refusals_come_on_demand() {
    let mut state = State::new();
    let unsupported = Fault::Error("unsupported_token_type".to_owned());
    state.server.fail_next(Endpoint::Revocation, &unsupported, 1);
    let busy = Fault::ServiceUnavailable { retry_after: Some(Duration::from_secs(30)) };
    state.server.fail_next(Endpoint::Revocation, &busy, 1);
    revoke(&mut state, "token=x").assert_error(400, "unsupported_token_type");
    let answer = revoke(&mut state, "token=x");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
}
