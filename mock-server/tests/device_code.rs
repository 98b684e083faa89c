//! The device grant at the token endpoint: RFC 8628 sections 3.4 and 3.5.

use std::time::Duration;

use crate::state::{DEVICE_GRANT, State, basic};

#[test]
fn a_missing_device_code_is_an_invalid_request() {
    let form = format!("grant_type={DEVICE_GRANT}&client_id=device");
    State::new().post("/token", &form).assert_error(400, "invalid_request");
}

#[test]
fn an_unknown_device_code_is_an_invalid_grant() {
    let form = format!("grant_type={DEVICE_GRANT}&client_id=device&device_code=made-up");
    State::new().post("/token", &form).assert_error(400, "invalid_grant");
}

#[test]
fn a_device_code_is_bound_to_its_client() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.approve(&login);
    let form = format!("grant_type={DEVICE_GRANT}&device_code={}", login.device_code);
    let other = basic("device-secret", "device-secret");
    state.post_with("/token", &[other.as_header()], &form).assert_error(400, "invalid_grant");
    assert_eq!(state.poll_error(&login), "", "the rightful client is not harmed");
}

#[test]
fn a_confidential_client_polls_with_its_secret() {
    let mut state = State::new();
    let secret = basic("device-secret", "device-secret");
    let started = state.post_with("/device-authorization", &[secret.as_header()], "");
    let form = format!("grant_type={DEVICE_GRANT}&device_code={}", started.text("device_code"));
    state.post_with("/token", &[secret.as_header()], &form).assert_error(400, "authorization_pending");
    let form = format!("{form}&client_id=device-secret");
    state.post("/token", &form).assert_error(401, "invalid_client");
}

#[test]
fn an_undecided_login_is_pending() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login).assert_error(400, "authorization_pending");
}

#[test]
fn the_first_poll_is_never_too_fast() {
    let mut state = State::new();
    let login = state.start_device_login();
    assert_eq!(state.poll_error(&login), "authorization_pending");
}

#[test]
fn a_poll_before_the_interval_is_told_to_slow_down() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait(Duration::from_millis(4999));
    state.poll(&login).assert_error(400, "slow_down");
}

#[test]
fn a_poll_after_exactly_the_interval_is_fine() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait_seconds(5);
    assert_eq!(state.poll_error(&login), "authorization_pending");
}

#[test]
fn slow_down_adds_five_seconds_to_this_and_all_later_gaps() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait_seconds(1);
    assert_eq!(state.poll_error(&login), "slow_down");
    for _ in 0..3 {
        state.wait_seconds(10);
        assert_eq!(state.poll_error(&login), "authorization_pending");
    }
    state.wait_seconds(9);
    assert_eq!(state.poll_error(&login), "slow_down", "ten seconds are still required");
    state.wait_seconds(14);
    assert_eq!(state.poll_error(&login), "slow_down", "fifteen are required now");
    state.wait_seconds(20);
    assert_eq!(state.poll_error(&login), "authorization_pending");
}

#[test]
fn a_poll_at_the_advertised_pace_is_never_slowed_down() {
    let mut state = State::new();
    let login = state.start_device_login();
    let mut elapsed = Duration::ZERO;
    let mut jitter = 7_u64;
    while elapsed < Duration::from_secs(593) {
        assert_eq!(state.poll_error(&login), "authorization_pending", "after {elapsed:?}");
        jitter = (jitter * 31 + 11) % 1000;
        let wait = Duration::from_millis(5000 + jitter);
        state.wait(wait);
        elapsed += wait;
    }
}

#[test]
fn a_denial_reaches_the_device_and_stays() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.deny(state.now, &login.user_code).unwrap();
    for _ in 0..3 {
        state.poll(&login).assert_error(400, "access_denied");
    }
}

#[test]
fn a_code_expires_after_its_life() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.wait_seconds(599);
    assert_eq!(state.poll_error(&login), "authorization_pending");
    state.wait_seconds(1);
    state.poll(&login).assert_error(400, "expired_token");
}

#[test]
fn an_approved_code_expires_unless_redeemed() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.approve(&login);
    state.wait_seconds(600);
    assert_eq!(state.poll_error(&login), "expired_token");
}

#[test]
fn expiry_is_still_told_an_hour_later() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.wait_seconds(600 + 3599);
    assert_eq!(state.poll_error(&login), "expired_token");
    state.wait_seconds(1);
    state.start_device_login();
    assert_eq!(state.poll_error(&login), "invalid_grant", "then the code is forgotten");
}

#[test]
fn an_approval_is_answered_with_tokens() {
    let mut state = State::new();
    let login = state.start_device_login_with("client_id=device&scope=read+write");
    state.approve(&login);
    let answer = state.poll(&login);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let json = answer.json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 3600);
    assert_eq!(json["scope"], "read write");
    assert!(json["refresh_token"].is_string());
    assert_eq!(state.resource(&answer.tokens().access_token).json()["sub"], "alice");
}

#[test]
fn an_approval_is_told_at_once_even_to_a_hasty_device() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.approve(&login);
    state.wait(Duration::from_millis(10));
    assert_eq!(state.poll_error(&login), "");
}

#[test]
fn a_device_code_is_redeemed_once() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.approve(&login);
    assert_eq!(state.poll_error(&login), "");
    state.wait_seconds(5);
    state.poll(&login).assert_error(400, "invalid_grant");
}

#[test]
fn auto_approval_waits_for_two_polls() {
    let mut state = State::with(|settings| settings.auto_approve = true);
    let login = state.start_device_login();
    for expected in ["authorization_pending", "authorization_pending", ""] {
        assert_eq!(state.poll_error(&login), expected);
        state.wait_seconds(5);
    }
}

#[test]
fn the_virtual_clock_opens_the_gap_between_two_polls() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.server.advance(Duration::from_secs(5));
    assert_eq!(state.poll_error(&login), "authorization_pending");
}
