//! What went wrong in the field, in other clients or at real servers.

use oauth_protocol::{Action, Error, ErrorCode, PollingPolicy};

use crate::scripted_login::{CODES, Next, PENDING, PORTAL, SLOW_DOWN, ScriptedLogin, TOKEN};

#[test]
fn a_502_after_the_person_approved_does_not_kill_the_login() {
    let mut login = ScriptedLogin::polling();
    login.answer(502, PORTAL);
    login.sends();
    login.answer(200, TOKEN);
    assert_eq!(login.ends_at_once(), Ok("2YotnFZFEjr1zCsicMWpAA".into()));
}

#[test]
fn slow_down_on_the_very_first_poll() {
    let mut login = ScriptedLogin::polling();
    login.answer(400, SLOW_DOWN);
    assert_eq!(login.sends(), 10.0);
    login.answer(200, TOKEN);
    assert!(login.ends_at_once().is_ok());
}

/// GitHub checks its rate limit before the state: a poll sooner than the interval in force adds 5 s to it.
#[test]
fn a_server_that_escalates_is_never_given_a_reason_to() {
    let mut login = ScriptedLogin::issued_with(PollingPolicy::default(), CODES);
    let mut servers_interval = 5.0;
    let mut slow_downs = 0;
    for poll in 0..40 {
        let gap = login.sends();
        let too_fast = poll == 0 || gap < servers_interval;
        if too_fast {
            slow_downs += 1;
            servers_interval += 5.0;
            login.answer(200, &format!(r#"{{"error": "slow_down", "interval": {servers_interval}}}"#));
        } else {
            login.answer(200, PENDING);
        }
    }
    assert_eq!(slow_downs, 1, "the one that the server gave without a reason");
}

#[test]
fn expired_token_once_and_then_invalid_grant_ends_with_the_first() {
    let mut login = ScriptedLogin::polling();
    login.answer(403, r#"{"error": "expired_token"}"#);
    match login.ends_at_once() {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.error, ErrorCode::ExpiredToken),
        other => panic!("{other:?}"),
    }
    assert_eq!(login.sent, 2);
}

#[test]
fn an_approval_is_found_at_the_last_poll() {
    let mut login = ScriptedLogin::issued(CODES);
    let expires_at = login.grant.expires_at().unwrap();
    loop {
        let Next::Sends(_) = login.next() else { panic!("expired") };
        let is_last = expires_at.saturating_duration_since(login.now()).as_secs() <= 5;
        login.answer(if is_last { 200 } else { 400 }, if is_last { TOKEN } else { PENDING });
        if is_last {
            break;
        }
    }
    assert!(login.ends_at_once().is_ok());
}

const FIFTY_YEARS: f64 = 50.0 * 365.25 * 86_400.0;

#[test]
fn a_clock_that_jumps_fifty_years_ahead_ends_the_login_without_a_request() {
    let mut login = ScriptedLogin::issued(CODES);
    login.pass(FIFTY_YEARS);
    assert_eq!(login.ends_at_once(), Err(Error::Expired));
    assert_eq!(login.sent, 1);

    // With a poll in flight: its answer decides.
    let mut login = ScriptedLogin::polling();
    login.pass(FIFTY_YEARS);
    login.answer(200, TOKEN);
    assert!(login.ends_at_once().is_ok());
    let mut login = ScriptedLogin::polling();
    login.pass(FIFTY_YEARS);
    login.answer(400, PENDING);
    assert_eq!(login.ends_at_once(), Err(Error::Expired));
}

#[test]
fn a_clock_that_jumps_back_sends_nothing_early_and_goes_on_when_the_time_comes() {
    let mut login = ScriptedLogin::issued(CODES);
    assert!(matches!(login.grant.poll(login.now()), Action::ShowUserCode(_)));
    login.jump_to(0);
    assert!(matches!(login.grant.poll(login.now()), Action::WaitUntil(_)));
    assert!(!login.grant.check_now(login.now()));
    login.jump_to(3_600_000 + 5_000);
    assert!(matches!(login.grant.poll(login.now()), Action::Send(_)));
    // An answer at a moment before its request.
    login.jump_to(0);
    login.answer(400, PENDING);
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn a_clock_that_starts_at_zero_is_a_clock_like_any_other() {
    let mut login = ScriptedLogin::new(crate::scripted_login::EXACT);
    login.jump_to(0);
    login.sends();
    login.answer(200, CODES);
    assert_eq!(login.sends(), 5.0);
}

#[test]
fn two_hours_of_suspend_in_the_middle_of_a_wait_end_an_expired_login_without_a_request() {
    let mut login = ScriptedLogin::polling();
    login.answer(400, PENDING);
    assert!(matches!(login.grant.poll(login.now()), Action::WaitUntil(_)));
    login.pass(7200.0);
    assert_eq!(login.ends_at_once(), Err(Error::Expired));
}

#[test]
fn after_a_suspend_within_the_life_of_the_code_one_poll_goes_out_and_no_burst() {
    let mut login = ScriptedLogin::issued(&CODES.replace("1800", "14400"));
    login.sends();
    login.answer(400, PENDING);
    login.pass(7200.0);
    assert!(matches!(login.grant.poll(login.now()), Action::Send(_)));
    login.answer(400, PENDING);
    assert_eq!(login.sends(), 5.0);
}
