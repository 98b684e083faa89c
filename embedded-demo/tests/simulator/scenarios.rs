//! Each scenario ends by itself, and has seen what it promises.

use super::{run, said, text, user_code};

fn is_kept(scenario: &str, promises: &[&str]) {
    let said = said(&["--scenario", scenario]);
    for promise in promises {
        assert!(said.contains(&format!("[ok] {promise}")), "{promise:?} in {said}");
    }
    assert!(!said.contains("BROKEN"), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.ends_with(&format!("-- scenario {scenario}: all as promised")), "{said}");
    assert!(said.lines().all(|line| line.contains(" s  ")), "each line has the board's time: {said}");
}

#[test]
fn success() {
    is_kept("success", &["a call with its token is answered", "the refresh token is in the flash"]);
}

#[test]
fn denied() {
    is_kept("denied", &["the device says that it was denied", "it asked for nothing by itself"]);
}

#[test]
fn expired() {
    is_kept("expired", &["the device says that the code ran out", "there is a new code"]);
}

#[test]
fn slow_down() {
    is_kept("slow-down", &["each slow_down made it five seconds slower, for good", "the panel said so"]);
}

#[test]
fn outage() {
    is_kept(
        "outage",
        &[
            "there is a code, and nobody pressed a button",
            "it was the same login, with the same code",
            "nobody had to sign in again",
        ],
    );
}

#[test]
fn reset() {
    is_kept("reset", &["the panel shows the same code again", "no other code was asked for"]);
    let said = said(&["--scenario", "reset"]);
    let codes = said.matches(&format!("code  {}", user_code(&said))).count();
    assert_eq!(codes, 2, "before the reset and after it: {said}");
}

#[test]
fn deep_sleep() {
    is_kept(
        "deep-sleep",
        &[
            "it polled at the pace of a device that is awake",
            "the access token outlived both, without a refresh",
        ],
    );
}

#[test]
fn no_clock() {
    is_kept("no-clock", &["it waits a whole interval before it asks", "it got a new token before it called"]);
}

#[test]
fn refresh() {
    is_kept("refresh", &["a new token came before the end", "nobody had to sign in again"]);
}

#[test]
fn full_flash() {
    is_kept("full-flash", &["nobody had to sign in again", "the panel says that nothing is kept"]);
}

#[test]
fn all_of_them_in_one_go() {
    let said = said(&["--scenario", "all"]);
    assert_eq!(said.matches("all as promised").count(), 10, "{said}");
}

/// The server does not know this scope: nobody signs in, and nothing of what was promised is seen.
#[test]
fn a_promise_that_is_broken_is_told_and_ends_with_1() {
    let output = run(&["--scenario", "slow-down", "--scope", "nonsense"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("[BROKEN] the device is signed in"));
    let complaint = text(&output.stderr);
    assert!(complaint.starts_with("embedded-demo: scenario slow-down broke its promise: "), "{complaint}");
}

/// Half of a scenario's time in real time, at most: 24 s at 20 times are more than one.
#[test]
fn a_speed_plays_it_slower_than_as_fast_as_it_goes() {
    let started = std::time::Instant::now();
    said(&["--scenario", "success", "--speed", "20"]);
    assert!(started.elapsed() > std::time::Duration::from_secs(1), "{:?}", started.elapsed());
}
