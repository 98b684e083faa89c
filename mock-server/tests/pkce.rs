//! RFC 7636.

use crate::state::{CHALLENGE, State, VERIFIER};

fn direct() -> State {
    State::with(|settings| settings.consent_page = false)
}

fn s256() -> String {
    format!("&code_challenge={CHALLENGE}&code_challenge_method=S256")
}

fn authorize_error(extra: &str) -> Option<String> {
    let uri = format!("/authorize?response_type=code&client_id=web{extra}");
    direct().get(&uri).location_parameter("error")
}

#[test]
fn the_s256_pair_of_appendix_b_matches() {
    let mut state = direct();
    let code = state.code(&s256());
    assert_eq!(state.redeem(&code, &format!("&code_verifier={VERIFIER}")).status, 200);
}

#[test]
fn a_method_left_out_means_plain() {
    let mut state = direct();
    let code = state.code(&format!("&code_challenge={VERIFIER}"));
    assert_eq!(state.redeem(&code, &format!("&code_verifier={VERIFIER}")).status, 200);
    let code = state.code(&format!("&code_challenge={CHALLENGE}"));
    let answer = state.redeem(&code, &format!("&code_verifier={VERIFIER}"));
    answer.assert_error(400, "invalid_grant");
}

#[test]
fn plain_compares_the_two_as_they_are() {
    let mut state = direct();
    let plain = format!("&code_challenge={VERIFIER}&code_challenge_method=plain");
    let code = state.code(&plain);
    assert_eq!(state.redeem(&code, &format!("&code_verifier={VERIFIER}")).status, 200);
    let code = state.code(&plain);
    state.redeem(&code, &format!("&code_verifier={CHALLENGE}")).assert_error(400, "invalid_grant");
}

#[test]
fn an_s256_challenge_is_no_verifier() {
    let mut state = direct();
    let code = state.code(&s256());
    state.redeem(&code, &format!("&code_verifier={CHALLENGE}")).assert_error(400, "invalid_grant");
}

#[test]
fn a_mismatch_spends_the_code() {
    let mut state = direct();
    let code = state.code(&s256());
    let wrong = format!("&code_verifier={}", "x".repeat(43));
    state.redeem(&code, &wrong).assert_error(400, "invalid_grant");
    state.redeem(&code, &format!("&code_verifier={VERIFIER}")).assert_error(400, "invalid_grant");
}

#[test]
fn a_verifier_of_a_bad_shape_is_refused() {
    let short = "a".repeat(42);
    let long = "a".repeat(129);
    let odd = format!("{}%2B", "a".repeat(42));
    for verifier in [short, long, odd] {
        let mut state = direct();
        // The challenge is the hash of nothing in particular: the shape is refused before.
        let code = state.code(&s256());
        let answer = state.redeem(&code, &format!("&code_verifier={verifier}"));
        answer.assert_error(400, "invalid_grant");
        assert!(answer.text("error_description").contains("43 to 128"), "{}", answer.body);
    }
}

#[test]
fn verifiers_of_43_and_128_characters_are_fine() {
    for length in [43, 128] {
        let mut state = direct();
        let verifier = "~".repeat(length);
        let code = state.code(&format!("&code_challenge={verifier}"));
        assert_eq!(state.redeem(&code, &format!("&code_verifier={verifier}")).status, 200, "{length}");
    }
}

#[test]
fn a_missing_verifier_is_refused() {
    let mut state = direct();
    let code = state.code(&s256());
    state.redeem(&code, "").assert_error(400, "invalid_grant");
}

#[test]
fn a_verifier_without_a_challenge_is_refused() {
    let mut state = direct();
    let code = state.code("");
    state.redeem(&code, &format!("&code_verifier={VERIFIER}")).assert_error(400, "invalid_grant");
}

#[test]
fn a_challenge_of_a_bad_shape_is_an_invalid_request() {
    for challenge in ["short", &"a".repeat(42), &"a".repeat(44), &"a".repeat(129), &format!("{CHALLENGE}%3D")]
    {
        let extra = format!("&code_challenge={challenge}&code_challenge_method=S256");
        assert_eq!(authorize_error(&extra).as_deref(), Some("invalid_request"), "{challenge}");
    }
    for challenge in ["short", &"a".repeat(129), &format!("{}%2F", "a".repeat(43))] {
        let extra = format!("&code_challenge={challenge}");
        assert_eq!(authorize_error(&extra).as_deref(), Some("invalid_request"), "{challenge}");
    }
}

#[test]
fn an_unknown_method_is_an_invalid_request() {
    for method in ["S512", "s256", "PLAIN"] {
        let extra = format!("&code_challenge={CHALLENGE}&code_challenge_method={method}");
        assert_eq!(authorize_error(&extra).as_deref(), Some("invalid_request"), "{method}");
    }
}

#[test]
fn a_method_without_a_challenge_is_an_invalid_request() {
    assert_eq!(authorize_error("&code_challenge_method=S256").as_deref(), Some("invalid_request"));
}

#[test]
fn a_client_that_requires_pkce_needs_a_challenge() {
    let answer = direct().get(
        "/authorize?response_type=code&client_id=native&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcallback",
    );
    assert_eq!(answer.location_parameter("error").as_deref(), Some("invalid_request"));
    let description = answer.location_parameter("error_description").unwrap();
    assert!(description.starts_with("code%20challenge%20required"), "{description}");
}
