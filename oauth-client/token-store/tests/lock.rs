//! The lock: one refresh an expiry, however many need the token.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use oauth_protocol::{AccessTokenResponse, Error, Secret};
use oauth_token_store::{Grant, MemoryStore, TokenNeed, TokenRecord, TokenStore, fresh_token, log_out};

use crate::example_login::{LOGIN_AT, answer, at, key, record};
use crate::place::{Kind, Place, with_each_kind};

with_each_kind! {
    many_callers_of_a_file_refresh_once_an_expiry
    a_reader_without_the_lock_never_sees_half_a_record
    a_logout_waits_for_the_refresh_under_way_and_erases_what_it_brought
}

const CALLERS: usize = 8;
const EXPIRIES: u64 = 25;

/// Rotates the refresh token with every use and revokes everything at the second use of one (RFC 9700
/// §4.14.2).
struct StrictServer {
    state: Mutex<Issued>,
}

struct Issued {
    number: u64,
    refreshes: u64,
    reuses: u64,
}

impl StrictServer {
    fn new() -> Self {
        Self { state: Mutex::new(Issued { number: 1, refreshes: 0, reuses: 0 }) }
    }

    fn refresh(&self, grant: Grant<'_>) -> Result<AccessTokenResponse, Error> {
        let Grant::RefreshToken(refresh_token) = grant else { panic!("no refresh token: {grant:?}") };
        let mut issued = self.state.lock().unwrap();
        if refresh_token.expose() != format!("refresh-{}", issued.number) {
            issued.reuses += 1;
            issued.number = u64::MAX;
            return answer(400, r#"{"error":"invalid_grant"}"#);
        }
        issued.number += 1;
        issued.refreshes += 1;
        let number = issued.number;
        answer(
            200,
            &format!(
                r#"{{"access_token":"access-{number}","token_type":"Bearer","expires_in":1000,"refresh_token":"refresh-{number}"}}"#
            ),
        )
    }
}

pub(crate) fn one_refresh_an_expiry(store_of: impl Fn() -> Box<dyn TokenStore>) {
    store_of().save(&record()).unwrap();
    let server = StrictServer::new();
    let now = AtomicU64::new(LOGIN_AT);
    for expiry in 1..=EXPIRIES {
        now.fetch_add(1000, Ordering::SeqCst);
        let tokens: HashSet<String> = thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    // A store of its own, as another process has.
                    let store = store_of();
                    let (server, now) = (&server, &now);
                    scope.spawn(move || {
                        let clock = || at(now.load(Ordering::SeqCst));
                        let exchange = |grant: Grant<'_>| server.refresh(grant);
                        let token = fresh_token(&*store, &key(), &TokenNeed::new(), &clock, exchange);
                        token.unwrap().record.access_token.expose().to_owned()
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert_eq!(tokens, HashSet::from([format!("access-{}", expiry + 1)]));
    }
    let issued = server.state.lock().unwrap();
    assert_eq!((issued.refreshes, issued.reuses), (EXPIRIES, 0));
    assert_eq!(store_of().load(&key()).unwrap().unwrap().generation, EXPIRIES + 1);
}

fn many_callers_of_a_file_refresh_once_an_expiry<K: Kind>() {
    let place = Place::<K>::new();
    one_refresh_an_expiry(|| Box::new(place.store()));
}

#[test]
fn many_callers_in_memory_refresh_once_an_expiry() {
    let store = MemoryStore::new();
    one_refresh_an_expiry(|| Box::new(store.clone()));
}

fn a_reader_without_the_lock_never_sees_half_a_record<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for generation in 2..200 {
                place.store().save(&TokenRecord { generation, ..record() }).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let generation = place.store().load(&key()).unwrap().unwrap().generation;
            assert!(generation >= last);
            last = generation;
        }
    });
    assert_eq!(place.store().load(&key()).unwrap().unwrap().generation, 199);
}

fn a_logout_waits_for_the_refresh_under_way_and_erases_what_it_brought<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    let server = StrictServer::new();
    thread::scope(|scope| {
        let clock = || at(LOGIN_AT + 1000);
        let mut logout = None;
        let token = fresh_token(&place.store(), &key(), &TokenNeed::new(), &clock, |token| {
            logout = Some(scope.spawn(|| log_out(&place.store(), &key())));
            server.refresh(token)
        });
        assert_eq!(token.unwrap().record.access_token.expose(), "access-2");
        let erased = logout.unwrap().join().unwrap().unwrap().unwrap();
        assert_eq!(erased.refresh_token, Some(Secret::from("refresh-2")), "the new token is to be revoked");
    });
    assert_eq!(place.store().load(&key()).unwrap(), None);
}

/// `flock` of util-linux is the other process.
#[cfg(target_os = "linux")]
mod across_processes {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Child, Command, Stdio};

    use oauth_token_store::StoreProblem;

    use super::{Kind, Place, TokenStore as _, key, record, with_each_kind};

    with_each_kind! {
        another_process_finds_the_lock_held_until_the_guard_is_dropped
        a_lock_is_free_once_the_process_that_held_it_is_killed
    }

    /// A test that fails leaves nobody behind who sleeps.
    struct KilledOnDrop(Child);

    impl Drop for KilledOnDrop {
        fn drop(&mut self) {
            // It is not over by itself, so both succeed.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn another_process_finds_the_lock_held_until_the_guard_is_dropped<K: Kind>() {
        let place = Place::<K>::new();
        let held = place.store().lock(&key()).unwrap();
        let is_free = || {
            let lock = place.lock_path();
            Command::new("flock").arg("--nonblock").arg(lock).arg("true").status().unwrap().success()
        };
        assert!(!is_free());
        drop(held);
        assert!(is_free());
    }

    fn a_lock_is_free_once_the_process_that_held_it_is_killed<K: Kind>() {
        let place = Place::<K>::new();
        place.store().save(&record()).unwrap();
        let holder = Command::new("flock")
            .arg("--no-fork")
            .arg(place.lock_path())
            .args(["sh", "-c", "echo held; exec sleep 600"])
            .stdout(Stdio::piped())
            .spawn();
        let mut holder = KilledOnDrop(holder.unwrap());
        let mut line = String::new();
        BufReader::new(holder.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        let impatient = place.impatient_store();
        let refused = impatient.lock(&key()).unwrap_err();
        assert!(matches!(refused.problem(), StoreProblem::LockTimeout { .. }), "{refused}");
        drop(holder);
        assert_eq!(place.store().lock(&key()).unwrap().load().unwrap(), Some(record()));
    }
}
