//! One login in Redis for many processes, which may as well be on many machines, and a server that is stopped and started
//! again in the middle.

use std::thread;
use std::time::{Duration, Instant};

use mock_server::{Endpoint, Fault, FaultRule};

use super::authorization_server::{AuthorizationServer, LIFE};
use super::figures::{is_long, note, times};
use super::kill::kill_again_and_again;
use super::large_token::is_kept_in;
use super::many_processes::{Whose, share_one_login};
use super::place::Place;
use super::redis_server::RedisServer;
use super::worker::{Arguments, Worker};

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn sixteen_processes_refresh_once_an_expiry() {
    for (whose, name) in [(Whose::APerson, "redis"), (Whose::TheClient, "client credentials, redis")] {
        let started = Instant::now();
        let place = Place::new();
        let redis = RedisServer::start(&place);
        let shared = share_one_login(&place, &redis.store(), whose, times(30, 200));
        shared.note(name, started.elapsed());
        assert_eq!(shared.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_token_of_20_kb_is_kept() {
    let place = Place::new();
    let redis = RedisServer::start(&place);
    is_kept_in(&place, &redis.store());
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_server_stopped_and_started_during_a_refresh_costs_no_token() {
    const DELAY: Duration = Duration::from_secs(5);
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let mut redis = RedisServer::start(&place);
    let arguments = Arguments::new(redis.store(), &server, &place);
    let (mut refreshing, mut other) = (arguments.start(), arguments.start());
    let signed_in = refreshing.ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");

    for (is_down_for_the_answer, generation) in [(false, 2), (true, 3)] {
        server.expire(&place);
        let before = server.journal();
        let slow = Fault::Delay { at_least: DELAY, jitter: Duration::ZERO };
        let slow = server.fault(FaultRule::new(slow).endpoint(Endpoint::Token));
        refreshing.tell("call");
        wait_until("the refresh is at the server", || (server.journal() - before).refreshes == 1);
        drop(slow);
        redis.stop();
        if is_down_for_the_answer {
            server.advance(&place, DELAY);
            assert!(refreshing.is_silent_for(Duration::from_millis(500)), "it goes on trying to write");
            redis.start_again();
        } else {
            redis.start_again();
            server.advance(&place, DELAY);
        }
        let answer = refreshing.answer();
        assert!(answer.is_served() && answer.warning().is_none(), "{answer:?}");
        let answer = other.ask("call");
        assert!(answer.is_served() && answer.generation() == Some(generation), "{answer:?}");
        assert_eq!((server.journal() - before).refreshes, 1);
    }
    assert_eq!(server.broken_rules(), Vec::<String>::new());
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn while_redis_is_away_the_old_token_serves_those_who_wait_for_the_refresh() {
    const DELAY: Duration = Duration::from_secs(5);
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let mut redis = RedisServer::start(&place);
    let arguments = Arguments::new(redis.store(), &server, &place);
    let mut workers: Vec<Worker> = (0..16).map(|_| arguments.start()).collect();
    let signed_in = workers[0].ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
    let (refreshing, others) = workers.split_first_mut().expect("sixteen");

    server.advance(&place, LIFE * 19 / 20);
    let slow = Fault::Delay { at_least: DELAY, jitter: Duration::ZERO };
    let slow = server.fault(FaultRule::new(slow).endpoint(Endpoint::Token));
    refreshing.tell("call");
    wait_until("the refresh is at the server", || server.journal().refreshes == 1);
    for worker in others.iter_mut() {
        worker.tell("call");
    }
    wait_until("the others wait", || redis.waiting_clients() == others.len());
    redis.stop();
    for worker in others.iter_mut() {
        let answer = worker.answer();
        assert!(answer.is_served() && answer.generation() == Some(1), "{answer:?}");
        assert!(answer.warning().is_some_and(|warning| warning.contains("Redis store")), "{answer:?}");
    }
    drop(slow);
    server.advance(&place, DELAY);
    assert!(refreshing.is_silent_for(Duration::from_millis(200)), "it goes on trying to write");
    redis.start_again();
    let answer = refreshing.answer();
    assert!(answer.is_served() && answer.warning().is_none(), "{answer:?}");
    for worker in others.iter_mut() {
        let answer = worker.ask("call");
        assert!(answer.is_served() && answer.generation() == Some(2), "{answer:?}");
    }
    assert_eq!(server.journal().refreshes, 1);
    assert_eq!(server.broken_rules(), Vec::<String>::new());
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_server_stopped_and_started_at_any_moment_loses_no_login() {
    let restarts = times(8, 200);
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let mut redis = RedisServer::start(&place);
    let arguments = Arguments::new(redis.store(), &server, &place);
    let mut workers: Vec<Worker> = (0..8).map(|_| arguments.start()).collect();
    let signed_in = workers[0].ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
    let (mut refusals, mut slowest) = (0, Duration::ZERO);
    for restart in 0..restarts {
        server.expire(&place);
        for worker in &mut workers {
            worker.tell("call");
        }
        // From the first look at the record to the last answer.
        thread::sleep(Duration::from_micros(u64::from(restart * 7919 % 90_000)));
        redis.stop();
        redis.start_again();
        let is_back = Instant::now();
        for worker in &mut workers {
            let mut answer = worker.answer();
            while answer.outcome() == "store error" {
                refusals += 1;
                answer = worker.ask("call");
            }
            assert!(answer.is_served(), "restart {restart}: {answer:?}");
        }
        assert_eq!(server.journal().refreshes, u64::from(restart + 1), "one refresh an expiry");
        slowest = slowest.max(is_back.elapsed());
    }
    // A lock that could not be freed would keep the others for up to 40 seconds.
    assert!(slowest < Duration::from_secs(15), "{slowest:?}");
    assert_eq!(server.broken_rules(), Vec::<String>::new());
    let told = format!(
        "{restarts} times in a refresh of 8 processes: {restarts} refreshes, 0 logins lost; {refusals} calls were refused and \
         repeated; {:.1} s after its return all had the new token",
        slowest.as_secs_f64()
    );
    note("Redis stopped and started", &told);
}

/// The lock of a process that was killed lives on for up to 40 seconds: this is for the long form.
#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_kill_at_a_random_moment_loses_only_what_the_journal_says() {
    let kills = times(1, 20);
    thread::scope(|scope| {
        for grace in [false, true] {
            if grace && !is_long() {
                continue;
            }
            scope.spawn(move || {
                let place = Place::new();
                let redis = RedisServer::start(&place);
                let tally = kill_again_and_again(&place, &redis.store(), grace, kills);
                let server = if grace { "with a grace window" } else { "strict" };
                note(&format!("kill -9 at random moments, redis, server {server}"), &tally.to_string());
                assert!(!grace || tally.lost == 0, "{tally}");
            });
        }
    });
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came that {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
