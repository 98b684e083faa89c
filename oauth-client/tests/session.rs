//! Tokens that stay fresh: one refresh for all callers, whole even if its caller goes away.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oauth_client::token_store::{
    LockedRecord, LoginNeeded, MemoryStore, PlainFileStore, StoreDescription, StoreError, StoreProblem,
    TokenKey, TokenRecord, TokenStore, UnixTime, Warning,
};
use oauth_client::{
    AccessTokenResponse, Client, Clock as _, HttpResponse, Revocation, Scope, Session, SessionError,
    SessionEvent, SignInError, TransportFailure,
};

use crate::scripted_transport::Answer::{self, Failure, Held, Json};
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

const ROTATED: &str = r#"{"access_token":"new","refresh_token":"second","expires_in":3600}"#;

/// When the person signed in.
const LOGIN_AT: u64 = 1_700_000_000;
const LOGIN: &str = r#"{"access_token":"old","refresh_token":"first","expires_in":3600}"#;

fn tokens(body: &str) -> AccessTokenResponse {
    let response = HttpResponse::new(200, [("content-type", "application/json")], body);
    AccessTokenResponse::process_response(&response).unwrap()
}

/// A session at a server that answers so, and what it was asked; nobody is signed in.
fn nobody(answers: impl IntoIterator<Item = Answer>) -> (Session, ScriptedTransport, VirtualClock) {
    let clock = VirtualClock::at(LOGIN_AT);
    let transport = ScriptedTransport::new(&clock, answers);
    let client = Client::builder("id")
        .token_endpoint("https://server.example.com/token")
        .revocation_endpoint("https://server.example.com/revoke")
        .transport(transport.clone())
        .clock(clock.clone());
    let session = Session::open(client.build().unwrap(), Arc::new(MemoryStore::new()), "me");
    (session, transport, clock)
}

/// The same for a login whose access token lives for an hour and was given so many seconds ago.
async fn login(
    age: u64,
    answers: impl IntoIterator<Item = Answer>,
) -> (Session, ScriptedTransport, VirtualClock) {
    let (session, transport, clock) = nobody(answers);
    session.save_login(&tokens(LOGIN), "read", UnixTime::from_seconds(LOGIN_AT)).await.unwrap();
    clock.advance(Duration::from_secs(age));
    (session, transport, clock)
}

fn stored(session: &Session) -> Option<TokenRecord> {
    session.store().load(session.key()).unwrap()
}

/// A store that can be read and locked, and fails at each write from the given one on.
#[derive(Debug)]
struct FailingStore {
    records: MemoryStore,
    writes_left: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct FailingLock(Box<dyn LockedRecord>, Arc<AtomicUsize>);

fn full() -> StoreError {
    let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
    StoreError::new("test", None, StoreProblem::Io { operation: "write the record", source })
}

impl TokenStore for FailingStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        self.records.load(key)
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        Ok(Box::new(FailingLock(self.records.lock(key)?, Arc::clone(&self.writes_left))))
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.records.lock_name(key)
    }

    fn describe(&self) -> StoreDescription {
        self.records.describe()
    }
}

impl FailingLock {
    fn write(&self) -> Result<(), StoreError> {
        let less = |left: usize| left.checked_sub(1);
        self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).map(drop).map_err(|_| full())
    }
}

impl LockedRecord for FailingLock {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        self.0.load()
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        self.write()?;
        self.0.reserve(in_doubt)
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        self.write()?;
        self.0.save(record)
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.write()?;
        self.0.delete()
    }
}

/// A login in a store that takes so many writes after it.
async fn login_with_writes(
    writes: usize,
    age: u64,
    answers: impl IntoIterator<Item = Answer>,
) -> (Session, ScriptedTransport) {
    let (session, transport, clock) = nobody(answers);
    let writes_left = Arc::new(AtomicUsize::new(1));
    let store = FailingStore { records: MemoryStore::new(), writes_left: Arc::clone(&writes_left) };
    let session = Session::open(session.client().clone(), Arc::new(store), "me");
    session.save_login(&tokens(LOGIN), "read", UnixTime::from_seconds(LOGIN_AT)).await.unwrap();
    writes_left.store(writes, Ordering::SeqCst);
    clock.advance(Duration::from_secs(age));
    (session, transport)
}

#[tokio::test]
async fn a_token_in_its_youth_is_used_without_a_request() {
    let (session, transport, _) = login(60, []).await;
    let token = session.access_token().await.unwrap();
    assert_eq!(token.record.access_token.expose(), "old");
    assert!(token.warning.is_none());
    assert_eq!(session.authorization_header().await.unwrap().expose(), "Bearer old");
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn many_callers_at_once_refresh_once() {
    let (session, transport, _) = login(3500, [Json(200, ROTATED)]).await;
    let callers: Vec<_> = (0..64).map(|_| tokio::spawn(session.access_token())).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().record.access_token.expose(), "new");
    }
    let sent = transport.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body, "grant_type=refresh_token&refresh_token=first&client_id=id");
    assert_eq!(stored(&session).unwrap().refresh_token.unwrap().expose(), "second");
}

#[tokio::test]
async fn many_callers_of_a_life_that_the_server_does_not_give_refresh_once() {
    let (session, transport, _) = login(60, [Json(200, ROTATED)]).await;
    let day = Duration::from_secs(86_400);
    let callers: Vec<_> = (0..64).map(|_| tokio::spawn(session.access_token_for(day))).collect();
    for caller in callers {
        let token = caller.await.unwrap().unwrap();
        assert_eq!(token.record.access_token.expose(), "new");
        assert!(matches!(token.warning, Some(Warning::ShorterThanAsked)), "{:?}", token.warning);
    }
    assert_eq!(transport.sent().len(), 1);
}

#[tokio::test]
async fn a_refresh_whose_caller_goes_away_is_finished_and_stored() {
    let (session, transport, _) = login(3500, [Held(200, ROTATED)]).await;
    let mut caller = Box::pin(session.access_token());
    while transport.sent().is_empty() {
        tokio::select! {
            biased;
            token = &mut caller => panic!("{token:?}"),
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }
    drop(caller);
    // The server has spent the old refresh token: an answer that nobody stored would be a lost login.
    transport.release();
    let stored = async {
        loop {
            let record = stored(&session).unwrap();
            if record.generation == 2 {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let record = tokio::time::timeout(Duration::from_secs(60), stored).await.unwrap();
    assert_eq!(record.access_token.expose(), "new");
    assert_eq!(record.refresh_token.unwrap().expose(), "second");
    assert!(record.in_doubt.is_none());
}

#[tokio::test]
async fn a_failed_refresh_keeps_the_login_and_the_words_of_the_transport() {
    let failure = Failure(TransportFailure::Connect, "Connection refused (os error 111)");
    let (session, transport, clock) = login(3601, [failure, Json(200, ROTATED)]).await;
    let error = session.access_token().await.unwrap_err();
    assert!(matches!(error, SessionError::Refresh(_)), "{error:?}");
    assert!(error.to_string().contains("Connection refused (os error 111)"), "{error}");
    assert_eq!(stored(&session).unwrap().refresh_token.unwrap().expose(), "first");
    // The next caller does not hammer the server.
    let error = session.access_token().await.unwrap_err();
    assert!(matches!(error, SessionError::Postponed(_)), "{error:?}");
    assert_eq!(transport.sent().len(), 1);
    clock.advance(Duration::from_secs(5));
    assert_eq!(session.access_token().await.unwrap().record.access_token.expose(), "new");
}

#[tokio::test]
async fn callers_who_wait_for_a_failing_refresh_share_its_failure() {
    let (session, transport, _) = login(3601, [Held(503, "")]).await;
    let callers: Vec<_> = (0..16).map(|_| tokio::spawn(session.access_token())).collect();
    while transport.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    transport.release();
    let mut failed = 0;
    for caller in callers {
        match caller.await.unwrap().unwrap_err() {
            SessionError::Refresh(_) => failed += 1,
            error => assert!(matches!(error, SessionError::Postponed(_)), "{error:?}"),
        }
    }
    assert_eq!((failed, transport.sent().len()), (1, 1));
}

#[tokio::test]
async fn a_failed_refresh_leaves_a_living_token_in_use() {
    let (session, _, _) = login(3500, [Json(503, "")]).await;
    let token = session.access_token().await.unwrap();
    assert_eq!(token.record.access_token.expose(), "old");
    assert!(matches!(token.warning, Some(Warning::RefreshFailed(_))), "{:?}", token.warning);
}

#[tokio::test]
async fn only_a_person_can_help_where_the_refresh_token_is_refused_or_none_is_there() {
    let (session, transport, _) = login(3601, [Json(400, r#"{"error":"invalid_grant"}"#)]).await;
    for _ in 0..2 {
        let error = session.access_token().await.unwrap_err();
        assert!(matches!(error, SessionError::LoginNeeded(LoginNeeded::Refused)), "{error:?}");
        assert!(error.is_login_needed());
    }
    assert_eq!(transport.sent().len(), 1, "the same refresh token is not tried again");
    let (session, _, _) = nobody([]);
    let error = session.access_token().await.unwrap_err();
    assert!(matches!(error, SessionError::LoginNeeded(LoginNeeded::NoRecord)), "{error:?}");
}

#[tokio::test]
async fn callers_who_wait_for_metadata_that_does_not_come_share_one_attempt() {
    let clock = VirtualClock::at(LOGIN_AT);
    let transport = ScriptedTransport::new(&clock, [Failure(TransportFailure::Timeout, "no answer")]);
    let builder = Client::builder("id").issuer("https://server.example.com").clock(clock.clone());
    let client = builder.transport(transport.clone()).build().unwrap();
    let session = Session::open(client, Arc::new(MemoryStore::new()), "me");
    session.save_login(&tokens(LOGIN), "", UnixTime::from_seconds(LOGIN_AT)).await.unwrap();
    clock.advance(Duration::from_secs(3601));
    let callers: Vec<_> = (0..16).map(|_| tokio::spawn(session.access_token())).collect();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(error, SessionError::Refresh(_) | SessionError::Postponed(_)), "{error:?}");
    }
    assert_eq!(transport.sent().len(), 1);
}

#[tokio::test]
async fn nothing_is_locked_while_the_server_is_asked_for_its_metadata() {
    const METADATA: &str =
        r#"{"issuer":"https://server.example.com","token_endpoint":"https://server.example.com/token"}"#;
    let clock = VirtualClock::at(LOGIN_AT);
    let transport = ScriptedTransport::new(&clock, [Held(200, METADATA), Json(200, ROTATED)]);
    let builder = Client::builder("id").issuer("https://server.example.com").clock(clock.clone());
    let client = builder.transport(transport.clone()).build().unwrap();
    let session = Session::open(client, Arc::new(MemoryStore::new()), "me");
    session.save_login(&tokens(LOGIN), "", UnixTime::from_seconds(LOGIN_AT)).await.unwrap();
    clock.advance(Duration::from_secs(3500));
    let caller = tokio::spawn(session.access_token());
    while transport.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    let (store, key) = (Arc::clone(session.store()), session.key().clone());
    let other = tokio::task::spawn_blocking(move || drop(store.lock(&key).unwrap()));
    tokio::time::timeout(Duration::from_secs(60), other).await.unwrap().unwrap();
    transport.release();
    assert_eq!(caller.await.unwrap().unwrap().record.access_token.expose(), "new");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_costs_no_refresh_token() {
    let (session, transport) = login_with_writes(0, 3500, []).await;
    let token = session.access_token().await.unwrap();
    assert_eq!(token.record.access_token.expose(), "old");
    assert!(matches!(token.warning, Some(Warning::NotRefreshed(_))), "{:?}", token.warning);
    let (session, _) = login_with_writes(0, 3601, []).await;
    let error = session.access_token().await.unwrap_err();
    assert!(matches!(error, SessionError::Store(_)), "{error:?}");
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_handed_out_and_reported() {
    let (session, _) = login_with_writes(1, 3500, [Json(200, ROTATED)]).await;
    let mut events = session.events();
    let token = session.access_token().await.unwrap();
    assert_eq!(token.record.refresh_token.as_ref().unwrap().expose(), "second");
    assert!(matches!(token.warning, Some(Warning::NotStored(_))), "{:?}", token.warning);
    let expires_at = Some(UnixTime::from_seconds(LOGIN_AT + 3500 + 3600));
    assert_eq!(events.next().await, Some(SessionEvent::Refreshed { generation: 2, expires_at }));
    assert_eq!(events.next().await, Some(SessionEvent::NotStored { cause: full().to_string() }));

    let store = FailingStore { records: MemoryStore::new(), writes_left: Arc::default() };
    let session = Session::open(session.client().clone(), Arc::new(store), "me");
    let not_stored = session.save_login(&tokens(LOGIN), "", UnixTime::from_seconds(1)).await.unwrap_err();
    assert_eq!(not_stored.record.refresh_token.as_ref().unwrap().expose(), "first");
    assert!(not_stored.to_string().contains("free some space"), "{not_stored}");
}

#[tokio::test]
async fn a_device_login_is_stored_with_what_was_asked_for_and_when() {
    const CODES: &str = r#"{"device_code":"d","user_code":"ABCD","verification_uri":"https://server.example.com/d",
        "expires_in":600,"interval":5}"#;
    let clock = VirtualClock::at(LOGIN_AT);
    let transport = ScriptedTransport::new(&clock, [Json(200, CODES), Json(200, LOGIN)]);
    let client = Client::builder("id")
        .token_endpoint("https://server.example.com/token")
        .device_authorization_endpoint("https://server.example.com/device")
        .transport(transport)
        .clock(clock.clone());
    let session = Session::open(client.build().unwrap(), Arc::new(MemoryStore::new()), "me");
    let mut events = session.events();
    let login = session.client().device_login("read write").await.unwrap();
    let record = session.finish_device_login(login).await.unwrap();
    let requested_at = clock.unix_time();
    assert!(requested_at > UnixTime::from_seconds(LOGIN_AT + 4), "the first poll waits for the interval");
    assert_eq!((record.obtained_at, record.generation), (requested_at, 1));
    assert_eq!(record.scopes, Scope::parse("read write"));
    assert_eq!(stored(&session), Some(record.clone()));
    let expires_at = record.expires_at();
    assert_eq!(events.next().await, Some(SessionEvent::LoginStored { expires_at }));
    drop(session);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_store_that_cannot_take_a_login_is_found_out_before_anybody_is_sent_away() {
    let directory = tempfile::tempdir().unwrap();
    let (session, _, _) = nobody([]);
    let session_in =
        |place: &Path| Session::open(session.client().clone(), Arc::new(PlainFileStore::new(place)), "me");
    session_in(&directory.path().join("tokens")).prepare().await.unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = session_in(&file).prepare().await.unwrap_err();
    assert!(matches!(error, SessionError::Store(_)), "{error:?}");

    let damaged = session_in(&directory.path().join("damaged"));
    damaged.save_login(&tokens(LOGIN), "", UnixTime::from_seconds(LOGIN_AT)).await.unwrap();
    let record = PlainFileStore::new(directory.path().join("damaged")).lock_name(damaged.key());
    let record = record.replace(".lock", ".json");
    fs::write(&record, r#"{"version":2}"#).unwrap();
    let error = damaged.prepare().await.unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
    fs::write(&record, "{").unwrap();
    damaged.prepare().await.unwrap();
}

#[tokio::test]
async fn a_device_login_without_an_end_stores_nothing() {
    const CODES: &str = r#"{"device_code":"d","user_code":"ABCD","verification_uri":"https://server.example.com/d",
        "expires_in":600,"interval":5}"#;
    let clock = VirtualClock::at(LOGIN_AT);
    let answers = [Json(200, CODES), Json(400, r#"{"error":"access_denied"}"#)];
    let client = Client::builder("id")
        .token_endpoint("https://server.example.com/token")
        .device_authorization_endpoint("https://server.example.com/device")
        .transport(ScriptedTransport::new(&clock, answers))
        .clock(clock.clone());
    let session = Session::open(client.build().unwrap(), Arc::new(MemoryStore::new()), "me");
    let login = session.client().device_login("read").await.unwrap();
    let denied = session.finish_device_login(login).await.unwrap_err();
    assert!(matches!(denied, SignInError::Login(_)), "{denied:?}");
    assert_eq!(stored(&session), None);
}

#[tokio::test]
async fn a_clients_own_token_needs_no_login_and_is_shared_until_it_nears_its_end() {
    const OWN: &str = r#"{"access_token":"own","token_type":"Bearer","expires_in":1000}"#;
    let clock = VirtualClock::at(LOGIN_AT);
    let transport = ScriptedTransport::new(&clock, [Json(200, OWN), Json(200, ROTATED), Json(200, OWN)]);
    let client = Client::builder("id")
        .client_secret_post("secret")
        .token_endpoint("https://server.example.com/token")
        .parameter("audience", "api")
        .transport(transport.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let store = Arc::new(MemoryStore::new());
    let session = Session::open_client_credentials(client.clone(), store.clone(), "write read");
    for _ in 0..3 {
        assert_eq!(session.access_token().await.unwrap().record.access_token.expose(), "own");
    }
    let same = Session::open_client_credentials(client.clone(), store.clone(), "read  write read");
    assert_eq!(same.access_token().await.unwrap().record.access_token.expose(), "own");
    let sent = transport.sent();
    assert_eq!(sent.len(), 1);
    for part in ["grant_type=client_credentials", "scope=read+write", "audience=api", "client_secret=secret"]
    {
        assert!(sent[0].body.contains(part), "{part} in {}", sent[0].body);
    }
    let other = Session::open_client_credentials(client, store, "read");
    assert_eq!(other.access_token().await.unwrap().record.access_token.expose(), "new");
    clock.advance(Duration::from_secs(950));
    assert_eq!(session.access_token().await.unwrap().record.generation, 2);
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test]
async fn another_process_that_logs_out_is_noticed_at_once() {
    let (session, _, _) = login(60, []).await;
    let elsewhere = Session::open(session.client().clone(), Arc::clone(session.store()), "me");
    assert!(elsewhere.erase_login().await.unwrap());
    let mut events = session.events();
    let error = session.access_token().await.unwrap_err();
    assert!(error.is_login_needed());
    assert_eq!(events.next().await, Some(SessionEvent::LoginNeeded(LoginNeeded::NoRecord)));
}

#[tokio::test]
async fn a_logout_erases_first_and_then_revokes_the_refresh_token() {
    let (session, transport, _) = login(60, [Held(200, "")]).await;
    let mut events = session.events();
    let logout = tokio::spawn(session.logout());
    while transport.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(stored(&session), None, "erased before the server has answered");
    transport.release();
    let logout = logout.await.unwrap();
    assert!(logout.is_complete(), "{logout:?}");
    assert!(logout.erased.unwrap());
    let sent = transport.sent();
    assert_eq!(sent[0].url, "https://server.example.com/revoke");
    assert!(sent[0].body.contains("token=first&token_type_hint=refresh_token"), "{}", sent[0].body);
    assert_eq!(events.next().await, Some(SessionEvent::LoggedOut));
    let again = session.logout().await;
    assert!(again.is_complete() && !again.erased.unwrap());
}

#[tokio::test]
async fn each_half_of_a_logout_that_fails_is_named() {
    let (session, _, _) = login(60, [Json(503, "")]).await;
    let logout = session.logout().await;
    assert!(logout.erased.unwrap());
    assert!(matches!(logout.revoked, Revocation::Failed(_)), "{:?}", logout.revoked);

    let (session, transport) = login_with_writes(0, 60, [Json(200, "")]).await;
    let logout = session.logout().await;
    assert!(logout.erased.is_err());
    assert!(matches!(logout.revoked, Revocation::Revoked), "{:?}", logout.revoked);
    assert!(transport.sent()[0].body.contains("token=first"), "{:?}", transport.sent());
}

#[tokio::test]
async fn what_cannot_be_read_is_erased_and_the_logout_is_not_called_complete() {
    let directory = tempfile::tempdir().unwrap();
    let (session, transport, _) = nobody([]);
    let store = PlainFileStore::new(directory.path().join("tokens"));
    let session = Session::open(session.client().clone(), Arc::new(store), "me");
    session.save_login(&tokens(LOGIN), "", UnixTime::from_seconds(LOGIN_AT)).await.unwrap();
    let record = session.store().lock_name(session.key()).replace(".lock", ".json");
    fs::write(&record, r#"{"version":2}"#).unwrap();
    let logout = session.logout().await;
    assert!(!logout.is_complete());
    let Revocation::Unread(error) = &logout.revoked else { panic!("{:?}", logout.revoked) };
    assert!(error.to_string().contains("version 2"), "{error}");
    assert!(logout.erased.unwrap());
    assert!(!Path::new(&record).exists());
    assert!(transport.sent().is_empty());
    assert!(session.logout().await.is_complete(), "then nothing is left");
}

#[tokio::test]
async fn a_server_without_revocation_leaves_the_time_until_which_a_copy_serves() {
    let (session, _, _) = login(60, []).await;
    let builder = Client::builder("id").token_endpoint("https://server.example.com/token");
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    let client = builder.transport(transport).build().unwrap();
    let session = Session::open(client, Arc::clone(session.store()), "me");
    let logout = session.logout().await;
    assert!(!logout.is_complete());
    let Revocation::NotOffered(until) = logout.revoked else { panic!("{:?}", logout.revoked) };
    assert_eq!(until, Some(UnixTime::from_seconds(LOGIN_AT + 3600)));
}
