//! What all grants share at the token endpoint: RFC 6749 sections 3.2, 5.1 and 5.2.

use crate::state::{State, basic};

#[test]
fn only_post_is_allowed() {
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let answer = State::new().send(method, "/token", &[], "");
        answer.assert_error(405, "invalid_request");
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
    }
}

#[test]
fn another_content_type_is_refused() {
    for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let answer = State::new().send(
            "POST",
            "/token",
            &[("content-type", content_type)],
            "grant_type=refresh_token",
        );
        answer.assert_error(400, "invalid_request");
    }
    State::new().send("POST", "/token", &[], "grant_type=refresh_token").assert_error(400, "invalid_request");
}

#[test]
fn a_missing_grant_type_is_an_invalid_request() {
    State::new().post("/token", "client_id=device").assert_error(400, "invalid_request");
}

#[test]
fn an_unknown_grant_type_is_unsupported() {
    State::new()
        .post("/token", "client_id=device&grant_type=password")
        .assert_error(400, "unsupported_grant_type");
}

#[test]
fn a_grant_type_that_the_client_may_not_use_is_refused() {
    let service = basic("service", "service-secret");
    let form = "grant_type=refresh_token&refresh_token=x";
    State::new().post_with("/token", &[service.as_header()], form).assert_error(400, "unauthorized_client");
}

#[test]
fn a_repeated_parameter_is_refused() {
    let form = "client_id=device&grant_type=refresh_token&grant_type=refresh_token&refresh_token=x";
    State::new().post("/token", form).assert_error(400, "invalid_request");
}

#[test]
fn parameters_in_the_url_are_refused() {
    let answer = State::new().post("/token?client_id=device", "grant_type=refresh_token&refresh_token=x");
    answer.assert_error(400, "invalid_request");
}

#[test]
fn a_flood_of_parameters_is_refused() {
    let form = (0..200).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    State::new().post("/token", &form).assert_error(400, "invalid_request");
}

#[test]
fn what_a_client_sent_comes_back_in_the_charset_of_descriptions() {
    let answer = State::new().post("/token", "client_id=device&%22%5C%0A%1B%C3%A9=1&%22%5C%0A%1B%C3%A9=1");
    answer.assert_error(400, "invalid_request");
}
