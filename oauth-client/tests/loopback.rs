//! The loopback receiver: what a browser and strangers send to an open port.

use std::time::Duration;

use oauth_client::{
    AuthorizationResponseError, Client, ConfigurationError, Error, ErrorCode, Loopback, LoopbackLogin,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::scripted_transport::Answer::{self, Json};
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

const TOKEN: Answer = Json(200, r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer"}"#);

/// A login that waits for its browser.
struct Waiting {
    port: u16,
    host: String,
    state: String,
    transport: ScriptedTransport,
    result: JoinHandle<Result<String, Error>>,
}

impl Waiting {
    async fn start(loopback: &Loopback, answers: impl IntoIterator<Item = Answer>) -> Self {
        let transport = ScriptedTransport::new(&VirtualClock::new(), answers);
        let login = client(&transport).loopback_login("", loopback).await.unwrap();
        Self::of(login, transport)
    }

    fn of(login: LoopbackLogin, transport: ScriptedTransport) -> Self {
        let redirect = url::Url::parse(login.redirect_uri()).unwrap();
        let authorization = url::Url::parse(&login.authorization_url()).unwrap();
        let state = authorization.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let result =
            tokio::spawn(async { login.wait().await.map(|tokens| tokens.access_token.expose().to_owned()) });
        let port = redirect.port().unwrap();
        let host = format!("{}:{port}", redirect.host_str().unwrap());
        Self { port, host, state, transport, result }
    }

    async fn get(&self, target: &str) -> String {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host)).await
    }

    async fn ask(&self, request: &str) -> String {
        ask(("127.0.0.1", self.port), request).await
    }

    /// The right answer of the browser, and how the login ends.
    async fn finish(self) -> Result<String, Error> {
        let page = self.get(&format!("/callback?code=SplxlOBeZQQYbYS6WxSbIA&state={}", self.state)).await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        self.result.await.unwrap()
    }
}

fn client(transport: &ScriptedTransport) -> Client {
    Client::builder("s6BhdRkqt3")
        .authorization_endpoint("https://server.example.com/authorize")
        .token_endpoint("https://server.example.com/token")
        .transport(transport.clone())
        .build()
        .unwrap()
}

/// Sends `request` and reads until the receiver closes.
async fn ask(address: (&str, u16), request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_right_answer_is_exchanged_and_the_person_sees_a_page() {
    let waiting = Waiting::start(&Loopback::default(), [TOKEN]).await;
    let (transport, port) = (waiting.transport.clone(), waiting.port);
    assert_eq!(waiting.finish().await.unwrap(), "2YotnFZFEjr1zCsicMWpAA");
    let sent = transport.sent();
    assert_eq!(sent.len(), 1);
    let redirect = format!("http%3A%2F%2F127.0.0.1%3A{port}%2Fcallback");
    let start = format!(
        "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri={redirect}&code_verifier="
    );
    assert!(sent[0].body.starts_with(&start), "{}", sent[0].body);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err(), "the port is closed after the login");
}

#[tokio::test]
async fn strangers_are_turned_away_and_the_wait_goes_on() {
    let waiting = Waiting::start(&Loopback::default(), [TOKEN]).await;
    let (host, state) = (waiting.host.clone(), waiting.state.clone());
    let right = format!("/callback?code=c&state={state}");
    let not_found = [
        format!("GET /favicon.ico HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /callback/?code=c&state={state} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /Callback?code=c&state={state} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("POST {right} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\na=b"),
        format!("HEAD {right} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("OPTIONS {right} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://evil.example\r\n\r\n"),
    ];
    for request in not_found {
        let answer = waiting.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{request}\n{answer}");
        assert_eq!(answer.ends_with("\r\n\r\n"), request.starts_with("HEAD"), "a body, but not for HEAD");
    }
    let bad = [
        // Another state, none, half of it, another name for it.
        format!("GET /callback?code=c&state=x{state} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /callback?code=c HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /callback?code=c&state={} HTTP/1.1\r\nHost: {host}\r\n\r\n", &state[..20]),
        format!("GET /callback?code=c&State={state} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /callback?error=access_denied HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        // A page that gave its own name this address; no Host; two.
        format!("GET {right} HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        format!("GET {right} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", waiting.port),
        format!("GET {right} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        format!("GET {right} HTTP/1.1\r\n\r\n"),
        format!("GET {right} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n"),
        // No HTTP: garbage, a TLS greeting, a head without end.
        "\u{0}\u{1}\u{2}\r\n\r\n".into(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}".into(),
        format!("GET /{}", "a".repeat(40_000)),
        format!("GET {right} HTTP/1.1\r\nHost: {host}\r\n{}\r\n", "X: y\r\n".repeat(200)),
    ];
    for request in bad {
        let answer = waiting.ask(&request).await;
        let shown: String = request.chars().take(200).collect();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{shown:?}\n{answer}");
    }
    assert!(waiting.transport.sent().is_empty(), "no code was exchanged");
    assert_eq!(waiting.finish().await.unwrap(), "2YotnFZFEjr1zCsicMWpAA");
}

#[tokio::test]
async fn connections_opened_ahead_do_not_stand_in_the_way() {
    for count in [1, 40, 100] {
        let waiting = Waiting::start(&Loopback::default(), [TOKEN]).await;
        let mut silent = Vec::new();
        for _ in 0..count {
            silent.push(TcpStream::connect(("127.0.0.1", waiting.port)).await.unwrap());
        }
        assert_eq!(waiting.finish().await.unwrap(), "2YotnFZFEjr1zCsicMWpAA");
    }
}

#[tokio::test]
async fn a_browser_may_open_its_connection_ahead_and_use_it_later_in_pieces() {
    let waiting = Waiting::start(&Loopback::default(), [TOKEN]).await;
    let mut browser = TcpStream::connect(("127.0.0.1", waiting.port)).await.unwrap();
    assert!(waiting.get("/favicon.ico").await.starts_with("HTTP/1.1 404"));
    let request =
        format!("GET /callback?code=c&state={} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.state, waiting.host);
    for piece in request.as_bytes().chunks(7) {
        browser.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut page = String::new();
    browser.read_to_string(&mut page).await.unwrap();
    assert!(page.contains("Signed in"), "{page}");
    assert_eq!(waiting.result.await.unwrap().unwrap(), "2YotnFZFEjr1zCsicMWpAA");
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_and_the_wait_goes_on() {
    let waiting = Waiting::start(&Loopback::default(), [TOKEN]).await;
    let mut slow = TcpStream::connect(("127.0.0.1", waiting.port)).await.unwrap();
    slow.write_all(b"GET /callback?code=c HTTP/1.1\r\nHo").await.unwrap();
    // This answer shows that the receiver has come past the slow one.
    assert!(waiting.get("/favicon.ico").await.starts_with("HTTP/1.1 404"));
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(before.elapsed() >= Duration::from_secs(20));
    tokio::time::resume();
    assert_eq!(waiting.finish().await.unwrap(), "2YotnFZFEjr1zCsicMWpAA");
}

#[tokio::test]
async fn a_refusal_that_carries_the_state_ends_the_login_without_an_exchange() {
    let waiting = Waiting::start(&Loopback::default(), []).await;
    let refusal =
        format!("/callback?error=access_denied&error_description=no%1B%5B31m&state={}", waiting.state);
    let page = waiting.get(&refusal).await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("<h1>Access denied</h1>"), "{page}");
    assert!(
        !page.contains("no\u{1b}") && !page.contains("access_denied"),
        "nothing of the request is repeated"
    );
    match waiting.result.await.unwrap() {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.error, ErrorCode::AccessDenied);
            assert!(!refusal.to_string().contains('\u{1b}'));
        }
        other => panic!("{other:?}"),
    }
    assert!(waiting.transport.sent().is_empty());
}

#[tokio::test]
async fn an_answer_without_code_or_with_two_ends_the_login_without_an_exchange() {
    for (query, expected) in [
        ("", AuthorizationResponseError::CodeMissing),
        ("&code=", AuthorizationResponseError::CodeMissing),
        ("&code=a&code=b", AuthorizationResponseError::RepeatedParameter),
        ("&code=a&state=other", AuthorizationResponseError::RepeatedParameter),
    ] {
        let waiting = Waiting::start(&Loopback::default(), []).await;
        let page = waiting.get(&format!("/callback?state={}{query}", waiting.state)).await;
        assert!(page.contains("Not signed in"), "{page}");
        match waiting.result.await.unwrap() {
            Err(Error::AuthorizationResponse(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
        assert!(waiting.transport.sent().is_empty());
    }
}

#[tokio::test]
async fn a_failed_exchange_is_shown_to_the_person_and_told_to_the_caller() {
    let waiting = Waiting::start(&Loopback::default(), [Json(400, r#"{"error":"invalid_grant"}"#)]).await;
    let page = waiting.get(&format!("/callback?code=c&state={}", waiting.state)).await;
    assert!(page.contains("Not signed in"), "{page}");
    assert!(matches!(waiting.result.await.unwrap(), Err(Error::Refused(_))));
}

#[tokio::test]
async fn the_page_is_kept_nowhere_and_loads_nothing() {
    let waiting = Waiting::start(&Loopback::default(), [TOKEN]).await;
    let right = format!("/callback?code=c&state={}", waiting.state);
    for target in ["/favicon.ico", "/callback?state=wrong", right.as_str()] {
        let answer = waiting.get(target).await;
        let (head, page) = answer.split_once("\r\n\r\n").unwrap();
        for header in [
            "cache-control: no-store",
            "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "content-type: text/html; charset=utf-8",
            "connection: close",
        ] {
            assert!(head.split("\r\n").any(|line| line == header), "{header} in {head}");
        }
        assert!(head.contains(&format!("content-length: {}", page.len())), "{head}");
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains(&waiting.state));
    }
}

#[tokio::test]
async fn the_port_is_open_before_the_browser_is() {
    let transport = ScriptedTransport::new(&VirtualClock::new(), [TOKEN]);
    let login = client(&transport).loopback_login("", &Loopback::default()).await.unwrap();
    // The browser is quicker than the application: nobody waits yet.
    let port = url::Url::parse(login.redirect_uri()).unwrap().port().unwrap();
    let mut browser = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let waiting = Waiting::of(login, transport);
    let request =
        format!("GET /callback?code=c&state={} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.state, waiting.host);
    browser.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(waiting.result.await.unwrap().unwrap(), "2YotnFZFEjr1zCsicMWpAA");
}

#[tokio::test]
async fn port_path_and_host_are_the_callers_choice() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let transport = ScriptedTransport::new(&VirtualClock::new(), [TOKEN]);
    let loopback = Loopback::default().port(free).path("oauth/cb");
    let login = client(&transport).loopback_login("", &loopback).await.unwrap();
    assert_eq!(login.redirect_uri(), format!("http://127.0.0.1:{free}/oauth/cb"));
    let waiting = Waiting::of(login, transport);
    assert!(
        waiting.get(&format!("/callback?code=c&state={}", waiting.state)).await.starts_with("HTTP/1.1 404")
    );
    assert!(waiting.get(&format!("/oauth/cb?code=c&state={}", waiting.state)).await.contains("Signed in"));
    assert_eq!(waiting.result.await.unwrap().unwrap(), "2YotnFZFEjr1zCsicMWpAA");
}

#[tokio::test]
async fn a_redirect_uri_goes_out_as_it_is_registered() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (registered, path) in [
        ("http://127.0.0.1".to_owned(), "/"),
        ("http://127.0.0.1/".to_owned(), "/"),
        ("http://127.0.0.1/oauth/cb".to_owned(), "/oauth/cb"),
        ("http://localhost/callback".to_owned(), "/callback"),
        (format!("http://127.0.0.1:{free}/callback"), "/callback"),
        (format!("http://127.0.0.1:{free}"), "/"),
    ] {
        let loopback = Loopback::from_redirect_uri(&registered).unwrap();
        let transport = ScriptedTransport::new(&VirtualClock::new(), [TOKEN]);
        let login = client(&transport).loopback_login("", &loopback).await.unwrap();
        let port = url::Url::parse(login.redirect_uri()).unwrap().port().unwrap();
        let without_port = login.redirect_uri().replace(&format!(":{port}"), "");
        assert_eq!(without_port, registered.replace(&format!(":{free}"), ""));
        assert!(!registered.contains(&free.to_string()) || port == free);
        let waiting = Waiting::of(login, transport);
        let page = waiting.get(&format!("{path}?code=c&state={}", waiting.state)).await;
        assert!(page.contains("Signed in"), "{registered} {page}");
        assert_eq!(waiting.result.await.unwrap().unwrap(), "2YotnFZFEjr1zCsicMWpAA");
    }
}

#[test]
fn a_redirect_uri_that_leads_elsewhere_or_would_be_changed_is_refused() {
    for refused in [
        "",
        "127.0.0.1/callback",
        "https://127.0.0.1/callback",
        "http://example.com/callback",
        "http://127.0.0.1.example.com/callback",
        "http://user@127.0.0.1/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:080/callback",
        "http://127.0.0.1:+80/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:/callback",
        "http://[::1/callback",
        "http://::1/callback",
        "http://LOCALHOST/callback",
        "http://127.0.0.1/callback?a=b",
        "http://127.0.0.1?a=b",
        "http://127.0.0.1/callback#top",
        "http://127.0.0.1/a/../b",
        "http://127.0.0.1/call back",
        "com.example.app:/callback",
    ] {
        let error = Loopback::from_redirect_uri(refused).map(|_| ()).expect_err(refused);
        assert_eq!(error, ConfigurationError::LoopbackRedirectUri, "{refused}");
    }
}

#[tokio::test]
async fn an_ipv6_redirect_is_answered_at_its_address() {
    if TcpListener::bind("[::1]:0").await.is_err() {
        eprintln!("this machine has no IPv6");
        return;
    }
    let waiting = Waiting::start(&Loopback::default().ipv6(), [TOKEN]).await;
    assert_eq!(waiting.host, format!("[::1]:{}", waiting.port));
    let request =
        format!("GET /callback?code=c&state={} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.state, waiting.host);
    assert!(ask(("::1", waiting.port), &request).await.contains("Signed in"));
    assert_eq!(waiting.result.await.unwrap().unwrap(), "2YotnFZFEjr1zCsicMWpAA");
}

#[tokio::test]
async fn localhost_is_answered_at_both_addresses() {
    for address in ["127.0.0.1", "::1"] {
        let waiting = Waiting::start(&Loopback::default().localhost(), [TOKEN]).await;
        assert_eq!(waiting.host, format!("localhost:{}", waiting.port));
        if TcpStream::connect((address, waiting.port)).await.is_err() {
            assert_eq!(address, "::1", "this machine has no IPv6");
            continue;
        }
        let request = format!(
            "GET /callback?code=c&state={} HTTP/1.1\r\nHost: LocalHost:{}\r\n\r\n",
            waiting.state, waiting.port
        );
        assert!(ask((address, waiting.port), &request).await.contains("Signed in"));
        assert_eq!(waiting.result.await.unwrap().unwrap(), "2YotnFZFEjr1zCsicMWpAA");
    }
}

#[tokio::test]
async fn localhost_is_not_shared_with_a_stranger_on_the_other_address() {
    let Ok(stranger) = TcpListener::bind("[::1]:0").await else {
        eprintln!("this machine has no IPv6");
        return;
    };
    let port = stranger.local_addr().unwrap().port();
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    let taken = client(&transport).loopback_login("", &Loopback::default().localhost().port(port)).await;
    assert!(matches!(taken.map(|_| ()), Err(Error::Configuration(ConfigurationError::LoopbackPort))));
}

#[tokio::test]
async fn a_busy_port_is_an_error_that_names_the_way_out() {
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = busy.local_addr().unwrap().port();
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    let error =
        client(&transport).loopback_login("", &Loopback::default().port(port)).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Configuration(ConfigurationError::LoopbackPort)));
    assert!(error.to_string().contains("port 0 for any"), "{error}");
}

#[tokio::test]
async fn a_path_that_no_browser_would_send_back_is_refused_before_the_wait() {
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    for path in ["/a b", "/cb?x=1", "/cb#f", "/a/../b", "/ümlaut", "/a\"b"] {
        let refused = client(&transport).loopback_login("", &Loopback::default().path(path)).await;
        assert!(
            matches!(refused.map(|_| ()), Err(Error::Configuration(ConfigurationError::LoopbackPath))),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_dropped_login_closes_its_port() {
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    let login = client(&transport).loopback_login("", &Loopback::default()).await.unwrap();
    let port = url::Url::parse(login.redirect_uri()).unwrap().port().unwrap();
    let waiting = tokio::spawn(login.wait());
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let mut nothing = Vec::new();
    // Closed or reset, but not open for ever.
    let _ = silent.read_to_end(&mut nothing).await;
    assert!(nothing.is_empty());
}
