//! What is remembered and logged of a request.

use std::time::Duration;

use crate::state::{State, basic};

#[test]
fn gaps_are_measured_between_polls_of_the_same_code() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait_seconds(5);
    let other = state.start_device_login();
    state.poll(&other);
    state.wait(Duration::from_millis(500));
    state.poll(&login);
    let gaps: Vec<_> = state.server.requests().filter_map(|request| request.gap).collect();
    assert_eq!(gaps, [Duration::from_millis(5500)]);
}

#[test]
fn a_log_line_says_what_happened() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait_seconds(1);
    state.poll(&login);
    assert_eq!(
        state.server.requests().last().unwrap().to_string(),
        "POST /token 400 grant_type=urn:ietf:params:oauth:grant-type:device_code client_id=device \
         error=slow_down gap=1.0s"
    );
}

#[test]
fn no_secret_reaches_a_log_line() {
    let mut state = State::with(|settings| settings.consent_page = false);
    let login = state.start_device_login();
    state.get(&format!("/device?user_code={}", login.user_code));
    state.post(&format!("/_control/devices/{}/approve", login.user_code), "");
    let tokens = state.poll(&login).tokens();
    let code = state.code("&nonce=secret-nonce");
    state.redeem(&code, "");
    state.resource(&tokens.access_token);
    state.get(&format!("/resource?access_token={}", tokens.access_token));
    state.get(&format!("/resource/{}", tokens.access_token));
    state.get(&format!("/{}", tokens.access_token));
    state.introspect(&tokens.refresh_token);
    state.post_with("/revoke", &[basic("web", "web-secret").as_header()], "token=x");

    let lines: Vec<_> = state.server.requests().map(|request| format!("{request}\n{request:?}\n")).collect();
    let log = lines.concat();
    for secret in [
        &login.device_code,
        &login.user_code,
        &tokens.access_token,
        &tokens.refresh_token,
        &code,
        "web-secret",
        "secret-nonce",
    ] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
    assert!(log.contains("POST /_control/devices/{user_code}/approve 204"), "{log}");
}

#[test]
fn what_a_client_chose_cannot_forge_a_line() {
    let mut state = State::new();
    state.post("/token", "client_id=x%0APOST+/token+200%1B[2J&grant_type=%E2%80%AE");
    let line = state.server.requests().last().unwrap().to_string();
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
    assert!(line.contains("client_id=x?POST?/token?200?[2J"), "{line}");
}

#[test]
fn the_oldest_requests_make_room() {
    let mut state = State::new();
    for _ in 0..10_050 {
        state.get("/resource");
    }
    assert_eq!(state.server.requests().count(), 10_000);
}

#[test]
fn debug_shows_no_secret() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    let shown = format!("{:?}", state.server);
    assert!(shown.contains("issuer") && !shown.contains(&tokens.access_token), "{shown}");
}
