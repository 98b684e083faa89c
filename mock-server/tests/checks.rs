//! Every refusal says which check failed, and single checks can be relaxed by name.

use mock_server::{Check, Lenient};

use crate::state::{DEVICE_GRANT, Received, State, VERIFIER, basic};

fn lenient(checks: &[Check]) -> State {
    State::with(|settings| {
        settings.consent_page = false;
        for check in checks {
            settings.lenient.relax(*check).unwrap();
        }
    })
}

/// The status of one answer, strict and with one check relaxed.
fn strict_and_relaxed(check: Check, request: impl Fn(&mut State) -> Received) -> (u16, u16) {
    (request(&mut lenient(&[])).status, request(&mut lenient(&[check])).status)
}

#[test]
fn a_refusal_is_explained_in_the_log_and_behind_its_error_uri() {
    let mut state = State::new();
    let answer = state.post("/token", "grant_type=password&client_id=device");
    answer.assert_error(400, "unsupported_grant_type");
    assert_eq!(answer.text("error_uri"), "http://127.0.0.1:8080/explain/grant_type/1");
    let entry = state.server.requests().next_back().unwrap().explanation.as_ref().unwrap().to_string();
    assert_eq!(
        entry,
        "check=grant_type section=\"RFC 6749 section 5.2\" \
         expected=\"a grant_type that the metadata names\" got=\"password\""
    );
    let page = state.get("/explain/grant_type/1");
    for text in ["a grant_type that the metadata names", "password", "RFC 6749 section 5.2"] {
        page.assert_page(200, text);
    }
}

#[test]
fn the_page_of_a_check_says_how_to_relax_it() {
    let mut state = State::new();
    state.get("/explain/redirect_uri").assert_page(200, "--lenient redirect_uri");
    state.get("/explain/redirect_uri/77").assert_page(200, "no longer remembered");
    state.get("/explain/no_such_check").assert_error(404, "invalid_request");
    state.get("/explain/redirect_uri/x").assert_error(404, "invalid_request");
}

#[test]
fn what_a_client_sent_cannot_break_out_of_the_page_or_the_log_line() {
    let mut state = State::new();
    state.post("/token", "grant_type=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%0A&client_id=device");
    let page = state.get("/explain/grant_type/1");
    assert!(!page.body.contains("<script"), "{}", page.body);
    let entry = state.server.requests().next().unwrap().explanation.as_ref().unwrap().to_string();
    assert!(entry.ends_with("got=\"?><script>alert(1)</script>?\""), "{entry}");
}

#[test]
fn no_explanation_holds_a_secret_or_a_code() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.approve(&login);
    state.poll(&login);
    state.poll(&login).assert_error(400, "invalid_grant");
    state.post("/token", "grant_type=client_credentials&client_id=service&client_secret=hush-hush");
    state.post("/token", &format!("grant_type={DEVICE_GRANT}&client_id=device&device_code=made-up-code"));
    state.resource("made-up-token");
    let log = format!("{:?}", state.server.requests().collect::<Vec<_>>());
    assert_eq!(log.matches("Explanation {").count(), 4, "{log}");
    for secret in [&login.device_code, "hush-hush", "made-up-code", "made-up-token"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_redirected_refusal_has_an_error_uri_too() {
    let mut state = State::new();
    let answer = state.get("/authorize?response_type=token&client_id=web");
    let uri = answer.location_parameter("error_uri").unwrap();
    assert!(uri.ends_with("explain%2Fresponse_type%2F1"), "{uri}");
    let page = state.get("/authorize?response_type=code&client_id=web&redirect_uri=http://evil.example/");
    page.assert_page(400, "http://127.0.0.1:8080/explain/redirect_uri/2");
}

#[test]
fn waiting_is_no_refusal() {
    let mut state = State::new();
    let login = state.start_device_login();
    let answer = state.poll(&login).json();
    assert_eq!((&answer["error"], answer.get("error_uri")), (&"authorization_pending".into(), None));
}

#[test]
fn names_are_unique_and_found() {
    for check in Check::ALL {
        assert_eq!(Check::named(check.name()), Some(*check));
    }
    assert_eq!(Check::named("everything"), None);
    let refused = Lenient::default().relax(Check::GrantType).unwrap_err();
    assert_eq!(refused.to_string(), "the check grant_type cannot be relaxed");
}

#[test]
fn the_checks_of_the_request_can_be_relaxed() {
    let form = "client_id=device";
    for (check, headers, uri, body) in [
        (Check::ContentType, [("content-type", "text/plain")], "/device-authorization", form),
        (
            Check::ParametersInUrl,
            [("content-type", "application/x-www-form-urlencoded")],
            "/device-authorization?client_id=device",
            "",
        ),
        (
            Check::RepeatedParameter,
            [("content-type", "application/x-www-form-urlencoded")],
            "/device-authorization",
            "client_id=device&client_id=x",
        ),
        (
            Check::Scope,
            [("content-type", "application/x-www-form-urlencoded")],
            "/device-authorization",
            "client_id=device&scope=tv:watch",
        ),
        (
            Check::ClientId,
            [("content-type", "application/x-www-form-urlencoded")],
            "/device-authorization",
            "client_id=unknown",
        ),
        (
            Check::ClientSecret,
            [("content-type", "application/x-www-form-urlencoded")],
            "/device-authorization",
            "client_id=device-secret",
        ),
        (
            Check::AllowedGrant,
            [("content-type", "application/x-www-form-urlencoded")],
            "/device-authorization",
            "client_id=web&client_secret=web-secret",
        ),
    ] {
        let (strict, relaxed) = strict_and_relaxed(check, |state| state.send("POST", uri, &headers, body));
        assert!(strict >= 400 && relaxed == 200, "{}: {strict}, then {relaxed}", check.name());
    }
    let other_host = |state: &mut State| state.send("GET", "/jwks", &[("host", "mock.internal")], "");
    assert_eq!(strict_and_relaxed(Check::Host, other_host), (421, 200));
}

#[test]
fn the_checks_of_authorization_can_be_relaxed() {
    let other_redirect = |state: &mut State| {
        state.get("/authorize?response_type=code&client_id=web&redirect_uri=https://app.test/cb")
    };
    assert_eq!(strict_and_relaxed(Check::RedirectUri, other_redirect), (400, 302));
    let mut state = lenient(&[Check::RedirectUri]);
    for uri in ["javascript:alert(1)", "https://app.test/cb%23f", "https://app.test/%0D%0AX:y"] {
        let uri = format!("/authorize?response_type=code&client_id=web&redirect_uri={uri}");
        assert_eq!(state.get(&uri).status, 400, "{uri}");
    }
    let no_challenge = |state: &mut State| {
        let answer =
            state.get("/authorize?response_type=code&client_id=native&redirect_uri=http://127.0.0.1:1/cb");
        assert_eq!(answer.status, 302);
        Received { status: if answer.location_parameter("code").is_some() { 200 } else { 400 }, ..answer }
    };
    assert_eq!(strict_and_relaxed(Check::PkceRequired, no_challenge), (400, 200));
}

#[test]
fn the_checks_of_a_code_can_be_relaxed() {
    let twice = |state: &mut State| {
        let code = state.code("");
        state.redeem(&code, "");
        state.redeem(&code, "")
    };
    assert_eq!(strict_and_relaxed(Check::CodeReuse, twice), (400, 200));
    let wrong_verifier = |state: &mut State| {
        let code = state.code(&format!("&code_challenge={VERIFIER}"));
        state.redeem(&code, &format!("&code_verifier={}", "a".repeat(43)))
    };
    assert_eq!(strict_and_relaxed(Check::CodeVerifier, wrong_verifier), (400, 200));
    let short_verifier = |state: &mut State| {
        // SHA-256 of "short", in base64url.
        let code = state
            .code("&code_challenge_method=S256&code_challenge=-bAHi131ltLqGQEMABu9AJ5lHeLFfo-341XzHrnT9zk");
        state.redeem(&code, "&code_verifier=short")
    };
    assert_eq!(strict_and_relaxed(Check::CodeVerifierShape, short_verifier), (400, 200));
    let other_redirect = |state: &mut State| {
        let code = state.code("&redirect_uri=http://127.0.0.1:8765/cb");
        state.redeem(&code, "")
    };
    assert_eq!(strict_and_relaxed(Check::TokenRedirectUri, other_redirect), (400, 200));
}

#[test]
fn the_checks_of_a_device_login_can_be_relaxed() {
    let too_fast = |state: &mut State| {
        let login = state.start_device_login();
        state.poll(&login);
        let answer = state.poll(&login);
        let waits = answer.text("error") == "authorization_pending";
        Received { status: if waits { 200 } else { 400 }, ..answer }
    };
    assert_eq!(strict_and_relaxed(Check::PollInterval, too_fast), (400, 200));
    let twice = |state: &mut State| {
        let login = state.start_device_login();
        state.approve(&login);
        state.poll(&login);
        state.poll(&login)
    };
    assert_eq!(strict_and_relaxed(Check::DeviceCodeReuse, twice), (400, 200));
    let sixth_guess = |state: &mut State| {
        let (_, csrf_token) = state.open_page("/device");
        let form = format!("csrf_token={csrf_token}&user_code=WRONG");
        for _ in 0..5 {
            assert_eq!(state.post("/device", &form).status, 400);
        }
        state.post("/device", &form)
    };
    assert_eq!(strict_and_relaxed(Check::UserCodeGuesses, sixth_guess), (429, 400));
}

#[test]
fn the_checks_of_tokens_can_be_relaxed() {
    let reuse = |state: &mut State| {
        let tokens = state.device_tokens("read");
        let form =
            format!("grant_type=refresh_token&client_id=device&refresh_token={}", tokens.refresh_token);
        state.post("/token", &form);
        state.post("/token", &form)
    };
    assert_eq!(strict_and_relaxed(Check::RefreshTokenReuse, reuse), (400, 200));
    let in_url = |state: &mut State| {
        let tokens = state.device_tokens("read");
        state.get(&format!("/resource?access_token={}", tokens.access_token))
    };
    assert_eq!(strict_and_relaxed(Check::TokenInUrl, in_url), (401, 200));
    let any_secret = |state: &mut State| {
        let service = basic("service", "wrong");
        state.post_with("/token", &[service.as_header()], "grant_type=client_credentials")
    };
    assert_eq!(strict_and_relaxed(Check::ClientSecret, any_secret), (401, 200));
}

#[test]
fn every_check_that_can_be_relaxed_is_tried_here() {
    let source = include_str!("checks.rs");
    for check in Check::ALL.iter().filter(|check| check.relaxed().is_some()) {
        assert!(source.contains(&format!("Check::{check:?}")), "{check:?}");
    }
}
