//! A clock that is wrong by a year, time in suspend, and a process that stands still.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mock_server::{Lifetimes, MockServer, Tls};

use super::machine::{Machine, server};
use crate::json_lines::{JsonLines, PATIENCE};
use crate::virtual_time::{gaps, polls};

#[test]
#[ignore = "needs faketime and unshare; run by tests/run"]
fn a_clock_that_is_a_year_off_all_along_does_a_login_no_harm() {
    for (offset, direction) in [("+365d", "365 days ahead of"), ("-365d", "365 days behind")] {
        let server = server().start_blocking().unwrap();
        let mut machine = Machine::new();
        shift(&mut machine, offset);
        machine.sign_in(&server, server.issuer(), &[]);
        machine.has_a_login();
        let status = machine.run(&["status", "--check"]);
        assert_eq!(status.code, Some(0), "{status:?}");
        assert!(status.stdout.contains("Check       the server takes the access token"), "{status:?}");
        assert_eq!(refreshes(&server), 0);
        let report = machine.doctor(&[]);
        report.finds_no_problem_but(&["offset"]);
        report.says("offset", "problem", direction, "sudo timedatectl set-ntp true");
        server.assert_clean();
    }
}

/// A token's end is no longer known then: it is refreshed, and nobody is signed out.
#[test]
#[ignore = "needs faketime and unshare; run by tests/run"]
fn a_clock_that_jumps_by_a_year_and_back_costs_two_refreshes_and_no_login() {
    for offset in ["+365d", "-365d"] {
        let server = server().start_blocking().unwrap();
        let mut machine = Machine::new();
        machine.sign_in(&server, server.issuer(), &[]);
        shift(&mut machine, offset);
        let status = machine.run(&["status"]);
        assert_eq!(status.code, Some(0), "{status:?}");
        machine.has_a_login();
        assert_eq!(refreshes(&server), 1, "{offset}");
        machine.has_a_login();
        assert_eq!(refreshes(&server), 1, "{offset}");
        machine.unset("LD_PRELOAD");
        machine.has_a_login();
        assert_eq!(refreshes(&server), 2, "{offset} and back");
        machine.doctor(&[]).finds_no_problem_but(&[]);
        server.assert_clean();
    }
}

/// Those of the mock server are valid from yesterday on, for 397 days.
#[test]
#[ignore = "needs faketime and unshare; run by tests/run"]
fn with_a_clock_that_is_a_year_off_no_certificate_is_valid() {
    for offset in ["+400d", "-365d"] {
        let server = server().tls(Tls::generated()).start_blocking().unwrap();
        let mut machine = Machine::new();
        let ca = machine.file("ca.pem", server.ca_certificate_pem().unwrap());
        machine.set("DEVICE_CLI_CA_FILE", ca.display().to_string());
        machine.sign_in(&server, server.issuer(), &[]);
        shift(&mut machine, offset);
        let refused = machine.fails_to_sign_in(server.issuer(), &["--store", "file", "--profile", "other"]);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("check this machine's clock"), "{refused:?}");
        let token = machine.run(&["token"]);
        assert_eq!(token.code, Some(3), "its end is not known, and nobody can be asked: {token:?}");
        assert!(token.stderr.contains("check this machine's clock"), "{token:?}");
        let report = machine.doctor(&[]);
        report.finds_no_problem_but(&["metadata", "offset"]);
        report.says("metadata", "problem", "certificate", "sudo timedatectl set-ntp true");
        report.says("offset", "problem", "by this machine's clock it is ", "sudo timedatectl set-ntp true");
        // The clock is set right, and nobody has to sign in.
        machine.unset("LD_PRELOAD");
        machine.has_a_login();
    }
}

/// As in virtual machines: the wall clock is half as fast again as time.
#[test]
#[ignore = "needs faketime and unshare; run by tests/run"]
fn a_wall_clock_that_runs_fast_is_told() {
    let mut machine = Machine::new();
    shift(&mut machine, "+0 x1.5");
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("drift", "note", "it is being set, or runs wrong", "sudo timedatectl set-ntp true");
    machine.unset("LD_PRELOAD");
    machine.doctor(&[]).says("drift", "ok", "the clocks went equally fast for ", "");
}

/// A time namespace in which a day has been slept through since the login was parked.
#[test]
#[ignore = "needs unshare with time namespaces; run by tests/run"]
fn a_day_in_suspend_is_counted_and_a_parked_login_taken_up_after_it() {
    let server = server().start_blocking().unwrap();
    let machine = Machine::new();
    let parked = machine.run(&[
        "login",
        "--no-wait",
        "--json",
        "--client-id",
        "device",
        "--store",
        "file",
        "--issuer",
        server.issuer(),
    ]);
    assert_eq!(parked.code, Some(0), "{parked:?}");
    server.approve(&server.pending().pop().expect("it waits").user_code).unwrap();
    let machine = machine.unshared("--time").unshared("--boottime=86400");
    let resumed = machine.run(&["login", "--resume", "--json", "--timeout", "30"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    machine.has_a_login();
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("uptime", "ok", "suspended for 24 hours of it", "");
    server.assert_clean();
}

#[test]
#[ignore = "needs unshare and kill; run by tests/run"]
fn a_login_that_stood_still_polls_once_and_is_signed_in() {
    let server = server().start_blocking().unwrap();
    let machine = Machine::new();
    let (mut login, user_code) = machine.begin_login(server.issuer(), &["--store", "file"]);
    login.receive_event("pending");
    signal(&login, "STOP");
    let before = polls(&server).len();
    // As a person does while the lid is closed.
    server.approve(&user_code).unwrap();
    thread::sleep(Duration::from_secs(4));
    assert!(polls(&server).len() <= before + 1, "it stood still");
    signal(&login, "CONT");
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(polls(&server).len() <= before + 1, "four intervals passed, one poll made up for them");
    assert!(gaps(&server).iter().all(|gap| *gap >= Duration::from_secs(1)), "{:?}", gaps(&server));
    machine.has_a_login();
    server.assert_clean();
}

#[test]
#[ignore = "needs unshare and kill; run by tests/run"]
fn a_login_that_slept_through_its_code_says_so_and_polls_no_more() {
    let mut lifetimes = Lifetimes::default();
    lifetimes.device_code = Some(Duration::from_secs(4));
    let server = server().lifetimes(lifetimes).start_blocking().unwrap();
    let machine = Machine::new();
    let (mut login, _) = machine.begin_login(server.issuer(), &["--store", "file"]);
    login.receive_event("pending");
    signal(&login, "STOP");
    let (before, start) = (polls(&server).len(), Instant::now());
    while !server.pending().is_empty() {
        assert!(start.elapsed() < PATIENCE, "the code never expires");
        thread::sleep(Duration::from_millis(50));
    }
    // The client may count from a moment later.
    thread::sleep(Duration::from_secs(1));
    signal(&login, "CONT");
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(6), "{ended:?}");
    assert_eq!(ended.events.last().unwrap()["error"], "expired_token", "{ended:?}");
    assert!(polls(&server).len() <= before + 1, "{:?}", polls(&server));
    assert_eq!(machine.run(&["status"]).code, Some(4));
    server.assert_clean();
}

/// Lets the machine's wall clock be off by so much. What counts through suspend goes on as it is, as when somebody sets
/// a clock.
fn shift(machine: &mut Machine, offset: &str) {
    let libraries = std::fs::read_dir("/usr/lib").expect("a directory");
    let library = libraries
        .map(|entry| entry.expect("an entry").path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists())
        .expect("faketime is installed");
    machine.set("LD_PRELOAD", library.display().to_string());
    machine.set("FAKETIME", offset);
    machine.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    machine.set("NO_FAKE_STAT", "1");
}

fn refreshes(server: &MockServer) -> usize {
    let requests = server.requests();
    requests.iter().filter(|request| request.grant_type.as_deref() == Some("refresh_token")).count()
}

fn signal(login: &JsonLines, signal: &str) {
    let status = Command::new("kill").args(["-s", signal, &login.id().to_string()]).status();
    assert!(status.expect("kill starts").success());
}
