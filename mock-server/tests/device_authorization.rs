//! RFC 8628 sections 3.1 and 3.2.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::state::{State, basic};

const PATH: &str = "/device-authorization";

#[test]
fn get_is_not_allowed() {
    let answer = State::new().get(PATH);
    answer.assert_error(405, "invalid_request");
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[test]
fn a_json_body_is_refused() {
    let json = [("content-type", "application/json")];
    let answer = State::new().send("POST", PATH, &json, r#"{"client_id":"device"}"#);
    answer.assert_error(400, "invalid_request");
}

#[test]
fn a_charset_after_the_media_type_is_fine() {
    let form = [("content-type", "application/x-www-form-urlencoded;charset=UTF-8")];
    assert_eq!(State::new().send("POST", PATH, &form, "client_id=device").status, 200);
}

#[test]
fn a_missing_client_id_is_an_invalid_request() {
    State::new().post(PATH, "scope=read").assert_error(400, "invalid_request");
}

#[test]
fn an_unknown_client_is_invalid() {
    State::new().post(PATH, "client_id=nobody").assert_error(401, "invalid_client");
}

#[test]
fn a_confidential_client_authenticates_with_basic() {
    let mut state = State::new();
    let right = basic("device-secret", "device-secret");
    assert_eq!(state.post_with(PATH, &[right.as_header()], "").status, 200);
    let wrong = basic("device-secret", "guess");
    let answer = state.post_with(PATH, &[wrong.as_header()], "");
    answer.assert_error(401, "invalid_client");
    assert!(answer.header("www-authenticate").unwrap().starts_with("Basic realm="));
}

#[test]
fn a_confidential_client_without_its_secret_is_refused() {
    State::new().post(PATH, "client_id=device-secret").assert_error(401, "invalid_client");
}

#[test]
fn a_client_without_the_grant_is_unauthorized() {
    State::new().post(PATH, "client_id=native").assert_error(400, "unauthorized_client");
}

#[test]
fn an_unknown_scope_is_invalid() {
    State::new().post(PATH, "client_id=device&scope=read+admin").assert_error(400, "invalid_scope");
}

#[test]
fn scopes_are_separated_by_single_spaces() {
    State::new().post(PATH, "client_id=device&scope=read++write").assert_error(400, "invalid_scope");
    State::new().post(PATH, "client_id=device&scope=read,write").assert_error(400, "invalid_scope");
}

#[test]
fn an_empty_value_counts_as_left_out() {
    let mut state = State::new();
    assert_eq!(state.post(PATH, "client_id=device&scope=").status, 200);
    state.post(PATH, "client_id=").assert_error(400, "invalid_request");
}

#[test]
fn an_unknown_parameter_is_ignored() {
    assert_eq!(State::new().post(PATH, "client_id=device&colour=green").status, 200);
}

#[test]
fn a_repeated_parameter_is_refused() {
    State::new().post(PATH, "client_id=device&scope=read&scope=write").assert_error(400, "invalid_request");
    State::new().post(PATH, "client_id=device&client_id=device").assert_error(400, "invalid_request");
}

#[test]
fn resource_may_repeat() {
    let form = "client_id=device&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example";
    assert_eq!(State::new().post(PATH, form).status, 200);
}

#[test]
fn parameters_in_the_url_are_refused() {
    State::new().post("/device-authorization?client_id=device", "").assert_error(400, "invalid_request");
}

#[test]
fn broken_percent_encoding_is_refused() {
    State::new().post(PATH, "client_id=device&x=%zz").assert_error(400, "invalid_request");
    State::new().post(PATH, "client_id=device&x=%ff").assert_error(400, "invalid_request");
}

#[test]
fn the_answer_is_json_that_is_not_stored() {
    let answer = State::new().post(PATH, "client_id=device");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn the_answer_has_all_members_with_their_types() {
    let answer = State::new().post(PATH, "client_id=device").json();
    let user_code = answer["user_code"].as_str().unwrap();
    assert!(answer["device_code"].is_string());
    assert_eq!(answer["verification_uri"], "http://127.0.0.1:8080/device");
    assert_eq!(
        answer["verification_uri_complete"],
        format!("http://127.0.0.1:8080/device?user_code={user_code}")
    );
    assert_eq!(answer["expires_in"], 600);
    assert_eq!(answer["interval"], 5);
}

#[test]
fn user_codes_are_eight_letters_of_the_twenty_in_two_groups() {
    let mut state = State::new();
    for _ in 0..200 {
        let code = state.start_device_login().user_code;
        let letters: Vec<char> = code.chars().collect();
        assert_eq!((letters.len(), letters[4]), (9, '-'), "{code}");
        assert!(code.replace('-', "").chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ".contains(c)), "{code}");
    }
}

#[test]
fn each_request_gives_fresh_codes() {
    let mut state = State::new();
    let logins: Vec<_> = (0..500).map(|_| state.start_device_login()).collect();
    assert_eq!(logins.iter().map(|login| &login.user_code).collect::<HashSet<_>>().len(), 500);
    assert_eq!(logins.iter().map(|login| &login.device_code).collect::<HashSet<_>>().len(), 500);
}

#[test]
fn a_device_code_has_256_bits() {
    let login = State::new().start_device_login();
    assert_eq!(URL_SAFE_NO_PAD.decode(login.device_code).unwrap().len(), 32);
}

#[test]
fn a_full_table_says_so_and_empties_itself() {
    let mut state = State::new();
    let refused =
        (0..60_000).map(|_| state.post(PATH, "client_id=device")).find(|answer| answer.status != 200);
    let refused = refused.expect("the table is bounded");
    refused.assert_error(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), Some("60"));
    state.wait_seconds(600 + 3600);
    assert_eq!(state.post(PATH, "client_id=device").status, 200);
}
