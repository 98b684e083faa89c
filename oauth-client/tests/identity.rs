//! Who is signed in: from the `id_token`, from userinfo, and when from neither.

use base64::Engine as _;
use mockito::{Server, ServerGuard};
use oauth_client::{AccessTokenResponse, Client, HttpResponse, Identity, Provider};

use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

fn tokens(claims: &str) -> AccessTokenResponse {
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
    answer(&format!(
        r#"{{"access_token":"mF_9.B5f-4.1JqM","id_token":"eyJhbGciOiJSUzI1NiJ9.{payload}.c2ln"}}"#
    ))
}

fn answer(body: &str) -> AccessTokenResponse {
    AccessTokenResponse::process_response(&HttpResponse::new(
        200,
        [("content-type", "application/json")],
        body,
    ))
    .unwrap()
}

/// A client of a server that publishes `userinfo` as its userinfo endpoint.
async fn client(server: &mut ServerGuard, userinfo: &str) -> Client {
    let url = server.url();
    let body = format!(r#"{{"issuer":"{url}","userinfo_endpoint":"{userinfo}"}}"#);
    server.mock("GET", "/.well-known/oauth-authorization-server").with_body(body).create_async().await;
    Client::builder("s6BhdRkqt3").issuer(url).build().unwrap()
}

async fn identity(server: &mut ServerGuard, claims: &str) -> Option<Identity> {
    let userinfo = format!("{}/userinfo", server.url());
    let claims = claims.replace("URL", &server.url());
    client(server, &userinfo).await.identity(&tokens(&claims)).await.unwrap()
}

#[tokio::test]
async fn the_id_token_says_who_it_is_without_a_further_request() {
    let mut server = Server::new_async().await;
    let userinfo = server.mock("GET", "/userinfo").expect(0).create_async().await;
    let claims = r#"{"iss":"URL","aud":"s6BhdRkqt3","sub":"248289761001","preferred_username":"j.doe","name":"Jane Doe","email":"jane@example.com"}"#;
    let identity = identity(&mut server, claims).await.unwrap();
    assert_eq!(identity.sub.as_sent(), "248289761001");
    assert_eq!(identity.display_name().as_sent(), "j.doe");
    assert_eq!(identity.email.unwrap().as_sent(), "jane@example.com");
    userinfo.assert_async().await;
}

#[tokio::test]
async fn userinfo_fills_a_missing_name_in() {
    let mut server = Server::new_async().await;
    let userinfo = server
        .mock("GET", "/userinfo")
        .match_header("authorization", "Bearer mF_9.B5f-4.1JqM")
        .with_body(r#"{"sub":"248289761001","email":"jane@example.com"}"#)
        .create_async()
        .await;
    let identity =
        identity(&mut server, r#"{"iss":"URL","aud":["other","s6BhdRkqt3"],"sub":"248289761001"}"#).await;
    userinfo.assert_async().await;
    assert_eq!(identity.unwrap().display_name().as_sent(), "jane@example.com");
}

#[tokio::test]
async fn userinfo_of_somebody_else_or_none_leaves_the_identifier() {
    for (status, body) in [
        (200, r#"{"sub":"somebody else","name":"Mallory"}"#),
        (200, r#"{"name":"Mallory"}"#),
        (200, "<html>"),
        (401, r#"{"sub":"248289761001","name":"Mallory"}"#),
        (302, ""),
        (500, ""),
    ] {
        let mut server = Server::new_async().await;
        server.mock("GET", "/userinfo").with_status(status).with_body(body).create_async().await;
        let identity =
            identity(&mut server, r#"{"iss":"URL","aud":"s6BhdRkqt3","sub":"248289761001"}"#).await.unwrap();
        assert_eq!(identity.display_name().as_sent(), "248289761001");
    }
}

#[tokio::test]
async fn a_userinfo_endpoint_at_an_origin_that_nobody_named_gets_no_token() {
    let mut elsewhere = Server::new_async().await;
    let userinfo = elsewhere.mock("GET", "/userinfo").expect(0).create_async().await;
    let mut server = Server::new_async().await;
    let client = client(&mut server, &format!("{}/userinfo", elsewhere.url())).await;
    let claims = format!(r#"{{"iss":"{}","aud":"s6BhdRkqt3","sub":"me"}}"#, server.url());
    assert_eq!(client.identity(&tokens(&claims)).await.unwrap().unwrap().sub.as_sent(), "me");
    userinfo.assert_async().await;

    // Named as a resource's origin, or by hand, it may have it.
    let userinfo = elsewhere
        .mock("GET", "/userinfo")
        .with_body(r#"{"sub":"me","name":"I"}"#)
        .expect(2)
        .create_async()
        .await;
    let builder = || Client::builder("s6BhdRkqt3").issuer(server.url());
    for client in [
        builder().resource_origin(elsewhere.url()).build().unwrap(),
        builder().userinfo_endpoint(format!("{}/userinfo", elsewhere.url())).build().unwrap(),
    ] {
        assert_eq!(client.identity(&tokens(&claims)).await.unwrap().unwrap().display_name().as_sent(), "I");
    }
    userinfo.assert_async().await;
}

#[tokio::test]
async fn an_id_token_of_another_issuer_or_for_another_client_says_nothing() {
    for claims in [
        r#"{"iss":"https://evil.example","aud":"s6BhdRkqt3","sub":"me","name":"I"}"#,
        r#"{"iss":"URL/","aud":"s6BhdRkqt3","sub":"me","name":"I"}"#,
        r#"{"aud":"s6BhdRkqt3","sub":"me","name":"I"}"#,
        r#"{"iss":"URL","aud":"another client","sub":"me","name":"I"}"#,
        r#"{"iss":"URL","aud":["another client"],"sub":"me","name":"I"}"#,
        r#"{"iss":"URL","sub":"me","name":"I"}"#,
        r#"{"iss":"URL","aud":"s6BhdRkqt3","name":"I"}"#,
        "[]",
        "not JSON",
    ] {
        let mut server = Server::new_async().await;
        assert_eq!(identity(&mut server, claims).await, None, "{claims}");
    }
}

#[tokio::test]
async fn without_an_id_token_nobody_is_named_and_nothing_is_asked() {
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    let client = Client::builder("id")
        .issuer("https://auth.example.com")
        .transport(transport.clone())
        .build()
        .unwrap();
    for body in [
        r#"{"access_token":"x"}"#,
        r#"{"access_token":"x","id_token":"no dots"}"#,
        r#"{"access_token":"x","id_token":"a.%%%.c"}"#,
    ] {
        assert_eq!(client.identity(&answer(body)).await.unwrap(), None, "{body}");
    }
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn google_may_leave_the_scheme_out_of_its_issuer_and_nobody_else_may() {
    let transport = ScriptedTransport::new(&VirtualClock::new(), []);
    let google =
        Client::builder("id").provider(Provider::google()).transport(transport.clone()).build().unwrap();
    for issuer in ["https://accounts.google.com", "accounts.google.com"] {
        let claims = format!(r#"{{"iss":"{issuer}","aud":"id","sub":"1","email":"jane@gmail.com"}}"#);
        assert!(google.identity(&tokens(&claims)).await.unwrap().is_some(), "{issuer}");
    }
    let other =
        Client::builder("id").issuer("https://auth.example.com").transport(transport).build().unwrap();
    let claims = r#"{"iss":"auth.example.com","aud":"id","sub":"1","email":"e"}"#;
    assert_eq!(other.identity(&tokens(claims)).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_that_would_take_over_a_terminal_is_shown_without_that() {
    let mut server = Server::new_async().await;
    let claims = r#"{"iss":"URL","aud":"s6BhdRkqt3","sub":"1","name":"Jane\u001b]0;x\u0007\u202e"}"#;
    let shown = identity(&mut server, claims).await.unwrap().display_name().to_string();
    assert!(shown.starts_with("Jane") && !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
}
