//! What becomes of tokens: refresh (RFC 6749 section 6), revocation (RFC 7009), introspection (RFC 7662), and tokens for
//! the client itself (RFC 6749 section 4.4). Our client against our server.

use std::time::Duration;

use mock_server::MockServer;
use oauth_client::{AccessTokenResponse, Client, Error, ErrorCode, Secret, TokenTypeHint};

#[tokio::test]
async fn a_refresh_brings_new_tokens_and_ends_the_old_refresh_token() {
    let server = start().await;
    let client = client(&server, "device", None);
    let first = sign_in(&server, &client).await;
    let first_refresh_token = first.refresh_token.as_ref().expect("offline_access gives one");
    server.advance(Duration::from_secs(3601));
    assert_eq!(status(&server, &client, &first.access_token).await, 401, "an hour is over");

    let second = client.refresh(first_refresh_token).await.unwrap();
    assert_eq!(status(&server, &client, &second.access_token).await, 200);

    let error = client.refresh(first_refresh_token).await.expect_err("it was used");
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::InvalidGrant), "{error}");
    assert_eq!(status(&server, &client, &second.access_token).await, 401, "reuse ends the whole family");
    let broken: Vec<_> = server.verdicts().iter().map(|verdict| verdict.rule).collect();
    assert_eq!(broken, ["spent-refresh-token"], "what this test did on purpose, and nothing else");
}

#[tokio::test]
async fn a_revoked_login_is_over_at_the_resource_and_for_introspection() {
    let server = start().await;
    let device = client(&server, "device", None);
    let api = client(&server, "api", Some("api-secret"));
    let tokens = sign_in(&server, &device).await;
    let seen = api.introspect(&tokens.access_token, TokenTypeHint::AccessToken).await.unwrap();
    assert!(seen.active);
    assert_eq!(seen.client_id.as_deref(), Some("device"));
    assert_eq!(seen.sub.as_deref(), Some("alice"));

    let refresh_token = tokens.refresh_token.as_ref().expect("offline_access gives one");
    device.revoke(refresh_token, TokenTypeHint::RefreshToken).await.unwrap();
    assert_eq!(status(&server, &device, &tokens.access_token).await, 401);
    assert!(!api.introspect(&tokens.access_token, TokenTypeHint::AccessToken).await.unwrap().active);
    device
        .revoke(refresh_token, TokenTypeHint::RefreshToken)
        .await
        .expect("again is no error (RFC 7009 section 2.2)");
    server.assert_clean();
}

#[tokio::test]
async fn a_service_gets_a_token_of_its_own_with_its_secret_in_either_place() {
    let server = MockServer::start().await.unwrap();
    let issuer = server.issuer();
    let builder = || Client::builder("service").issuer(issuer).resource_origin(issuer);
    for service in [
        builder().client_secret("service-secret"),
        builder().client_secret_basic("service-secret"),
        builder().client_secret_post("service-secret"),
    ] {
        let service = service.build().unwrap();
        let tokens = service.client_credentials("read").await.unwrap();
        assert!(tokens.refresh_token.is_none(), "RFC 6749 section 4.4.3: none SHOULD be included");
        assert_eq!(status(&server, &service, &tokens.access_token).await, 200);
    }
    let impostor = builder().client_secret("wrong").build().unwrap();
    let error = impostor.client_credentials("read").await.expect_err("a wrong secret");
    assert!(
        matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::InvalidClient),
        "{error}"
    );
    server.assert_clean();
}

#[tokio::test]
async fn a_token_goes_to_no_origin_that_was_not_named() {
    let server = MockServer::start().await.unwrap();
    let stranger = MockServer::start().await.unwrap();
    let client = client(&server, "device", None);
    let tokens = sign_in(&server, &client).await;
    let url = format!("{}/resource", stranger.issuer());
    let error = client.get_resource(&url, &tokens.access_token).await.expect_err("another origin");
    assert!(matches!(error, Error::Url(_)), "{error}");
    assert!(stranger.requests().is_empty(), "nothing was sent");
    server.assert_clean();
}

/// With the shortest interval: logins here are in real time, and approved before their one poll.
async fn start() -> MockServer {
    MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap()
}

fn client(server: &MockServer, client_id: &str, secret: Option<&str>) -> Client {
    let issuer = server.issuer();
    let builder = Client::builder(client_id).issuer(issuer).resource_origin(issuer);
    match secret {
        Some(secret) => builder.client_secret(secret),
        None => builder,
    }
    .build()
    .unwrap()
}

/// A device login that is approved before its first poll.
async fn sign_in(server: &MockServer, client: &Client) -> Box<AccessTokenResponse> {
    let login = client.device_login("offline_access read").await.unwrap();
    server.approve(login.user_code()).unwrap();
    login.wait().await.unwrap()
}

async fn status(server: &MockServer, client: &Client, access_token: &Secret) -> u16 {
    let url = format!("{}/resource", server.issuer());
    client.get_resource(&url, access_token).await.unwrap().status()
}
