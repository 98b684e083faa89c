//! The page where a person types the code: RFC 8628 sections 3.3, 5.1, 5.4 and 6.1.

use std::net::{IpAddr, Ipv4Addr};

use crate::state::{DeviceLogin, Received, State};

/// A browser that has the page open.
struct Browser {
    state: State,
    csrf_token: String,
}

impl Browser {
    fn open() -> Self {
        Self::open_with(State::new())
    }

    fn open_with(mut state: State) -> Self {
        let (_, csrf_token) = state.open_page("/device");
        Self { state, csrf_token }
    }

    fn type_code(&mut self, user_code: &str) -> Received {
        let form = format!("csrf_token={}&user_code={user_code}", self.csrf_token);
        self.state.post("/device", &form)
    }

    fn decide(&mut self, login: &DeviceLogin, decision: &str) -> Received {
        let form =
            format!("csrf_token={}&user_code={}&decision={decision}", self.csrf_token, login.user_code);
        self.state.post("/device", &form)
    }
}

#[test]
fn the_page_has_a_field_for_the_code() {
    let page = State::new().get("/device");
    page.assert_page(200, "<input type=\"text\" id=\"user_code\" name=\"user_code\"");
    assert!(page.body.contains("<label for=\"user_code\">"));
}

#[test]
fn the_page_works_without_script_and_on_a_phone() {
    let page = State::new().get("/device").body;
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("<form method=\"post\" action=\"/device\">"));
    assert!(page.contains("content=\"width=device-width, initial-scale=1\""));
}

#[test]
fn a_code_in_the_url_is_shown_to_be_compared_and_approves_nothing() {
    let mut state = State::new();
    let login = state.start_device_login();
    let page = state.get(&format!("/device?user_code={}", login.user_code));
    page.assert_page(200, &format!("value=\"{}\"", login.user_code));
    assert!(page.body.contains("Is this the code that your device shows?"));
    let page = state.get(&format!("/device?user_code={}&decision=approve", login.user_code));
    assert_eq!(page.status, 200);
    assert_eq!(state.poll_error(&login), "authorization_pending");
}

#[test]
fn a_get_does_not_tell_whether_a_code_is_right() {
    let mut state = State::new();
    state.cookie = Some("mock_server_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let login = state.start_device_login();
    let right = state.get(&format!("/device?user_code={}", login.user_code)).body;
    let wrong = state.get("/device?user_code=BBBB-BBBB").body;
    assert_eq!(right.replace(&login.user_code, "BBBB-BBBB"), wrong);
}

#[test]
fn the_right_code_leads_to_a_page_that_names_what_is_asked() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login_with("client_id=device&scope=read+email");
    browser.state.wait_seconds(30);
    let page = browser.type_code(&login.user_code);
    page.assert_page(200, "Approve this device?");
    for text in [
        login.user_code.as_str(),
        "Demo device",
        "<code>device</code>",
        "<code>read</code>",
        "Read your data",
        "<code>email</code>",
        "See your e-mail address",
        "<strong>alice</strong>",
        "127.0.0.1",
        "30 seconds ago",
        "in your possession",
        ">Approve</button>",
        ">Deny</button>",
    ] {
        assert!(page.body.contains(text), "no {text:?} in {}", page.body);
    }
    assert!(!page.body.contains(&login.device_code));
    assert_eq!(browser.state.poll_error(&login), "authorization_pending", "nothing is decided yet");
}

#[test]
fn an_approval_signs_the_device_in() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    browser.decide(&login, "approve").assert_page(200, "Device approved");
    assert_eq!(browser.state.poll_error(&login), "");
}

#[test]
fn a_denial_reaches_the_device() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    browser.decide(&login, "deny").assert_page(200, "Device denied");
    assert_eq!(browser.state.poll_error(&login), "access_denied");
}

#[test]
fn typed_codes_match_without_case_blanks_and_punctuation() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    let code = &login.user_code;
    let bare = code.replace('-', "");
    for typed in [
        bare.to_lowercase(),
        code.to_lowercase(),
        code.replace('-', "+"),
        format!("++{code}++"),
        code.replace('-', "%E2%80%93"),
        format!("{bare}."),
    ] {
        assert_eq!(browser.type_code(&typed).status, 200, "{typed}");
    }
}

#[test]
fn a_wrong_code_gets_the_form_again_with_a_message() {
    let mut browser = Browser::open();
    let page = browser.type_code("BBBB-BBBB");
    page.assert_page(400, "That code is wrong.");
    assert!(page.body.contains("value=\"BBBB-BBBB\""));
    browser.type_code("").assert_page(400, "Type the code");
}

#[test]
fn no_page_shows_the_device_code() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    for page in [browser.type_code(&login.user_code), browser.decide(&login, "approve")] {
        assert!(!page.body.contains(&login.device_code), "{}", page.body);
    }
}

#[test]
fn an_expired_code_says_so() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    browser.state.wait_seconds(600);
    browser.type_code(&login.user_code).assert_page(410, "That code has expired.");
    browser.decide(&login, "approve").assert_page(410, "That code has expired.");
    assert_eq!(browser.state.poll_error(&login), "expired_token");
}

#[test]
fn a_used_code_says_so() {
    let mut browser = Browser::open();
    for decision in ["approve", "deny"] {
        let login = browser.state.start_device_login();
        browser.decide(&login, decision);
        browser.type_code(&login.user_code).assert_page(409, "has been used already");
    }
}

#[test]
fn back_and_the_other_button_change_nothing() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    browser.decide(&login, "deny");
    browser.decide(&login, "approve").assert_page(409, "has been used already");
    assert_eq!(browser.state.poll_error(&login), "access_denied");
    let login = browser.state.start_device_login();
    browser.decide(&login, "approve");
    browser.decide(&login, "deny").assert_page(409, "has been used already");
    assert_eq!(browser.state.poll_error(&login), "");
}

#[test]
fn a_form_without_its_csrf_token_or_cookie_is_refused() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    let form = format!("user_code={}&decision=approve", login.user_code);
    browser.state.post("/device", &form).assert_page(403, "cannot be used");
    let form = format!("{form}&csrf_token=AAAA");
    browser.state.post("/device", &form).assert_page(403, "cannot be used");
    browser.state.cookie = None;
    browser.decide(&login, "approve").assert_page(403, "cannot be used");
    assert_eq!(browser.state.poll_error(&login), "authorization_pending");
}

#[test]
fn the_csrf_token_of_another_session_is_refused() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    let attackers = browser.csrf_token.clone();
    browser.state.cookie = None;
    browser.state.open_page("/device");
    browser.csrf_token = attackers;
    browser.decide(&login, "approve").assert_page(403, "cannot be used");
}

#[test]
fn a_form_from_another_origin_is_refused() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    let form = format!("csrf_token={}&user_code={}&decision=approve", browser.csrf_token, login.user_code);
    for header in [
        ("origin", "https://attacker.example"),
        ("origin", "http://127.0.0.1:9999"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        browser.state.post_with("/device", &[header], &form).assert_page(403, "cannot be used");
    }
    // What a browser sends from our own page, whose referrer policy makes the origin opaque.
    let own = [("origin", "null"), ("sec-fetch-site", "same-origin")];
    browser.state.post_with("/device", &own, &form).assert_page(200, "Device approved");
}

#[test]
fn pages_may_not_be_framed_cached_or_leak() {
    let mut browser = Browser::open();
    for page in [browser.state.get("/device"), browser.type_code("BBBB-BBBB")] {
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn pages_ask_for_nothing_from_outside() {
    let page = State::new().get("/device").body;
    for outside in ["http://", "https://", "//fonts", "@import", "url("] {
        assert!(!page.contains(outside), "{outside} in {page}");
    }
}

#[test]
fn what_was_typed_is_escaped() {
    let mut browser = Browser::open();
    let typed = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for page in [browser.type_code(typed), browser.state.get(&format!("/device?user_code={typed}"))] {
        assert!(!page.body.contains("<script>"), "{}", page.body);
        assert!(page.body.contains("&quot;&gt;&lt;script&gt;"), "{}", page.body);
    }
}

#[test]
fn the_session_cookie_is_not_for_scripts() {
    let page = State::new().get("/device");
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
}

#[test]
fn five_wrong_codes_put_the_brake_on() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    for _ in 0..5 {
        assert_eq!(browser.type_code("BBBB-BBBB").status, 400);
    }
    let page = browser.type_code(&login.user_code);
    page.assert_page(429, "Too many wrong codes");
    assert_eq!(page.header("retry-after"), Some("600"));
    assert_eq!(browser.decide(&login, "approve").status, 429, "a decision is a try too");
}

#[test]
fn the_brake_comes_off_when_a_code_would_have_expired() {
    let mut browser = Browser::open();
    for _ in 0..5 {
        browser.type_code("BBBB-BBBB");
        browser.state.wait_seconds(10);
    }
    assert_eq!(browser.type_code("BBBB-BBBB").header("retry-after"), Some("550"));
    browser.state.wait_seconds(549);
    assert_eq!(browser.type_code("BBBB-BBBB").status, 429);
    browser.state.wait_seconds(1);
    assert_eq!(browser.type_code("BBBB-BBBB").status, 400, "the first wrong code is forgotten");
    assert_eq!(browser.type_code("BBBB-BBBB").status, 429);
}

#[test]
fn a_right_code_does_not_reset_the_count() {
    let mut browser = Browser::open();
    let login = browser.state.start_device_login();
    for _ in 0..4 {
        browser.type_code("BBBB-BBBB");
        assert_eq!(browser.type_code(&login.user_code).status, 200);
    }
    assert_eq!(browser.type_code("BBBB-BBBB").status, 400);
    assert_eq!(browser.type_code(&login.user_code).status, 429);
}

#[test]
fn the_brake_is_on_one_address() {
    let mut browser = Browser::open();
    for _ in 0..5 {
        browser.type_code("BBBB-BBBB");
    }
    browser.state.peer = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    assert_eq!(browser.type_code("BBBB-BBBB").status, 400);
}

#[test]
fn the_brake_can_be_taken_off() {
    let mut browser = Browser::open_with(State::with(|settings| settings.wrong_code_limit = None));
    for _ in 0..100 {
        assert_eq!(browser.type_code("BBBB-BBBB").status, 400);
    }
}

#[test]
fn the_session_cookie_is_for_tls_alone_where_there_is_tls() {
    for (tls, ends_with) in [(true, "; Secure"), (false, "; SameSite=Lax")] {
        let page = State::with(|settings| settings.tls = tls).get("/device?user_code=BCDF-GHJK");
        let cookie = page.header("set-cookie").expect("a session");
        assert!(cookie.ends_with(ends_with) && cookie.contains("; HttpOnly"), "{cookie}");
    }
}
