//! A device login on virtual time: its events, its polls, and what a caller may do in the middle.

use std::time::Duration;

use oauth_client::{
    Client, DeviceLogin, DeviceLoginEvent, Error, ErrorCode, PendingLogin, PollOnce, PollingPolicy,
    TransportFailure,
};

use crate::scripted_transport::Answer::{self, Failure, Held, Json, With};
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

/// RFC 8628 §3.2.
const CODES: Answer = Json(
    200,
    r#"{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","user_code":"WDJB-MJHT",
        "verification_uri":"https://example.com/device",
        "verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT",
        "expires_in":1800,"interval":5}"#,
);
const PENDING: Answer = Json(400, r#"{"error":"authorization_pending"}"#);
const SLOW_DOWN: Answer = Json(400, r#"{"error":"slow_down"}"#);
const DENIED: Answer = Json(400, r#"{"error":"access_denied"}"#);
const TOKEN: Answer = Json(200, r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer"}"#);
const PORTAL: Answer = With(200, &[("content-type", "text/html")], "<html>Please pay for the network</html>");

/// A client whose waits have no margin, so that every moment can be told.
fn client(clock: &VirtualClock, transport: &ScriptedTransport) -> Client {
    with_policy(clock, transport, PollingPolicy::with_margin(0, 0))
}

fn with_policy(clock: &VirtualClock, transport: &ScriptedTransport, policy: PollingPolicy) -> Client {
    Client::builder("1406020730")
        .device_authorization_endpoint("https://server.example.com/device_authorization")
        .token_endpoint("https://server.example.com/token")
        .transport(transport.clone())
        .clock(clock.clone())
        .polling_policy(policy)
        .build()
        .unwrap()
}

/// The events in one word each, with their seconds.
async fn events_of(mut login: DeviceLogin) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(event) = login.next_event().await {
        words.push(in_words(&event));
    }
    words
}

fn in_words(event: &DeviceLoginEvent) -> String {
    match event {
        DeviceLoginEvent::DeviceCodeIssued { user_code, expires_in, interval, .. } => {
            format!("issued {user_code} for {} every {}", expires_in.as_secs(), interval.as_secs())
        }
        DeviceLoginEvent::Pending { next_poll_in, expires_in } => {
            format!("pending {} of {}", next_poll_in.as_secs(), expires_in.as_secs())
        }
        DeviceLoginEvent::SlowDown { interval } => format!("slow_down {}", interval.as_secs()),
        DeviceLoginEvent::Retrying { cause, next_poll_in, captive_portal_suspected, .. } => {
            let portal = if *captive_portal_suspected { ", portal?" } else { "" };
            format!("retrying in {}: {cause}{portal}", next_poll_in.as_secs())
        }
        DeviceLoginEvent::Authorized(tokens) => format!("authorized {}", tokens.access_token.expose()),
        DeviceLoginEvent::Failed(error) => format!("failed: {error}"),
        other => panic!("{other:?}"),
    }
}

/// Seconds from the first request to each.
fn seconds(transport: &ScriptedTransport) -> Vec<u64> {
    let sent = transport.sent();
    sent.iter().map(|request| (request.at_millis - sent[0].at_millis) / 1000).collect()
}

#[tokio::test]
async fn the_events_come_in_the_words_and_the_order_of_the_login() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(
        &clock,
        [CODES, PENDING, Failure(TransportFailure::Closed, "reset by peer"), SLOW_DOWN, PENDING, TOKEN],
    );
    let login = client(&clock, &transport).device_login("").await.unwrap();
    assert_eq!(
        events_of(login).await,
        [
            "issued WDJB-MJHT for 1800 every 5",
            "pending 5 of 1795",
            // interval + min(interval × (2ⁿ − 1), 60 s)
            "retrying in 10: the connection was lost before the answer was complete (reset by peer)",
            "slow_down 10",
            "pending 10 of 1770",
            "authorized 2YotnFZFEjr1zCsicMWpAA",
        ]
    );
    assert_eq!(seconds(&transport), [0, 5, 10, 20, 30, 40]);
}

#[tokio::test]
async fn the_requests_are_those_of_rfc_8628() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, TOKEN]);
    client(&clock, &transport).device_login("example_scope").await.unwrap().wait().await.unwrap();
    let sent = transport.sent();
    assert_eq!(sent[0].url, "https://server.example.com/device_authorization");
    assert_eq!(sent[0].body, "client_id=1406020730&scope=example_scope");
    assert_eq!(sent[1].url, "https://server.example.com/token");
    assert_eq!(
        sent[1].body,
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
         &device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS&client_id=1406020730"
    );
    assert!(sent.iter().all(|request| request.authorization.is_none()));
}

#[tokio::test]
async fn waiting_ends_with_the_token_or_the_refusal() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, PENDING, TOKEN]);
    let tokens = client(&clock, &transport).device_login("").await.unwrap().wait().await.unwrap();
    assert_eq!(tokens.access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");

    let transport = ScriptedTransport::new(&clock, [CODES, PENDING, DENIED]);
    let error = client(&clock, &transport).device_login("").await.unwrap().wait().await.unwrap_err();
    let Error::Refused(refusal) = &error else { panic!("{error:?}") };
    assert_eq!(refusal.error, ErrorCode::AccessDenied);
    assert!(error.to_string().contains("start the login again"), "{error}");
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test]
async fn after_the_last_event_there_is_none_and_waiting_tells_the_same_end_again() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, DENIED]);
    let mut login = client(&clock, &transport).device_login("").await.unwrap();
    while let Some(event) = login.next_event().await {
        drop(event);
    }
    assert!(login.next_event().await.is_none());
    assert!(login.snapshot().is_none());
    assert!(matches!(login.wait().await, Err(Error::Refused(_))));
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test]
async fn a_caller_with_its_own_loop_polls_when_it_is_told_to() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, PENDING, TOKEN]);
    let mut login = client(&clock, &transport).device_login("").await.unwrap();
    let wait_for = |next| match next {
        PollOnce::WaitFor(wait) => wait,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait_for(login.poll_once().await), Duration::from_secs(5));
    clock.advance(Duration::from_secs(2));
    assert_eq!(wait_for(login.poll_once().await), Duration::from_secs(3));
    assert_eq!(transport.sent().len(), 1, "nothing is due yet");
    clock.advance(Duration::from_secs(3));
    assert_eq!(wait_for(login.poll_once().await), Duration::from_secs(5));
    clock.advance(Duration::from_secs(5));
    for _ in 0..2 {
        match login.poll_once().await {
            PollOnce::Finished(Ok(tokens)) => {
                assert_eq!(tokens.access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seconds(&transport), [0, 5, 10]);
}

#[tokio::test]
async fn checking_now_saves_the_margin_and_never_the_interval() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, TOKEN]);
    let mut login =
        with_policy(&clock, &transport, PollingPolicy::with_margin(100, 100)).device_login("").await.unwrap();
    assert!(matches!(login.poll_once().await, PollOnce::WaitFor(wait) if wait == Duration::from_secs(10)));
    clock.advance(Duration::from_millis(4_999));
    assert!(!login.check_now());
    clock.advance(Duration::from_millis(1));
    assert!(login.check_now());
    assert!(matches!(login.poll_once().await, PollOnce::Finished(Ok(_))));
    assert_eq!(seconds(&transport), [0, 5]);
}

#[tokio::test]
async fn a_future_dropped_in_the_middle_of_an_exchange_loses_no_answer() {
    let clock = VirtualClock::new();
    let token = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA"}"#;
    let transport = ScriptedTransport::new(&clock, [CODES, Held(200, token)]);
    let mut login = client(&clock, &transport).device_login("").await.unwrap();
    assert!(matches!(login.next_event().await, Some(DeviceLoginEvent::DeviceCodeIssued { .. })));
    while transport.sent().len() < 2 {
        tokio::select! {
            biased;
            event = login.next_event() => panic!("{event:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    // The server has answered with the only token that it gives for this code.
    transport.release();
    assert_eq!(in_words(&login.next_event().await.unwrap()), "authorized 2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test]
async fn a_poll_once_dropped_in_the_middle_loses_no_answer_either() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, Held(400, r#"{"error":"access_denied"}"#)]);
    let mut login = client(&clock, &transport).device_login("").await.unwrap();
    clock.advance(Duration::from_secs(5));
    while transport.sent().len() < 2 {
        tokio::select! {
            biased;
            next = login.poll_once() => panic!("{next:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    transport.release();
    assert!(matches!(login.poll_once().await, PollOnce::Finished(Err(Error::Refused(_)))));
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test]
async fn a_dropped_login_sends_nothing_more() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, PENDING]);
    let mut login = client(&clock, &transport).device_login("").await.unwrap();
    login.next_event().await;
    login.next_event().await;
    drop(login);
    clock.advance(Duration::from_secs(3600));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test]
async fn a_login_saved_in_one_process_ends_in_another() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, SLOW_DOWN]);
    let mut login = client(&clock, &transport).device_login("").await.unwrap();
    login.next_event().await;
    login.next_event().await;
    clock.advance(Duration::from_secs(1));
    let saved = login.snapshot().unwrap();
    assert!(!format!("{saved:?}").contains("GmRh"), "{saved:?}");
    let saved = saved.expose_json();
    drop(login);

    // Another process: its clock knows nothing of the first one's. Four seconds have passed.
    let clock = VirtualClock::new();
    clock.advance(Duration::from_secs(77_777));
    let transport = ScriptedTransport::new(&clock, [TOKEN]);
    let pending = PendingLogin::from_json(&saved).unwrap();
    let started = clock.millis();
    let login =
        client(&clock, &transport).resume_device_login(pending, Some(Duration::from_secs(4))).await.unwrap();
    assert_eq!(login.user_code(), "WDJB-MJHT");
    assert_eq!(login.verification_uri(), "https://example.com/device");
    assert_eq!(login.verification_uri_complete(), Some("https://example.com/device?user_code=WDJB-MJHT"));
    // 1800 - 5 until the poll - 1 until the snapshot - 4
    assert_eq!(
        events_of(login).await,
        ["issued WDJB-MJHT for 1790 every 10", "authorized 2YotnFZFEjr1zCsicMWpAA"]
    );
    let sent = transport.sent();
    assert_eq!(sent[0].at_millis - started, 5_000, "10 s after slow_down, 5 of them before");
    assert!(sent[0].body.contains("&device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS&"));
}

#[tokio::test]
async fn a_login_resumed_without_a_clock_waits_a_whole_interval() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, TOKEN]);
    let login = client(&clock, &transport).device_login("").await.unwrap();
    clock.advance(Duration::from_secs(4));
    let saved = login.snapshot().unwrap();
    let started = clock.millis();
    let login = client(&clock, &transport).resume_device_login(saved, None).await.unwrap();
    login.wait().await.unwrap();
    assert_eq!(transport.sent()[1].at_millis - started, 5_000);
}

#[tokio::test]
async fn a_login_resumed_after_its_end_is_expired_and_asks_nothing() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES]);
    let client = client(&clock, &transport);
    let saved = client.device_login("").await.unwrap().snapshot().unwrap();
    let resumed = client.resume_device_login(saved, Some(Duration::from_secs(1800))).await;
    assert!(matches!(resumed.map(|login| login.user_code().to_owned()), Err(Error::Expired)));
    assert_eq!(transport.sent().len(), 1);
}

#[tokio::test]
async fn the_login_expires_by_the_clients_own_clock() {
    let clock = VirtualClock::new();
    let codes =
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://example.com","expires_in":12}"#;
    let transport = ScriptedTransport::new(&clock, [Json(200, codes), PENDING, PENDING]);
    let login = client(&clock, &transport).device_login("").await.unwrap();
    let started = clock.millis();
    assert_eq!(
        events_of(login).await,
        [
            "issued u for 12 every 5",
            "pending 5 of 7",
            "pending 2 of 2",
            "failed: the code expired before it was approved; start the login again for a new code",
        ]
    );
    assert_eq!(clock.millis() - started, 12_000);
    assert_eq!(seconds(&transport), [0, 5, 10]);
}

#[tokio::test]
async fn retry_after_lengthens_one_wait() {
    let clock = VirtualClock::new();
    let limited = With(429, &[("retry-after", "40")], "");
    let down = With(503, &[("retry-after", "90")], "<h1>maintenance</h1>");
    let transport = ScriptedTransport::new(&clock, [CODES, limited, down, PENDING, TOKEN]);
    let login = client(&clock, &transport).device_login("").await.unwrap();
    assert_eq!(
        events_of(login).await,
        [
            "issued WDJB-MJHT for 1800 every 5",
            "retrying in 40: the server limits the rate of requests (HTTP 429)",
            "retrying in 90: the server is unavailable (HTTP 503)",
            "pending 10 of 1665",
            "authorized 2YotnFZFEjr1zCsicMWpAA",
        ]
    );
    assert_eq!(seconds(&transport), [0, 5, 45, 135, 145]);
}

#[tokio::test]
async fn a_retry_after_beyond_the_codes_life_ends_the_login_at_once() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, With(429, &[("retry-after", "7200")], "")]);
    let error = client(&clock, &transport).device_login("").await.unwrap().wait().await.unwrap_err();
    assert!(matches!(error, Error::RetryAfterExpiry { retry_after } if retry_after.as_secs() == 7200));
    assert!(error.to_string().contains("7200 s"), "{error}");
    assert_eq!(seconds(&transport), [0, 5]);
}

#[tokio::test]
async fn from_the_third_failure_in_a_row_a_captive_portal_is_suspected() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, PORTAL, PORTAL, PORTAL, PENDING, PORTAL, TOKEN]);
    let login = client(&clock, &transport).device_login("").await.unwrap();
    let events = events_of(login).await;
    let suspected: Vec<bool> = events
        .iter()
        .filter(|event| event.starts_with("retrying"))
        .map(|event| event.ends_with("portal?"))
        .collect();
    assert_eq!(suspected, [false, false, true, false], "{events:?}");
    assert!(!events.join("").contains("pay"), "the page's text is never shown: {events:?}");
}

#[tokio::test]
async fn an_unreachable_server_is_tried_three_times_and_the_last_words_are_kept() {
    let clock = VirtualClock::new();
    let refused = || Failure(TransportFailure::Connect, "Connection refused (os error 111)");
    let transport = ScriptedTransport::new(&clock, [refused(), refused(), refused()]);
    let result = client(&clock, &transport).device_login("").await;
    let Err(Error::Transport(error)) = result.map(|login| login.user_code().to_owned()) else { panic!() };
    assert_eq!(error.failure(), TransportFailure::Connect);
    assert_eq!(error.to_string(), "no connection to the server (Connection refused (os error 111))");
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test]
async fn a_certificate_that_turns_bad_is_borne_three_times_and_its_words_are_kept() {
    let clock = VirtualClock::new();
    let bad = || Failure(TransportFailure::Tls, "invalid peer certificate: UnknownIssuer");
    let transport = ScriptedTransport::new(&clock, [CODES, bad(), bad(), bad(), bad()]);
    let events = events_of(client(&clock, &transport).device_login("").await.unwrap()).await;
    assert_eq!(
        events.last().unwrap(),
        "failed: no trusted TLS connection to the server (invalid peer certificate: UnknownIssuer)"
    );
    assert_eq!(transport.sent().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_forgets_its_time_limit_is_held_to_it() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, Held(200, "never"), TOKEN]);
    let login = client(&clock, &transport).device_login("").await.unwrap();
    let started = tokio::time::Instant::now();
    let events = events_of(login).await;
    assert_eq!(events[1], "retrying in 10: the server did not answer in time");
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn the_codes_are_given_exactly_as_they_were_sent() {
    let clock = VirtualClock::new();
    let codes =
        r#"{"device_code":"d","user_code":"pdtVssvd","verification_url":"https://EXAMPLE.com/Device/"}"#;
    let transport = ScriptedTransport::new(&clock, [Json(200, codes)]);
    let login = client(&clock, &transport).device_login("").await.unwrap();
    assert_eq!(login.user_code(), "pdtVssvd");
    assert_eq!(login.verification_uri(), "https://EXAMPLE.com/Device/");
    assert_eq!(login.verification_uri_complete(), None);
    assert_eq!((login.expires_in().as_secs(), login.interval().as_secs()), (900, 5));
}

#[tokio::test]
async fn a_page_without_tls_is_never_shown_unless_its_host_was_allowed() {
    let codes = r#"{"device_code":"d","user_code":"u","verification_uri":"http://intranet/device"}"#;
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [Json(200, codes), Json(200, codes)]);
    let builder = || {
        Client::builder("id")
            .device_authorization_endpoint("https://server.example.com/device")
            .token_endpoint("https://server.example.com/token")
            .transport(transport.clone())
            .clock(clock.clone())
    };
    let refused = builder().build().unwrap().device_login("").await;
    assert!(matches!(refused.map(|_| ()), Err(Error::InvalidResponse(_))));
    let allowed = builder().dangerously_allow_http("intranet").build().unwrap();
    assert_eq!(allowed.device_login("").await.unwrap().verification_uri(), "http://intranet/device");
}

/// What is known after each of the answers to a login, 30 s apart here, with these dates.
async fn drift_at(dates: [&'static [(&'static str, &'static str)]; 3]) -> Vec<Option<f64>> {
    let clock = VirtualClock::new();
    let [issued, first, second] = dates;
    let codes = r#"{"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"https://example.com/device","expires_in":600,"interval":30}"#;
    let pending = r#"{"error":"authorization_pending"}"#;
    let script = [With(200, issued, codes), With(400, first, pending), With(400, second, pending)];
    let transport = ScriptedTransport::new(&clock, script);
    let mut login = client(&clock, &transport).device_login("").await.unwrap();
    let mut drifts = vec![login.clock_drift()];
    drop(login.next_event().await);
    for _ in 0..2 {
        drop(login.next_event().await);
        drifts.push(login.clock_drift());
    }
    drifts
}

#[tokio::test]
async fn the_dates_of_the_answers_tell_how_the_clock_runs() {
    const AT_0: &[(&str, &str)] = &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
    const AT_20: &[(&str, &str)] = &[("date", "Sun, 06 Nov 1994 08:49:57 GMT")];
    const AT_30: &[(&str, &str)] = &[("date", "Sun, 06 Nov 1994 08:50:07 GMT")];
    const AT_40: &[(&str, &str)] = &[("date", "Sun, 06 Nov 1994 08:50:17 GMT")];
    const AT_61: &[(&str, &str)] = &[("date", "Sun, 06 Nov 1994 08:50:38 GMT")];
    const UNDATED: &[(&str, &str)] = &[];
    // Thirty seconds here are twenty there; two seconds are not held against anybody.
    assert_eq!(drift_at([AT_0, AT_20, AT_40]).await, [None, Some(0.4), Some(0.45)]);
    let equal = drift_at([AT_0, AT_30, AT_61]).await;
    assert!(equal.iter().skip(1).all(|drift| drift.is_some_and(|drift| drift.abs() < 1e-9)), "{equal:?}");
    assert_eq!(drift_at([AT_0, UNDATED, AT_40]).await, [None, None, Some(0.45)]);
    // A date that goes back, or stands, says nothing.
    assert_eq!(drift_at([AT_40, AT_0, AT_40]).await, [None, None, None]);
    assert_eq!(drift_at([UNDATED, UNDATED, UNDATED]).await, [None, None, None]);
}
