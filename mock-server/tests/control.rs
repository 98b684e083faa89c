//! `/_control` over HTTP, and the same verbs as methods.

use std::time::Duration;

use mock_server::ControlError;
use serde_json::json;

use crate::state::State;

#[test]
fn a_device_is_approved_denied_and_expired() {
    for (verdict, outcome) in [("approve", ""), ("deny", "access_denied"), ("expire", "expired_token")] {
        let mut state = State::new();
        let login = state.start_device_login();
        let answer = state.post(&format!("/_control/devices/{}/{verdict}", login.user_code), "");
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{verdict}");
        assert_eq!(state.poll_error(&login), outcome);
    }
}

#[test]
fn the_next_poll_is_told_to_slow_down_and_only_that() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.wait_seconds(5);
    for _ in 0..2 {
        // The second asks for what comes anyway.
        assert_eq!(state.post(&format!("/_control/devices/{}/slow-down", login.user_code), "").status, 204);
    }
    assert_eq!(state.poll_error(&login), "slow_down");
    state.wait_seconds(10);
    assert_eq!(state.poll_error(&login), "authorization_pending");
    state.wait_seconds(9);
    assert_eq!(state.poll_error(&login), "slow_down", "the interval has grown for good");
}

#[test]
fn a_script_goes_on_after_a_slow_down_that_was_asked_for() {
    let mut state = State::new();
    state.post("/_control/scripts", "script=pending,approve");
    let login = state.start_device_login();
    let form = format!("device_code={}", login.device_code);
    assert_eq!(state.post("/_control/devices/slow-down", &form).status, 204);
    for expected in ["slow_down", "authorization_pending", ""] {
        state.wait_seconds(20);
        assert_eq!(state.poll_error(&login), expected);
    }
    state.post("/_control/devices/slow-down", &form).assert_error(409, "already_decided");
}

#[test]
fn a_user_code_is_read_as_it_would_be_typed() {
    let mut state = State::new();
    let login = state.start_device_login();
    let typed = login.user_code.replace('-', "").to_lowercase();
    assert_eq!(state.post(&format!("/_control/devices/{typed}/approve"), "").status, 204);
}

#[test]
fn what_cannot_be_decided_says_why() {
    let mut state = State::new();
    let answer = state.post("/_control/devices/BBBB-BBBB/approve", "");
    answer.assert_error(404, "unknown_user_code");
    let login = state.start_device_login();
    let path = format!("/_control/devices/{}/deny", login.user_code);
    state.post(&path, "");
    state.post(&path, "").assert_error(409, "already_decided");
    let login = state.start_device_login();
    state.wait_seconds(600);
    state
        .post(&format!("/_control/devices/{}/approve", login.user_code), "")
        .assert_error(410, "expired_user_code");
}

#[test]
fn methods_say_the_same() {
    let mut state = State::new();
    assert_eq!(state.server.approve(state.now, "BBBB-BBBB"), Err(ControlError::UnknownUserCode));
    let login = state.start_device_login();
    state.server.deny(state.now, &login.user_code).unwrap();
    assert_eq!(state.server.approve(state.now, &login.user_code), Err(ControlError::AlreadyDecided));
    let login = state.start_device_login();
    state.server.expire(state.now, &login.user_code).unwrap();
    assert_eq!(state.server.deny(state.now, &login.user_code), Err(ControlError::Expired));
}

#[test]
fn pending_devices_are_listed_oldest_first() {
    let mut state = State::new();
    let first = state.start_device_login_with("client_id=device&scope=read+write");
    state.wait_seconds(10);
    let second = state.start_device_login();
    let decided = state.start_device_login();
    state.approve(&decided);
    assert_eq!(
        state.get("/_control/devices").json(),
        json!({ "devices": [
            { "user_code": first.user_code, "client_id": "device", "scope": "read write", "expires_in": 590 },
            { "user_code": second.user_code, "client_id": "device", "scope": "read", "expires_in": 600 },
        ] })
    );
}

#[test]
fn the_clock_is_advanced_with_json_or_a_form() {
    let mut state = State::new();
    let login = state.start_device_login();
    let json_type = [("content-type", "application/json")];
    let answer = state.send("POST", "/_control/clock/advance", &json_type, r#"{"seconds": 300}"#);
    assert_eq!(answer.json(), json!({ "now": 1_800_000_300, "frozen": false }));
    assert_eq!(state.poll_error(&login), "authorization_pending");
    assert_eq!(
        state.post("/_control/clock/advance", "seconds=300").json(),
        json!({ "now": 1_800_000_600, "frozen": false })
    );
    assert_eq!(state.poll_error(&login), "expired_token");
}

#[test]
fn the_clock_takes_no_nonsense() {
    let mut state = State::new();
    for seconds in ["", "seconds=-1", "seconds=soon", "seconds=NaN", "seconds=253402300800"] {
        state.post("/_control/clock/advance", seconds).assert_error(400, "invalid_request");
    }
}

#[test]
fn the_end_of_time_does_no_harm() {
    let mut state = State::new();
    let tokens = state.device_tokens("openid");
    for _ in 0..3 {
        state.server.advance(Duration::from_secs(u64::MAX));
    }
    assert_eq!(state.resource(&tokens.access_token).status, 401);
    let login = state.start_device_login();
    assert_eq!(state.poll_error(&login), "expired_token");
    assert_eq!(state.get("/_control/requests").status, 200);
}

#[test]
fn requests_are_listed_without_secrets() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait_seconds(2);
    state.poll(&login);
    let answer = state.get("/_control/requests");
    assert!(!answer.body.contains(&login.device_code));
    let requests = &answer.json()["requests"];
    assert_eq!(
        requests[2],
        json!({
            "method": "POST",
            "path": "/token",
            "at": 2.0,
            "status": 400,
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": "device",
            "error": "slow_down",
            "gap": 2.0,
        })
    );
}

#[test]
fn a_reset_forgets_everything() {
    let mut state = State::new();
    let login = state.start_device_login();
    let tokens = state.device_tokens("read");
    state.post("/_control/clock/advance", "seconds=100");
    assert_eq!(state.post("/_control/reset", "").status, 204);
    assert_eq!(state.poll_error(&login), "invalid_grant");
    assert_eq!(state.resource(&tokens.access_token).status, 401);
    assert_eq!(
        state.post("/_control/clock/advance", "seconds=0").json(),
        json!({ "now": 1_800_000_000, "frozen": false })
    );
    assert_eq!(state.server.requests().next().unwrap().path, "/_control/reset");
}

#[test]
fn pages_of_other_origins_are_refused() {
    for header in [
        ("origin", "https://attacker.example"),
        ("origin", "http://127.0.0.1:9999"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for (method, path) in [("POST", "/_control/reset"), ("GET", "/_control/requests")] {
            State::new().send(method, path, &[header], "").assert_error(403, "access_denied");
        }
    }
}

#[test]
fn the_own_origin_and_plain_programs_are_allowed() {
    for headers in [
        vec![],
        vec![("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")],
        vec![("sec-fetch-site", "none")],
    ] {
        assert_eq!(State::new().send("POST", "/_control/reset", &headers, "").status, 204);
    }
}

#[test]
fn a_get_changes_nothing() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.get(&format!("/_control/devices/{}/approve", login.user_code)).assert_error(405, "invalid_request");
    state.get("/_control/reset").assert_error(405, "invalid_request");
    assert_eq!(state.poll_error(&login), "authorization_pending");
}

#[cfg(feature = "tls")]
#[test]
fn a_whole_number_may_be_written_with_a_point() {
    // JSON has one kind of number, and some clients write all of them so.
    let mut state = State::with(|settings| settings.tls = true);
    let json = [("content-type", "application/json")];
    let body = r#"{"fault": "cut_off", "connections": 2.0}"#;
    assert_eq!(state.send("POST", "/_control/tls", &json, body).status, 204);
    assert_eq!(state.get("/_control/tls").json()["connections"], 2);
    let refused = state.send("POST", "/_control/tls", &json, r#"{"fault": "cut_off", "connections": 2.5}"#);
    refused.assert_error(400, "invalid_request");
}
