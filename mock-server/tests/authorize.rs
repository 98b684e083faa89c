//! The authorization endpoint: RFC 6749 sections 3.1 and 4.1, RFC 8252 section 7.3, RFC 9207, RFC 9700.

use mock_server::{Client, Endpoint, Fault};

use crate::state::{CHALLENGE, Received, State};

const WEB: &str = "/authorize?response_type=code&client_id=web&state=xyz";

/// A server that answers without a page.
fn direct() -> State {
    State::with(|settings| settings.consent_page = false)
}

#[track_caller]
fn assert_redirected_with_error(answer: &Received, error: &str) {
    assert_eq!(answer.status, 302, "{}", answer.body);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("http://127.0.0.1:8765/cb?"), "{location}");
    assert_eq!(answer.location_parameter("error").as_deref(), Some(error), "{location}");
    assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz"));
    assert_eq!(answer.location_parameter("iss").as_deref(), Some("http%3A%2F%2F127.0.0.1%3A8080"));
    assert_eq!(answer.location_parameter("code"), None);
}

#[test]
fn a_single_get_is_answered_with_the_redirect() {
    let answer = direct().get(WEB);
    assert_eq!(answer.status, 302);
    assert!(answer.header("location").unwrap().starts_with("http://127.0.0.1:8765/cb?code="));
    assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn the_issuer_is_in_success_and_error_redirects() {
    let success = direct().get(WEB);
    assert_eq!(success.location_parameter("iss").as_deref(), Some("http%3A%2F%2F127.0.0.1%3A8080"));
    assert_redirected_with_error(&direct().get(&format!("{WEB}&scope=admin")), "invalid_scope");
}

#[test]
fn auto_approve_skips_the_page() {
    let mut state = State::with(|settings| settings.auto_approve = true);
    assert_eq!(state.get(WEB).status, 302);
}

#[test]
fn a_post_asks_as_a_get_does() {
    let answer = direct().post("/authorize", "response_type=code&client_id=web&state=xyz");
    assert_eq!(answer.status, 303, "the browser must not post on");
    assert!(answer.location_parameter("code").is_some());
}

#[test]
fn other_methods_are_refused() {
    let answer = direct().send("PUT", WEB, &[], "");
    answer.assert_error(405, "invalid_request");
    assert_eq!(answer.header("allow"), Some("GET, POST"));
}

#[test]
fn an_unknown_client_is_told_on_a_page_without_redirect() {
    for uri in ["/authorize?response_type=code&client_id=nobody", "/authorize?response_type=code"] {
        let answer = direct().get(uri);
        answer.assert_page(400, "client_id");
        assert_eq!(answer.header("location"), None);
    }
}

#[test]
fn an_unregistered_redirect_uri_is_told_on_a_page_without_redirect() {
    for uri in [
        "https%3A%2F%2Fattacker.example%2Fcb",
        "http%3A%2F%2F127.0.0.1%3A8765%2Fcb%2F",
        "http%3A%2F%2F127.0.0.1%3A8765%2FCB",
        "http%3A%2F%2F127.0.0.1%3A8765%2Fcb%3Fx%3D1",
        "http%3A%2F%2F127.0.0.1%3A8765%2Fcb%23fragment",
        "http%3A%2F%2Flocalhost%3A8765%2Fcb",
        "http%3A%2F%2F127.0.0.1%3A8765%40attacker.example%2Fcb",
        "http%3A%2F%2F127.0.0.1%3A9999%2Fcb",
    ] {
        let answer = direct().get(&format!("{WEB}&redirect_uri={uri}"));
        answer.assert_page(400, "redirect_uri");
        assert_eq!(answer.header("location"), None, "{uri}");
    }
}

#[test]
fn a_loopback_redirect_of_a_native_app_may_have_any_port() {
    for (uri, expected) in [
        ("http%3A%2F%2F127.0.0.1%3A51004%2Fcallback", "http://127.0.0.1:51004/callback?code="),
        ("http%3A%2F%2F%5B%3A%3A1%5D%3A61023%2Fcallback", "http://[::1]:61023/callback?code="),
        ("http%3A%2F%2F127.0.0.1%2Fcallback", "http://127.0.0.1/callback?code="),
    ] {
        let answer = direct().get(&format!(
            "/authorize?response_type=code&client_id=native&redirect_uri={uri}&code_challenge={CHALLENGE}\
             &code_challenge_method=S256"
        ));
        assert!(answer.header("location").unwrap().starts_with(expected), "{:?}", answer.headers);
    }
}

#[test]
fn a_loopback_redirect_with_a_bad_port_or_path_is_refused() {
    for uri in [
        "http%3A%2F%2F127.0.0.1%3A0%2Fcallback",
        "http%3A%2F%2F127.0.0.1%3A70000%2Fcallback",
        "http%3A%2F%2F127.0.0.1%3A%2Fcallback",
        "http%3A%2F%2F127.0.0.1%3A80%40attacker.example%2Fcallback",
        "http%3A%2F%2F127.0.0.1.attacker.example%2Fcallback",
        "http%3A%2F%2F127.0.0.1%3A5000%2Fother",
        "http%3A%2F%2Flocalhost%3A5000%2Fcallback",
    ] {
        let answer =
            direct().get(&format!("/authorize?response_type=code&client_id=native&redirect_uri={uri}"));
        answer.assert_page(400, "redirect_uri");
    }
}

#[test]
fn a_client_with_several_redirect_uris_has_to_name_one() {
    direct()
        .get("/authorize?response_type=code&client_id=native")
        .assert_page(400, "redirect_uri is missing");
}

#[test]
fn a_repeated_parameter_is_an_invalid_request() {
    assert_redirected_with_error(&direct().get(&format!("{WEB}&scope=read&scope=write")), "invalid_request");
    direct().get(&format!("{WEB}&client_id=web")).assert_page(400, "repeated");
    let repeated_state = direct().get(&format!("{WEB}&state=abc"));
    assert_eq!(repeated_state.location_parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(repeated_state.location_parameter("state"), None, "which one would it be?");
}

#[test]
fn only_response_type_code_is_supported() {
    let uri = "/authorize?client_id=web&state=xyz";
    assert_redirected_with_error(
        &direct().get(&format!("{uri}&response_type=token")),
        "unsupported_response_type",
    );
    assert_redirected_with_error(&direct().get(uri), "invalid_request");
}

#[test]
fn an_unknown_scope_is_invalid() {
    assert_redirected_with_error(&direct().get(&format!("{WEB}&scope=admin")), "invalid_scope");
}

#[test]
fn a_client_without_the_grant_is_unauthorized() {
    let answer = direct().get("/authorize?response_type=code&client_id=service&state=xyz");
    assert_redirected_with_error(&answer, "unauthorized_client");
}

#[test]
fn request_objects_and_other_response_modes_are_refused() {
    assert_redirected_with_error(&direct().get(&format!("{WEB}&request=e30")), "request_not_supported");
    let answer = direct().get(&format!("{WEB}&request_uri=urn%3Ax"));
    assert_redirected_with_error(&answer, "request_uri_not_supported");
    assert_redirected_with_error(&direct().get(&format!("{WEB}&response_mode=fragment")), "invalid_request");
}

#[test]
fn server_errors_come_on_demand() {
    for error in ["server_error", "temporarily_unavailable"] {
        let mut state = direct();
        state.server.fail_next(Endpoint::Authorize, &Fault::Error(error.to_owned()), 1);
        assert_redirected_with_error(&state.get(WEB), error);
        assert!(state.get(WEB).location_parameter("code").is_some());
    }
}

#[test]
fn a_wrong_or_missing_issuer_comes_on_demand() {
    let mut state = direct();
    state.server.fail_next(Endpoint::Authorize, &Fault::IssuerMissing, 1);
    state.server.fail_next(Endpoint::Authorize, &Fault::IssuerWrong, 1);
    assert_eq!(state.get(WEB).location_parameter("iss"), None);
    let wrong = state.get(WEB);
    assert_eq!(wrong.location_parameter("iss").as_deref(), Some("https%3A%2F%2Fattacker.example"));
    assert!(wrong.location_parameter("code").is_some());
}

#[test]
fn the_state_comes_back_as_it_was() {
    let uri = "/authorize?response_type=code&client_id=web&state=a%26b%3Dc%20%C3%A9%2B%22";
    let answer = direct().get(uri);
    assert_eq!(answer.location_parameter("state").as_deref(), Some("a%26b%3Dc%20%C3%A9%2B%22"));
}

#[test]
fn the_query_of_a_redirect_uri_stays() {
    let mut state = State::with(|settings| {
        settings.consent_page = false;
        let web = Client::confidential("web", "s").with_redirect_uri("https://app.test/cb?tenant=a%26b");
        settings.clients = vec![web];
    });
    let answer = state.get("/authorize?response_type=code&client_id=web");
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("https://app.test/cb?tenant=a%26b&code="), "{location}");
}

#[test]
fn the_consent_page_names_client_scopes_and_target() {
    let page = State::new().get(&format!("{WEB}&scope=read+email"));
    page.assert_page(200, "Demo web app");
    for text in ["<code>read</code>", "<code>email</code>", "http://127.0.0.1:8765/cb", "Approve", "Deny"] {
        assert!(page.body.contains(text), "{text}");
    }
    assert_eq!(page.header("location"), None);
}

#[test]
fn the_consent_page_may_not_be_framed_or_leak() {
    let page = State::new().get(WEB);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:8765;"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}

fn consent_form(csrf_token: &str, decision: &str) -> String {
    format!("response_type=code&client_id=web&state=xyz&csrf_token={csrf_token}&decision={decision}")
}

#[test]
fn an_approval_redirects_with_a_code() {
    let mut state = State::new();
    let (_, csrf_token) = state.open_page(WEB);
    let answer = state.post("/authorize", &consent_form(&csrf_token, "approve"));
    assert_eq!(answer.status, 303);
    let code = answer.location_parameter("code").unwrap();
    assert_eq!(state.redeem(&code, "").status, 200);
}

#[test]
fn a_denial_redirects_with_access_denied() {
    let mut state = State::new();
    let (_, csrf_token) = state.open_page(WEB);
    let answer = state.post("/authorize", &consent_form(&csrf_token, "deny"));
    assert_eq!(answer.status, 303);
    assert_eq!(answer.location_parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz"));
}

#[test]
fn a_consent_from_elsewhere_is_refused() {
    let mut state = State::new();
    let (_, csrf_token) = state.open_page(WEB);
    state.post("/authorize", &consent_form("guess", "approve")).assert_page(403, "cannot be used");
    let form = consent_form(&csrf_token, "approve");
    for header in [("origin", "https://attacker.example"), ("sec-fetch-site", "cross-site")] {
        state.post_with("/authorize", &[header], &form).assert_page(403, "cannot be used");
    }
    state.cookie = None;
    state.post("/authorize", &form).assert_page(403, "cannot be used");
}

#[test]
fn a_get_never_approves() {
    let mut state = State::new();
    let (_, csrf_token) = state.open_page(WEB);
    let page = state.get(&format!("/authorize?{}", consent_form(&csrf_token, "approve")));
    page.assert_page(200, "Approve this app?");
}

#[test]
fn prompt_none_cannot_ask() {
    assert_redirected_with_error(&State::new().get(&format!("{WEB}&prompt=none")), "consent_required");
}

#[test]
fn what_the_client_sent_is_escaped_on_the_page() {
    let page = State::new().get(&format!("{WEB}&nonce=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"));
    assert!(!page.body.contains("<script>"), "{}", page.body);
    assert!(page.body.contains("&lt;script&gt;"));
    let refused = State::new().get("/authorize?client_id=%3Cscript%3Ex%3C%2Fscript%3E");
    assert!(!refused.body.contains("<script>"));
}

#[test]
fn a_registered_redirect_uri_adds_nothing_else_to_the_policy_of_the_page() {
    for (redirect_uri, encoded) in [
        ("http://app.example;script-src *", "http%3A%2F%2Fapp.example%3Bscript-src%20%2A"),
        ("http://app.example\r\nx: y/cb", "http%3A%2F%2Fapp.example%0D%0Ax%3A%20y%2Fcb"),
        ("app:'unsafe-inline'", "app%3A%27unsafe-inline%27"),
    ] {
        let mut state = State::with(|settings| {
            settings.clients = vec![Client::confidential("web", "s").with_redirect_uri(redirect_uri)];
        });
        let page = state
            .get(&format!("/authorize?response_type=code&client_id=web&scope=read&redirect_uri={encoded}"));
        page.assert_page(200, "Approve this app?");
        let policy = page.header("content-security-policy").expect("a policy, whatever was registered");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn a_full_table_of_codes_says_so_and_empties_itself() {
    let mut state = direct();
    let refused =
        (0..60_000).map(|_| state.get(WEB)).find(|answer| answer.location_parameter("code").is_none());
    assert_redirected_with_error(&refused.expect("the table is bounded"), "temporarily_unavailable");
    state.wait_seconds(600 + 3600);
    assert!(state.get(WEB).location_parameter("code").is_some());
}
