//! The protected resource: RFC 6750.

use crate::state::State;

#[test]
fn a_token_opens_the_resource() {
    let mut state = State::new();
    let tokens = state.device_tokens("read+write");
    let json = state.resource(&tokens.access_token).json();
    assert_eq!(json["sub"], "alice");
    assert_eq!(json["client_id"], "device");
    assert_eq!(json["scope"], "read write");
    assert!(json["resource"].is_string());
}

#[test]
fn no_token_is_challenged_without_an_error_code() {
    let answer = State::new().get("/resource");
    assert_eq!((answer.status, answer.body.as_str()), (401, ""));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn another_scheme_counts_as_no_token() {
    let answer = State::new().send("GET", "/resource", &[("authorization", "Basic eDp5")], "");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn an_unknown_token_is_an_invalid_token() {
    let answer = State::new().resource("made-up");
    answer.assert_error(401, "invalid_token");
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer error=\"invalid_token\""));
}

#[test]
fn an_expired_token_is_an_invalid_token() {
    let mut state = State::new();
    let tokens = state.device_tokens("read");
    state.wait_seconds(3600);
    state.resource(&tokens.access_token).assert_error(401, "invalid_token");
}

#[test]
fn the_scheme_name_has_no_case() {
    let mut state = State::new();
    let authorization = format!("bEARER {}", state.device_tokens("read").access_token);
    assert_eq!(state.send("GET", "/resource", &[("authorization", &authorization)], "").status, 200);
}

#[test]
fn a_post_needs_the_scope_write() {
    let mut state = State::new();
    let reader = format!("Bearer {}", state.device_tokens("read").access_token);
    let answer = state.send("POST", "/resource", &[("authorization", &reader)], "");
    answer.assert_error(403, "insufficient_scope");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.ends_with("scope=\"write\""), "{challenge}");
    let writer = format!("Bearer {}", state.device_tokens("write").access_token);
    assert_eq!(state.send("POST", "/resource", &[("authorization", &writer)], "").status, 200);
}

#[test]
fn a_token_in_the_form_body_is_accepted() {
    let mut state = State::new();
    let form = format!("access_token={}", state.device_tokens("write").access_token);
    assert_eq!(state.post("/resource", &form).status, 200);
}

#[test]
fn a_token_in_two_places_is_an_invalid_request() {
    let mut state = State::new();
    let token = state.device_tokens("write").access_token;
    let header = format!("Bearer {token}");
    let form = format!("access_token={token}");
    let answer = state.post_with("/resource", &[("authorization", &header)], &form);
    answer.assert_error(400, "invalid_request");
    let uri = format!("/resource?access_token={token}");
    state.send("GET", &uri, &[("authorization", &header)], "").assert_error(400, "invalid_request");
    state
        .post_with("/resource", &[("authorization", &header), ("authorization", &header)], "")
        .assert_error(400, "invalid_request");
}

#[test]
fn a_token_in_the_query_alone_is_no_authentication() {
    let mut state = State::new();
    let token = state.device_tokens("read").access_token;
    for name in ["access_token", "access%5Ftoken"] {
        let answer = state.get(&format!("/resource?{name}={token}"));
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}

#[test]
fn a_percent_encoded_name_hides_no_second_token() {
    let mut state = State::new();
    let token = state.device_tokens("read").access_token;
    let header = format!("Bearer {token}");
    let uri = format!("/resource?access%5Ftoken={token}");
    state.send("GET", &uri, &[("authorization", &header)], "").assert_error(400, "invalid_request");
}
