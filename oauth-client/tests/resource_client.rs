//! Calls to an API with a session's token: where it goes, and what a 401 leads to.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Bytes;
use mockito::{Mock, Server, ServerGuard};
use oauth_client::token_store::{LoginNeeded, MemoryStore, UnixTime};
use oauth_client::{
    AccessTokenResponse, Client, ConfigurationError, Error, HttpResponse, Provider, ResourceClient,
    ResourceError, Secret, Session, SessionError, UrlError, reqwest,
};

use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

fn tokens(body: &str) -> AccessTokenResponse {
    let response = HttpResponse::new(200, [("content-type", "application/json")], body);
    AccessTokenResponse::process_response(&response).unwrap()
}

/// An API and a token endpoint at one origin, and somebody who is signed in.
async fn api_with(tokens_of_login: &str) -> (ServerGuard, ResourceClient) {
    let server = Server::new_async().await;
    let client = Client::builder("id")
        .token_endpoint(format!("{}/token", server.url()))
        .resource_origin(server.url())
        .user_agent("device/1.0")
        .build()
        .unwrap();
    let session = Session::open(client, Arc::new(MemoryStore::new()), "me");
    session.save_login(&tokens(tokens_of_login), "read", UnixTime::now()).await.unwrap();
    (server, session.resource_client().unwrap())
}

async fn api() -> (ServerGuard, ResourceClient) {
    api_with(r#"{"access_token":"old","refresh_token":"first","expires_in":3600}"#).await
}

/// What the API answers to this token.
async fn answer(server: &mut ServerGuard, token: &str, status: usize, calls: usize) -> Mock {
    let bearer = format!("Bearer {token}");
    let mock = server.mock("POST", "/readings").match_header("authorization", bearer.as_str());
    mock.match_body("{}").with_status(status).expect(calls).create_async().await
}

/// What the token endpoint answers to this refresh token.
async fn refresh(server: &mut ServerGuard, from: &str, to: &str, token: &str) -> Mock {
    let body = format!(r#"{{"access_token":"{token}","refresh_token":"{to}","expires_in":3600}}"#);
    let mock =
        server.mock("POST", "/token").match_body(mockito::Matcher::Regex(format!("refresh_token={from}&")));
    mock.with_header("content-type", "application/json").with_body(body).expect(1).create_async().await
}

async fn post(server: &ServerGuard, api: &ResourceClient) -> Result<u16, ResourceError> {
    let request = api.http().post(format!("{}/readings", server.url())).body("{}");
    Ok(api.send(request).await?.status().as_u16())
}

#[tokio::test]
async fn each_request_has_the_token_and_the_name_of_the_client() {
    let (mut server, api) = api().await;
    let mock = server
        .mock("GET", "/readings?page=2")
        .match_header("authorization", "Bearer old")
        .match_header("user-agent", "device/1.0")
        .with_body("[]")
        .create_async()
        .await;
    let request = api.http().get(format!("{}/readings?page=2", server.url()));
    // What the application put there itself gives way.
    let response = api.send(request.header("authorization", "Bearer mine")).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "[]");
    mock.assert_async().await;
}

#[tokio::test]
async fn a_401_leads_to_one_refresh_and_one_retry() {
    let (mut server, api) = api().await;
    let refused = answer(&mut server, "old", 401, 1).await;
    let refreshed = refresh(&mut server, "first", "second", "new").await;
    let accepted = answer(&mut server, "new", 200, 2).await;
    assert_eq!(post(&server, &api).await.unwrap(), 200);
    assert_eq!(post(&server, &api).await.unwrap(), 200);
    for mock in [refused, refreshed, accepted] {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn an_api_that_refuses_every_token_costs_one_refresh_in_all() {
    let (mut server, api) = api().await;
    let refused = answer(&mut server, "old", 401, 1).await;
    let refreshed = refresh(&mut server, "first", "second", "new").await;
    let refused_again = answer(&mut server, "new", 401, 3).await;
    for _ in 0..3 {
        assert_eq!(post(&server, &api).await.unwrap(), 401);
    }
    for mock in [refused, refreshed, refused_again] {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn many_calls_that_are_refused_at_once_refresh_once() {
    let (mut server, api) = api().await;
    let url = format!("{}/readings", server.url());
    let old = server.mock("POST", "/readings").match_header("authorization", "Bearer old");
    let _refused = old.with_status(401).create_async().await;
    let refreshed = refresh(&mut server, "first", "second", "new").await;
    let accepted = answer(&mut server, "new", 200, 16).await;
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let (api, url) = (api.clone(), url.clone());
            tokio::spawn(async move { api.send(api.http().post(url).body("{}")).await.unwrap().status() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    refreshed.assert_async().await;
    accepted.assert_async().await;
}

#[tokio::test]
async fn a_body_that_can_be_sent_once_gets_its_401_and_the_next_call_a_new_token() {
    let (mut server, api) = api().await;
    let refused = answer(&mut server, "old", 401, 1).await;
    let refreshed = refresh(&mut server, "first", "second", "new").await;
    let accepted = answer(&mut server, "new", 200, 1).await;
    let stream = reqwest::Body::wrap(Full::new(Bytes::from_static(b"{}")));
    let request = api.http().post(format!("{}/readings", server.url())).body(stream);
    assert_eq!(api.send(request).await.unwrap().status(), 401);
    assert_eq!(post(&server, &api).await.unwrap(), 200);
    for mock in [refused, refreshed, accepted] {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn only_a_new_login_helps_where_the_refresh_token_is_refused_too() {
    let (mut server, api) = api().await;
    let refused = answer(&mut server, "old", 401, 1).await;
    let invalid = server.mock("POST", "/token").with_status(400).with_body(r#"{"error":"invalid_grant"}"#);
    let invalid = invalid.expect(1).create_async().await;
    let error = post(&server, &api).await.unwrap_err();
    assert!(error.is_login_needed(), "{error:?}");
    assert!(matches!(error, ResourceError::Session(SessionError::LoginNeeded(LoginNeeded::Refused))));
    refused.assert_async().await;
    invalid.assert_async().await;
}

#[tokio::test]
async fn no_other_origin_sees_the_token() {
    let (server, api) = api().await;
    let mut other = Server::new_async().await;
    let never = other.mock("GET", mockito::Matcher::Any).expect(0).create_async().await;
    let error = api.send(api.http().get(format!("{}/readings", other.url()))).await.unwrap_err();
    let ResourceError::Client(Error::Url(UrlError::ForeignOrigin { origin })) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*origin, other.url());
    let by_name = server.url().replace("127.0.0.1", "localhost");
    assert!(api.send(api.http().get(by_name)).await.is_err(), "another name is another origin");
    assert!(api.send(api.http().get("http://api.example.com/")).await.is_err());
    never.assert_async().await;
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_origin_and_returned_where_it_leads_elsewhere() {
    let (mut server, api) = api().await;
    let mut other = Server::new_async().await;
    let never = other.mock("GET", mockito::Matcher::Any).expect(0).create_async().await;
    let away = server.mock("GET", "/away").with_status(302).with_header("location", &other.url());
    let _away = away.create_async().await;
    let moved = server.mock("GET", "/moved").with_status(301).with_header("location", "/there");
    let _moved = moved.create_async().await;
    let there = server.mock("GET", "/there").match_header("authorization", "Bearer old");
    let there = there.create_async().await;
    let round = server.mock("GET", "/round").with_status(302).with_header("location", "/round");
    let _round = round.create_async().await;
    let get = |path: &str| api.send(api.http().get(format!("{}{path}", server.url())));
    assert_eq!(get("/moved").await.unwrap().status(), 200);
    assert_eq!(get("/away").await.unwrap().status(), 302);
    assert_eq!(get("/round").await.unwrap().status(), 302);
    there.assert_async().await;
    never.assert_async().await;
}

#[tokio::test]
async fn an_application_brings_its_own_settings_but_not_its_redirects() {
    let (mut server, api) = api().await;
    let mut other = Server::new_async().await;
    let never = other.mock("GET", mockito::Matcher::Any).expect(0).create_async().await;
    let away = server.mock("GET", "/away").match_header("x-app", "1").with_status(302);
    let away = away.with_header("location", &other.url()).create_async().await;
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("x-app", "1".parse().unwrap());
    let builder = plain_http().default_headers(headers).redirect(reqwest::redirect::Policy::limited(5));
    let api = api.session().resource_client_with(builder).unwrap();
    assert_eq!(api.send(api.http().get(format!("{}/away", server.url()))).await.unwrap().status(), 302);
    away.assert_async().await;
    never.assert_async().await;
}

#[tokio::test]
async fn a_client_with_a_transport_of_its_own_brings_its_own_http_client() {
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    let client = Client::builder("id").provider(Provider::octopus()).transport(transport).build().unwrap();
    let session = Session::open(client, Arc::new(MemoryStore::new()), "me");
    let error = session.resource_client().unwrap_err();
    assert!(matches!(error, Error::Configuration(ConfigurationError::NotTheBuiltInTransport)), "{error:?}");
    assert!(error.to_string().contains("resource_client_with"), "{error}");
    assert!(session.resource_client_with(plain_http()).is_ok());
}

#[tokio::test]
async fn a_token_that_would_split_the_request_reaches_nobody() {
    let (mut server, api) = api().await;
    let never = server.mock("POST", mockito::Matcher::Any).expect(0).create_async().await;
    let (store, key) = (api.session().store(), api.session().key());
    let mut record = store.load(key).unwrap().unwrap();
    record.access_token = Secret::from("a\r\nX-Injected: yes");
    store.save(&record).unwrap();
    let error = post(&server, &api).await.unwrap_err();
    assert!(error.to_string().contains("no HTTP header can carry"), "{error}");
    assert!(!format!("{error} {error:?} {api:?}").contains("Injected"));
    never.assert_async().await;
}

/// Without certificates: it speaks plain http here.
fn plain_http() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls)
}
