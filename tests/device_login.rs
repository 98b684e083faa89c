//! The device grant (RFC 8628): our client against our server, over real sockets, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use mock_server::{Endpoint, Fault, MockServer};
use oauth_client::{
    AccessTokenResponse, Client, DeviceLogin, DeviceLoginEvent, Error, ErrorCode, PendingLogin, PollOnce,
    PollingPolicy,
};

use crate::virtual_time::{VirtualTime, gaps, polls};

const INTERVAL: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_person_approves_and_the_token_opens_the_resource() {
    let (server, time) = start().await;
    let client = time.client().build().unwrap();
    let mut login = client.device_login("read").await.unwrap();
    pending(&mut login, 2).await;
    server.approve(login.user_code()).unwrap();
    let tokens = authorized(&mut login).await;

    assert_eq!(answers(&server), ["authorization_pending", "authorization_pending", "token"]);
    assert!(gaps(&server).iter().all(|gap| *gap >= INTERVAL), "{:?}", gaps(&server));
    let resource = client.get_resource(&format!("{}/resource", server.issuer()), &tokens.access_token).await;
    assert_eq!(resource.unwrap().status(), 200);
    assert_over(&mut login, &server, &time).await;
}

#[tokio::test]
async fn the_uri_with_the_code_inside_is_the_servers_own() {
    let (server, time) = start().await;
    let login = time.client().build().unwrap().device_login("read").await.unwrap();
    let plain = format!("{}/device", server.issuer());
    assert_eq!(login.verification_uri(), plain);
    let complete = format!("{plain}?user_code={}", login.user_code());
    assert_eq!(login.verification_uri_complete(), Some(complete.as_str()));
    server.assert_clean();
}

#[tokio::test]
async fn a_denial_is_final_at_once() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login, 1).await;
    server.deny(login.user_code()).unwrap();
    let error = failed(&mut login).await;

    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied), "{error}");
    assert_eq!(answers(&server), ["authorization_pending", "access_denied"]);
    assert_over(&mut login, &server, &time).await;
}

#[tokio::test]
async fn a_code_that_the_server_lets_expire_is_final_at_once() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login, 1).await;
    server.expire(login.user_code()).unwrap();
    let error = failed(&mut login).await;

    assert!(
        matches!(&error, Error::Expired)
            || matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::ExpiredToken),
        "{error}"
    );
    assert_eq!(answers(&server), ["authorization_pending", "expired_token"]);
    assert_over(&mut login, &server, &time).await;
}

#[tokio::test]
async fn the_client_ends_an_expired_login_by_its_own_clock() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    let life = login.expires_in();
    let error = failed(&mut login).await;

    assert!(matches!(error, Error::Expired), "{error}");
    assert!(polls(&server).len() > 10, "it polled until the end");
    assert!(
        answers(&server).iter().all(|answer| answer == "authorization_pending"),
        "{:?}",
        answers(&server)
    );
    let issued_at = server.requests().iter().find(|it| it.path == "/device-authorization").unwrap().at;
    assert!(polls(&server).last().unwrap().at < issued_at + life);
    assert_over(&mut login, &server, &time).await;
}

#[tokio::test]
async fn an_error_that_nobody_knows_is_final_at_once() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login, 1).await;
    server.fail_next(Endpoint::Token, &Fault::Error("out_of_tea".into()), 1);
    let error = failed(&mut login).await;

    let unknown = ErrorCode::Other("out_of_tea".into());
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == unknown), "{error}");
    assert!(error.to_string().contains("out_of_tea"), "{error}");
    assert_eq!(polls(&server).len(), 2);
    assert_over(&mut login, &server, &time).await;
}

#[tokio::test]
async fn slow_down_adds_five_seconds_for_all_later_polls() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    server.fail_next(Endpoint::Token, &Fault::Error("slow_down".into()), 2);
    let mut intervals = Vec::new();
    while intervals.len() < 2 {
        match login.next_event().await {
            Some(DeviceLoginEvent::SlowDown { interval }) => intervals.push(interval),
            Some(DeviceLoginEvent::DeviceCodeIssued { .. }) => {}
            event => panic!("{event:?}"),
        }
    }
    assert_eq!(intervals, [Duration::from_secs(10), Duration::from_secs(15)]);
    pending(&mut login, 2).await;
    server.approve(login.user_code()).unwrap();
    authorized(&mut login).await;
    let least = [5, 10, 15, 15, 15].map(Duration::from_secs);
    let gaps = gaps(&server);
    assert_eq!(gaps.len(), least.len());
    assert!(gaps.iter().zip(least).all(|(gap, least)| *gap >= least), "{gaps:?} for {least:?}");
    server.assert_clean();
}

#[tokio::test]
async fn an_unknown_client_never_gets_a_code() {
    let (server, time) = start().await;
    let issuer = server.issuer();
    let stranger = Client::builder("stranger").issuer(issuer).clock(time.clone()).build().unwrap();
    let error = stranger.device_login("read").await.err().expect("a refusal");
    assert!(
        matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::InvalidClient),
        "{error}"
    );
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|it| it.path == "/device-authorization").count(), 1);
    server.assert_clean();
}

#[tokio::test]
async fn a_reset_connection_does_not_end_the_login() {
    survives(&Fault::ConnectionReset, INTERVAL * 2, INTERVAL).await;
}

#[tokio::test]
async fn a_503_does_not_end_the_login() {
    survives(&Fault::ServiceUnavailable { retry_after: None }, INTERVAL * 2, INTERVAL).await;
}

#[tokio::test]
async fn retry_after_lengthens_one_wait_and_not_the_interval() {
    let asked_for = Duration::from_secs(17);
    survives(&Fault::ServiceUnavailable { retry_after: Some(asked_for) }, asked_for, INTERVAL).await;
}

#[tokio::test]
async fn a_429_with_retry_after_is_waited_out_and_slows_the_polling_down() {
    let asked_for = Duration::from_secs(17);
    let fault = Fault::TooManyRequests { retry_after: Some(asked_for) };
    survives(&fault, asked_for, INTERVAL + Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_page_of_a_captive_portal_does_not_end_the_login() {
    survives(&Fault::HtmlPage, INTERVAL * 2, INTERVAL).await;
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_ends_nothing() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login, 1).await;

    server.pause_listening().await;
    let mut away = Duration::ZERO;
    let mut portal_hints = Vec::new();
    while away < Duration::from_secs(60) {
        let event = login.next_event().await;
        let Some(DeviceLoginEvent::Retrying { next_poll_in, captive_portal_suspected, .. }) = event else {
            panic!("{event:?} while the server is away");
        };
        away += next_poll_in;
        portal_hints.push(captive_portal_suspected);
    }
    assert_eq!(polls(&server).len(), 1, "nothing came through");
    assert_eq!(portal_hints, [false, false, true], "the hint comes with the third failure in a row");

    server.resume_listening().await.unwrap();
    server.approve(login.user_code()).unwrap();
    authorized(&mut login).await;
    assert_eq!(answers(&server), ["authorization_pending", "token"]);
    server.assert_clean();
}

#[tokio::test]
async fn one_fault_after_another_ends_nothing() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login, 1).await;
    let faults = [
        Fault::ConnectionReset,
        Fault::ServiceUnavailable { retry_after: None },
        Fault::HtmlPage,
        Fault::TooManyRequests { retry_after: Some(Duration::from_secs(3)) },
    ];
    for fault in &faults {
        server.fail_next(Endpoint::Token, fault, 1);
    }
    for fault in &faults {
        let event = login.next_event().await;
        assert!(matches!(event, Some(DeviceLoginEvent::Retrying { .. })), "{event:?} after {fault:?}");
    }
    server.approve(login.user_code()).unwrap();
    authorized(&mut login).await;
    assert!(gaps(&server).iter().all(|gap| *gap >= INTERVAL), "{:?}", gaps(&server));
    server.assert_clean();
}

#[tokio::test]
async fn the_device_authorization_request_is_tried_three_times() {
    let (server, time) = start().await;
    let unavailable = Fault::ServiceUnavailable { retry_after: None };
    server.fail_next(Endpoint::DeviceAuthorization, &unavailable, 2);
    let login = device_login(&time).await;
    assert_eq!(server.pending().len(), 1);
    drop(login);

    server.fail_next(Endpoint::DeviceAuthorization, &unavailable, 3);
    let error = time.client().build().unwrap().device_login("read").await.err().expect("a failure");
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    let asked = server.requests().iter().filter(|it| it.path == "/device-authorization").count();
    assert_eq!(asked, 6);
    server.assert_clean();
}

#[tokio::test]
async fn a_device_whose_clock_runs_fast_is_slowed_down_once_at_most() {
    for _ in 0..20 {
        let server = Arc::new(MockServer::start().await.unwrap());
        let time = VirtualTime::of(&server).with_client_clock_fast_by_percent(25);
        let client = time.client().polling_policy(PollingPolicy::default()).build().unwrap();
        let mut login = client.device_login("read").await.unwrap();
        let mut slowed_down = 0;
        for _ in 0..8 {
            match login.next_event().await {
                Some(DeviceLoginEvent::SlowDown { interval }) => {
                    slowed_down += 1;
                    assert_eq!(interval, Duration::from_secs(10));
                }
                Some(DeviceLoginEvent::DeviceCodeIssued { .. } | DeviceLoginEvent::Pending { .. }) => {}
                event => panic!("{event:?}"),
            }
        }
        assert!(slowed_down <= 1, "slowed down {slowed_down} times: {:?}", gaps(&server));
        server.approve(login.user_code()).unwrap();
        authorized(&mut login).await;
        // Such a clock breaks one rule, and no other.
        let breaks = |rule| ["first-poll", "poll-interval"].contains(&rule);
        assert!(server.verdicts().iter().all(|verdict| breaks(verdict.rule)), "{:?}", server.verdicts());
    }
}

#[tokio::test]
async fn another_process_takes_a_login_up() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login, 2).await;
    let user_code = login.user_code().to_owned();
    let saved = login.snapshot().expect("a login that waits").expose_json();
    drop(login);

    let asleep = Duration::from_secs(2);
    time.advance(asleep);
    server.approve(&user_code).unwrap();
    let client = time.client().build().unwrap();
    let pending = PendingLogin::from_json(&saved).unwrap();
    let mut resumed = client.resume_device_login(pending, Some(asleep)).await.unwrap();
    assert_eq!(resumed.user_code(), user_code);
    authorized(&mut resumed).await;
    assert!(gaps(&server).iter().all(|gap| *gap >= INTERVAL), "{:?}", gaps(&server));
    server.assert_clean();
}

#[tokio::test]
async fn a_caller_that_owns_its_loop_gets_the_same() {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    let mut waits = Vec::new();
    let tokens = loop {
        match login.poll_once().await {
            PollOnce::WaitFor(wait) => {
                waits.push(wait);
                time.advance(wait);
                if waits.len() == 3 {
                    server.approve(login.user_code()).unwrap();
                }
            }
            PollOnce::Finished(result) => break result.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert!(tokens.refresh_token.is_some() || tokens.expires_in.is_some());
    assert_eq!(waits, [INTERVAL; 3]);
    assert_eq!(answers(&server), ["authorization_pending", "authorization_pending", "token"]);
    server.assert_clean();
}

/// The one test in real time: the system's clock, tokio's timers, an interval of a second.
#[tokio::test]
async fn in_real_time_no_gap_is_under_the_interval() {
    let second = Duration::from_secs(1);
    let server = MockServer::builder().interval(second).auto_approve(true).start().await.unwrap();
    let client = Client::builder("device").issuer(server.issuer()).build().unwrap();
    client.device_login("read").await.unwrap().wait().await.unwrap();
    assert_eq!(answers(&server), ["authorization_pending", "authorization_pending", "token"]);
    assert!(gaps(&server).iter().all(|gap| *gap >= second), "{:?}", gaps(&server));
    server.assert_clean();
}

async fn start() -> (Arc<MockServer>, VirtualTime) {
    let server = Arc::new(MockServer::start().await.unwrap());
    let time = VirtualTime::of(&server);
    (server, time)
}

async fn device_login(time: &VirtualTime) -> DeviceLogin {
    time.client().build().unwrap().device_login("read").await.unwrap()
}

/// One fault after the first poll: the login waits for `then_waits`, afterwards for `interval` again, and succeeds.
async fn survives(fault: &Fault, then_waits: Duration, interval: Duration) {
    let (server, time) = start().await;
    let mut login = device_login(&time).await;
    pending(&mut login, 1).await;
    server.fail_next(Endpoint::Token, fault, 1);
    match login.next_event().await {
        Some(DeviceLoginEvent::Retrying { next_poll_in, captive_portal_suspected, cause, .. }) => {
            assert_eq!(next_poll_in, then_waits);
            assert!(!captive_portal_suspected, "one failure is no portal");
            assert!(!cause.contains('<'), "a body is never shown: {cause}");
        }
        event => panic!("{event:?} after {fault:?}"),
    }
    match login.next_event().await {
        Some(DeviceLoginEvent::Pending { next_poll_in, .. }) => assert_eq!(next_poll_in, interval),
        event => panic!("{event:?} after {fault:?} was over"),
    }
    server.approve(login.user_code()).unwrap();
    authorized(&mut login).await;
    let gaps = gaps(&server);
    let least = [INTERVAL, INTERVAL, then_waits, interval];
    assert_eq!(gaps.len(), least.len());
    assert!(gaps.iter().zip(least).all(|(gap, least)| *gap >= least), "{gaps:?} for {least:?}");
    server.assert_clean();
}

/// Waits until the server has said "pending" `times` times.
async fn pending(login: &mut DeviceLogin, times: usize) {
    let mut heard = 0;
    while heard < times {
        match login.next_event().await {
            Some(DeviceLoginEvent::Pending { .. }) => heard += 1,
            Some(DeviceLoginEvent::DeviceCodeIssued { .. }) => {}
            event => panic!("{event:?}"),
        }
    }
}

async fn authorized(login: &mut DeviceLogin) -> Box<AccessTokenResponse> {
    match last_event(login).await {
        DeviceLoginEvent::Authorized(tokens) => tokens,
        event => panic!("{event:?}"),
    }
}

async fn failed(login: &mut DeviceLogin) -> Error {
    match last_event(login).await {
        DeviceLoginEvent::Failed(error) => error,
        event => panic!("{event:?}"),
    }
}

async fn last_event(login: &mut DeviceLogin) -> DeviceLoginEvent {
    let mut last = None;
    while let Some(event) = login.next_event().await {
        last = Some(event);
    }
    last.expect("an event")
}

/// Nothing more comes out of the login, and nothing more reaches the server.
async fn assert_over(login: &mut DeviceLogin, server: &MockServer, time: &VirtualTime) {
    let requests = polls(server).len();
    for _ in 0..3 {
        time.advance(Duration::from_secs(3600));
        assert!(login.next_event().await.is_none());
    }
    assert_eq!(polls(server).len(), requests);
    server.assert_clean();
}

/// The server's answers to the polls: the OAuth error, or `token`.
fn answers(server: &MockServer) -> Vec<String> {
    polls(server)
        .into_iter()
        .map(|poll| {
            poll.error.unwrap_or_else(|| if poll.status == 200 { "token".into() } else { "?".into() })
        })
        .collect()
}
