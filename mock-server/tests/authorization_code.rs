//! Redeeming a code: RFC 6749 section 4.1.3.

use crate::state::{State, basic};

fn direct() -> State {
    State::with(|settings| settings.consent_page = false)
}

const REDIRECT_URI: &str = "&redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcb";

#[test]
fn a_code_is_redeemed_for_tokens() {
    let mut state = direct();
    let code = state.code("&scope=read+write");
    let answer = state.redeem(&code, "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let json = answer.json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 3600);
    assert_eq!(json["scope"], "read write");
    assert_eq!(state.resource(&answer.tokens().access_token).json()["client_id"], "web");
}

#[test]
fn the_granted_scope_is_named_when_none_was_asked() {
    let mut state = direct();
    let code = state.code("");
    assert_eq!(state.redeem(&code, "").json()["scope"], "read");
}

#[test]
fn a_code_lives_ten_minutes() {
    let mut state = direct();
    let code = state.code("");
    state.wait_seconds(599);
    assert_eq!(state.redeem(&code, "").status, 200);
    let code = state.code("");
    state.wait_seconds(601);
    state.redeem(&code, "").assert_error(400, "invalid_grant");
}

#[test]
fn a_second_use_is_refused_and_revokes_the_tokens_of_the_first() {
    let mut state = direct();
    let code = state.code("");
    let tokens = state.redeem(&code, "").tokens();
    assert_eq!(state.resource(&tokens.access_token).status, 200);
    state.redeem(&code, "").assert_error(400, "invalid_grant");
    assert_eq!(state.resource(&tokens.access_token).status, 401);
    let form = format!("grant_type=refresh_token&refresh_token={}", tokens.refresh_token);
    let web = basic("web", "web-secret");
    state.post_with("/token", &[web.as_header()], &form).assert_error(400, "invalid_grant");
}

#[test]
fn a_second_use_after_the_life_of_the_code_still_revokes() {
    let mut state = direct();
    let code = state.code("");
    let tokens = state.redeem(&code, "").tokens();
    state.wait_seconds(1800);
    state.redeem(&code, "").assert_error(400, "invalid_grant");
    assert_eq!(state.resource(&tokens.access_token).status, 401);
}

#[test]
fn a_code_is_bound_to_its_client() {
    let mut state = direct();
    let code = state.code("");
    let form = format!("grant_type=authorization_code&client_id=native&code={code}");
    state.post("/token", &form).assert_error(400, "invalid_grant");
    assert_eq!(state.redeem(&code, "").status, 200, "the rightful client is not harmed");
}

#[test]
fn a_redirect_uri_that_was_sent_is_required_and_compared() {
    let mut state = direct();
    let code = state.code(REDIRECT_URI);
    state.redeem(&code, "").assert_error(400, "invalid_grant");
    let other = "&redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fother";
    state.redeem(&code, other).assert_error(400, "invalid_grant");
    assert_eq!(state.redeem(&code, REDIRECT_URI).status, 200);
}

#[test]
fn a_redirect_uri_that_was_not_sent_may_only_be_the_registered_one() {
    let mut state = direct();
    let code = state.code("");
    let other = "&redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fother";
    state.redeem(&code, other).assert_error(400, "invalid_grant");
    assert_eq!(state.redeem(&code, REDIRECT_URI).status, 200);
}

#[test]
fn a_made_up_or_missing_code_is_refused() {
    direct().redeem("made-up", "").assert_error(400, "invalid_grant");
    direct().redeem("", "").assert_error(400, "invalid_request");
}

#[test]
fn an_access_token_lives_sixty_minutes() {
    let mut state = direct();
    let code = state.code("");
    let tokens = state.redeem(&code, "").tokens();
    state.wait_seconds(3599);
    assert_eq!(state.resource(&tokens.access_token).status, 200);
    state.wait_seconds(1);
    assert_eq!(state.resource(&tokens.access_token).status, 401);
}
