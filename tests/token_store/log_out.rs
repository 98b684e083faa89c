//! A logout while others refresh: nothing is written afterwards, and they hear "login needed".

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use mock_server::{Endpoint, Fault, FaultRule};

use super::authorization_server::AuthorizationServer;
use super::figures::{note, times};
use super::place::{Place, is_lock};
use super::worker::{Arguments, Worker};

const DELAY: Duration = Duration::from_secs(5);

#[test]
fn a_logout_in_the_middle_of_a_refresh_erases_what_it_brings() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let (mut refreshing, mut leaving, mut third) = three_with_a_login(&place, &server);
    let slow = server.fault(slow_answers());
    refreshing.tell("access-token");
    wait_until("the refresh is at the server", || server.journal().refreshes == 1);
    leaving.tell("log-out");
    wait_until("the logout waits for the lock", || has_lock_open(&leaving));
    third.tell("access-token");
    wait_until("the third waits for the lock", || has_lock_open(&third));
    assert!(leaving.is_silent_for(Duration::from_millis(300)), "it waits for the refresh");
    drop(slow);
    server.advance(&place, DELAY);

    let refreshed = refreshing.answer();
    assert_eq!((refreshed.outcome(), refreshed.generation()), ("token", Some(2)), "{refreshed:?}");
    assert_eq!(leaving.answer().outcome(), "done");
    let last = third.answer();
    // It was before the logout in the line, or after it.
    assert!(last.is_login_needed() || last.generation() == Some(2), "{last:?}");
    assert_is_over(&place, &server, [refreshing, leaving, third]);
    assert_eq!((server.journal().refreshes, server.journal().revocations), (1, 1));
}

#[test]
fn a_logout_behind_a_refresh_that_is_killed_erases_all_the_same() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let (mut refreshing, mut leaving, third) = three_with_a_login(&place, &server);
    let slow = server.fault(slow_answers());
    refreshing.tell("access-token");
    wait_until("the refresh is at the server", || server.journal().refreshes == 1);
    leaving.tell("log-out");
    wait_until("the logout waits for the lock", || has_lock_open(&leaving));
    drop(slow);
    refreshing.kill();
    assert_eq!(leaving.answer().outcome(), "done");
    server.advance(&place, DELAY);
    server.wait_until_idle();
    assert_is_over(&place, &server, [leaving, third]);
    assert_eq!((server.journal().refreshes, server.journal().revocations), (1, 1));
}

#[test]
fn a_logout_at_any_moment_is_the_last_thing_that_is_written() {
    let rounds = times(12, 300);
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let arguments = Arguments::new(place.store("plain"), &server, &place);
    let mut workers: Vec<Worker> = (0..8).map(|_| arguments.start()).collect();
    let (mut with_token, mut turned_away) = (0, 0);
    for round in 0..rounds {
        assert_eq!(workers[0].ask(&format!("sign-in {}", server.sign_in())).outcome(), "record");
        server.expire(&place);
        let before = server.journal();
        let last = workers.len() - 1;
        // Its place in the line is another each time.
        let leaving = usize::try_from(round).expect("it is small") % workers.len();
        workers.swap(leaving, last);
        for (number, worker) in workers.iter_mut().enumerate() {
            worker.tell(if number == leaving { "log-out" } else { "call" });
            thread::sleep(Duration::from_micros(u64::from(round % 7) * 300));
        }
        for (number, worker) in workers.iter_mut().enumerate() {
            let answer = worker.answer();
            match answer.outcome() {
                "done" if number == leaving => {}
                "token" => with_token += 1,
                "login needed" => turned_away += 1,
                _ => panic!("round {round}: {answer:?}"),
            }
        }
        let seen = server.journal() - before;
        assert!(seen.refreshes <= 1 && seen.invalid_grants == 0 && seen.failed_refreshes == 0, "{seen:?}");
        assert_eq!(seen.revocations, 1);
        for worker in &mut workers {
            let answer = worker.ask("call");
            assert!(answer.is_login_needed(), "round {round}: {answer:?}");
        }
        assert_eq!(server.journal() - before, seen, "nothing was sent after the logout");
        assert_eq!(records(&place), Vec::<String>::new(), "round {round}");
    }
    assert_eq!(server.broken_rules(), Vec::<String>::new());
    let told = format!(
        "{rounds} times, {with_token} of the others had a token before it, {turned_away} \"login needed\"; 0 written afterwards"
    );
    note("a logout while 7 processes refresh", &told);
}

fn three_with_a_login(place: &Place, server: &AuthorizationServer) -> (Worker, Worker, Worker) {
    let arguments = Arguments::new(place.store("plain"), server, place);
    let mut first = arguments.start();
    assert_eq!(first.ask(&format!("sign-in {}", server.sign_in())).outcome(), "record");
    server.expire(place);
    (first, arguments.start(), arguments.start())
}

fn slow_answers() -> FaultRule {
    FaultRule::new(Fault::Delay { at_least: DELAY, jitter: Duration::ZERO }).endpoint(Endpoint::Token)
}

/// Every process hears so, and nothing of the login is left when they are gone.
fn assert_is_over<const N: usize>(place: &Place, server: &AuthorizationServer, workers: [Worker; N]) {
    let before = server.journal();
    for mut worker in workers {
        let answer = worker.ask("call");
        assert!(answer.is_login_needed() && answer.message().contains("sign in"), "{answer:?}");
        worker.end();
    }
    assert_eq!(server.journal(), before, "nothing is sent without a login");
    assert_eq!(records(place), Vec::<String>::new());
}

/// All but the lock file, which stays.
fn records(place: &Place) -> Vec<String> {
    place.names().into_iter().filter(|name| !is_lock(name)).collect()
}

fn has_lock_open(worker: &Worker) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", worker.id())).expect("it is ours");
    descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .any(|path| path.extension().is_some_and(|extension| extension == "lock"))
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came that {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
