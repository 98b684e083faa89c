//! The device program against the mock server, over real sockets.

#[path = "../src/simulator/tcp_transport.rs"]
mod tcp_transport;

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use embedded_demo::{Clock, Screen, Transport, View, sign_in};
use mock_server::{Endpoint, Fault, MockServer};
use oauth_protocol::{Error, ErrorCode, HttpRequest, HttpResponse, Instant, TransportFailure};
use tokio::runtime::{Builder, Runtime};

use crate::board::{KeptScreen, grant};
use tcp_transport::TcpTransport;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Moves the server's clock instead of waiting.
struct SharedClock<'a> {
    now: u64,
    server: &'a MockServer,
}

impl Clock for SharedClock<'_> {
    fn now(&mut self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn sleep_until(&mut self, moment: Instant) {
        self.server.advance(Duration::from_millis(moment.as_millis() - self.now));
        self.now = moment.as_millis();
    }
}

/// A person in front of the screen, who does something once the code is there.
struct Person<F> {
    act: Option<F>,
}

impl<F: FnOnce(&str)> Screen for Person<F> {
    fn show(&mut self, view: &View<'_>) {
        if let View::Code { user_code, .. } = view
            && let Some(act) = self.act.take()
        {
            act(user_code);
        }
    }
}

fn login_while(
    server: &MockServer,
    act: impl FnOnce(&str),
) -> Result<Box<oauth_protocol::AccessTokenResponse>, Error> {
    let mut clock = SharedClock { now: 0, server };
    sign_in(grant(server.issuer()), &mut TcpTransport, &mut clock, &mut Person { act: Some(act) })
}

#[test]
fn signs_in_once_the_person_approves() {
    let runtime = runtime();
    let server = runtime.block_on(MockServer::start()).unwrap();
    let token = login_while(&server, |user_code| server.approve(user_code).unwrap()).unwrap();
    assert_eq!(token.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(token.scope.unwrap().to_string(), "read");
    server.assert_clean();
}

#[test]
fn denial_and_expiry_end_the_login() {
    let runtime = runtime();
    let server = runtime.block_on(MockServer::start()).unwrap();
    let error = login_while(&server, |user_code| server.deny(user_code).unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied), "{error}");
    let error = login_while(&server, |user_code| server.expire(user_code).unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::ExpiredToken), "{error}");
    server.assert_clean();
}

#[test]
fn goes_on_after_faults_of_the_server_in_the_middle() {
    let runtime = runtime();
    let server = runtime.block_on(MockServer::builder().auto_approve(true).start()).unwrap();
    let faults = [
        Fault::ConnectionReset,
        Fault::ServiceUnavailable { retry_after: Some(Duration::from_secs(20)) },
        Fault::TooManyRequests { retry_after: None },
        Fault::HtmlPage,
    ];
    for fault in &faults {
        server.fail_next(Endpoint::Token, fault, 1);
    }
    let mut clock = SharedClock { now: 0, server: &server };
    let mut screen = KeptScreen::default();
    let token = sign_in(grant(server.issuer()), &mut TcpTransport, &mut clock, &mut screen);
    assert!(token.is_ok(), "{token:?}");
    let retries = screen.0.iter().filter(|view| view.contains("trying again")).count();
    assert_eq!(retries, 3, "the rate limit is no failure: {:?}", screen.0);
    server.assert_clean();
}

#[test]
fn a_refused_connection_and_a_host_that_wants_tls_are_told_apart() {
    struct Once(Option<HttpRequest>);
    impl Transport for Once {
        fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
            self.0 = Some(request.clone());
            Err(TransportFailure::Tls)
        }
    }
    let failure_at = |issuer: &str| {
        let mut caught = Once(None);
        let mut clock = crate::board::VirtualClock::default();
        let screen = &mut KeptScreen::default();
        assert!(sign_in(grant(issuer), &mut caught, &mut clock, screen).is_err());
        TcpTransport.exchange(&caught.0.unwrap()).unwrap_err()
    };
    // Bound and closed again: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(failure_at(&format!("http://127.0.0.1:{port}")), TransportFailure::Connect);
    assert_eq!(failure_at("https://auth.example.com"), TransportFailure::Tls);
}

fn run(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_embedded-demo");
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_program_without_arguments_signs_in_at_a_server_of_its_own() {
    let output = run(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let screen = text(&output.stdout);
    assert!(screen.contains("\ncode  "), "{screen}");
    assert_eq!(
        screen.lines().last().unwrap(),
        "obtained: a Bearer access token for 3600 s, scope \"openid offline_access\", a refresh token"
    );
}

#[test]
fn the_program_signs_in_at_the_server_that_it_is_told_by_metadata_or_by_endpoints() {
    let runtime = runtime();
    let builder = MockServer::builder().interval(Duration::from_secs(1)).auto_approve(true);
    let server = runtime.block_on(builder.start()).unwrap();
    let output = run(&["--issuer", server.issuer(), "--scope", "read"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (device, token) =
        (format!("{}/device-authorization/", server.issuer()), format!("{}/token/", server.issuer()));
    let output =
        run(&["--issuer", server.issuer(), "--device-endpoint", &device, "--token-endpoint", &token]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn the_program_says_why_it_cannot_and_ends_with_1() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (issuer, cause) in [
        (format!("http://127.0.0.1:{port}"), "no connection to the server"),
        ("http://auth.example.com".to_owned(), "is http, which anyone on the way can read"),
        ("https://auth.example.com".to_owned(), "this simulator has no TLS"),
    ] {
        let output = run(&["--issuer", &issuer]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.starts_with("embedded-demo: ") && said.contains(cause), "{said}");
    }
}
