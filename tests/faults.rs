//! Every fault that a device meets at the token endpoint, as a whole login over a real socket: each one is got through
//! or ends the login, as the polling table says, and the server has nothing to complain of.

use std::sync::Arc;
use std::time::Duration;

use mock_server::{Endpoint, Fault, FaultRule, LoginScript, MockServer, Tls, TlsFault};
use oauth_client::{AccessTokenResponse, Client, DeviceLogin, DeviceLoginEvent, Error, TransportFailure};

use crate::virtual_time::{VirtualTime, polls};

const INTERVAL: Duration = Duration::from_secs(5);

#[tokio::test]
async fn failures_that_say_nothing_of_the_login_are_backed_off_from_and_got_through() {
    let failures = [408, 425, 500, 502, 503].map(|status| Fault::Status { status, retry_after: None });
    let others = [
        Fault::ConnectionReset,
        Fault::CloseInBody,
        Fault::HtmlPage,
        Fault::EmptyBody,
        Fault::EndlessBody,
        Fault::GzipBomb,
        Fault::CutJson,
        Fault::Redirect { location: None },
    ];
    for fault in failures.iter().chain(&others) {
        gets_through(fault, INTERVAL * 2, INTERVAL).await;
    }
}

#[tokio::test]
async fn retry_after_is_honoured_wherever_it_comes() {
    let long = Duration::from_secs(40);
    for status in [408, 425, 500, 502, 503] {
        let fault = Fault::Status { status, retry_after: Some(long) };
        gets_through(&fault, long, INTERVAL).await;
    }
    // Shorter than the wait that it would lengthen.
    let fault = Fault::Status { status: 503, retry_after: Some(Duration::from_secs(1)) };
    gets_through(&fault, INTERVAL * 2, INTERVAL).await;
}

#[tokio::test]
async fn a_rate_limit_without_an_oauth_error_slows_the_polling_down_for_good() {
    for (retry_after, wait) in [(None, 10), (Some(Duration::from_secs(25)), 25)] {
        let fault = Fault::TooManyRequests { retry_after };
        gets_through(&fault, Duration::from_secs(wait), INTERVAL * 2).await;
    }
}

#[tokio::test]
async fn what_is_odd_and_harmless_is_not_even_noticed() {
    let text = |text: &str| text.to_owned();
    for (endpoint, fault) in [
        (Endpoint::Token, Fault::ExtraMembers),
        (Endpoint::Token, Fault::ContentType(text("text/html"))),
        (Endpoint::Token, Fault::ContentType(text("application/octet-stream"))),
        (Endpoint::Token, Fault::MissingMember(text("error_description"))),
        (Endpoint::Token, Fault::MissingMember(text("token_type"))),
        (Endpoint::Token, Fault::MissingMember(text("expires_in"))),
        (Endpoint::Token, Fault::MissingMember(text("scope"))),
        (Endpoint::Token, Fault::MistypedMember(text("expires_in"))),
        (Endpoint::Token, Fault::MistypedMember(text("error_description"))),
        (Endpoint::DeviceAuthorization, Fault::ExtraMembers),
        (Endpoint::DeviceAuthorization, Fault::MissingMember(text("interval"))),
        (Endpoint::DeviceAuthorization, Fault::MissingMember(text("expires_in"))),
        (Endpoint::DeviceAuthorization, Fault::MissingMember(text("verification_uri_complete"))),
        (Endpoint::DeviceAuthorization, Fault::MistypedMember(text("interval"))),
        (Endpoint::DeviceAuthorization, Fault::MistypedMember(text("expires_in"))),
    ] {
        let (server, time) = start().await;
        let _fault = server.fault(FaultRule::new(fault.clone()).endpoint(endpoint));
        let mut login = device_login(&time).await;
        let event = login_event(&mut login).await;
        assert!(
            matches!(event, DeviceLoginEvent::Pending { next_poll_in, .. } if next_poll_in == INTERVAL),
            "{event:?} under {fault:?}"
        );
        server.approve(login.user_code()).unwrap();
        authorized(&mut login).await;
        assert_eq!(polls(&server).len(), 2, "{fault:?}");
        server.assert_clean();
    }
}

#[tokio::test]
async fn an_answer_without_sense_ends_the_login_at_once() {
    let token = || "access_token".to_owned();
    for fault in [
        Fault::Status { status: 400, retry_after: None },
        Fault::Status { status: 403, retry_after: None },
        Fault::Status { status: 404, retry_after: None },
        Fault::MissingMember(token()),
        Fault::MistypedMember(token()),
        Fault::Error("access_denied".into()),
        Fault::Error("invalid_client".into()),
        Fault::Error("expired_token".into()),
    ] {
        let (server, time) = start().await;
        let mut login = device_login(&time).await;
        pending(&mut login).await;
        server.approve(login.user_code()).unwrap();
        server.fail_next(Endpoint::Token, &fault, 1);
        let error = failed(&mut login).await;
        assert!(!error.to_string().contains('<'), "a body is never shown: {error}");
        for _ in 0..3 {
            time.advance(Duration::from_secs(3600));
            assert!(login.next_event().await.is_none());
        }
        assert_eq!(polls(&server).len(), 2, "{fault:?}: {error}");
        server.assert_clean();
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed_and_at_most_three_in_a_row_are_waited_out() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login).await;
    let _elsewhere =
        server.fault(FaultRule::new(Fault::Redirect { location: None }).endpoint(Endpoint::Token)).expect(4);
    failed(&mut login).await;
    assert!(server.requests().iter().all(|request| request.path != "/elsewhere"));
    server.assert_clean();
}

#[tokio::test]
async fn a_script_leads_a_login_through_every_turn() {
    let (server, time) = start().await;
    let script: LoginScript =
        "pending*2, slow_down, pending, 503*3, html, reset, cut_json, 429:20, approve".parse().unwrap();
    server.script_next_login(script);
    let mut login = device_login(&time).await;
    authorized(&mut login).await;
    let answers: Vec<(u16, Option<String>)> =
        polls(&server).into_iter().map(|poll| (poll.status, poll.error)).collect();
    let pending = || Some("authorization_pending".to_owned());
    assert_eq!(
        answers,
        [
            (400, pending()),
            (400, pending()),
            (400, Some("slow_down".to_owned())),
            (400, pending()),
            (503, None),
            (503, None),
            (503, None),
            (200, None),
            (0, None),
            (200, None),
            (429, None),
            (200, None),
        ]
    );
    server.assert_clean();
}

#[tokio::test]
async fn a_login_gets_through_a_network_that_loses_every_third_answer() {
    for seed in 0..5 {
        let (server, time) = start().await;
        let mut login = device_login(&time).await;
        for fault in [
            Fault::ConnectionReset,
            Fault::HtmlPage,
            Fault::Status { status: 502, retry_after: None },
            Fault::ServiceUnavailable { retry_after: Some(Duration::from_secs(12)) },
        ] {
            // Kept until the server is gone.
            std::mem::forget(
                server.fault(FaultRule::new(fault).endpoint(Endpoint::Token).probability(0.1, seed)),
            );
        }
        while polls(&server).len() < 8 {
            let event = login.next_event().await;
            assert!(
                matches!(event, Some(DeviceLoginEvent::Pending { .. } | DeviceLoginEvent::Retrying { .. })),
                "{event:?}"
            );
        }
        server.approve(login.user_code()).unwrap();
        authorized(&mut login).await;
        server.assert_clean();
    }
}

/// The client waits thirty seconds for an answer, by tokio's clock: it is pushed past them.
#[tokio::test]
async fn a_server_that_keeps_silent_or_drips_is_given_up_on_and_asked_again_later() {
    for fault in [Fault::NoAnswer, Fault::ByteASecond] {
        let (server, time) = start().await;
        let mut login = device_login(&time).await;
        pending(&mut login).await;
        server.fail_next(Endpoint::Token, &fault, 1);
        let impatience = async {
            while polls(&server).len() < 2 {
                tokio::task::yield_now().await;
            }
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(31)).await;
            tokio::time::resume();
        };
        let (event, ()) = tokio::join!(login.next_event(), impatience);
        let Some(DeviceLoginEvent::Retrying { next_poll_in, .. }) = event else {
            panic!("{event:?} after {fault:?}");
        };
        assert!(next_poll_in >= INTERVAL * 2, "{next_poll_in:?} after {fault:?}");
        server.approve(login.user_code()).unwrap();
        authorized(&mut login).await;
        server.assert_clean();
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login).await;
    let slow = Fault::Delay { at_least: Duration::from_secs(20), jitter: Duration::from_secs(5) };
    server.fail_next(Endpoint::Token, &slow, 1);
    let patience = async {
        while polls(&server).len() < 2 {
            tokio::task::yield_now().await;
        }
        time.advance(Duration::from_secs(25));
    };
    let (event, ()) = tokio::join!(login.next_event(), patience);
    assert!(matches!(event, Some(DeviceLoginEvent::Pending { .. })), "{event:?}");
    server.approve(login.user_code()).unwrap();
    authorized(&mut login).await;
    server.assert_clean();
}

/// All that a client must not trust. A handshake that is cut off shows no certificate: it is a lost connection.
const UNTRUSTED: [TlsFault; 5] = [
    TlsFault::Expired,
    TlsFault::NotYetValid,
    TlsFault::SelfSigned,
    TlsFault::UnknownAuthority,
    TlsFault::WrongHost,
];

#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_ends_the_first_contact_at_once() {
    for fault in UNTRUSTED {
        let (server, time) = start_with_tls().await;
        let handshakes = server.tls_fault(fault).unwrap().expect(1);
        let login = client_with_tls(&server, &time).device_login("read").await;
        let error = login.err().expect("no login");
        assert!(is_tls_failure(&error), "{error} under {fault:?}");
        drop(handshakes);
        assert!(server.requests().is_empty(), "{fault:?}");
        server.assert_clean();
    }
}

/// As behind a captive portal that answers in the server's place for a while.
#[tokio::test]
async fn later_up_to_three_broken_handshakes_in_a_row_are_waited_out() {
    for fault in TlsFault::ALL {
        let (server, time) = start_with_tls().await;
        let mut login = device_login_at(&client_with_tls(&server, &time)).await;
        pending(&mut login).await;
        server.fail_next_handshakes(fault, 3).unwrap();
        for failures in 1..=3 {
            let event = login_event(&mut login).await;
            let DeviceLoginEvent::Retrying { next_poll_in, .. } = event else {
                panic!("{event:?} under {fault:?}");
            };
            assert_eq!(next_poll_in, INTERVAL * (1 << failures), "{fault:?}");
        }
        pending(&mut login).await;
        server.approve(login.user_code()).unwrap();
        authorized(&mut login).await;
        assert_eq!(polls(&server).len(), 3, "{fault:?}");
        server.assert_clean();
    }
}

#[tokio::test]
async fn the_fourth_such_certificate_in_a_row_ends_the_login() {
    for fault in UNTRUSTED {
        let (server, time) = start_with_tls().await;
        let mut login = device_login_at(&client_with_tls(&server, &time)).await;
        pending(&mut login).await;
        let handshakes = server.tls_fault(fault).unwrap().expect(4);
        let error = failed(&mut login).await;
        assert!(is_tls_failure(&error), "{error} under {fault:?}");
        time.advance(Duration::from_secs(3600));
        assert!(login.next_event().await.is_none());
        drop(handshakes);
        assert_eq!(polls(&server).len(), 1, "{fault:?}");
        server.assert_clean();
    }
}

fn is_tls_failure(error: &Error) -> bool {
    matches!(error, Error::Transport(error) if error.failure() == TransportFailure::Tls)
}

async fn start_with_tls() -> (Arc<MockServer>, VirtualTime) {
    let server = Arc::new(MockServer::builder().tls(Tls::generated()).start().await.unwrap());
    let time = VirtualTime::of(&server);
    (server, time)
}

/// A client that trusts the server's authority, as one that was handed its certificate.
fn client_with_tls(server: &MockServer, time: &VirtualTime) -> Client {
    time.client().root_certificates_pem(server.ca_certificate_pem().unwrap()).build().unwrap()
}

async fn start() -> (Arc<MockServer>, VirtualTime) {
    let server = Arc::new(MockServer::start().await.unwrap());
    let time = VirtualTime::of(&server);
    (server, time)
}

/// A login that has shown its code.
async fn device_login(time: &VirtualTime) -> DeviceLogin {
    device_login_at(&time.client().build().unwrap()).await
}

async fn device_login_at(client: &Client) -> DeviceLogin {
    let mut login = client.device_login("read").await.unwrap();
    let event = login.next_event().await;
    assert!(matches!(event, Some(DeviceLoginEvent::DeviceCodeIssued { .. })), "{event:?}");
    login
}

/// One fault after the first poll: the login waits for `then_waits`, afterwards for `interval` again, and succeeds.
async fn gets_through(fault: &Fault, then_waits: Duration, interval: Duration) {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login).await;
    server.fail_next(Endpoint::Token, fault, 1);
    match login.next_event().await {
        Some(DeviceLoginEvent::Retrying { next_poll_in, cause, .. }) => {
            assert_eq!(next_poll_in, then_waits, "after {fault:?}");
            assert!(!cause.contains('<'), "a body is never shown: {cause}");
        }
        event => panic!("{event:?} after {fault:?}"),
    }
    match login.next_event().await {
        Some(DeviceLoginEvent::Pending { next_poll_in, .. }) => {
            assert_eq!(next_poll_in, interval, "after {fault:?} was over");
        }
        event => panic!("{event:?} after {fault:?} was over"),
    }
    server.approve(login.user_code()).unwrap();
    authorized(&mut login).await;
    assert_eq!(polls(&server).len(), 4, "{fault:?}");
    server.assert_clean();
}

async fn login_event(login: &mut DeviceLogin) -> DeviceLoginEvent {
    login.next_event().await.expect("an event")
}

async fn pending(login: &mut DeviceLogin) {
    let event = login_event(login).await;
    assert!(matches!(event, DeviceLoginEvent::Pending { .. }), "{event:?}");
}

async fn authorized(login: &mut DeviceLogin) -> Box<AccessTokenResponse> {
    loop {
        match login_event(login).await {
            DeviceLoginEvent::Authorized(tokens) => return tokens,
            DeviceLoginEvent::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
}

async fn failed(login: &mut DeviceLogin) -> Error {
    loop {
        match login_event(login).await {
            DeviceLoginEvent::Failed(error) => return error,
            DeviceLoginEvent::Authorized(_) => panic!("a token"),
            _ => {}
        }
    }
}
