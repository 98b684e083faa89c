//! What a client is told it did wrong: each rule kept, and each rule broken.

use std::time::Duration;

use mock_server::{Endpoint, Fault, Profile, Severity};

use crate::state::{CHALLENGE, State, VERIFIER, basic};

/// The rules broken so far, with their weight.
fn broken(state: &State) -> Vec<(Severity, &'static str)> {
    state.server.verdicts().map(|verdict| (verdict.severity, verdict.rule)).collect()
}

const UNAVAILABLE: Fault = Fault::ServiceUnavailable { retry_after: None };

#[test]
fn a_polite_device_is_clean() {
    let mut state = State::new();
    let login = state.start_device_login();
    for _ in 0..3 {
        state.wait_seconds(5);
        assert_eq!(state.poll_error(&login), "authorization_pending");
    }
    state.server.fail_next(Endpoint::Token, &UNAVAILABLE, 1);
    state.wait_seconds(5);
    state.poll(&login);
    state.approve(&login);
    state.wait_seconds(10);
    state.poll(&login).tokens();
    assert_eq!(broken(&state), []);
    let report = state.get("/_control/verdicts").json();
    assert_eq!(report["clean"], true);
    assert_eq!(report["checked"]["poll-interval"], 4);
    assert_eq!(report["checked"]["back-off-after-failure"], 1);
    assert_eq!(report["checked"]["slow-down-kept"], 0);
}

#[test]
fn a_poll_that_comes_too_soon_is_an_error_that_says_how_soon() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.wait_seconds(5);
    state.poll(&login);
    state.wait(Duration::from_millis(4900));
    state.poll(&login);
    let verdict = state.server.verdicts().next().unwrap();
    assert_eq!(
        verdict.to_string(),
        "error poll-interval: expected at least 5.0 s since the last request, got 4.9 s \
         (RFC 8628 section 3.5; POST /token by client device at 9.9 s)"
    );
}

#[test]
fn a_first_poll_at_once_is_only_noted() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    assert_eq!(broken(&state), [(Severity::Note, "first-poll")]);
}

#[test]
fn slow_down_holds_for_all_later_polls() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.fail_next(Endpoint::Token, &Fault::Error("slow_down".to_owned()), 1);
    for wait in [5, 10, 10] {
        state.wait_seconds(wait);
        state.poll(&login);
    }
    assert_eq!(broken(&state), []);
    state.wait_seconds(9);
    state.poll(&login);
    assert_eq!(broken(&state), [(Severity::Error, "slow-down-kept")]);
}

#[test]
fn a_device_that_was_told_no_interval_waits_five_seconds() {
    for (configured, wait, expected) in
        [(1, 5, vec![]), (1, 4, vec![(Severity::Error, "poll-interval")]), (10, 5, vec![])]
    {
        let mut state = State::with(|settings| settings.interval = Duration::from_secs(configured));
        let without = Fault::MissingMember("interval".to_owned());
        state.server.fail_next(Endpoint::DeviceAuthorization, &without, 1);
        let login = state.start_device_login();
        for wait in [5, wait] {
            state.wait_seconds(wait);
            state.poll(&login);
        }
        assert_eq!(broken(&state), expected, "{configured} {wait}");
    }
}

#[test]
fn a_device_that_was_told_no_lifetime_cannot_know_the_end() {
    let mut state = State::new();
    let without = Fault::MissingMember("expires_in".to_owned());
    state.server.fail_next(Endpoint::DeviceAuthorization, &without, 1);
    let login = state.start_device_login();
    state.wait_seconds(601);
    assert_eq!(state.poll_error(&login), "expired_token");
    assert_eq!(broken(&state), []);
}

/// The devices of a fleet share a `client_id` and an address.
#[test]
fn another_device_may_always_ask_for_a_code() {
    let mut state = State::new();
    let limited = Fault::TooManyRequests { retry_after: Some(Duration::from_secs(20)) };
    state.server.fail_next(Endpoint::DeviceAuthorization, &limited, 1);
    for _ in 0..3 {
        state.post("/device-authorization", "client_id=device");
    }
    assert_eq!(broken(&state), []);
}

#[test]
fn nothing_may_come_after_the_last_word() {
    for (approve, answer) in [(true, "the access token"), (false, "the error access_denied")] {
        let mut state = State::new();
        let login = state.start_device_login();
        if approve {
            state.approve(&login);
        } else {
            state.server.deny(state.now, &login.user_code).unwrap();
        }
        state.wait_seconds(5);
        state.poll(&login);
        assert_eq!(broken(&state), []);
        state.wait_seconds(5);
        state.poll(&login);
        assert_eq!(broken(&state), [(Severity::Error, "stop-at-final-answer")]);
        let verdict = state.server.verdicts().next().unwrap();
        assert_eq!(verdict.expected, format!("no poll after {answer}"));
    }
}

#[test]
fn a_device_that_polls_past_the_expiry_is_warned() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.wait_seconds(600);
    state.poll(&login);
    assert_eq!(broken(&state), [(Severity::Warning, "stop-at-expiry")]);
}

#[test]
fn a_code_that_a_person_lets_expire_early_is_nobodys_fault() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.expire(state.now, &login.user_code).unwrap();
    state.wait_seconds(5);
    assert_eq!(state.poll_error(&login), "expired_token");
    assert_eq!(broken(&state), []);
}

#[test]
fn after_a_failure_the_next_wait_is_longer() {
    for fault in [UNAVAILABLE, Fault::HtmlPage] {
        let mut state = State::new();
        let login = state.start_device_login();
        state.server.fail_next(Endpoint::Token, &fault, 1);
        for _ in 0..2 {
            state.wait_seconds(5);
            state.poll(&login);
        }
        assert_eq!(broken(&state), [(Severity::Note, "back-off-after-failure")], "{fault:?}");
    }
}

#[test]
fn after_a_timeout_the_next_wait_is_longer() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.fail_next(Endpoint::Token, &Fault::NoAnswer, 2);
    for wait in [5, 10, 5] {
        state.wait_seconds(wait);
        state.poll(&login);
    }
    assert_eq!(broken(&state), [(Severity::Error, "back-off-after-timeout")]);
}

#[test]
fn a_redirect_of_the_token_endpoint_is_not_to_be_followed_least_of_all_with_credentials() {
    let elsewhere = |state: &mut State, method: &str, headers: &[(&str, &str)], body: &str| {
        state.server.fail_next(Endpoint::Token, &Fault::Redirect { location: None }, 1);
        let form = "grant_type=refresh_token&client_id=device&refresh_token=x";
        let location = state.post("/token", form).header("location").expect("a redirect").to_owned();
        let (_, path) = location.rsplit_once('/').expect("a path");
        if !method.is_empty() {
            state.send(method, &format!("/{path}"), headers, body);
        }
    };
    let mut stays = State::new();
    elsewhere(&mut stays, "", &[], "");
    assert_eq!(broken(&stays), []);
    assert_eq!(stays.get("/_control/verdicts").json()["checked"]["no-redirect-followed"], 1);
    let mut follows = State::new();
    elsewhere(&mut follows, "GET", &[], "");
    assert_eq!(broken(&follows), [(Severity::Note, "no-redirect-followed")]);
    for (headers, body) in [(&[][..], "refresh_token=x"), (&[("authorization", "Basic eDp5")][..], "")] {
        let mut tells = State::new();
        elsewhere(&mut tells, "POST", headers, body);
        assert_eq!(broken(&tells), [(Severity::Error, "no-credentials-elsewhere")]);
    }
}

#[test]
fn a_post_that_became_a_get_at_the_path_with_its_slash_followed_a_redirect() {
    let mut state = State::with(|settings| settings.profile = Profile::Octopus);
    assert_eq!(state.post("/token", "grant_type=client_credentials&client_id=device").status, 301);
    assert_eq!(broken(&state), []);
    state.get("/token/");
    assert_eq!(broken(&state), [(Severity::Note, "no-redirect-followed")]);
}

#[test]
fn retry_after_is_to_be_waited_out_once() {
    let mut state = State::new();
    let login = state.start_device_login();
    let limited = Fault::TooManyRequests { retry_after: Some(Duration::from_secs(20)) };
    state.server.fail_next(Endpoint::Token, &limited, 2);
    for wait in [5, 20, 19, 5] {
        state.wait_seconds(wait);
        state.poll(&login);
    }
    assert_eq!(broken(&state), [(Severity::Warning, "retry-after")]);
}

fn authorize(state: &mut State, client_id: &str, extra: &str) {
    let redirect = "redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcb";
    let answer = state.get(&format!("/authorize?response_type=code&client_id={client_id}&{redirect}{extra}"));
    assert_eq!(answer.status, 302, "{}", answer.body);
}

fn without_pages() -> State {
    State::with(|settings| settings.consent_page = false)
}

#[test]
fn s256_with_state_is_clean_and_reuse_is_not() {
    let mut state = without_pages();
    let request = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256&state=one");
    authorize(&mut state, "native", &request);
    assert_eq!(broken(&state), []);
    authorize(&mut state, "native", &request);
    assert_eq!(broken(&state), [(Severity::Error, "pkce-fresh"), (Severity::Warning, "state-fresh")]);
}

#[test]
fn a_refused_request_uses_nothing_up() {
    let mut state = without_pages();
    let request = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256&state=one");
    authorize(&mut state, "native", &format!("{request}&scope=unheard-of"));
    authorize(&mut state, "native", &request);
    assert_eq!(broken(&state), []);
}

#[test]
fn pkce_and_state_weigh_as_the_rfcs_say() {
    let plain = format!("&code_challenge={VERIFIER}&state=a");
    let s256 = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let (error, warning, note) = (Severity::Error, Severity::Warning, Severity::Note);
    let cases = [
        ("native", plain.as_str(), vec![(warning, "pkce-s256")]),
        ("native", s256.as_str(), vec![(note, "state-sent")]),
        ("native", "&state=a", vec![(error, "pkce-public-client")]),
        ("web", "&state=a", vec![(warning, "pkce-confidential-client")]),
        ("web", "", vec![(warning, "pkce-confidential-client"), (error, "csrf-protection")]),
    ];
    for (client_id, extra, expected) in cases {
        let mut state = without_pages();
        authorize(&mut state, client_id, extra);
        assert_eq!(broken(&state), expected, "{client_id} {extra}");
    }
}

#[test]
fn a_consent_page_that_goes_round_is_one_request() {
    let mut state = State::new();
    let query = format!(
        "response_type=code&client_id=web&state=s&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    state.open_page(&format!("/authorize?{query}"));
    let (_, csrf_token) = state.open_page(&format!("/authorize?{query}"));
    let answer = state.post("/authorize", &format!("{query}&csrf_token={csrf_token}&decision=approve"));
    assert!(answer.location_parameter("code").is_some(), "{}", answer.body);
    assert_eq!(broken(&state), []);
}

#[test]
fn a_short_verifier_is_an_error() {
    let mut state = without_pages();
    let code = state.code(&format!("&code_challenge={CHALLENGE}&code_challenge_method=S256"));
    state.redeem(&code, &format!("&code_verifier={}", &VERIFIER[..32]));
    let verdict = state.server.verdicts().next().unwrap();
    assert_eq!((verdict.rule, verdict.got.as_str()), ("pkce-verifier", "32 characters"));
}

#[test]
fn secrets_in_urls_are_errors_and_are_not_told_on() {
    let mut state = State::new();
    state.post("/token?client_secret=hunter2", "grant_type=client_credentials");
    state.post("/device-authorization?client_secret=hunter2", "client_id=device-secret");
    state.get("/resource?access_token=hunter2");
    let secret = (Severity::Error, "no-secret-in-url");
    assert_eq!(broken(&state), [secret, secret, (Severity::Error, "no-access-token-in-url")]);
    let report = state.get("/_control/verdicts").body;
    assert!(!report.contains("hunter2"), "{report}");
}

#[test]
fn a_spent_refresh_token_is_an_error() {
    let mut state = State::new();
    let refresh_token = state.device_tokens("read").refresh_token;
    let form = format!("grant_type=refresh_token&client_id=device&refresh_token={refresh_token}");
    state.post("/token", &form);
    let before = broken(&state).len();
    state.post("/token", &form);
    assert_eq!(broken(&state)[before..], [(Severity::Error, "spent-refresh-token")]);
}

#[test]
fn a_wrong_secret_or_an_unknown_code_is_no_breach() {
    let mut state = State::new();
    state.post_with("/token", &[basic("web", "wrong").as_header()], "grant_type=client_credentials");
    state.post("/token", "grant_type=refresh_token&client_id=device&refresh_token=made-up");
    assert_eq!(broken(&state), []);
}

#[test]
fn a_reset_forgets_verdicts() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.server.reset(state.now);
    assert_eq!(broken(&state), []);
}
