//! Our client with its presets at the servers that it was written for, as our server plays them: from the login to the
//! protected resource.

use std::sync::Arc;
use std::time::Duration;

use mock_server::{MockServer, Profile};
use oauth_client::token_store::MemoryStore;
use oauth_client::{
    AccessTokenResponse, Client, ClientBuilder, Clock as _, Error, ErrorCode, Provider, Session,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::virtual_time::VirtualTime;

const REDIRECT_URI: &str = "http://127.0.0.1:8765/cb";

#[tokio::test]
async fn octopus_signs_a_device_in() {
    let (server, time) = start(Profile::Octopus).await;
    let client = octopus(&server, "device").clock(time.clone()).build().unwrap();
    let login = client.device_login("").await.unwrap();
    assert_eq!(login.user_code().len(), "ETE39050".len());
    assert_eq!(login.verification_uri_complete(), None);
    server.approve(login.user_code()).unwrap();
    let tokens = login.wait().await.unwrap();
    assert_eq!(resource(&server, &client, &tokens, "/resource/").await, 200);
    server.assert_clean();
}

#[tokio::test]
async fn a_session_at_octopus_sends_the_raw_token_and_outlives_it() {
    let (server, time) = start(Profile::Octopus).await;
    let client = octopus(&server, "device").clock(time.clone()).build().unwrap();
    let session = Session::open(client, Arc::new(MemoryStore::new()), "box");
    let login = session.client().device_login("read").await.unwrap();
    server.approve(login.user_code()).unwrap();
    let life = session.finish_device_login(login).await.unwrap().expires_in.expect("a life");
    let api = session.resource_client().unwrap();
    for _ in 0..3 {
        let request = api.http().get(format!("{}/resource/", server.issuer()));
        assert_eq!(api.send(request).await.unwrap().status(), 200);
        time.advance(life + Duration::from_secs(1));
    }
    server.assert_clean();
}

#[tokio::test]
async fn octopus_signs_a_person_in_with_pkce() {
    let (server, _) = start(Profile::Octopus).await;
    let client = octopus(&server, "native").build().unwrap();
    let login = client.authorization_code_login("read", REDIRECT_URI).await.unwrap();
    let redirect = location(&login.authorization_url()).await;
    let tokens = login.finish(query(&redirect)).await.unwrap();
    assert_eq!(resource(&server, &client, &tokens, "/resource/").await, 200);
    server.assert_clean();
}

#[tokio::test]
async fn octopus_gives_a_service_its_token() {
    let (server, _) = start(Profile::Octopus).await;
    let client = octopus(&server, "service").client_secret("service-secret").build().unwrap();
    let tokens = client.client_credentials("read").await.unwrap();
    assert_eq!(resource(&server, &client, &tokens, "/resource/").await, 200);
    server.assert_clean();
}

/// The server says "pending" for ever: the client's own clock ends the login.
#[tokio::test]
async fn octopus_is_not_polled_past_the_expiry_that_it_forgets() {
    let (server, time) = start(Profile::Octopus).await;
    let client = octopus(&server, "device").clock(time.clone()).build().unwrap();
    let login = client.device_login("").await.unwrap();
    let error = login.wait().await.expect_err("no token");
    assert!(matches!(error, Error::Expired), "{error}");
    let last = server.requests().last().and_then(|poll| poll.error.clone());
    assert_eq!(last.as_deref(), Some("authorization_pending"));
    server.assert_clean();
}

#[tokio::test]
async fn octopus_without_a_slash_is_a_hint_and_no_request_elsewhere() {
    let (server, _) = start(Profile::Octopus).await;
    let without_slash = format!("{}/device-authorization", server.issuer());
    let client = octopus(&server, "device").device_authorization_endpoint(without_slash).build().unwrap();
    let error = client.device_login("").await.err().expect("a refusal");
    assert!(error.to_string().contains("slash"), "{error}");
    assert_eq!(server.requests().len(), 1, "{:?}", server.requests());
    server.assert_clean();
}

#[tokio::test]
async fn nomos_signs_a_customer_in_and_keeps_the_login_fresh() {
    let (server, _) = start(Profile::Nomos).await;
    let client = nomos(&server, "web", "web-secret");
    let login = client.authorization_code_login("read offline_access", REDIRECT_URI).await.unwrap();
    let redirect = location(&login.authorization_url()).await;
    let tokens = login.finish(query(&redirect)).await.unwrap();
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(resource(&server, &client, &tokens, "/resource").await, 200);

    server.advance(Duration::from_secs(3601));
    assert_eq!(resource(&server, &client, &tokens, "/resource").await, 401);
    let first = tokens.refresh_token.as_ref().expect("a refresh token");
    let fresh = client.refresh(first).await.unwrap();
    assert_ne!(
        fresh.refresh_token.as_ref().map(|it| it.expose().to_owned()),
        Some(first.expose().to_owned())
    );
    assert_eq!(resource(&server, &client, &fresh, "/resource").await, 200);
    server.assert_clean();
}

#[tokio::test]
async fn nomos_refreshes_the_token_of_a_service() {
    let (server, _) = start(Profile::Nomos).await;
    let client = nomos(&server, "service", "service-secret");
    let tokens = client.client_credentials("read").await.unwrap();
    let fresh = client.refresh(tokens.refresh_token.as_ref().expect("a refresh token")).await.unwrap();
    assert_eq!(resource(&server, &client, &fresh, "/resource").await, 200);
    server.assert_clean();
}

#[tokio::test]
async fn a_refusal_of_nomos_is_read_from_its_code() {
    let (server, _) = start(Profile::Nomos).await;
    let error = nomos(&server, "service", "wrong").client_credentials("read").await.expect_err("no token");
    assert!(
        matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::InvalidClient),
        "{error}"
    );
    server.assert_clean();
}

#[tokio::test]
async fn a_session_at_nomos_rotates_and_knows_when_only_a_new_login_helps() {
    let (server, time) = start(Profile::Nomos).await;
    let builder = Client::builder("web").provider(Provider::nomos(server.issuer())).clock(time.clone());
    let client = builder.client_secret("web-secret").resource_origin(server.issuer()).build().unwrap();
    let login = client.authorization_code_login("read offline_access", REDIRECT_URI).await.unwrap();
    let redirect = location(&login.authorization_url()).await;
    let requested_at = time.unix_time();
    let tokens = login.finish(query(&redirect)).await.unwrap();
    let session = Session::open(client, Arc::new(MemoryStore::new()), "customer");
    session.save_login(&tokens, "read offline_access", requested_at).await.unwrap();
    let api = session.resource_client().unwrap();
    let call = || async { api.send(api.http().get(format!("{}/resource", server.issuer()))).await };
    for _ in 0..3 {
        assert_eq!(call().await.unwrap().status(), 200);
        time.advance(Duration::from_secs(3601));
    }
    let rotated = session.store().load(session.key()).unwrap().unwrap();
    assert_eq!(rotated.generation, 3);
    // A thief's copy of a spent token: the server ends the whole grant (RFC 9700 section 4.14.2).
    let spent = tokens.refresh_token.as_ref().expect("a refresh token");
    assert!(matches!(session.client().refresh(spent).await, Err(Error::Refused(_))));
    let error = call().await.unwrap_err();
    assert!(error.is_login_needed(), "{error:?}");
}

#[tokio::test]
async fn github_signs_a_device_in() {
    let (server, time) = start(Profile::Github).await;
    let at = |path: &str| format!("{}/login{path}", server.issuer());
    let client = Client::builder("device")
        .provider(Provider::github())
        .device_authorization_endpoint(at("/device/code"))
        .token_endpoint(at("/oauth/access_token"))
        .resource_origin(server.issuer())
        .clock(time.clone())
        .build()
        .unwrap();
    server.script_next_login("pending, slow_down, pending, approve".parse().unwrap());
    let login = client.device_login("read write").await.unwrap();
    let tokens = login.wait().await.unwrap();
    assert_eq!((tokens.expires_in, tokens.refresh_token.is_none()), (None, true));
    assert_eq!(resource(&server, &client, &tokens, "/resource").await, 200);
    let polls = polls_at(&server, "/login/oauth/access_token");
    assert_eq!(polls, [200; 4]);
    server.assert_clean();
}

#[tokio::test]
async fn a_denial_at_github_is_final_though_its_status_is_200() {
    let (server, time) = start(Profile::Github).await;
    let at = |path: &str| format!("{}/login{path}", server.issuer());
    let client = Client::builder("device")
        .provider(Provider::github())
        .device_authorization_endpoint(at("/device/code"))
        .token_endpoint(at("/oauth/access_token"))
        .clock(time.clone())
        .build()
        .unwrap();
    let login = client.device_login("read").await.unwrap();
    server.deny(login.user_code()).unwrap();
    let error = login.wait().await.expect_err("no token");
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied), "{error}");
    assert_eq!(polls_at(&server, "/login/oauth/access_token"), [200]);
    server.assert_clean();
}

async fn start(profile: Profile) -> (Arc<MockServer>, VirtualTime) {
    let server = Arc::new(MockServer::builder().profile(profile).start().await.unwrap());
    let time = VirtualTime::of(&server);
    (server, time)
}

/// The preset, with the paths of its page at our server.
fn octopus(server: &MockServer, client_id: &str) -> ClientBuilder {
    let at = |path: &str| format!("{}{path}", server.issuer());
    Client::builder(client_id)
        .provider(Provider::octopus())
        .authorization_endpoint(at("/authorize/"))
        .token_endpoint(at("/token/"))
        .device_authorization_endpoint(at("/device-authorization/"))
        .resource_origin(server.issuer())
}

fn nomos(server: &MockServer, client_id: &str, secret: &str) -> Client {
    let builder = Client::builder(client_id).provider(Provider::nomos(server.issuer()));
    builder.client_secret(secret).resource_origin(server.issuer()).build().unwrap()
}

fn polls_at(server: &MockServer, path: &str) -> Vec<u16> {
    let requests = server.requests();
    requests.iter().filter(|request| request.path == path).map(|request| request.status).collect()
}

async fn resource(server: &MockServer, client: &Client, tokens: &AccessTokenResponse, path: &str) -> u16 {
    let url = format!("{}{path}", server.issuer());
    client.get_resource(&url, &tokens.access_token).await.unwrap().status()
}

/// What a browser would be sent to.
async fn location(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a URL of ours");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
    location.unwrap_or_else(|| panic!("no redirect: {answer}")).to_owned()
}

fn query(redirect: &str) -> &str {
    redirect.split_once('?').expect("a query").1
}
