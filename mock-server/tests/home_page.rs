//! The page at the root: what devices do, and the buttons that decide for a person.

use mock_server::{Check, Client, Person};

use crate::state::{DeviceLogin, Received, State};

/// A developer who has the page open.
struct Browser {
    state: State,
    path: &'static str,
    csrf_token: String,
}

impl Browser {
    fn open(mut state: State) -> (Self, DeviceLogin) {
        let login = state.start_device_login();
        let (_, csrf_token) = state.open_page("/");
        (Self { state, path: "/", csrf_token }, login)
    }

    fn press(&mut self, login: &DeviceLogin, choice: &str) -> Received {
        let form = format!("csrf_token={}&user_code={}&choice={choice}", self.csrf_token, login.user_code);
        self.state.post(self.path, &form)
    }
}

#[test]
fn it_says_what_the_server_is_and_leads_on() {
    let page = State::new().get("/");
    page.assert_page(200, "<h1>mock-server</h1>");
    for text in [
        "<code>http://127.0.0.1:8080</code>",
        "the RFCs to the letter",
        "this machine only",
        "href=\"/_control/openapi.json\"",
        "href=\"/.well-known/oauth-authorization-server\"",
        "href=\"/.well-known/openid-configuration\"",
        "href=\"/device\"",
        "curl -d client_id=device http://127.0.0.1:8080/device-authorization",
        "No device has asked for a code yet",
        "Demo web app",
        "alice@example.com",
    ] {
        assert!(page.body.contains(text), "no {text:?} in {}", page.body);
    }
}

#[test]
fn it_says_when_other_machines_can_reach_the_server() {
    let page = State::with(|settings| settings.allow_remote = true).get("/").body;
    assert!(page.contains("other machines, too") && !page.contains("this machine only"), "{page}");
}

#[test]
fn it_tells_of_relaxed_checks_and_of_a_clock_that_was_moved() {
    let mut state = State::with(|settings| settings.lenient.relax(Check::ClientSecret).unwrap());
    assert!(!state.get("/").body.contains("<dt>Clock</dt>"));
    state.post("/_control/clock/advance", "seconds=90");
    state.post("/_control/clock/freeze", "");
    let page = state.get("/").body;
    for text in ["<code>client_secret</code>", "stands still", "90 s ahead of real time"] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
}

#[test]
fn only_secrets_that_the_documentation_names_are_shown() {
    let mut state = State::with(|settings| {
        settings.clients.push(Client::confidential("mine", "do-not-show"));
        settings.clients.retain(|client| client.id != "service");
        settings.clients.push(Client::confidential("service", "also-not-to-show"));
    });
    let page = state.get("/").body;
    assert!(page.contains("secret: web-secret"), "{page}");
    assert!(!page.contains("do-not-show") && !page.contains("also-not-to-show"), "{page}");
}

#[test]
fn a_login_shows_each_poll_with_its_gap_and_answer() {
    let mut state = State::new();
    let login = state.start_device_login_with("client_id=device&scope=read+email");
    state.wait_seconds(6);
    state.poll(&login);
    state.wait_seconds(2);
    state.poll(&login);
    state.server.approve(state.now, &login.user_code).unwrap();
    state.wait_seconds(10);
    state.poll(&login);
    let page = state.get("/");
    page.assert_page(200, &login.user_code);
    for text in [
        "<code>email</code>",
        "Polls must be <strong>10.0 s</strong> apart",
        "<tr><td>6.0 s</td><td>6.0 s</td><td><code>authorization_pending</code></td></tr>",
        "<td>8.0 s</td><td><span class=\"short\">2.0 s</span><span class=\"needed\">needs 5.0 s</span></td>",
        "<strong>error</strong> poll-interval: expected at least 5.0 s since the last request, got 2.0 s (RFC 8628 section 3.5)",
        "Approved as alice",
        "<code>200: tokens</code>",
        "tokens for alice",
    ] {
        assert!(page.body.contains(text), "no {text:?} in {}", page.body);
    }
    assert!(!page.body.contains(&login.device_code), "a secret");
    assert!(!page.body.contains("value=\"slow-down\""), "nothing is left to decide");
}

#[test]
fn polls_that_met_a_fault_are_on_it_too() {
    let mut state = State::new();
    state.post("/_control/scripts", "script=503,html,cut_json,pending");
    let login = state.start_device_login();
    for _ in 0..4 {
        state.wait_seconds(20);
        state.poll(&login);
    }
    let page = state.get("/").body;
    for text in ["503: a fault was asked for", "200: a fault was asked for", "authorization_pending"] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
}

#[test]
fn a_waiting_login_has_four_buttons_and_a_qr_code() {
    let (mut browser, login) = Browser::open(State::new());
    let page = browser.state.get("/").body;
    for (choice, label) in
        [("approve", "Approve"), ("deny", "Deny"), ("slow-down", "Slow down next"), ("expire", "Expire now")]
    {
        let button = format!("<button name=\"choice\" value=\"{choice}\"");
        assert!(page.contains(&button) && page.contains(&format!(">{label}</button>")), "{label} in {page}");
    }
    let uri = format!("http://127.0.0.1:8080/device?user_code={}", login.user_code);
    assert!(page.contains(&format!("aria-label=\"QR code of {uri}\"")), "{page}");
    assert!(page.contains(&format!("<a href=\"{uri}\">")), "{page}");
}

#[test]
fn each_button_does_what_it_says_and_leads_back() {
    for (choice, answer) in
        [("approve", ""), ("deny", "access_denied"), ("slow-down", "slow_down"), ("expire", "expired_token")]
    {
        let (mut browser, login) = Browser::open(State::new());
        let pressed = browser.press(&login, choice);
        let back = format!("/#login-{}", login.user_code);
        assert_eq!((pressed.status, pressed.header("location")), (303, Some(back.as_str())), "{choice}");
        assert_eq!(browser.state.poll_error(&login), answer);
    }
}

#[test]
fn the_buttons_of_a_tenant_are_its_own() {
    let mut state = State::new();
    let answer = state.post("/t/a/device-authorization", "client_id=device");
    let login = DeviceLogin { device_code: answer.text("device_code"), user_code: answer.text("user_code") };
    let (page, csrf_token) = state.open_page("/t/a/");
    page.assert_page(200, "<form method=\"post\" action=\"/t/a/\"");
    assert!(page.body.contains("href=\"/.well-known/oauth-authorization-server/t/a\""), "{}", page.body);
    assert!(!state.get("/").body.contains(&login.user_code));
    assert!(state.get("/").body.contains("href=\"/t/a/\""), "the server leads to its tenants");
    let mut browser = Browser { state, path: "/t/a/", csrf_token };
    let pressed = browser.press(&login, "deny");
    assert_eq!(pressed.header("location"), Some(format!("/t/a/#login-{}", login.user_code).as_str()));
    assert!(browser.state.get("/t/a/").body.contains("Denied"));
}

#[test]
fn of_several_users_one_is_chosen() {
    let state = State::with(|settings| settings.users = vec![Person::alice(), Person::new("bob")]);
    let (mut browser, login) = Browser::open(state);
    let page = browser.state.get("/").body;
    assert!(page.contains("<option value=\"bob\">"), "{page}");
    browser.press(&login, "approve").assert_page(400, "Who signs in?");
    browser.press(&login, "approve&user=mallory").assert_page(400, "Nobody of that name");
    assert_eq!(browser.press(&login, "approve&user=bob").status, 303);
    assert!(browser.state.get("/").body.contains("approved as bob"));
}

#[test]
fn what_is_too_late_says_why() {
    let (mut browser, login) = Browser::open(State::new());
    browser.press(&login, "deny");
    browser.press(&login, "approve").assert_page(409, "Nothing was changed");
    browser.state.wait_seconds(600);
    let late = browser.state.start_device_login();
    browser.state.wait_seconds(600);
    browser.press(&late, "slow-down").assert_page(410, "the user code has expired");
    browser.state.server.reset(browser.state.now);
    let (_, csrf_token) = browser.state.open_page("/device");
    browser.csrf_token = csrf_token;
    browser.press(&late, "approve").assert_page(404, "no device login has this user code");
}

#[test]
fn a_button_needs_the_page_that_it_stands_on() {
    let (mut browser, login) = Browser::open(State::new());
    let form = format!("user_code={}&choice=approve", login.user_code);
    browser.state.post("/", &form).assert_page(403, "cannot be used");
    let form = format!("{form}&csrf_token={}", browser.csrf_token);
    for header in [("origin", "https://attacker.example"), ("sec-fetch-site", "cross-site")] {
        browser.state.post_with("/", &[header], &form).assert_page(403, "cannot be used");
    }
    browser.state.cookie = None;
    browser.state.post("/", &form).assert_page(403, "cannot be used");
    assert_eq!(browser.state.poll_error(&login), "authorization_pending");
}

#[test]
fn a_press_of_no_button_is_refused() {
    let (mut browser, login) = Browser::open(State::new());
    browser.press(&login, "forgive").assert_error(400, "invalid_request");
    browser.state.send("DELETE", "/", &[], "").assert_error(405, "invalid_request");
}

#[test]
fn refused_requests_lead_to_their_explanation() {
    let mut state = State::new();
    state.post("/token", "grant_type=password&client_id=device");
    let page = state.get("/").body;
    let (_, rest) = page.split_once("<a href=\"/explain/grant_type/").expect("a link");
    let number = rest.split('"').next().unwrap();
    state.get(&format!("/explain/grant_type/{number}")).assert_page(200, "password");
}

#[test]
fn looking_on_leaves_no_trace_in_the_journal() {
    let (mut browser, login) = Browser::open(State::new());
    let before = browser.state.server.requests().count();
    browser.state.get("/");
    browser.state.get("/t/a/");
    assert_eq!(browser.state.server.requests().count(), before);
    browser.press(&login, "approve");
    let next = browser.state.get("/_control/requests?since=0").json();
    let paths: Vec<_> = next["requests"].as_array().unwrap().iter().map(|request| &request["path"]).collect();
    assert_eq!(paths, ["/device-authorization"], "a button is pressed by no client");
}

#[test]
fn it_may_run_its_own_script_and_ask_its_own_server_and_nothing_else() {
    let page = State::new().get("/");
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "connect-src 'self'", "script-src 'sha256-", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    for outside in ["src=", "@import", "url(", " onclick", " style="] {
        assert!(!page.body.contains(outside), "{outside}");
    }
}

#[test]
fn many_logins_and_polls_are_kept_within_bounds() {
    let mut state = State::new();
    let first = state.start_device_login();
    for _ in 0..300 {
        state.wait_seconds(1);
        state.poll(&first);
    }
    let page = state.get("/").body;
    assert!(page.contains("<summary>192 earlier</summary>"), "eight are unfolded");
    assert!(page.contains("100 before that are no longer remembered"));
    for _ in 0..60 {
        state.start_device_login();
    }
    let page = state.get("/").body;
    assert_eq!(page.matches("<article").count(), 50);
    assert!(!page.contains(&first.user_code), "the oldest made room");
}
