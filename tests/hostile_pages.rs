//! What a hostile page, name or client tries against the pages of the mock server, in a real browser.

use std::fmt::Write as _;
use std::sync::Arc;

use mock_server::{Check, Client, Lenient, MockServer, MockServerBuilder, Person};
use serde_json::{Value, json};

use crate::browser::Browser;

/// One a line; what holds them harmless holds whatever is like them.
const XSS_STRINGS: &str = include_str!("fixtures/xss-strings.txt");

fn lenient(checks: &[Check]) -> Lenient {
    let mut lenient = Lenient::default();
    for check in checks {
        lenient.relax(*check).unwrap();
    }
    lenient
}

/// A server that takes every string wherever one can be put.
fn credulous() -> MockServerBuilder {
    let scopes = XSS_STRINGS.lines().map(as_scope).chain((1..=5).map(|n| format!("harmless-{n}")));
    MockServer::builder().consent_page(true).wrong_code_limit(None).scopes(scopes.chain(["read".to_owned()]))
}

/// Scopes are separated by spaces, and a slash separates attributes as well.
fn as_scope(text: &str) -> String {
    text.replace(' ', "/")
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
        encoded
    })
}

/// A page, and how the browser found it built, with the texts that it does not show as they are.
type Seen = (&'static str, Value);

/// Registers a client and a user who are called `text` in every way.
fn register(server: &MockServer, text: &str) {
    let back = format!("http://127.0.0.1:9/cb?{}", encoded(text));
    let mut client = Client::public(text).with_redirect_uri(back).with_redirect_uri("http://127.0.0.1:9/");
    client.name = format!("named {text}");
    client.require_pkce = false;
    server.put_client(client);
    let person = Person::new(text).with_claim("name", format!("Name {text}"));
    server.put_user(person.with_claim("email", format!("mail {text}")));
}

/// The codes of a device login that the client `text` asks for, with the scope `text`.
fn ask_for_codes(server: &MockServer, browser: &mut Browser, text: &str) -> Value {
    let form = format!("client_id={}&scope={}", encoded(text), encoded(&as_scope(text)));
    let answer = browser.send(&format!("{}/device-authorization", server.issuer()), &form);
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

/// Puts `text` wherever one can be put, and opens each page that one person sees.
fn look_as_a_person(server: &MockServer, browser: &mut Browser, text: &str) -> Vec<Seen> {
    let (issuer, x) = (server.issuer(), encoded(text));
    let (scope, name, person) = (as_scope(text), format!("named {text}"), format!("Name {text}"));
    let (email, back) = (format!("mail {text}"), format!("http://127.0.0.1:9/cb?{x}"));
    register(server, text);
    let mut seen = Vec::new();

    browser.open(&format!("{issuer}/device?user_code={x}&login_hint={x}"));
    seen.push(("code in the link", browser.inspect(&[text])));
    browser.press("Continue");
    browser.wait_for("That code is wrong");
    seen.push(("wrong code", browser.inspect(&[text])));
    let codes = ask_for_codes(server, browser, text);
    browser.fill("Code", codes["user_code"].as_str().unwrap_or_else(|| panic!("{text}: {codes}")));
    browser.press("Continue");
    browser.wait_for("Approve this device?");
    seen.push(("confirmation", browser.inspect(&[text, &name, &scope, &person, &email])));

    let request = format!("response_type=code&client_id={x}&state={x}&login_hint={x}&nonce={x}&x{x}={x}");
    let request = format!("{request}&scope={}&redirect_uri={}", encoded(&scope), encoded(&back));
    browser.open(&format!("{issuer}/authorize?{request}"));
    seen.push(("consent", browser.inspect(&[text, &name, &scope, &back, &person, &email])));

    browser.open(&format!("{issuer}/authorize?response_type=code&client_id={x}&redirect_uri=http://h/{x}"));
    seen.push(("unknown redirect URI", browser.inspect(&[])));
    browser.open(&format!("{issuer}/authorize?response_type=code&client_id=unknown{x}"));
    seen.push(("unknown client", browser.inspect(&[])));
    browser.follow("Why it was refused");
    browser.wait_for("Where it is written");
    seen.push(("explanation", browser.inspect(&[])));
    server.remove_client(text);
    server.remove_user(text);
    seen
}

/// Lets devices called `texts` sign in, and opens the page that shows them all.
fn look_as_a_developer(server: &MockServer, browser: &mut Browser, texts: &[&str]) -> Vec<Seen> {
    let issuer = server.issuer();
    server.reset();
    // What broke a rule says so on the page: on a busy machine a poll may be late enough to break none.
    let _frozen = server.freeze_clock();
    let mut logins = Vec::new();
    for text in texts {
        register(server, text);
        logins.push((text, ask_for_codes(server, browser, text)));
        // Whatever else a client may choose, for the journal and the verdicts.
        let x = encoded(text);
        let junk = format!("grant_type={x}&client_id={x}&device_code={x}&scope={x}");
        browser.send(&format!("{issuer}/token"), &junk);
        browser.send(&format!("{issuer}/device-authorization"), &format!("client_id={x}&scope=no{x}"));
        browser.send(&format!("{issuer}/{x}"), "");
    }
    let expected: Vec<String> = texts
        .iter()
        .flat_map(|text| {
            [as_scope(text), format!("named {text}"), format!("Name {text}"), format!("mail {text}")]
        })
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).chain(texts.iter().copied()).collect();
    browser.open(&format!("{issuer}/"));
    browser.wait_for("Live");
    let pending = browser.inspect(&expected);

    for (text, codes) in logins {
        server.approve_as(codes["user_code"].as_str().unwrap(), text).unwrap();
        let grant = "grant_type=urn:ietf:params:oauth:grant-type:device_code";
        let poll = format!(
            "{grant}&client_id={}&device_code={}",
            encoded(text),
            codes["device_code"].as_str().unwrap()
        );
        browser.send(&format!("{issuer}/token"), &poll);
    }
    let expected: Vec<String> =
        texts.iter().flat_map(|text| [format!("tokens for {text}"), format!("Approved as {text}")]).collect();
    browser.open(&format!("{issuer}/"));
    browser.wait_for("Live");
    let signed_in = browser.inspect(&expected.iter().map(String::as_str).collect::<Vec<_>>());
    server.reset();
    vec![("home, waiting", pending), ("home, signed in", signed_in)]
}

#[track_caller]
fn assert_all_is_text(seen: &[Seen], harmless: &[Seen], texts: &[&str]) {
    for ((page, seen), (_, harmless)) in seen.iter().zip(harmless) {
        assert_eq!(seen["missing"], json!([]), "{page} does not show {texts:?} as they are");
        assert!(seen["structure"] == harmless["structure"], "{page} took {texts:?} for markup");
    }
}

/// Every second string, from the `first` on: two parts run beside each other.
async fn no_string_is_more_than_text(first: usize) {
    /// As many logins at once as leave every request on the page.
    const AT_ONCE: usize = 5;
    const HARMLESS: [&str; AT_ONCE] = ["harmless-1", "harmless-2", "harmless-3", "harmless-4", "harmless-5"];
    let server = credulous().start().await.unwrap();
    let (mut browser, mut onlooker) = (Browser::start(), Browser::start());
    // It sees everything come by the stream of events, as it happens.
    onlooker.open(&format!("{}/", server.issuer()));
    onlooker.wait_for("Live");
    let page_of_a_person = look_as_a_person(&server, &mut browser, HARMLESS[0]);
    let page_of_a_developer = look_as_a_developer(&server, &mut browser, &HARMLESS);
    let strings: Vec<&str> = XSS_STRINGS.lines().skip(first).step_by(2).collect();
    assert!(strings.len() >= 100, "{} strings", strings.len());
    for some in strings.chunks(AT_ONCE) {
        for text in some {
            let seen = look_as_a_person(&server, &mut browser, text);
            assert_all_is_text(&seen, &page_of_a_person, &[text]);
            assert_eq!(browser.complaints(), json!([]), "{text:?}");
        }
        let filled_up: Vec<&str> = some.iter().chain(&HARMLESS[some.len()..]).copied().collect();
        let seen = look_as_a_developer(&server, &mut browser, &filled_up);
        assert_all_is_text(&seen, &page_of_a_developer, &filled_up);
        assert_eq!(browser.complaints(), json!([]), "{filled_up:?}");
    }
    onlooker.wait_for("Live");
    assert_eq!(onlooker.complaints(), json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn no_string_is_more_than_text_first_half() {
    no_string_is_more_than_text(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn no_string_is_more_than_text_second_half() {
    no_string_is_more_than_text(1).await;
}

/// The inspection would notice: the same browser at a page that takes a text for markup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn the_inspection_sees_markup_that_got_through() {
    let mut browser = Browser::start();
    let safe = browser.serve("attacker.example", "<p>&lt;img src=x onerror=alert(1)></p>");
    browser.open(&safe);
    let expected = browser.inspect(&["<img src=x onerror=alert(1)>"]);
    assert_eq!(expected["missing"], json!([]));
    let unsafe_page = browser.serve("attacker.example", "<p><img src=x onerror=alert(1)></p>");
    browser.open(&unsafe_page);
    let seen = browser.inspect(&["<img src=x onerror=alert(1)>"]);
    assert_eq!(seen["missing"], json!(["<img src=x onerror=alert(1)>"]));
    assert_ne!(seen["structure"], expected["structure"]);
    let complaints = browser.complaints().to_string();
    assert!(complaints.contains("dialog"), "{complaints}");
}

/// A page that waits for the person, with a login that waits for them.
async fn waiting_login() -> (Arc<MockServer>, Browser, String) {
    let server = Arc::new(MockServer::builder().consent_page(true).start().await.unwrap());
    let mut browser = Browser::start();
    let codes = browser.send(&format!("{}/device-authorization", server.issuer()), "client_id=device");
    let codes: Value = serde_json::from_str(codes["body"].as_str().unwrap()).unwrap();
    // So that the browser holds the session's cookie, which a hostile page would like to use.
    browser.open(&format!("{}/", server.issuer()));
    (server, browser, codes["user_code"].as_str().unwrap().to_owned())
}

/// Another site, and another port of the same host: the same site, which gets the cookies of this one.
const ELSEWHERE: [&str; 2] = ["attacker.example", "127.0.0.1"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn no_page_can_be_framed() {
    let (server, mut browser, user_code) = waiting_login().await;
    let issuer = server.issuer();
    for (path, text) in [
        ("/".to_owned(), "Device logins"),
        ("/device".to_owned(), "Sign in a device"),
        (format!("/device?user_code={user_code}"), "Sign in a device"),
        ("/authorize?response_type=code&client_id=web".to_owned(), "Approve this app?"),
        ("/explain/scope".to_owned(), "Refused:"),
    ] {
        browser.open(&format!("{issuer}{path}"));
        assert!(browser.text().contains(text), "the page is there when nobody frames it");
        for host in ELSEWHERE {
            let bait = format!(
                "<p>bait</p><iframe src='{issuer}{path}'></iframe><object data='{issuer}{path}'></object><embed src='{issuer}{path}'>"
            );
            let bait = browser.serve(host, &bait);
            browser.open(&bait);
            let framed = browser.framed();
            assert!(framed.as_array().unwrap().len() > 1, "{framed}");
            assert!(!framed.to_string().contains(text), "{host} frames {path}: {framed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn no_form_of_another_origin_is_taken() {
    let (server, mut browser, user_code) = waiting_login().await;
    let issuer = server.issuer();
    for host in ELSEWHERE {
        for (path, fields, refusal) in [
            (
                "/",
                format!("user_code={user_code}&choice=approve"),
                "It did not come from a page that this server showed",
            ),
            (
                "/device",
                format!("user_code={user_code}&decision=approve"),
                "It did not come from a page that this server showed",
            ),
            (
                "/authorize",
                "response_type=code&client_id=web&decision=approve".to_owned(),
                "It did not come from a page that this server showed",
            ),
            ("/_control/devices/next/approve", "user=alice".to_owned(), "access_denied"),
            ("/_control/devices/approve", format!("user_code={user_code}"), "access_denied"),
            ("/_control/reset", String::new(), "access_denied"),
            ("/_control/clock/advance", "seconds=9999".to_owned(), "access_denied"),
        ] {
            let pairs = fields.split('&').filter_map(|field| field.split_once('='));
            let inputs: Vec<_> = pairs
                .map(|(name, value)| format!("<input type=hidden name={name} value='{value}'>"))
                .collect();
            let inputs = inputs.concat();
            let bait = format!(
                "<form method=post action='{issuer}{path}'>{inputs}<input type=hidden name=csrf_token value=AAAA></form>\
                 <script>document.forms[0].submit()</script>"
            );
            let bait = browser.serve(host, &bait);
            browser.open(&bait);
            browser.wait_for(refusal);
        }
        // A program in the page can send what it likes, and not read the answer.
        let script = format!(
            "<p id=p>sending</p><script>const send = (path, body) => fetch('{issuer}' + path, {{ method: 'POST', mode: 'no-cors', \
             credentials: 'include', body: new URLSearchParams(body) }});\
             Promise.all([send('/_control/devices/next/approve', {{}}), send('/', {{ user_code: '{user_code}', choice: 'approve' }})])\
             .then(() => fetch('{issuer}/_control/devices')).then((answer) => answer.text(), () => 'unreadable')\
             .then((text) => {{ p.textContent = 'got: ' + text; }})</script>"
        );
        let bait = browser.serve(host, &script);
        browser.open(&bait);
        browser.wait_for("got: unreadable");
    }
    assert_eq!(server.pending().len(), 1, "nobody decided, and nothing was forgotten");
    let refused = server.requests().iter().filter(|request| request.status == 403).count();
    assert!(refused >= 18, "{refused} requests came and were refused");
    browser.open(&format!("{issuer}/"));
    browser.press("Approve");
    browser.wait_for("approved as alice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_foreign_name_for_this_address_gets_nothing() {
    let (server, mut browser, user_code) = waiting_login().await;
    for path in [
        "/",
        "/device",
        "/_control/devices",
        "/_control/requests/stream",
        "/.well-known/openid-configuration",
    ] {
        // The name leads to 127.0.0.1, as after a rebinding.
        browser.open(&format!("http://attacker.example:{}{path}", server.port()));
        let text = browser.text();
        assert!(text.contains("the Host header must be 127.0.0.1"), "{path}: {text}");
        assert!(!text.contains(&user_code), "{path}: {text}");
    }
    let script = "<p id=p>asking</p><script>fetch('/_control/devices').then((answer) => { p.textContent = answer.status; })</script>";
    let bait = browser.serve("attacker.example", script);
    browser.open(&bait);
    browser.wait_for("404");
    assert_eq!(server.pending().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn names_that_no_registry_checked_do_no_harm_either() {
    let checks = [Check::ClientId, Check::Scope, Check::RedirectUri];
    let server = MockServer::builder().consent_page(true).lenient(lenient(&checks)).start().await.unwrap();
    let mut browser = Browser::start();
    let open = |text: &str| {
        let x = encoded(&as_scope(text));
        format!(
            "{}/authorize?response_type=code&client_id={x}&scope={x}&state={x}&redirect_uri=http%3A%2F%2Fh%2F{x}",
            server.issuer()
        )
    };
    for text in XSS_STRINGS.lines().step_by(5) {
        browser.open(&open(text));
        // Either it is refused, or it is shown; it runs never.
        let seen = browser.text();
        assert!(
            seen.contains("Approve this app?") || seen.contains("This link cannot be used"),
            "{text:?}: {seen}"
        );
    }
    assert_eq!(browser.complaints(), json!([]));
}
