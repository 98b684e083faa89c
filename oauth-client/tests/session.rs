//! Tokens that stay fresh: one refresh for all callers, whole even if its caller goes away.

use std::sync::Arc;
use std::time::Duration;

use oauth_client::token_store::{
    LoginNeeded, MemoryStore, RefreshPoint, TokenKey, TokenNeed, TokenRecord, TokenStore as _, UnixTime,
    save_login,
};
use oauth_client::{AccessTokenResponse, Client, HttpResponse, Scope, SessionError, TransportFailure};

use crate::scripted_transport::Answer::{self, Failure, Held, Json};
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

const ROTATED: &str = r#"{"access_token":"new","refresh_token":"second","expires_in":3600}"#;

fn key() -> TokenKey {
    TokenKey::new("https://server.example.com", "id", "me")
}

/// A login whose access token lives for an hour and was given so many seconds ago.
fn store_with(age: u64) -> Arc<MemoryStore> {
    let body = r#"{"access_token":"old","refresh_token":"first","expires_in":3600}"#;
    let response = HttpResponse::new(200, [("content-type", "application/json")], body);
    let response = AccessTokenResponse::process_response(&response).unwrap();
    let obtained_at = UnixTime::from_seconds(UnixTime::now().as_seconds() - age);
    let record =
        TokenRecord::new(key(), &response, &Scope::default(), obtained_at, RefreshPoint::from_random(0));
    let store = MemoryStore::new();
    save_login(&store, &record).unwrap();
    Arc::new(store)
}

fn client(answers: impl IntoIterator<Item = Answer>) -> (Client, ScriptedTransport) {
    let transport = ScriptedTransport::new(&VirtualClock::new(), answers);
    let builder = Client::builder("id").token_endpoint("https://server.example.com/token");
    (builder.transport(transport.clone()).build().unwrap(), transport)
}

#[tokio::test]
async fn a_token_in_its_youth_is_used_without_a_request() {
    let (client, transport) = client([]);
    let token = client.fresh_token(store_with(60), &key(), &TokenNeed::new()).await.unwrap();
    assert_eq!(token.record.access_token.expose(), "old");
    assert!(token.warning.is_none());
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn many_callers_at_once_refresh_once() {
    let (client, transport) = client([Json(200, ROTATED)]);
    let store = store_with(3500);
    let callers: Vec<_> =
        (0..8).map(|_| tokio::spawn(client.fresh_token(store.clone(), &key(), &TokenNeed::new()))).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().record.access_token.expose(), "new");
    }
    let sent = transport.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body, "grant_type=refresh_token&refresh_token=first&client_id=id");
    assert_eq!(store.load(&key()).unwrap().unwrap().refresh_token.unwrap().expose(), "second");
}

#[tokio::test]
async fn a_refresh_whose_caller_goes_away_is_finished_and_stored() {
    let (client, transport) = client([Held(200, ROTATED)]);
    let store = store_with(3500);
    let mut caller = Box::pin(client.fresh_token(store.clone(), &key(), &TokenNeed::new()));
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
            let record = store.load(&key()).unwrap().unwrap();
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
    let (client, transport) =
        client([Failure(TransportFailure::Connect, "Connection refused (os error 111)")]);
    let store = store_with(3601);
    let error = client.fresh_token(store.clone(), &key(), &TokenNeed::new()).await.unwrap_err();
    assert!(matches!(error, SessionError::Refresh(_)), "{error:?}");
    assert!(error.to_string().contains("Connection refused (os error 111)"), "{error}");
    assert_eq!(store.load(&key()).unwrap().unwrap().refresh_token.unwrap().expose(), "first");
    // The next caller does not hammer the server.
    let error = client.fresh_token(store, &key(), &TokenNeed::new()).await.unwrap_err();
    assert!(matches!(error, SessionError::Postponed(_)), "{error:?}");
    assert_eq!(transport.sent().len(), 1);
}

#[tokio::test]
async fn a_failed_refresh_leaves_a_living_token_in_use() {
    let (client, _) = client([Json(503, "")]);
    let token = client.fresh_token(store_with(3500), &key(), &TokenNeed::new()).await.unwrap();
    assert_eq!(token.record.access_token.expose(), "old");
    assert!(token.warning.is_some());
}

#[tokio::test]
async fn only_a_person_can_help_where_the_refresh_token_is_refused_or_none_is_there() {
    let (client, transport) = client([Json(400, r#"{"error":"invalid_grant"}"#)]);
    let store = store_with(3601);
    for _ in 0..2 {
        let error = client.fresh_token(store.clone(), &key(), &TokenNeed::new()).await.unwrap_err();
        assert!(matches!(error, SessionError::LoginNeeded(LoginNeeded::Refused)), "{error:?}");
    }
    assert_eq!(transport.sent().len(), 1, "the same refresh token is not tried again");
    let nobody = client.fresh_token(Arc::new(MemoryStore::new()), &key(), &TokenNeed::new()).await;
    assert!(matches!(nobody, Err(SessionError::LoginNeeded(LoginNeeded::NoRecord))));
}

#[tokio::test]
async fn the_lock_is_free_while_the_server_is_asked_for_its_metadata() {
    const METADATA: &str =
        r#"{"issuer":"https://server.example.com","token_endpoint":"https://server.example.com/token"}"#;
    let transport = ScriptedTransport::new(&VirtualClock::new(), [Held(200, METADATA), Json(200, ROTATED)]);
    let builder = Client::builder("id").issuer("https://server.example.com");
    let client = builder.transport(transport.clone()).build().unwrap();
    let store = store_with(3500);
    let caller = tokio::spawn(client.fresh_token(store.clone(), &key(), &TokenNeed::new()));
    while transport.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    let other = tokio::task::spawn_blocking(move || drop(store.lock(&key()).unwrap()));
    tokio::time::timeout(Duration::from_secs(60), other).await.unwrap().unwrap();
    transport.release();
    assert_eq!(caller.await.unwrap().unwrap().record.access_token.expose(), "new");
}
