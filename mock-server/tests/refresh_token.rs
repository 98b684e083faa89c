//! RFC 6749 section 6, RFC 9700 section 4.14.

use std::time::Duration;

use mock_server::Rotation;

use crate::state::{Received, State, basic};

fn refresh(state: &mut State, refresh_token: &str, extra: &str) -> Received {
    let form = format!("grant_type=refresh_token&client_id=device&refresh_token={refresh_token}{extra}");
    state.post("/token", &form)
}

#[test]
fn a_refresh_gives_new_tokens_of_the_same_scope() {
    let mut state = State::new();
    let tokens = state.device_tokens("read+write");
    state.wait_seconds(3600);
    let answer = refresh(&mut state, &tokens.refresh_token, "");
    assert_eq!(answer.json()["scope"], "read write");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let fresh = answer.tokens();
    assert_ne!(fresh.refresh_token, tokens.refresh_token, "it rotates");
    assert_eq!(state.resource(&tokens.access_token).status, 401);
    assert_eq!(state.resource(&fresh.access_token).status, 200);
}

#[test]
fn a_rotated_token_used_again_revokes_the_family() {
    let mut state = State::new();
    let first = state.device_tokens("read");
    let second = refresh(&mut state, &first.refresh_token, "").tokens();
    let other_login = state.device_tokens("read");
    refresh(&mut state, &first.refresh_token, "").assert_error(400, "invalid_grant");
    refresh(&mut state, &second.refresh_token, "").assert_error(400, "invalid_grant");
    for revoked in [first.access_token, second.access_token] {
        assert_eq!(state.resource(&revoked).status, 401);
    }
    assert_eq!(state.resource(&other_login.access_token).status, 200, "another family lives on");
}

#[test]
fn a_made_up_token_is_an_invalid_grant() {
    refresh(&mut State::new(), "made-up", "").assert_error(400, "invalid_grant");
}

#[test]
fn a_missing_token_is_an_invalid_request() {
    refresh(&mut State::new(), "", "").assert_error(400, "invalid_request");
}

#[test]
fn a_token_is_bound_to_its_client() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    let other = basic("device-secret", "device-secret");
    let form = format!("grant_type=refresh_token&refresh_token={}", tokens.refresh_token);
    state.post_with("/token", &[other.as_header()], &form).assert_error(400, "invalid_grant");
    assert_eq!(
        refresh(&mut state, &tokens.refresh_token, "").status,
        200,
        "the rightful client is not harmed"
    );
}

#[test]
fn a_wider_scope_is_refused_and_spends_nothing() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    refresh(&mut state, &tokens.refresh_token, "&scope=read+write").assert_error(400, "invalid_scope");
    assert_eq!(refresh(&mut state, &tokens.refresh_token, "").status, 200);
}

#[test]
fn a_narrower_scope_narrows_the_access_token_only() {
    let mut state = State::new();
    let tokens = state.device_tokens("read+write");
    let narrow = refresh(&mut state, &tokens.refresh_token, "&scope=read");
    assert_eq!(narrow.json()["scope"], "read");
    let wide_again = refresh(&mut state, &narrow.tokens().refresh_token, "");
    assert_eq!(wide_again.json()["scope"], "read write");
}

#[test]
fn a_refresh_token_lives_thirty_days() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    state.wait_seconds(30 * 24 * 3600);
    refresh(&mut state, &tokens.refresh_token, "").assert_error(400, "invalid_grant");
}

#[test]
fn an_access_token_is_no_refresh_token() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    refresh(&mut state, &tokens.access_token, "").assert_error(400, "invalid_grant");
    assert_eq!(state.resource(&tokens.refresh_token).status, 401);
}

#[test]
fn without_rotation_a_token_stays_good_and_no_other_comes() {
    let mut state = State::with(|settings| settings.refresh_token_rotation = Rotation::Off);
    let tokens = state.device_tokens("read");
    for _ in 0..3 {
        let answer = refresh(&mut state, &tokens.refresh_token, "");
        assert_eq!((answer.status, answer.json().get("refresh_token")), (200, None));
    }
}

#[test]
fn the_grace_window_repeats_the_answer_that_was_lost_and_then_ends() {
    let rotation = Rotation::On { grace: Duration::from_secs(30) };
    let mut state = State::with(|settings| settings.refresh_token_rotation = rotation);
    let tokens = state.device_tokens("read");
    let first = refresh(&mut state, &tokens.refresh_token, "");
    state.wait_seconds(29);
    let again = refresh(&mut state, &tokens.refresh_token, "");
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("cache-control"), Some("no-store"));
    state.wait_seconds(1);
    refresh(&mut state, &tokens.refresh_token, "").assert_error(400, "invalid_grant");
    assert_eq!(state.resource(&first.tokens().access_token).status, 401, "the family is revoked");
}
