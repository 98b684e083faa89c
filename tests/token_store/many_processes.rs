//! Sixteen processes and one login: one refresh an expiry, whoever comes first.

use std::thread;
use std::time::{Duration, Instant};

use super::authorization_server::{AuthorizationServer, Journal};
use super::figures::{note, times};
use super::place::Place;
use super::worker::{Answer, Arguments, Worker};

const PROCESSES: usize = 16;

/// Whom the tokens stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    APerson,
    TheClient,
}

/// What became of a login that many processes share.
#[derive(Debug)]
pub(super) struct Shared {
    expiries: u64,
    journal: Journal,
    /// Answers of processes that had no token that works.
    without_token: Vec<Answer>,
    broken_rules: Vec<String>,
}

#[test]
fn sixteen_processes_refresh_once_an_expiry() {
    // The journal has to show each of these, and not one more.
    for (kind, expiries) in [("plain", times(200, 200)), ("key-file", times(30, 200))] {
        let started = Instant::now();
        let place = Place::new();
        let shared = share_one_login(&place, &place.store(kind), Whose::APerson, expiries);
        shared.note(kind, started.elapsed());
        assert_eq!(shared.complaints(), Vec::<String>::new());
    }
}

#[test]
fn sixteen_processes_share_one_token_of_the_client_itself() {
    let started = Instant::now();
    let place = Place::new();
    let shared = share_one_login(&place, &place.store("plain"), Whose::TheClient, times(30, 200));
    shared.note("client credentials, plain", started.elapsed());
    assert_eq!(shared.complaints(), Vec::<String>::new());
}

#[test]
fn a_store_without_a_lock_is_caught() {
    let place = Place::new();
    let shared = share_one_login(&place, &place.store("unlocked"), Whose::APerson, 100);
    let complaints = shared.complaints();
    let Journal { refreshes, invalid_grants, .. } = shared.journal;
    let logged_out = shared.without_token.len();
    let told = format!(
        "caught: {refreshes} refreshes, {invalid_grants} invalid_grant at {} expiries, {logged_out} without a token",
        shared.expiries
    );
    note("a store without a lock", &told);
    assert!(shared.journal.invalid_grants > 0, "two used one refresh token: {complaints:?}");
    assert!(shared.broken_rules.iter().any(|rule| rule.contains("spent-refresh-token")), "{complaints:?}");
    assert!(!shared.without_token.is_empty(), "and all are logged out: {complaints:?}");
}

impl Shared {
    pub(super) fn note(&self, store: &str, elapsed: Duration) {
        let found = format!(
            "{} expiries: {} refreshes, {} invalid_grant, {} without a token, {:.0} s",
            self.expiries,
            self.journal.refreshes,
            self.journal.invalid_grants,
            self.without_token.len(),
            elapsed.as_secs_f64(),
        );
        note(&format!("{PROCESSES} processes, {store}"), &found);
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        let Journal { refreshes, invalid_grants, failed_refreshes, .. } = self.journal;
        let mut complaints = self.broken_rules.clone();
        if refreshes != self.expiries {
            complaints.push(format!("{refreshes} refreshes at {} expiries", self.expiries));
        }
        if invalid_grants + failed_refreshes > 0 {
            complaints.push(format!("{invalid_grants} invalid_grant, {failed_refreshes} other failures"));
        }
        complaints.extend(self.without_token.iter().map(|answer| format!("no token: {answer:?}")));
        complaints
    }
}

/// Lets the token of a login expire so often under the hands of [`PROCESSES`]; ends early when it is lost.
pub(super) fn share_one_login(place: &Place, store: &str, whose: Whose, expiries: u32) -> Shared {
    let server = AuthorizationServer::strict(place);
    let arguments = Arguments::new(store, &server, place);
    let arguments = match whose {
        Whose::APerson => arguments,
        Whose::TheClient => arguments.for_the_client_itself(),
    };
    let mut workers: Vec<Worker> = (0..PROCESSES).map(|_| arguments.start()).collect();
    if whose == Whose::APerson {
        assert_eq!(workers[0].ask(&format!("sign-in {}", server.sign_in())).outcome(), "record");
    }

    let expiries = u64::from(expiries);
    let (mut expired, mut round, mut without_token) = (0, 0, Vec::new());
    while expired < expiries || server.journal().refreshes < expired {
        if server.journal().refreshes >= expired {
            server.expire(place);
            expired += 1;
        }
        // Another is the first each time, and some come when the rest are at it.
        workers.rotate_left(1 + round % 5);
        let (early, late) = workers.split_at_mut(PROCESSES - round % 4);
        for worker in early {
            worker.tell("call");
        }
        // Every third time the new token expires before the others have used it.
        if round % 3 == 2 && expired < expiries && has_refreshed(&server, expired) {
            server.expire(place);
            expired += 1;
        }
        for worker in late {
            worker.tell("call");
        }
        without_token.extend(workers.iter_mut().map(Worker::answer).filter(|answer| !answer.is_served()));
        round += 1;
        if without_token.iter().any(Answer::is_login_needed) {
            break;
        }
    }
    Shared {
        expiries: expired,
        journal: server.journal(),
        without_token,
        broken_rules: server.broken_rules(),
    }
}

/// Waits until the journal shows the refresh of this expiry; false if it does not come.
fn has_refreshed(server: &AuthorizationServer, expired: u64) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.journal().refreshes < expired {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}
