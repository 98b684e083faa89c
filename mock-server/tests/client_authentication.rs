//! RFC 6749 section 2.3.

use crate::state::{Received, State, basic};

const GRANT: &str = "grant_type=client_credentials&scope=read";

fn with_header(authorization: &str, form: &str) -> Received {
    State::new().post_with("/token", &[("authorization", authorization)], form)
}

#[test]
fn basic_and_a_secret_in_the_body_both_work() {
    let service = basic("service", "service-secret");
    assert_eq!(State::new().post_with("/token", &[service.as_header()], GRANT).status, 200);
    let form = format!("{GRANT}&client_id=service&client_secret=service-secret");
    assert_eq!(State::new().post("/token", &form).status, 200);
}

#[test]
fn both_halves_of_basic_are_form_decoded() {
    // printf 'service:service%%2Dsecret' | base64, and ser%76ice:service-secret
    assert_eq!(with_header("Basic c2VydmljZTpzZXJ2aWNlJTJEc2VjcmV0", GRANT).status, 200);
    assert_eq!(with_header("Basic c2VyJTc2aWNlOnNlcnZpY2Utc2VjcmV0", GRANT).status, 200);
}

#[test]
fn the_scheme_name_has_no_case() {
    assert_eq!(with_header("bAsIc c2VydmljZTpzZXJ2aWNlLXNlY3JldA==", GRANT).status, 200);
}

#[test]
fn two_methods_at_once_are_refused() {
    let service = basic("service", "service-secret");
    let form = format!("{GRANT}&client_secret=service-secret");
    State::new().post_with("/token", &[service.as_header()], &form).assert_error(400, "invalid_request");
}

#[test]
fn a_wrong_basic_secret_is_challenged() {
    let wrong = basic("service", "guess");
    let answer = State::new().post_with("/token", &[wrong.as_header()], GRANT);
    answer.assert_error(401, "invalid_client");
    assert!(answer.header("www-authenticate").unwrap().starts_with("Basic realm="));
}

#[test]
fn a_wrong_secret_in_the_body_is_not_challenged() {
    let answer = State::new().post("/token", &format!("{GRANT}&client_id=service&client_secret=guess"));
    answer.assert_error(401, "invalid_client");
    assert_eq!(answer.header("www-authenticate"), None);
}

#[test]
fn an_unreadable_authorization_header_is_challenged() {
    for header in ["Basic", "Basic !!!", "Basic c2VydmljZQ==", "Bearer abc", "Basic /////w=="] {
        with_header(header, GRANT).assert_error(401, "invalid_client");
    }
}

#[test]
fn a_repeated_authorization_header_is_refused() {
    let service = basic("service", "service-secret");
    let answer = State::new().post_with("/token", &[service.as_header(), service.as_header()], GRANT);
    answer.assert_error(400, "invalid_request");
}

#[test]
fn client_id_beside_basic_must_be_the_same() {
    let service = basic("service", "service-secret");
    let same = format!("{GRANT}&client_id=service");
    assert_eq!(State::new().post_with("/token", &[service.as_header()], &same).status, 200);
    let other = format!("{GRANT}&client_id=web");
    State::new().post_with("/token", &[service.as_header()], &other).assert_error(400, "invalid_request");
}

#[test]
fn a_public_client_has_no_secret_to_send() {
    let form = "grant_type=refresh_token&refresh_token=x&client_id=device&client_secret=guess";
    State::new().post("/token", form).assert_error(401, "invalid_client");
}

#[test]
fn every_ready_made_secret_is_checked() {
    for (client_id, secret) in [
        ("device-secret", "device-secret"),
        ("web", "web-secret"),
        ("service", "service-secret"),
        ("api", "api-secret"),
    ] {
        let right = basic(client_id, secret);
        let known = State::new().post_with("/revoke", &[right.as_header()], "token=x");
        assert_eq!(known.status, 200, "{client_id}");
        let wrong = basic(client_id, &format!("{secret}x"));
        State::new()
            .post_with("/revoke", &[wrong.as_header()], "token=x")
            .assert_error(401, "invalid_client");
    }
}
