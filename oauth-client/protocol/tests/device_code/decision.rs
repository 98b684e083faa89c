//! The table: what came back from a poll, and what the client does. One test a row, in the table's order.

use oauth_protocol::{
    Error, ErrorCode, HttpResponse, InvalidResponse, Redirect, RetryCause, TransportFailure, WaitCause,
};

use crate::scripted_login::{CODES, DENIED, PENDING, PORTAL, SLOW_DOWN, ScriptedLogin, TOKEN};

#[test]
fn a_5xx_backs_off_whatever_its_body_says() {
    for (status, body) in [
        (500, ""),
        (502, PORTAL),
        (503, r#"{"error": "temporarily_unavailable"}"#),
        (500, r#"{"error": "server_error"}"#),
        (500, r#"{"error": "access_denied"}"#),
        (503, r#"{"error": "invalid_grant"}"#),
        (599, TOKEN),
    ] {
        let mut login = ScriptedLogin::polling();
        login.answer(status, body);
        let cause = RetryCause::Unavailable { status };
        let expected = WaitCause::Retrying { cause, captive_portal_suspected: false };
        assert_eq!(login.grant.wait_cause(), Some(&expected), "{status} {body}");
        assert_eq!(login.sends(), 10.0, "{status} {body}");
        assert_eq!(login.interval(), 5, "{status} {body}");
    }
}

#[test]
fn pending_waits_one_unchanged_interval_whatever_the_status() {
    for status in [200, 400, 401, 403, 428, 429, 408, 425, 404] {
        for body in [
            PENDING,
            r#"{"error": "authorization_pending", "interval": 60.5}"#,
            r#"{"status": 400, "message": "authorization_pending"}"#,
            r#"{"error": 400, "message": "authorization_pending"}"#,
            r#"{"error": "Bad Request", "message": "authorization_pending"}"#,
        ] {
            let mut login = ScriptedLogin::polling();
            login.answer(status, body);
            assert_eq!(login.grant.wait_cause(), Some(&WaitCause::Pending), "{status} {body}");
            assert_eq!((login.sends(), login.interval()), (5.0, 5), "{status} {body}");
        }
    }
}

#[test]
fn slow_down_adds_five_seconds_for_this_and_all_later_polls() {
    for status in [200, 400, 403, 429] {
        let mut login = ScriptedLogin::polling();
        login.answer(status, SLOW_DOWN);
        assert_eq!(login.grant.wait_cause(), Some(&WaitCause::SlowDown));
        assert_eq!(login.sends(), 10.0, "{status}");
        login.answer(400, PENDING);
        assert_eq!(login.sends(), 10.0, "{status}");
        login.answer(status, SLOW_DOWN);
        assert_eq!(login.sends(), 15.0, "{status}");
        login.answer(503, "");
        login.sends();
        login.answer(400, PENDING);
        assert_eq!(login.sends(), 15.0, "{status}");
    }
}

#[test]
fn slow_down_takes_the_servers_interval_if_that_is_longer() {
    for (interval, wait) in [
        ("22", 22.0),
        (r#""22""#, 22.0),
        ("22.2", 23.0),
        ("10", 10.0),
        ("3", 10.0),
        ("0", 10.0),
        ("-1", 10.0),
        ("null", 10.0),
        (r#""soon""#, 10.0),
        ("[7]", 10.0),
    ] {
        let mut login = ScriptedLogin::polling();
        login.answer(400, &format!(r#"{{"error": "slow_down", "interval": {interval}}}"#));
        assert_eq!(login.sends(), wait, "{interval}");
    }
}

#[test]
fn a_huge_interval_in_slow_down_ends_with_the_code_and_overflows_nothing() {
    for interval in ["1e999", "18446744073709551615", "99999999999999999999999"] {
        let mut login = ScriptedLogin::polling();
        for _ in 0..3 {
            login.answer(400, &format!(r#"{{"error": "slow_down", "interval": {interval}}}"#));
        }
        assert_eq!(login.ends(), Err(Error::Expired), "{interval}");
        assert_eq!(login.sent, 2, "{interval}");
    }
}

#[test]
fn every_other_oauth_error_is_final_at_once() {
    for (body, code) in [
        (DENIED, ErrorCode::AccessDenied),
        (r#"{"error": "authorization_declined"}"#, ErrorCode::AccessDenied),
        (r#"{"error": "expired_token"}"#, ErrorCode::ExpiredToken),
        (r#"{"error": "token_expired"}"#, ErrorCode::ExpiredToken),
        (r#"{"error": "code_expired"}"#, ErrorCode::ExpiredToken),
        (r#"{"error": "invalid_grant"}"#, ErrorCode::InvalidGrant),
        (r#"{"error": "bad_verification_code"}"#, ErrorCode::InvalidDeviceCode),
        (r#"{"error": "incorrect_device_code"}"#, ErrorCode::InvalidDeviceCode),
        (r#"{"error": "device_not_found"}"#, ErrorCode::InvalidDeviceCode),
        (r#"{"status": 400, "message": "invalid device code"}"#, ErrorCode::InvalidDeviceCode),
        // In a status that is not 5xx these are errors like any other.
        (r#"{"error": "server_error"}"#, ErrorCode::ServerError),
        (r#"{"error": "Authorization_Pending"}"#, ErrorCode::Other("Authorization_Pending".into())),
        (r#"{"error": " slow_down"}"#, ErrorCode::Other(" slow_down".into())),
        (r#"{"error": "brand_new"}"#, ErrorCode::Other("brand_new".into())),
    ] {
        for status in [200, 400, 401, 403, 404, 429] {
            let mut login = ScriptedLogin::polling();
            login.answer(status, body);
            match login.ends_at_once() {
                Err(Error::Refused(refusal)) => assert_eq!(refusal.error, code, "{status} {body}"),
                other => panic!("{status} {body}: {other:?}"),
            }
            assert_eq!(login.sent, 2, "{status} {body}");
        }
    }
}

#[test]
fn an_error_of_an_odd_type_is_an_unknown_error_and_never_a_known_one() {
    for error in [
        "7",
        "true",
        "[]",
        "{}",
        "1e999",
        r#""\ud800""#,
        r#"{"type": "authorization_pending"}"#,
        r#"{"code": "slow_down", "message": "neutral"}"#,
        &format!("{}{}", "[".repeat(300), "]".repeat(300)),
    ] {
        let mut login = ScriptedLogin::polling();
        login.answer(400, &format!(r#"{{"error": {error}, "access_token": "t"}}"#));
        match login.ends_at_once() {
            Err(Error::Refused(refusal)) => {
                assert!(matches!(&refusal.error, ErrorCode::Other(_)), "{error}: {refusal:?}");
                assert!(!["authorization_pending", "slow_down"].contains(&refusal.error.as_str()), "{error}");
            }
            other => panic!("{error}: {other:?}"),
        }
    }
}

#[test]
fn error_wins_over_an_access_token_beside_it() {
    let mut login = ScriptedLogin::polling();
    login.answer(200, r#"{"access_token": "t", "error": "authorization_pending"}"#);
    assert_eq!(login.sends(), 5.0);
    login.answer(200, r#"{"access_token": "t", "error": "access_denied"}"#);
    assert!(matches!(login.ends_at_once(), Err(Error::Refused(_))));
}

#[test]
fn an_absent_error_is_no_error() {
    for error in ["null", "false", r#""""#] {
        let mut login = ScriptedLogin::polling();
        login.answer(200, &format!(r#"{{"error": {error}, "access_token": "t"}}"#));
        assert_eq!(login.ends_at_once(), Ok("t".into()), "{error}");
    }
}

#[test]
fn an_access_token_that_is_none_is_an_invalid_response() {
    let missing = InvalidResponse::MissingParameter("access_token");
    for (body, invalid) in [
        (r#"{"access_token": ""}"#, missing),
        (r#"{"access_token": 7}"#, missing),
        (r#"{"access_token": ["t"]}"#, missing),
        (r#"{"access_token": null, "token_type": "Bearer"}"#, missing),
        ("{\"access_token\": \"\\u001b[31mt\"}", InvalidResponse::UnsafeAccessToken),
        ("{\"access_token\": \"t\\r\\nx-header: 1\"}", InvalidResponse::UnsafeAccessToken),
        (r#"{"access_token": "t", "token_type": "mac"}"#, InvalidResponse::UnknownTokenType),
        (r#"{"access_token": "t", "token_type": "DPoP"}"#, InvalidResponse::UnknownTokenType),
        (r#"{"access_token": "t", "token_type": 7}"#, InvalidResponse::UnknownTokenType),
        (r#"{"access_token": "t", "access_token": "t"}"#, InvalidResponse::RepeatedParameter),
        (r#"{"error": "slow_down", "error": "slow_down"}"#, InvalidResponse::RepeatedParameter),
        (CODES, missing),
    ] {
        let mut login = ScriptedLogin::polling();
        login.answer(200, body);
        assert_eq!(login.ends_at_once(), Err(Error::InvalidResponse(invalid)), "{body}");
    }
}

#[test]
fn an_access_token_is_success() {
    for (status, body) in [
        (200, TOKEN),
        (201, r#"{"accessToken": "2YotnFZFEjr1zCsicMWpAA", "tokenType": "bearer"}"#),
        (400, r#"{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": null, "error": null}"#),
    ] {
        let mut login = ScriptedLogin::polling();
        login.answer(status, body);
        assert_eq!(login.ends_at_once(), Ok("2YotnFZFEjr1zCsicMWpAA".into()), "{body}");
    }
}

#[test]
fn a_429_without_an_oauth_body_counts_as_slow_down() {
    for body in ["", PORTAL, "{}", r#"{"errorCode": "E0000047"}"#] {
        let mut login = ScriptedLogin::polling();
        login.answer(429, body);
        assert_eq!(login.grant.wait_cause(), Some(&WaitCause::RateLimited), "{body}");
        assert_eq!(login.sends(), 10.0, "{body}");
        login.answer(400, PENDING);
        assert_eq!(login.sends(), 10.0, "{body}");
    }
}

#[test]
fn what_may_pass_backs_off_and_never_ends_the_login() {
    let unusable = [
        (200, PORTAL),
        (200, ""),
        (204, ""),
        (200, r#"{"access_token": "cut of"#),
        (200, r#"{"access_token": "t"} <html>"#),
        (200, "[]"),
        (200, "null"),
        (200, r#""access_token""#),
        (200, "access_token=t"), // Said to be JSON.
        (408, ""),
        (425, ""),
        (408, "{}"),
    ];
    for (status, body) in unusable {
        let mut login = ScriptedLogin::polling();
        login.answer(status, body);
        assert!(matches!(login.grant.wait_cause(), Some(WaitCause::Retrying { .. })), "{status} {body}");
        assert_eq!((login.sends(), login.interval()), (10.0, 5), "{status} {body}");
    }
    for failure in [
        TransportFailure::Dns,
        TransportFailure::Connect,
        TransportFailure::Closed,
        TransportFailure::Timeout,
        TransportFailure::BodyTooLarge,
        TransportFailure::NotHttp,
    ] {
        let mut login = ScriptedLogin::polling();
        login.fail(failure);
        assert_eq!((login.sends(), login.interval()), (10.0, 5), "{failure}");
    }
}

#[test]
fn the_third_failure_in_a_row_hints_at_a_captive_portal() {
    let suspected = |login: &ScriptedLogin| match login.grant.wait_cause() {
        Some(WaitCause::Retrying { captive_portal_suspected, .. }) => *captive_portal_suspected,
        other => panic!("{other:?}"),
    };
    let mut login = ScriptedLogin::polling();
    login.answer(200, PORTAL);
    assert!(!suspected(&login));
    login.sends();
    login.fail(TransportFailure::Timeout);
    assert!(!suspected(&login));
    login.sends();
    login.fail(TransportFailure::Tls);
    assert!(suspected(&login));
    login.sends();
    login.answer(400, PENDING);
    login.sends();
    login.answer(200, PORTAL);
    assert!(!suspected(&login));
}

#[test]
fn a_server_that_fails_by_itself_is_no_captive_portal() {
    let mut login = ScriptedLogin::polling();
    for _ in 0..4 {
        login.answer(503, "");
        assert!(matches!(
            login.grant.wait_cause(),
            Some(WaitCause::Retrying { captive_portal_suspected: false, .. })
        ));
        login.sends();
    }
}

#[test]
fn a_2xx_object_without_oauth_members_is_final() {
    for body in ["{}", r#"{"token_type": "Bearer"}"#, r#"{"message": "Authorization_pending"}"#] {
        let mut login = ScriptedLogin::polling();
        login.answer(200, body);
        let missing = InvalidResponse::MissingParameter("access_token");
        assert_eq!(login.ends_at_once(), Err(Error::InvalidResponse(missing)), "{body}");
    }
}

#[test]
fn tls_failures_later_are_endured_three_times_in_a_row() {
    let mut login = ScriptedLogin::polling();
    for _ in 0..3 {
        login.fail(TransportFailure::Tls);
        login.sends();
    }
    login.fail(TransportFailure::Tls);
    assert_eq!(login.ends_at_once(), Err(Error::Transport(TransportFailure::Tls)));
}

#[test]
fn any_answer_in_between_ends_the_row_of_tls_failures() {
    for (status, body) in [(400, PENDING), (400, SLOW_DOWN), (429, ""), (503, ""), (200, PORTAL)] {
        let mut login = ScriptedLogin::polling();
        for _ in 0..3 {
            login.fail(TransportFailure::Tls);
            login.sends();
        }
        login.answer(status, body);
        login.sends();
        login.fail(TransportFailure::Tls);
        assert!(login.sends() > 0.0, "{status} {body}");
    }
}

fn redirect(status: u16, location: &'static str) -> HttpResponse {
    HttpResponse::new(status, [("location", location), ("content-type", "application/json")], TOKEN)
}

#[test]
fn a_redirect_that_differs_by_a_slash_is_final_with_the_hint() {
    for status in [301, 308] {
        for location in ["/token/", "https://server.example.com/token/"] {
            let mut login = ScriptedLogin::polling();
            login.answer_with(&redirect(status, location));
            let redirect = Redirect { status, location: Some(location.into()), differs_by_slash: true };
            let error = Error::Redirected(redirect);
            assert!(error.to_string().contains("differs by a slash"), "{error}");
            assert_eq!(login.ends_at_once(), Err(error), "{status} {location}");
        }
    }
}

#[test]
fn any_other_redirect_is_not_followed_and_endured_three_times_in_a_row() {
    for (status, location) in [
        (302, "https://portal.example/login"),
        (302, "/token/"),
        (303, "/token/"),
        (301, "/token"),
        (301, "/token//"),
        (301, "/token/?next=1"),
        (301, "http://server.example.com/token/"),
        (301, "https://server.example.com.evil.example/token/"),
        (301, "https://server.example.com/other/"),
        (307, ""),
        (304, "/token/"),
    ] {
        let mut login = ScriptedLogin::polling();
        for _ in 0..3 {
            login.answer_with(&redirect(status, location));
            login.sends();
        }
        login.answer_with(&redirect(status, location));
        match login.ends_at_once() {
            Err(Error::Redirected(redirect)) => assert!(!redirect.differs_by_slash, "{status} {location}"),
            other => panic!("{status} {location}: {other:?}"),
        }
    }
}

#[test]
fn a_redirect_goes_on_after_an_oauth_answer() {
    let mut login = ScriptedLogin::polling();
    for _ in 0..5 {
        for _ in 0..3 {
            login.answer_with(&redirect(302, "https://portal.example/"));
            login.sends();
        }
        login.answer(400, PENDING);
        login.sends();
    }
    login.answer(200, TOKEN);
    assert!(login.ends_at_once().is_ok());
}

#[test]
fn a_bare_4xx_is_final() {
    for status in [400, 401, 403, 404, 405, 409, 410, 418, 428] {
        for body in ["", PORTAL, "{}", r#"{"access_token": null}"#] {
            let mut login = ScriptedLogin::polling();
            login.answer(status, body);
            let unexpected = InvalidResponse::UnexpectedStatus(status);
            assert_eq!(login.ends_at_once(), Err(Error::InvalidResponse(unexpected)), "{status} {body}");
        }
    }
}

#[test]
fn at_expiry_the_login_ends_without_a_further_request() {
    let mut login = ScriptedLogin::issued(CODES);
    let mut last = 0;
    // django-oauth-toolkit says "pending" for ever.
    while let crate::scripted_login::Next::Sends(_) = login.next() {
        last = login.now().as_millis();
        login.answer(400, PENDING);
    }
    assert!(last < 3_600_000 + 1_800_000, "the last poll came before the expiry");
    assert_eq!(login.now().as_millis(), 3_600_000 + 1_800_000);
    assert_eq!(login.ends_at_once(), Err(Error::Expired));
}
