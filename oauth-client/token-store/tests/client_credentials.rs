//! A token for the client itself: no login, no refresh token, one request for all processes.

use std::cell::Cell;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use oauth_protocol::{AccessTokenResponse, Error, Scope, TransportFailure};
use oauth_token_store::{
    FreshToken, Grant, MemoryStore, RefreshError, TokenNeed, TokenStore, Warning, fresh_token, log_out,
    save_login,
};

use crate::example_login::{LOGIN_AT, answer, at, key, record};
use crate::place::{Kind, Place, Plain, with_each_kind};

with_each_kind! {
    many_processes_ask_once_an_expiry_and_need_no_login
}

fn need() -> TokenNeed {
    TokenNeed::new().from_client_credentials(Scope::parse("read write"))
}

/// Asks `after` seconds after the start.
fn ask(
    store: &dyn TokenStore,
    need: &TokenNeed,
    after: u64,
    exchange: impl FnOnce() -> Result<AccessTokenResponse, Error>,
) -> Result<FreshToken, RefreshError> {
    fresh_token(store, &key(), need, &|| at(LOGIN_AT + after), |grant| {
        assert_eq!(grant, Grant::ClientCredentials);
        exchange()
    })
}

fn token(number: u64) -> Result<AccessTokenResponse, Error> {
    answer(200, &format!(r#"{{"access_token":"own-{number}","token_type":"Bearer","expires_in":1000}}"#))
}

fn no_request() -> Result<AccessTokenResponse, Error> {
    panic!("a token was asked for")
}

fn unreachable() -> Result<AccessTokenResponse, Error> {
    Err(Error::Transport(TransportFailure::Connect))
}

#[track_caller]
fn assert_token(result: Result<FreshToken, RefreshError>, access_token: &str) -> FreshToken {
    let token = result.unwrap();
    assert_eq!(token.record.access_token.expose(), access_token);
    token
}

fn many_processes_ask_once_an_expiry_and_need_no_login<K: Kind>() {
    let place = Place::<K>::new();
    one_request_an_expiry(|| Box::new(place.store()));
}

/// For several who have a store of their own each.
pub(crate) fn one_request_an_expiry(store_of: impl Fn() -> Box<dyn TokenStore> + Sync) {
    let asked = AtomicU64::new(0);
    for expiry in 0..10 {
        thread::scope(|scope| {
            for _ in 0..8 {
                let (store_of, asked) = (&store_of, &asked);
                scope.spawn(move || {
                    let exchange = || token(asked.fetch_add(1, Ordering::SeqCst));
                    assert_token(
                        ask(&*store_of(), &need(), expiry * 1000, exchange),
                        &format!("own-{expiry}"),
                    );
                });
            }
        });
    }
    assert_eq!(asked.load(Ordering::SeqCst), 10);
}

#[test]
fn the_scope_asked_for_is_kept_where_the_server_does_not_repeat_it() {
    let store = MemoryStore::new();
    let first = assert_token(ask(&store, &need(), 0, || token(1)), "own-1");
    assert_eq!(first.record.scopes, Scope::parse("read write"));
    assert_eq!((first.record.generation, first.record.obtained_at), (1, at(LOGIN_AT)));
    assert!(first.warning.is_none());
    let narrower = r#"{"access_token":"own-2","token_type":"Bearer","scope":"read"}"#;
    let second = assert_token(ask(&store, &need(), 1000, || answer(200, narrower)), "own-2");
    assert_eq!(second.record.scopes, Scope::parse("read"));
    let other = second.record.access_token.clone();
    let third = assert_token(ask(&store, &need().other_than(other), 1001, || token(3)), "own-3");
    assert_eq!(third.record.scopes, Scope::parse("read write"), "not what was granted once");
}

#[test]
fn who_comes_after_a_failed_first_request_waits_for_no_second_one() {
    let store = MemoryStore::new();
    let failed = ask(&store, &need(), 0, unreachable).unwrap_err();
    assert!(matches!(failed, RefreshError::Exchange(_)), "{failed}");
    let postponed = ask(&store, &need(), 1, no_request).unwrap_err();
    assert!(matches!(postponed, RefreshError::Postponed(_)), "{postponed}");
    let kept = store.load(&key()).unwrap().unwrap();
    assert!(!kept.holds_a_token());
    assert_token(ask(&store, &need(), 5, || token(1)), "own-1");
}

#[test]
fn a_record_from_before_the_first_token_is_read_back_by_the_next_process() {
    let place = Place::<Plain>::new();
    ask(&place.store(), &need(), 0, unreachable).unwrap_err();
    let kept = place.store().load(&key()).unwrap().unwrap();
    assert!(!kept.holds_a_token() && !kept.is_alive(at(LOGIN_AT)));
    assert_eq!((kept.generation, kept.failures), (0, 1));
    // Whoever asks for a person's login finds none that works.
    let login =
        fresh_token(&place.store(), &key(), &TokenNeed::new(), &|| at(LOGIN_AT + 1), |_| no_request());
    assert!(matches!(login, Err(RefreshError::LoginNeeded(_))), "{login:?}");
}

#[test]
fn a_refused_client_is_no_missing_login_and_is_tried_again_after_a_pause() {
    for error in ["invalid_client", "invalid_grant", "unauthorized_client"] {
        let store = MemoryStore::new();
        let body = format!(r#"{{"error":"{error}"}}"#);
        let refused = ask(&store, &need(), 0, || answer(401, &body)).unwrap_err();
        assert!(matches!(&refused, RefreshError::Exchange(Error::Refused(_))), "{refused}");
        assert!(matches!(ask(&store, &need(), 4, no_request), Err(RefreshError::Postponed(_))));
        assert_token(ask(&store, &need(), 5, || token(1)), "own-1");
    }
}

#[test]
fn a_refresh_token_that_a_server_gives_to_a_client_is_not_used() {
    let store = MemoryStore::new();
    let body = r#"{"access_token":"own-1","token_type":"Bearer","expires_in":1000,"refresh_token":"r"}"#;
    assert_token(ask(&store, &need(), 0, || answer(200, body)), "own-1");
    assert_token(ask(&store, &need(), 1000, || token(2)), "own-2");
    assert_eq!(store.load(&key()).unwrap().unwrap().refresh_token, None);
}

#[test]
fn the_old_token_serves_while_the_server_is_down() {
    let store = MemoryStore::new();
    assert_token(ask(&store, &need(), 0, || token(1)), "own-1");
    let kept = assert_token(ask(&store, &need(), 950, unreachable), "own-1");
    assert!(matches!(kept.warning, Some(Warning::RefreshFailed(_))), "{:?}", kept.warning);
    let kept = assert_token(ask(&store, &need(), 951, no_request), "own-1");
    assert!(matches!(kept.warning, Some(Warning::RefreshPostponed(_))), "{:?}", kept.warning);
}

#[test]
fn a_life_longer_than_the_server_gives_costs_one_request() {
    let store = MemoryStore::new();
    assert_token(ask(&store, &need(), 0, || token(1)), "own-1");
    let asked = Cell::new(0);
    let long = need().with_min_ttl(Duration::from_secs(5000));
    let kept = ask(&store, &long, 10, || {
        asked.set(asked.get() + 1);
        token(2)
    });
    assert!(matches!(assert_token(kept, "own-2").warning, Some(Warning::ShorterThanAsked)));
    assert_eq!(asked.get(), 1);
}

#[test]
fn a_damaged_record_is_kept_aside_and_costs_a_client_nothing() {
    let place = Place::<Plain>::new();
    assert_token(ask(&place.store(), &need(), 0, || token(1)), "own-1");
    let damaged = &b"{\"version\":1,\"iss"[..];
    fs::write(place.record_path(), damaged).unwrap();
    assert_token(ask(&place.store(), &need(), 1, || token(2)), "own-2");
    let mut kept = place.record_path().into_os_string();
    kept.push(".corrupt-1");
    assert_eq!(fs::read(kept).unwrap(), damaged);
}

#[test]
fn logging_out_erases_it_like_any_other() {
    let store = MemoryStore::new();
    ask(&store, &need(), 0, unreachable).unwrap_err();
    assert!(!log_out(&store, &key()).unwrap().unwrap().holds_a_token());
    assert!(store.load(&key()).unwrap().is_none());
    // A person's login under the same key is another matter.
    assert_eq!(save_login(&store, &record()).unwrap().generation, 1);
}
