//! Taking a login up again, in another process or after deep sleep.

use std::time::Duration;

use oauth_protocol::{
    EndpointUrlProblem, Error, InvalidResponse, PendingLogin, PollingPolicy, TransportFailure, Undisplayable,
    WaitCause,
};

use crate::scripted_login::{CODES, EXACT, PENDING, SLOW_DOWN, ScriptedLogin, TOKEN};

const SECOND: Duration = Duration::from_secs(1);

/// Through its text, as another process has it.
fn saved(login: &ScriptedLogin) -> PendingLogin {
    let pending = login.grant.snapshot(login.now()).expect("a login that goes on");
    let read = PendingLogin::from_json(&pending.expose_json()).expect("what was written can be read");
    assert_eq!(read.user_code(), "WDJB-MJHT");
    assert_eq!(read.expose_json(), pending.expose_json());
    read
}

#[test]
fn the_text_of_a_pending_login_is_this() {
    let login = ScriptedLogin::issued(CODES);
    let pending = login.grant.snapshot(login.now()).unwrap();
    assert_eq!(
        pending.expose_json().as_str(),
        concat!(
            r#"{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","failures":0,"interval_ms":5000,"#,
            r#""jitter":11400714819323198486,"next_poll_in_ms":5000,"polled":false,"slowed_down":false,"#,
            r#""time_left_ms":1800000,"user_code":"WDJB-MJHT","verification_uri":"https://example.com/device","#,
            r#""verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT","version":1}"#
        )
    );
}

#[test]
fn with_a_clock_that_ran_through_the_wait_goes_on_where_it_was() {
    let mut login = ScriptedLogin::issued(CODES);
    login.pass(1.0);
    let pending = saved(&login);
    assert_eq!(pending.time_left(), 1799 * SECOND);
    let mut login = ScriptedLogin::taken_up(EXACT, pending, Some(3 * SECOND));
    assert_eq!(login.sends(), 1.0);
    assert_eq!(login.shown, 1, "the codes are shown again");
    login.answer(200, TOKEN);
    assert!(login.ends_at_once().is_ok());
}

#[test]
fn a_poll_that_came_due_meanwhile_goes_out_once_and_at_once() {
    let pending = saved(&ScriptedLogin::issued(CODES));
    let mut login = ScriptedLogin::taken_up(EXACT, pending, Some(600 * SECOND));
    assert_eq!(login.sends(), 0.0);
    login.answer(400, PENDING);
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn without_a_clock_one_full_interval_is_waited_and_the_time_left_is_kept() {
    let mut login = ScriptedLogin::issued(CODES);
    login.pass(4.0);
    let mut login = ScriptedLogin::taken_up(EXACT, saved(&login), None);
    let left = login.grant.expires_at().unwrap().saturating_duration_since(login.now());
    assert_eq!(left, 1796 * SECOND);
    assert_eq!(login.grant.wait_cause(), Some(&WaitCause::Resumed));
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn across_hours_of_suspend_an_expired_login_ends_without_a_request() {
    let pending = saved(&ScriptedLogin::issued(CODES));
    for elapsed in [1800 * SECOND, 7200 * SECOND, Duration::MAX] {
        let mut login = ScriptedLogin::taken_up(EXACT, pending.clone(), Some(elapsed));
        assert_eq!(login.ends_at_once(), Err(Error::Expired));
        assert_eq!((login.sent, login.shown), (0, 0));
    }
}

#[test]
fn what_the_polls_have_taught_is_kept() {
    let mut login = ScriptedLogin::polling();
    login.answer(400, SLOW_DOWN);
    login.sends();
    login.fail(TransportFailure::Closed);
    login.sends();
    login.fail(TransportFailure::Closed);
    // The second failure at an interval of 10 s: 10 + 30.
    let pending = saved(&login);
    let mut login = ScriptedLogin::taken_up(EXACT, pending, Some(Duration::ZERO));
    assert_eq!((login.sends(), login.interval()), (40.0, 10));
    login.fail(TransportFailure::Closed);
    assert_eq!(login.sends(), 70.0);

    let policy = PollingPolicy::with_margin(0, 0).with_margin_after_slow_down(100, 100);
    let mut login = ScriptedLogin::polling();
    login.answer(400, SLOW_DOWN);
    let mut login = ScriptedLogin::taken_up(policy, saved(&login), None);
    assert_eq!(login.sends(), 20.0, "the wide margin holds");
}

#[test]
fn an_interval_over_a_day_is_not_shortened() {
    let mut login = ScriptedLogin::polling();
    login.answer(400, r#"{"error": "slow_down", "interval": 86400}"#);
    let text = login.grant.snapshot(login.now()).unwrap().expose_json();
    let text = text.replace(r#""interval_ms":86400000"#, r#""interval_ms":86405000"#);
    let login = ScriptedLogin::taken_up(EXACT, PendingLogin::from_json(&text).unwrap(), None);
    assert_eq!(login.interval(), 86_405);
}

#[test]
fn a_poll_in_flight_counts_as_sent_now() {
    let mut login = ScriptedLogin::polling();
    login.pass(2.0);
    let mut login = ScriptedLogin::taken_up(EXACT, saved(&login), Some(SECOND));
    assert_eq!(login.sends(), 4.0);
}

#[test]
fn a_poll_in_flight_near_the_expiry_leaves_the_last_poll_its_place() {
    let mut login = ScriptedLogin::issued_with(EXACT, &CODES.replace("1800", "12"));
    login.sends();
    let slow = PollingPolicy::with_margin(50, 50);
    // 7 s are left; with its margin the next poll would leave after 7.5 s.
    let pending = saved(&login);
    let mut login = ScriptedLogin::taken_up(slow, pending.clone(), None);
    assert_eq!(login.sends(), 6.0);

    let mut login = ScriptedLogin::issued_with(slow, &CODES.replace("1800", "14.5"));
    login.sends();
    let mut login = ScriptedLogin::taken_up(slow, saved(&login), Some(Duration::ZERO));
    assert_eq!(login.sends(), 5.5);
}

#[test]
fn an_interval_beyond_the_life_of_the_code_leaves_one_poll_and_not_one_for_each_resume() {
    let mut login =
        ScriptedLogin::issued(&CODES.replace("1800", "60").replace("\"interval\": 5", "\"interval\": 600"));
    login.sends();
    login.answer(400, PENDING);
    for elapsed in [None, Some(Duration::ZERO)] {
        let mut login = ScriptedLogin::taken_up(EXACT, saved(&login), elapsed);
        assert_eq!(login.ends(), Err(Error::Expired));
        assert_eq!(login.sent, 0);
    }
}

#[test]
fn nobody_can_hurry_a_login_that_was_taken_up() {
    let pending = saved(&ScriptedLogin::issued(CODES));
    for elapsed in [None, Some(Duration::ZERO)] {
        let mut login = ScriptedLogin::taken_up(EXACT, pending.clone(), elapsed);
        login.pass(4.0);
        assert!(!login.grant.check_now(login.now()));
        login.pass(1.0);
        assert!(login.grant.check_now(login.now()));
    }
}

#[test]
fn snapshot_and_resume_again_and_again_never_poll_early() {
    let mut login = ScriptedLogin::issued(CODES);
    for _ in 0..4 {
        login.pass(1.0);
        login = ScriptedLogin::taken_up(EXACT, saved(&login), Some(Duration::ZERO));
    }
    assert_eq!(login.sends(), 1.0);
}

#[test]
fn what_must_not_be_shown_is_not_shown_after_a_resume_either() {
    let text =
        ScriptedLogin::issued(CODES).grant.snapshot(ScriptedLogin::new(EXACT).now()).unwrap().expose_json();
    for (sent, put, invalid) in [
        ("WDJB-MJHT", "WDJB\\u001b[2J", InvalidResponse::UnsafeUserCode(Undisplayable::Character('\u{1b}'))),
        (
            "https://example.com/device\"",
            "http://example.com/device\"",
            InvalidResponse::UnsafeVerificationUri(Undisplayable::Url(EndpointUrlProblem::Http)),
        ),
    ] {
        let changed = text.replace(sent, put);
        assert_ne!(changed, *text);
        let pending = PendingLogin::from_json(&changed).unwrap();
        let mut login = ScriptedLogin::taken_up(EXACT, pending, None);
        assert_eq!(login.ends_at_once(), Err(Error::InvalidResponse(invalid)), "{put}");
        assert_eq!(login.sent, 0);
    }
}

#[test]
fn what_is_no_pending_login_is_refused() {
    let text =
        ScriptedLogin::issued(CODES).grant.snapshot(ScriptedLogin::new(EXACT).now()).unwrap().expose_json();
    let refused = |text: &str| PendingLogin::from_json(text).is_err();
    for no_login in ["", "{}", "[]", "null", "{", "\"version\"", &"[".repeat(10_000)] {
        assert!(refused(no_login), "{no_login}");
    }
    for (sent, put) in [
        (r#""version":1"#, r#""version":2"#),
        (r#""interval_ms":5000"#, r#""interval_ms":-1"#),
        (r#""polled":false"#, r#""polled":0"#),
        ("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", ""),
    ] {
        assert!(text.contains(sent), "{sent}");
        assert!(refused(&text.replace(sent, put)), "{put}");
    }
}

#[test]
fn durations_out_of_range_are_brought_into_it() {
    let text =
        ScriptedLogin::issued(CODES).grant.snapshot(ScriptedLogin::new(EXACT).now()).unwrap().expose_json();
    let text = text
        .replace(r#""interval_ms":5000"#, r#""interval_ms":0"#)
        .replace(r#""time_left_ms":1800000"#, r#""time_left_ms":18446744073709551615"#);
    let mut login = ScriptedLogin::taken_up(EXACT, PendingLogin::from_json(&text).unwrap(), None);
    assert_eq!((login.sends(), login.interval()), (1.0, 1));
    let left = login.grant.expires_at().unwrap().as_millis();
    assert_eq!(left, 77 + 24 * 3600 * 1000);
}
