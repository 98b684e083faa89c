//! The login against the mock server, over real sockets and in virtual time.

use std::time::Duration;

use embedded_demo::{Clock, Screen, Transport, View, sign_in};
use mock_server::{Endpoint, Fault, MockServer};
use oauth_protocol::{Error, ErrorCode, HttpRequest, HttpResponse, Instant, TransportFailure};

use super::closed_port;
use super::network::Network;
use crate::board::{KeptScreen, grant};

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
    sign_in(grant(server.issuer()), &mut Network::plain(), &mut clock, &mut Person { act: Some(act) })
}

#[test]
fn signs_in_once_the_person_approves() {
    let server = MockServer::start_blocking().unwrap();
    let token = login_while(&server, |user_code| server.approve(user_code).unwrap()).unwrap();
    assert_eq!(token.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(token.scope.unwrap().to_string(), "read");
    server.assert_clean();
}

#[test]
fn denial_and_expiry_end_the_login() {
    let server = MockServer::start_blocking().unwrap();
    let error = login_while(&server, |user_code| server.deny(user_code).unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied), "{error}");
    let error = login_while(&server, |user_code| server.expire(user_code).unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::ExpiredToken), "{error}");
    server.assert_clean();
}

#[test]
fn goes_on_after_faults_of_the_server_in_the_middle() {
    let server = MockServer::builder().auto_approve(true).start_blocking().unwrap();
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
    let token = sign_in(grant(server.issuer()), &mut Network::plain(), &mut clock, &mut screen);
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
        Network::plain().exchange(&caught.0.unwrap()).unwrap_err()
    };
    assert_eq!(failure_at(&format!("http://127.0.0.1:{}", closed_port())), TransportFailure::Connect);
    assert_eq!(failure_at("https://auth.example.com"), TransportFailure::Tls);
}
