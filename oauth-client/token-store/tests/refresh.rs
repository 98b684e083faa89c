//! The steps of a refresh, one test an arm.

use std::time::Duration;

use oauth_protocol::{AccessTokenResponse, Error, ErrorCode, HttpResponse, Secret, TransportFailure};
use oauth_token_store::{
    FreshToken, Grant, LockedRecord, LoginNeeded, MemoryStore, NextStep, RefreshError, RefreshPoint,
    StoreDescription, StoreError, StoreProblem, TokenKey, TokenNeed, TokenRecord, TokenStore, Warning,
    begin_refresh, fresh_token,
};

use crate::example_login::{LOGIN_AT, answer, at, key, record, record_of};
use crate::place::{Place, Plain};

/// What an exchange answers.
type Answer = Result<AccessTokenResponse, Error>;

const SECOND: &str =
    r#"{"access_token":"access-2","token_type":"Bearer","expires_in":1000,"refresh_token":"refresh-2"}"#;

fn holding(record: &TokenRecord) -> MemoryStore {
    let store = MemoryStore::new();
    store.save(record).unwrap();
    store
}

/// Asks `after` seconds after the login.
fn ask(
    store: &dyn TokenStore,
    need: &TokenNeed,
    after: u64,
    exchange: impl FnOnce(&Secret) -> Answer,
) -> Result<FreshToken, RefreshError> {
    fresh_token(store, &key(), need, &|| at(LOGIN_AT + after), |grant| match grant {
        Grant::RefreshToken(refresh_token) => exchange(refresh_token),
        Grant::ClientCredentials => panic!("a person's login was renewed without them"),
    })
}

fn no_exchange(_: &Secret) -> Answer {
    panic!("a refresh was sent")
}

fn any() -> TokenNeed {
    TokenNeed::new()
}

fn at_least(seconds: u64) -> TokenNeed {
    TokenNeed::new().with_min_ttl(Duration::from_secs(seconds))
}

#[track_caller]
fn assert_token(result: Result<FreshToken, RefreshError>, access_token: &str) -> Option<Warning> {
    let token = result.unwrap();
    assert_eq!(token.record.access_token.expose(), access_token);
    token.warning
}

#[track_caller]
fn assert_login_needed(result: Result<FreshToken, RefreshError>, expected: LoginNeeded) {
    let error = result.unwrap_err();
    assert!(matches!(&error, RefreshError::LoginNeeded(reason) if *reason == expected), "{error}");
}

fn stored(store: &dyn TokenStore) -> TokenRecord {
    store.load(&key()).unwrap().unwrap()
}

fn unavailable(retry_after: Option<&str>) -> Answer {
    let headers = retry_after.map(|value| ("retry-after", value));
    AccessTokenResponse::process_response(&HttpResponse::new(503, headers, "down"))
}

fn no_answer(failure: TransportFailure) -> Answer {
    Err(Error::Transport(failure))
}

#[test]
fn a_fresh_token_is_returned_without_the_lock() {
    let place = Place::<Plain>::new();
    place.store().save(&record()).unwrap();
    let _held = place.store().lock(&key()).unwrap();
    let impatient = place.store().with_lock_timeout(Duration::ZERO);
    assert!(assert_token(ask(&impatient, &any(), 799, no_exchange), "access-1").is_none());
}

#[test]
fn a_lock_that_somebody_else_keeps_costs_nothing_while_the_token_lives() {
    let place = Place::<Plain>::new();
    place.store().save(&record()).unwrap();
    let _held = place.store().lock(&key()).unwrap();
    let impatient = place.store().with_lock_timeout(Duration::ZERO);
    let is_timeout = |error: &StoreError| matches!(error.problem(), StoreProblem::LockTimeout { .. });
    let warning = assert_token(ask(&impatient, &any(), 800, no_exchange), "access-1").unwrap();
    assert!(matches!(&warning, Warning::NotRefreshed(error) if is_timeout(error)), "{warning}");
    let refused = ask(&impatient, &any(), 1000, no_exchange).unwrap_err();
    assert!(matches!(&refused, RefreshError::Store(error) if is_timeout(error)), "{refused}");
}

/// A disk that is full from the start, or from the moment on when the token arrives.
#[derive(Debug)]
struct FullDisk {
    store: MemoryStore,
    can_reserve: bool,
}

#[derive(Debug)]
struct FullDiskLock {
    locked: Box<dyn LockedRecord>,
    can_reserve: bool,
}

fn disk_full() -> StoreError {
    let source = std::io::ErrorKind::StorageFull.into();
    StoreError::new("test", None, StoreProblem::Io { operation: "write the record", source })
}

impl TokenStore for FullDisk {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        self.store.load(key)
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        let locked = self.store.lock(key)?;
        Ok(Box::new(FullDiskLock { locked, can_reserve: self.can_reserve }))
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.store.lock_name(key)
    }

    fn describe(&self) -> StoreDescription {
        self.store.describe()
    }
}

impl LockedRecord for FullDiskLock {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        self.locked.load()
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        if self.can_reserve { self.locked.reserve(in_doubt) } else { Err(disk_full()) }
    }

    fn save(&mut self, _: &TokenRecord) -> Result<(), StoreError> {
        Err(disk_full())
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.locked.delete()
    }
}

#[test]
fn where_no_space_can_be_set_aside_no_refresh_is_sent() {
    let store = FullDisk { store: holding(&record()), can_reserve: false };
    let warning = assert_token(ask(&store, &any(), 800, no_exchange), "access-1").unwrap();
    assert_eq!(
        warning.to_string(),
        "the token was not refreshed and serves until it expires: test store: cannot write the record: \
         no storage space; free some space, then try again"
    );
    let refused = ask(&store, &any(), 1000, no_exchange).unwrap_err();
    assert!(matches!(refused, RefreshError::Store(_)), "{refused}");
    assert_eq!(stored(&store), record());
}

#[test]
fn a_token_that_cannot_be_stored_is_in_the_callers_hands() {
    let store = FullDisk { store: holding(&record()), can_reserve: true };
    let token = ask(&store, &any(), 1000, |_| answer(200, SECOND)).unwrap();
    assert!(matches!(token.warning, Some(Warning::NotStored(_))), "{:?}", token.warning);
    assert_eq!(token.record.refresh_token, Some(Secret::from("refresh-2")));
    // In another store it is a record like any other.
    let other = MemoryStore::new();
    other.save(&token.record).unwrap();
    assert!(assert_token(ask(&other, &any(), 1001, no_exchange), "access-2").is_none());
}

#[test]
fn nobody_signed_in_is_a_login_needed() {
    assert_login_needed(ask(&MemoryStore::new(), &any(), 0, no_exchange), LoginNeeded::NoRecord);
}

#[test]
fn signed_out_while_the_lock_was_waited_for_writes_nothing() {
    let store = MemoryStore::new();
    let locked = store.lock(&key()).unwrap();
    let refused = begin_refresh(locked, &key(), 1, &any(), at(LOGIN_AT + 800)).unwrap_err();
    assert!(matches!(refused, RefreshError::LoginNeeded(LoginNeeded::NoRecord)), "{refused}");
    assert_eq!(store.load(&key()).unwrap(), None);
}

#[test]
fn refreshed_by_somebody_else_while_the_lock_was_waited_for_sends_nothing() {
    // Even a token shorter than asked for: no other refresh would bring a longer one.
    for (need, is_warned) in [(any(), false), (at_least(5000), true)] {
        let store = holding(&TokenRecord { generation: 2, ..record() });
        let locked = store.lock(&key()).unwrap();
        let NextStep::Use(token) = begin_refresh(locked, &key(), 1, &need, at(LOGIN_AT + 1)).unwrap() else {
            panic!("a refresh was begun")
        };
        assert_eq!(token.record.generation, 2);
        assert_eq!(matches!(token.warning, Some(Warning::ShorterThanAsked)), is_warned);
    }
}

pub(crate) fn a_due_token_is_refreshed_and_the_record_merged(store: &dyn TokenStore) {
    let login = record_of(
        r#"{"access_token":"access-1","token_type":"Bearer","expires_in":1000,"refresh_token":"refresh-1","id_token":"identity","scope":"openid"}"#,
    );
    store.save(&login).unwrap();
    let token = ask(store, &any(), 800, |refresh_token| {
        assert_eq!(refresh_token.expose(), "refresh-1");
        answer(200, r#"{"access_token":"access-2","token_type":"Bearer","expires_in":500}"#)
    });
    assert!(assert_token(token, "access-2").is_none());
    let after = stored(store);
    assert_eq!(after.generation, 2);
    assert_eq!(after.refresh_token, Some(Secret::from("refresh-1")), "none came: the old one is kept");
    assert_eq!(after.id_token, Some(Secret::from("identity")));
    assert_eq!(after.scopes.to_string(), "openid");
    assert_eq!((after.obtained_at, after.expires_in), (at(LOGIN_AT + 800), Some(Duration::from_secs(500))));
    assert!((350..=450).contains(&(after.refresh_at.unwrap().as_seconds() - LOGIN_AT - 800)));
    assert_eq!(after.in_doubt, None);
}

#[test]
fn a_due_token_in_memory_is_refreshed_and_the_record_merged() {
    a_due_token_is_refreshed_and_the_record_merged(&MemoryStore::new());
}

#[test]
fn a_due_token_in_a_file_is_refreshed_and_the_record_merged() {
    let place = Place::<Plain>::new();
    a_due_token_is_refreshed_and_the_record_merged(&place.store());
}

#[test]
fn a_new_refresh_token_takes_the_old_ones_place() {
    let store = holding(&record());
    assert!(assert_token(ask(&store, &any(), 800, |_| answer(200, SECOND)), "access-2").is_none());
    assert_eq!(stored(&store).refresh_token, Some(Secret::from("refresh-2")));
}

#[test]
fn the_life_counts_from_the_sending_not_from_the_answer() {
    let store = holding(&record());
    let now = std::cell::Cell::new(LOGIN_AT + 800);
    let clock = || at(now.get());
    let token = fresh_token(&store, &key(), &any(), &clock, |_| {
        now.set(now.get() + 25);
        answer(200, SECOND)
    });
    assert_eq!(token.unwrap().record.obtained_at, at(LOGIN_AT + 800));
}

#[test]
fn the_record_is_in_doubt_while_the_refresh_is_under_way() {
    let store = holding(&record());
    let token = ask(&store, &any(), 800, |_| {
        let in_doubt = stored(&store).in_doubt.unwrap();
        // printf refresh-1 | sha256sum
        let sha256 = "bd473e5dcdce2510c2df4f0c5a54a605fa3647fe74afae20a8cdb8b91b1a1f63";
        assert_eq!(in_doubt.refresh_token_sha256, sha256);
        assert_eq!((in_doubt.generation, in_doubt.tries), (1, 1));
        answer(200, SECOND)
    });
    assert!(assert_token(token, "access-2").is_none());
    assert_eq!(stored(&store).in_doubt, None);
}

#[test]
fn after_a_crash_in_the_middle_the_same_refresh_token_is_sent_once_more() {
    let store = holding(&record());
    let locked = store.lock(&key()).unwrap();
    let begun = begin_refresh(locked, &key(), 1, &any(), at(LOGIN_AT + 800)).unwrap();
    assert!(matches!(&begun, NextStep::Refresh(_)), "{begun:?}");
    drop(begun);
    let token = ask(&store, &any(), 801, |refresh_token| {
        assert_eq!(refresh_token.expose(), "refresh-1");
        assert_eq!(stored(&store).in_doubt.unwrap().tries, 2);
        answer(200, SECOND)
    });
    assert!(assert_token(token, "access-2").is_none());
}

#[test]
fn invalid_grant_is_one_login_needed_that_keeps_the_record_and_sends_nothing_more() {
    let store = holding(&record());
    let refused = ask(&store, &any(), 1000, |_| answer(400, r#"{"error":"invalid_grant"}"#));
    assert_login_needed(refused, LoginNeeded::Refused);
    let kept = stored(&store);
    assert!(kept.login_needed);
    assert_eq!(kept.refresh_token, Some(Secret::from("refresh-1")));
    assert_eq!((kept.generation, kept.in_doubt), (1, None));
    assert_login_needed(ask(&store, &any(), 1001, no_exchange), LoginNeeded::Refused);
    assert_login_needed(ask(&store, &any(), 9_999_999, no_exchange), LoginNeeded::Refused);
}

#[test]
fn invalid_grant_because_somebody_writes_past_the_lock_uses_what_they_wrote() {
    let (place, other) = (Place::<Plain>::new(), Place::<Plain>::new());
    place.store().save(&record()).unwrap();
    let newer = answer(200, SECOND).unwrap();
    let point = RefreshPoint::from_random(0);
    let newer = TokenRecord::new(key(), &newer, &record().scopes, at(LOGIN_AT + 900), point);
    other.store().save(&TokenRecord { generation: 2, ..newer }).unwrap();
    let token = ask(&place.store(), &any(), 1000, |_| {
        std::fs::copy(other.record_path(), place.record_path()).unwrap();
        answer(400, r#"{"error":"invalid_grant"}"#)
    });
    assert!(assert_token(token, "access-2").is_none());
    assert!(!stored(&place.store()).login_needed);
}

#[test]
fn a_higher_generation_written_past_the_lock_is_not_overwritten() {
    let (place, other) = (Place::<Plain>::new(), Place::<Plain>::new());
    place.store().save(&record()).unwrap();
    other.store().save(&TokenRecord { generation: 7, ..record() }).unwrap();
    let token = ask(&place.store(), &any(), 1000, |_| {
        std::fs::copy(other.record_path(), place.record_path()).unwrap();
        answer(200, SECOND)
    });
    let warning = assert_token(token, "access-2").unwrap();
    assert!(matches!(&warning, Warning::NotStored(_)), "{warning}");
    assert_eq!(stored(&place.store()).generation, 7);
}

#[test]
fn a_failure_past_refresh_at_serves_the_old_token_until_it_expires() {
    for failed in [
        unavailable(None),
        no_answer(TransportFailure::Timeout),
        no_answer(TransportFailure::Connect),
        answer(401, r#"{"error":"invalid_client"}"#),
        answer(200, "<html>"),
    ] {
        let store = holding(&record());
        let expected = failed.clone().unwrap_err();
        let warning = assert_token(ask(&store, &any(), 800, |_| failed), "access-1").unwrap();
        assert!(matches!(&warning, Warning::RefreshFailed(error) if *error == expected), "{warning}");
        let kept = stored(&store);
        assert_eq!(kept.refresh_token, Some(Secret::from("refresh-1")));
        assert!(!kept.login_needed);
        assert_eq!(kept.retry_not_before, Some(at(LOGIN_AT + 805)));

        let warning = assert_token(ask(&store, &any(), 804, no_exchange), "access-1").unwrap();
        assert!(matches!(warning, Warning::RefreshPostponed(moment) if moment == at(LOGIN_AT + 805)));
        assert!(assert_token(ask(&store, &any(), 805, |_| answer(200, SECOND)), "access-2").is_none());
        let after = stored(&store);
        assert_eq!((after.retry_not_before, after.failures), (None, 0));
    }
}

#[test]
fn a_failure_past_expiry_is_an_error_and_those_who_come_next_do_not_wait() {
    let store = holding(&record());
    let error = ask(&store, &any(), 1000, |_| unavailable(None)).unwrap_err();
    assert!(matches!(&error, RefreshError::Exchange(Error::Unavailable(_))), "{error}");
    let error = ask(&store, &any(), 1004, no_exchange).unwrap_err();
    assert!(matches!(&error, RefreshError::Postponed(moment) if *moment == at(LOGIN_AT + 1005)), "{error}");
    assert!(assert_token(ask(&store, &any(), 1005, |_| answer(200, SECOND)), "access-2").is_none());
}

#[test]
fn failures_in_a_row_lengthen_the_pause_up_to_a_minute() {
    let store = holding(&record());
    let mut now = 1000;
    for pause in [5, 10, 20, 40, 60, 60] {
        assert!(ask(&store, &any(), now, |_| unavailable(None)).is_err());
        assert_eq!(stored(&store).retry_not_before, Some(at(LOGIN_AT + now + pause)));
        now += pause;
    }
}

#[test]
fn retry_after_lengthens_the_pause_up_to_an_hour() {
    for (retry_after, pause) in [("2", 5), ("120", 120), ("99999999999", 3600)] {
        let store = holding(&record());
        assert!(ask(&store, &any(), 1000, |_| unavailable(Some(retry_after))).is_err());
        assert_eq!(stored(&store).retry_not_before, Some(at(LOGIN_AT + 1000 + pause)), "{retry_after}");
    }
}

#[test]
fn a_pause_that_a_wrong_clock_wrote_into_the_far_future_does_not_hold() {
    let store = holding(&TokenRecord { retry_not_before: Some(at(LOGIN_AT + 1_000_000)), ..record() });
    assert!(assert_token(ask(&store, &any(), 1000, |_| answer(200, SECOND)), "access-2").is_none());
}

#[test]
fn the_doubt_stays_only_where_the_server_may_have_exchanged_the_token() {
    for (failed, in_doubt) in [
        (no_answer(TransportFailure::Dns), false),
        (no_answer(TransportFailure::Connect), false),
        (no_answer(TransportFailure::Tls), false),
        (answer(400, r#"{"error":"invalid_client"}"#), false),
        (no_answer(TransportFailure::Timeout), true),
        (no_answer(TransportFailure::Closed), true),
        (unavailable(None), true),
        (answer(200, "{\"access_tok"), true),
    ] {
        let store = holding(&record());
        assert!(ask(&store, &any(), 1000, |_| failed.clone()).is_err());
        assert_eq!(stored(&store).in_doubt.is_some(), in_doubt, "{failed:?}");
    }
}

#[test]
fn a_token_shorter_than_asked_for_is_refreshed_once_and_returned_with_a_warning() {
    let store = holding(&record());
    assert!(assert_token(ask(&store, &at_least(900), 100, no_exchange), "access-1").is_none());
    let token = ask(&store, &at_least(1001), 100, |_| answer(200, SECOND));
    let warning = assert_token(token, "access-2").unwrap();
    assert!(matches!(warning, Warning::ShorterThanAsked), "{warning}");
}

#[test]
fn a_token_of_unknown_life_is_refreshed_only_on_a_401() {
    let store = holding(&record_of(
        r#"{"access_token":"access-1","token_type":"Bearer","refresh_token":"refresh-1"}"#,
    ));
    assert!(assert_token(ask(&store, &at_least(600), 9_999_999, no_exchange), "access-1").is_none());
    let rejected = || any().other_than("access-1".into());
    assert!(assert_token(ask(&store, &rejected(), 20, |_| answer(200, SECOND)), "access-2").is_none());
    // Another caller with the same 401 finds the new token.
    assert!(assert_token(ask(&store, &rejected(), 21, no_exchange), "access-2").is_none());
}

#[test]
fn a_rejected_token_is_not_served_although_its_life_is_not_over() {
    let store = holding(&record());
    let rejected = || any().other_than("access-1".into());
    let error = ask(&store, &rejected(), 10, |_| unavailable(None)).unwrap_err();
    assert!(matches!(error, RefreshError::Exchange(_)), "{error}");
    let error = ask(&store, &rejected(), 11, no_exchange).unwrap_err();
    assert!(matches!(error, RefreshError::Postponed(_)), "{error}");
}

#[test]
fn without_a_refresh_token_the_token_serves_until_it_expires() {
    let store = holding(&record_of(r#"{"access_token":"access-1","token_type":"Bearer","expires_in":1000}"#));
    assert!(assert_token(ask(&store, &any(), 999, no_exchange), "access-1").is_none());
    let warning = assert_token(ask(&store, &at_least(60), 999, no_exchange), "access-1").unwrap();
    assert!(matches!(warning, Warning::ShorterThanAsked), "{warning}");
    assert_login_needed(ask(&store, &any(), 1000, no_exchange), LoginNeeded::NoRefreshToken);
}

#[test]
fn a_clock_that_has_gone_back_leads_to_a_refresh() {
    let store = holding(&record());
    let token = fresh_token(&store, &key(), &any(), &|| at(0), |_| answer(200, SECOND));
    assert!(assert_token(token, "access-2").is_none());
}

#[test]
fn where_the_doubt_cannot_be_written_no_refresh_is_sent() {
    let place = Place::<Plain>::new();
    place.store().save(&record()).unwrap();
    // Another release's record has come meanwhile.
    let locked = place.store().lock(&key()).unwrap();
    std::fs::write(place.record_path(), r#"{"version":2}"#).unwrap();
    let refused = begin_refresh(locked, &key(), 1, &any(), at(LOGIN_AT + 800)).unwrap_err();
    assert!(matches!(refused, RefreshError::Store(_)), "{refused}");
}

#[test]
fn an_error_says_what_to_do_next() {
    let shown = RefreshError::LoginNeeded(LoginNeeded::Refused).to_string();
    assert_eq!(shown, "the server no longer accepts the refresh token: sign in again");
    let refusal = answer(401, r#"{"error":"invalid_client"}"#).unwrap_err();
    assert!(matches!(&refusal, Error::Refused(response) if response.error == ErrorCode::InvalidClient));
    let shown = RefreshError::Exchange(refusal).to_string();
    assert!(shown.ends_with("the login is kept, try again later"), "{shown}");
}
