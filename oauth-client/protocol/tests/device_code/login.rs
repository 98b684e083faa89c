//! When the next poll goes out: the numbered rules of polling.

use std::time::Duration;

use oauth_protocol::{Action, Error, HttpResponse, PollingPolicy, TransportFailure};

use crate::scripted_login::{CODES, EXACT, Next, PENDING, SLOW_DOWN, ScriptedLogin, TOKEN};

fn codes(expires_in: u32, interval: u32) -> String {
    format!(
        r#"{{"device_code": "d", "user_code": "u", "verification_uri": "https://example.com/",
            "expires_in": {expires_in}, "interval": {interval}}}"#
    )
}

#[test]
fn one_interval_passes_before_the_first_poll() {
    assert_eq!(ScriptedLogin::issued(CODES).sends(), 5.0);
    assert_eq!(ScriptedLogin::issued(&codes(600, 30)).sends(), 30.0);
}

#[test]
fn the_wait_counts_from_the_answer_and_not_from_the_request() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.pass(20.0);
    login.answer(200, CODES);
    assert_eq!(login.sends(), 5.0);
    login.pass(12.5);
    login.answer(400, PENDING);
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn back_off_doubles_up_to_sixty_seconds_and_an_oauth_answer_resets_it() {
    let mut login = ScriptedLogin::polling();
    // interval + min(interval × (2ⁿ − 1), 60 s)
    for wait in [10.0, 20.0, 40.0, 65.0, 65.0, 65.0] {
        login.fail(TransportFailure::Closed);
        assert_eq!(login.sends(), wait);
    }
    login.answer(400, PENDING);
    assert_eq!(login.sends(), 5.0);
    login.fail(TransportFailure::Closed);
    assert_eq!(login.sends(), 10.0);
}

#[test]
fn back_off_is_never_shorter_than_a_long_interval() {
    let mut login = ScriptedLogin::issued(&codes(1800, 100));
    login.sends();
    login.fail(TransportFailure::Closed);
    assert_eq!(login.sends(), 160.0);
    login.fail(TransportFailure::Closed);
    assert_eq!(login.sends(), 160.0);
}

#[test]
fn a_rate_limit_in_between_does_not_reset_the_back_off() {
    let mut login = ScriptedLogin::polling();
    login.fail(TransportFailure::Closed);
    login.sends();
    login.answer(429, "");
    assert_eq!(login.sends(), 10.0);
    login.fail(TransportFailure::Closed);
    // The second failure, with an interval of 10 s: 10 + 30.
    assert_eq!(login.sends(), 40.0);
}

#[test]
fn two_hundred_failures_overflow_nothing() {
    let mut login = ScriptedLogin::issued(&codes(86_400, 1));
    for _ in 0..200 {
        login.sends();
        login.fail(TransportFailure::Timeout);
    }
    assert_eq!(login.sends(), 61.0);
}

fn with_headers<const N: usize>(
    status: u16,
    headers: [(&'static str, &'static str); N],
    body: &str,
) -> HttpResponse {
    HttpResponse::new(status, headers, body)
}

#[test]
fn retry_after_lengthens_one_wait_and_no_other() {
    for (status, body) in [(400, PENDING), (503, ""), (200, "<html>"), (302, "")] {
        let mut login = ScriptedLogin::polling();
        login.answer_with(&with_headers(status, [("Retry-After", "42")], body));
        assert_eq!(login.sends(), 42.0, "{status}");
        login.answer(400, PENDING);
        assert_eq!((login.sends(), login.interval()), (5.0, 5), "{status}");
    }
    for (status, body) in [(429, ""), (429, SLOW_DOWN)] {
        let mut login = ScriptedLogin::polling();
        login.answer_with(&with_headers(status, [("Retry-After", "42")], body));
        assert_eq!(login.sends(), 42.0, "{body}");
        login.answer(400, PENDING);
        assert_eq!((login.sends(), login.interval()), (10.0, 10), "{body}");
    }
}

#[test]
fn retry_after_never_shortens_a_wait() {
    for value in ["0", "1", "4", "-3", "soon", "", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let mut login = ScriptedLogin::polling();
        login.answer_with(&HttpResponse::new(503, [("retry-after", value)], ""));
        assert_eq!(login.sends(), 10.0, "{value:?}");
    }
}

#[test]
fn a_date_in_retry_after_is_taken_against_the_answers_own_date() {
    let mut login = ScriptedLogin::polling();
    // This device's clock knows nothing of 1994.
    login.answer_with(&with_headers(
        503,
        [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:50:20 GMT")],
        "",
    ));
    assert_eq!(login.sends(), 43.0);
    // In the past.
    login.answer_with(&with_headers(
        503,
        [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")],
        "",
    ));
    assert_eq!(login.sends(), 20.0);
}

#[test]
fn retry_after_beyond_the_expiry_ends_the_login_now_and_says_why() {
    for value in ["1795", "86400", "99999999999999999999999"] {
        let mut login = ScriptedLogin::polling();
        login.answer_with(&HttpResponse::new(429, [("retry-after", value)], ""));
        match login.ends_at_once() {
            Err(error @ Error::RetryAfterExpiry { .. }) => {
                assert!(error.to_string().contains("longer than the code is valid"), "{error}");
            }
            other => panic!("{value}: {other:?}"),
        }
    }
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.answer_with(&with_headers(200, [("retry-after", "3600")], CODES));
    assert!(matches!(login.ends_at_once(), Err(Error::RetryAfterExpiry { .. })));
    assert_eq!(login.shown, 0);
}

#[test]
fn retry_after_with_the_codes_delays_the_first_poll() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.answer_with(&with_headers(200, [("retry-after", "60")], CODES));
    assert_eq!(login.sends(), 60.0);
}

#[test]
fn the_last_poll_before_the_expiry_loses_its_margin_only() {
    // 23 s of life: polls at 6, 12, 18 with a margin of a fifth; the next would leave at 24.
    let mut login = ScriptedLogin::issued_with(PollingPolicy::with_margin(20, 20), &codes(23, 5));
    for _ in 0..3 {
        assert_eq!(login.sends(), 6.0);
        login.answer(400, PENDING);
    }
    // Not under the interval, which ends with the code at 23: so there is none.
    assert_eq!(login.ends(), Err(Error::Expired));

    // 25 s of life: the interval ends at 23, the expiry is cut by the margin alone.
    let mut login = ScriptedLogin::issued_with(PollingPolicy::with_margin(40, 40), &codes(20, 5));
    assert_eq!(login.sends(), 7.0);
    login.answer(400, PENDING);
    assert_eq!(login.sends(), 7.0);
    login.answer(400, PENDING);
    // At 14; 7 more would be 21, one second before the expiry is 19: exactly one interval.
    assert_eq!(login.sends(), 5.0);
    login.answer(200, TOKEN);
    assert!(login.ends_at_once().is_ok());
}

#[test]
fn neither_the_interval_nor_a_back_off_is_cut_for_a_last_poll() {
    let mut login = ScriptedLogin::issued(&codes(9, 5));
    login.sends();
    login.answer(400, PENDING);
    assert_eq!(login.ends(), Err(Error::Expired));

    let mut login = ScriptedLogin::issued(&codes(14, 5));
    login.sends();
    login.answer(503, "");
    assert_eq!(login.ends(), Err(Error::Expired));
}

#[test]
fn an_interval_beyond_the_life_of_the_code_leaves_one_poll_just_before_the_expiry() {
    for interval in [60, 61, 3600, 4_000_000_000] {
        let mut login = ScriptedLogin::issued(&codes(60, interval));
        assert_eq!(login.sends(), 59.0, "{interval}");
        login.answer(400, PENDING);
        assert_eq!(login.ends(), Err(Error::Expired), "{interval}");
        assert_eq!(login.sent, 2, "{interval}");
    }
    // With a life of one second there is no time for a whole second of lead.
    assert_eq!(ScriptedLogin::issued(&codes(1, 5)).sends(), 0.5);
}

#[test]
fn the_expiry_counts_from_the_request_that_brought_the_codes() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.pass(20.0);
    login.answer(200, &codes(30, 5));
    assert_eq!(login.sends(), 5.0);
    login.answer(400, PENDING);
    assert_eq!(login.ends(), Err(Error::Expired));
    assert_eq!(login.now().as_millis(), 3_600_000 + 30_000);
}

#[test]
fn codes_that_expired_on_their_way_are_not_shown() {
    let mut login = ScriptedLogin::new(EXACT);
    login.sends();
    login.pass(20.0);
    login.answer(200, &codes(15, 5));
    assert_eq!(login.ends_at_once(), Err(Error::Expired));
    assert_eq!((login.sent, login.shown), (1, 0));
}

#[test]
fn a_poll_may_not_outlive_the_code() {
    let mut login = ScriptedLogin::issued(&codes(8, 5));
    let Next::Sends(request) = login.next() else { panic!("no poll") };
    assert_eq!(request.timeout(), Duration::from_secs(3));
    // No answer: the login ends with the code.
    assert_eq!(login.ends(), Err(Error::Expired));
    assert_eq!(login.now().as_millis(), 3_600_000 + 8_000);
}

#[test]
fn a_token_that_arrives_after_the_expiry_counts() {
    let mut login = ScriptedLogin::issued(&codes(8, 5));
    login.sends();
    login.pass(60.0);
    login.answer(200, TOKEN);
    assert!(login.ends_at_once().is_ok());
}

#[test]
fn invalid_grant_after_the_expiry_means_expired() {
    for body in [r#"{"error": "invalid_grant"}"#, r#"{"error": "bad_verification_code"}"#] {
        let mut login = ScriptedLogin::issued(&codes(8, 5));
        login.sends();
        login.pass(3.0);
        login.answer(400, body);
        assert_eq!(login.ends_at_once(), Err(Error::Expired), "{body}");
    }
}

#[test]
fn check_now_is_honoured_once_the_interval_has_passed() {
    let mut login = ScriptedLogin::issued_with(PollingPolicy::with_margin(30, 30), CODES);
    assert!(matches!(login.grant.poll(login.now()), Action::ShowUserCode(_)));
    login.pass(4.999);
    assert!(!login.grant.check_now(login.now()));
    assert!(matches!(login.grant.poll(login.now()), Action::WaitUntil(_)));
    login.pass(0.001);
    assert!(login.grant.check_now(login.now()));
    assert!(matches!(login.grant.poll(login.now()), Action::Send(_)));
}

#[test]
fn a_refused_check_now_changes_nothing() {
    let mut login = ScriptedLogin::issued_with(PollingPolicy::with_margin(30, 30), CODES);
    login.grant.check_now(login.now());
    assert_eq!(login.sends(), 6.5);
}

#[test]
fn check_now_cuts_a_back_off_short_but_not_the_interval() {
    let mut login = ScriptedLogin::polling();
    for _ in 0..4 {
        login.fail(TransportFailure::Connect);
        login.sends();
    }
    login.fail(TransportFailure::Connect);
    assert!(matches!(login.grant.poll(login.now()), Action::WaitUntil(_)));
    login.pass(4.0);
    assert!(!login.grant.check_now(login.now()));
    login.pass(1.0);
    assert!(login.grant.check_now(login.now()));
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn check_now_does_not_cut_retry_after_or_a_slowed_interval_short() {
    let mut login = ScriptedLogin::polling();
    login.answer_with(&with_headers(400, [("retry-after", "30")], PENDING));
    login.pass(29.0);
    assert!(!login.grant.check_now(login.now()));
    assert_eq!(login.sends(), 30.0);
    login.answer(400, SLOW_DOWN);
    login.pass(9.0);
    assert!(!login.grant.check_now(login.now()));
    assert_eq!(login.sends(), 10.0);
}

#[test]
fn check_now_after_the_expiry_is_refused() {
    let mut login = ScriptedLogin::issued(CODES);
    login.pass(1800.0);
    assert!(!login.grant.check_now(login.now()));
    assert_eq!(login.ends_at_once(), Err(Error::Expired));
}

#[test]
fn the_clock_decides_and_an_early_timer_only_asks() {
    let mut login = ScriptedLogin::issued(CODES);
    assert!(matches!(login.grant.poll(login.now()), Action::ShowUserCode(_)));
    for _ in 0..4 {
        login.pass(1.0);
        assert!(matches!(login.grant.poll(login.now()), Action::WaitUntil(_)));
    }
    login.pass(1.0);
    assert!(matches!(login.grant.poll(login.now()), Action::Send(_)));
}

#[test]
fn no_new_code_is_asked_for_after_the_expiry() {
    let mut login = ScriptedLogin::issued(&codes(10, 5));
    login.sends();
    login.answer(400, PENDING);
    assert_eq!(login.ends(), Err(Error::Expired));
    for _ in 0..100 {
        login.pass(3600.0);
        assert_eq!(login.ends_at_once(), Err(Error::Expired));
    }
    assert_eq!(login.sent, 2);
}
