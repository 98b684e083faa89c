//! Logins told beforehand.

use mock_server::LoginScript;

use crate::state::{DEVICE_GRANT, State};

const SCRIPT: &str = "pending*2, slow_down, pending, 503*3, approve";

/// What the polls hear: the error, the status of a failure, or `token`.
fn heard(state: &mut State, device_code: &str, polls: usize) -> Vec<String> {
    let form = format!("grant_type={DEVICE_GRANT}&client_id=device&device_code={device_code}");
    let mut answers = Vec::new();
    for _ in 0..polls {
        state.wait_seconds(30);
        let answer = state.post("/token", &form);
        let error = || answer.text("error");
        answers.push(match answer.status {
            200 => "token".to_owned(),
            400 => error(),
            status => status.to_string(),
        });
    }
    answers
}

const EXPECTED: [&str; 8] = [
    "authorization_pending",
    "authorization_pending",
    "slow_down",
    "authorization_pending",
    "503",
    "503",
    "503",
    "token",
];

#[test]
fn a_script_comes_in_a_header() {
    let mut state = State::new();
    let headers = [("mock-script", SCRIPT)];
    let started = state.post_with("/device-authorization", &headers, "client_id=device&scope=read");
    assert_eq!(heard(&mut state, &started.text("device_code"), 8), EXPECTED);
}

#[test]
fn a_script_comes_as_a_scope_that_is_not_granted() {
    let mut state = State::new();
    let form = "client_id=device&scope=read+script:slow_down,deny";
    let started = state.post("/device-authorization", form);
    assert_eq!(state.server.pending(state.now)[0].scope, "read");
    assert_eq!(heard(&mut state, &started.text("device_code"), 2), ["slow_down", "access_denied"]);
}

#[test]
fn a_script_waits_for_the_next_login_a_client_or_a_scope() {
    for (selector, form) in [
        ("", "client_id=device"),
        (r#","client_id":"device""#, "client_id=device"),
        (r#","scope":"write""#, "client_id=device&scope=read+write"),
    ] {
        let mut state = State::new();
        let body = format!(r#"{{"script":"{SCRIPT}"{selector}}}"#);
        let json = [("content-type", "application/json")];
        let answer = state.send("POST", "/_control/scripts", &json, &body);
        assert_eq!(answer.status, 204, "{}", answer.body);
        if !selector.is_empty() {
            let other = state.post_with(
                "/device-authorization",
                &[crate::state::basic("device-secret", "device-secret").as_header()],
                "",
            );
            assert_eq!(other.status, 200);
        }
        let started = state.post("/device-authorization", form);
        assert_eq!(heard(&mut state, &started.text("device_code"), 8), EXPECTED, "{selector}");
        let again = state.post("/device-authorization", form);
        let expected = if selector.is_empty() { "authorization_pending" } else { EXPECTED[0] };
        assert_eq!(heard(&mut state, &again.text("device_code"), 1), [expected]);
    }
}

#[test]
fn after_its_last_step_a_login_goes_on_as_any_other() {
    let mut state = State::new();
    let headers = [("mock-script", "html")];
    let started = state.post_with("/device-authorization", &headers, "client_id=device");
    let user_code = started.text("user_code");
    assert_eq!(heard(&mut state, &started.text("device_code"), 2), ["token", "authorization_pending"]);
    state.server.approve(state.now, &user_code).unwrap();
    assert_eq!(heard(&mut state, &started.text("device_code"), 1), ["token"]);
}

#[test]
fn a_script_expires_a_login() {
    let mut state = State::new();
    let headers = [("mock-script", "expire")];
    let started = state.post_with("/device-authorization", &headers, "client_id=device");
    assert_eq!(heard(&mut state, &started.text("device_code"), 1), ["expired_token"]);
}

#[test]
fn a_script_that_is_none_is_explained() {
    for script in
        ["", "pending,,approve", "pending*0", "pending*1001", "tea", "503:soon", "pending*600,html*600"]
    {
        let mut state = State::new();
        let headers = [("mock-script", script)];
        let answer = state.post_with("/device-authorization", &headers, "client_id=device");
        answer.assert_error(400, "invalid_request");
        assert!(answer.text("error_description").starts_with("a script is pending"), "{script}");
        assert!(script.parse::<LoginScript>().is_err());
    }
}
