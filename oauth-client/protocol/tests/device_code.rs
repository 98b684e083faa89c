//! The device authorization grant, scripted by time (RFC 8628; the order and the tries of its requests).

mod any_events;
mod decision;
mod device_authorization_response;
mod device_code_request;
mod field_failures;
mod login;
mod million_polls;
mod pending_login;
mod polling_policy;

use oauth_protocol::{
    Action, Error, ErrorCode, HttpResponse, Instant, InvalidResponse, TransportFailure, Unavailable,
    WaitCause,
};

use crate::scripted_login::{CODES, EXACT, PENDING, PORTAL, SLOW_DOWN, ScriptedLogin, TOKEN, json};

#[test]
fn a_login_from_the_first_request_to_the_token() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.answer(200, CODES);
    assert_eq!((login.sends(), login.shown), (5.0, 1));
    login.answer(400, PENDING);
    assert_eq!(login.sends(), 5.0);
    login.answer(200, TOKEN);
    assert_eq!(login.ends_at_once(), Ok("2YotnFZFEjr1zCsicMWpAA".into()));
    assert_eq!((login.sent, login.shown), (3, 1));
}

#[test]
fn the_codes_are_shown_before_the_first_poll_even_if_the_caller_is_late() {
    let mut login = ScriptedLogin::issued(CODES);
    login.pass(60.0);
    assert!(
        matches!(login.grant.poll(login.now()), Action::ShowUserCode(codes) if codes.user_code == "WDJB-MJHT")
    );
    assert!(matches!(login.grant.poll(login.now()), Action::Send(_)));
}

#[test]
fn only_one_poll_is_in_flight_at_a_time() {
    let mut login = ScriptedLogin::polling();
    for _ in 0..29 {
        assert!(matches!(login.grant.poll(login.now()), Action::WaitUntil(_)));
        assert!(!login.grant.check_now(login.now()));
        login.pass(1.0);
    }
}

#[test]
fn an_answer_that_never_comes_is_a_timeout_and_not_waited_for_for_ever() {
    let mut login = ScriptedLogin::polling();
    // 30 s for the exchange, then 5 s of interval and 5 s of back-off.
    assert_eq!(login.sends(), 5.0 + 30.0 + 10.0);
    assert_eq!(login.sent, 3);
}

#[test]
fn calls_in_the_wrong_order_are_ignored() {
    let mut login = ScriptedLogin::new(EXACT);
    login.answer(200, TOKEN);
    login.fail(TransportFailure::Timeout);
    assert!(!login.grant.check_now(login.now()));
    assert!(login.grant.snapshot(login.now()).is_none());
    assert!(login.grant.codes().is_none());
    login.sends();
    login.answer(200, CODES);
    // Nothing is in flight: neither a token nor a refusal from nowhere counts.
    login.answer(200, TOKEN);
    login.answer(400, r#"{"error": "access_denied"}"#);
    login.fail(TransportFailure::Tls);
    assert_eq!(login.sends(), 5.0);
    login.answer(400, r#"{"error": "access_denied"}"#);
    login.answer(200, TOKEN);
    assert!(matches!(login.ends_at_once(), Err(Error::Refused(_))));
    assert!(!login.grant.check_now(login.now()));
    assert!(login.grant.snapshot(login.now()).is_none());
    assert!(login.grant.wait_cause().is_none());
}

#[test]
fn the_device_authorization_request_is_tried_three_times() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.fail(TransportFailure::Connect);
    assert_eq!(login.sends(), 1.0);
    login.answer(503, "");
    assert_eq!(login.sends(), 2.0);
    login.answer(200, PORTAL);
    assert_eq!(login.ends_at_once(), Err(Error::InvalidResponse(InvalidResponse::NoParameters)));
    assert_eq!(login.sent, 3);
}

#[test]
fn the_device_authorization_request_may_succeed_at_the_third_try() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.fail(TransportFailure::Dns);
    login.sends();
    login.answer(429, "");
    assert_eq!(login.grant.wait_cause(), Some(&WaitCause::RateLimited));
    login.sends();
    login.answer(200, CODES);
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn the_device_authorization_request_is_tried_for_thirty_seconds_at_most() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.pass(29.5);
    login.fail(TransportFailure::Timeout);
    assert_eq!(login.ends_at_once(), Err(Error::Transport(TransportFailure::Timeout)));

    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    // Nobody hands in an answer.
    assert_eq!(login.ends(), Err(Error::Transport(TransportFailure::Timeout)));
    assert_eq!(login.seconds_since_answer(), 30.0);
}

#[test]
fn no_try_of_the_device_authorization_request_leaves_after_a_suspend() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.fail(TransportFailure::Connect);
    assert!(matches!(login.grant.poll(login.now()), Action::WaitUntil(_)));
    login.pass(7200.0);
    assert_eq!(login.ends_at_once(), Err(Error::Transport(TransportFailure::Connect)));
}

#[test]
fn the_timeout_of_a_try_ends_with_the_thirty_seconds() {
    let mut login = ScriptedLogin::new(EXACT);
    let Action::Send(first) = login.grant.poll(login.now()) else { panic!("no request") };
    assert_eq!(first.timeout().as_secs(), 30);
    login.pass(9.0);
    login.fail(TransportFailure::Closed);
    login.pass(1.0);
    let Action::Send(second) = login.grant.poll(login.now()) else { panic!("no request") };
    assert_eq!(second.timeout().as_secs(), 20);
}

#[test]
fn retry_after_on_the_device_authorization_request_lengthens_its_wait() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.answer_with(&HttpResponse::new(503, [("retry-after", "12")], ""));
    assert_eq!(login.sends(), 12.0);
    login.answer_with(&HttpResponse::new(429, [("Retry-After", "120")], ""));
    let unavailable = Unavailable { status: 429, retry_after: Some(core::time::Duration::from_secs(120)) };
    assert_eq!(login.ends_at_once(), Err(Error::Unavailable(unavailable)));
}

#[test]
fn every_oauth_error_to_the_device_authorization_request_is_final() {
    for (status, body, code) in [
        (400, r#"{"error": "invalid_client"}"#, ErrorCode::InvalidClient),
        (200, r#"{"error": "unauthorized_client"}"#, ErrorCode::UnauthorizedClient),
        (400, PENDING, ErrorCode::AuthorizationPending),
        // authentik: 20 codes an hour.
        (429, SLOW_DOWN, ErrorCode::SlowDown),
        (418, r#"{"error": "teapot"}"#, ErrorCode::Other("teapot".into())),
    ] {
        let mut login = ScriptedLogin::new(EXACT);
        login.sends();
        login.answer(status, body);
        match login.ends_at_once() {
            Err(Error::Refused(refusal)) => assert_eq!(refusal.error, code),
            other => panic!("{status} {body}: {other:?}"),
        }
        assert_eq!(login.sent, 1, "{status} {body}");
    }
}

#[test]
fn a_temporary_failure_with_an_oauth_body_is_tried_again_by_the_device_authorization_request() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.answer(503, r#"{"error": "temporarily_unavailable"}"#);
    assert_eq!(login.sends(), 1.0);
}

#[test]
fn other_final_answers_to_the_device_authorization_request() {
    let missing = InvalidResponse::MissingParameter;
    for (status, body, error) in [
        (404, "", InvalidResponse::NoDeviceAuthorizationEndpoint),
        (404, PORTAL, InvalidResponse::NoDeviceAuthorizationEndpoint),
        (403, "", InvalidResponse::UnexpectedStatus(403)),
        (200, "{}", missing("device_code")),
        (200, TOKEN, missing("device_code")),
        (200, r#"{"device_code": "d"}"#, missing("user_code")),
        (200, r#"{"device_code": "d", "user_code": "u"}"#, missing("verification_uri")),
        (
            200,
            r#"{"device_code": "", "user_code": "u", "verification_uri": "https://a/"}"#,
            missing("device_code"),
        ),
        (
            200,
            r#"{"device_code": 5, "user_code": "u", "verification_uri": "https://a/"}"#,
            missing("device_code"),
        ),
    ] {
        let mut login = ScriptedLogin::new(EXACT);
        login.sends();
        login.answer(status, body);
        assert_eq!(login.ends_at_once(), Err(Error::InvalidResponse(error)), "{status} {body}");
    }
}

#[test]
fn an_untrusted_certificate_at_first_contact_is_final() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.fail(TransportFailure::Tls);
    assert_eq!(login.ends_at_once(), Err(Error::Transport(TransportFailure::Tls)));

    // Also after failures that reached nobody.
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.fail(TransportFailure::Connect);
    login.sends();
    login.fail(TransportFailure::Tls);
    assert_eq!(login.ends_at_once(), Err(Error::Transport(TransportFailure::Tls)));
}

#[test]
fn an_untrusted_certificate_after_an_answer_is_tried_again() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.answer(503, "");
    login.sends();
    login.fail(TransportFailure::Tls);
    login.sends();
    login.answer(200, CODES);
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn a_clock_at_its_end_does_no_harm() {
    for start in [0, 1, u64::MAX - 1000, u64::MAX] {
        let mut login = ScriptedLogin::new(EXACT);
        login.jump_to(start);
        assert!(matches!(login.grant.poll(login.now()), Action::Send(_)));
        login.answer_with(&json(200, CODES));
        match login.grant.poll(login.now()) {
            Action::ShowUserCode(_) => assert!(start < u64::MAX),
            Action::Finished(Err(Error::Expired)) => assert_eq!(start, u64::MAX),
            other => panic!("{start}: {other:?}"),
        }
    }
}

#[test]
fn debug_of_a_login_names_its_state_and_no_more() {
    let mut login = ScriptedLogin::issued(CODES);
    login.sends();
    assert_eq!(
        format!("{:?}", login.grant),
        "DeviceCodeGrant { state: \"AwaitingAccessTokenResponse\", .. }"
    );
    assert_eq!(login.grant.expires_at(), Some(Instant::from_millis(3_600_000 + 1_800_000)));
}
