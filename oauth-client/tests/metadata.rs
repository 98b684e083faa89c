//! Discovery: where it is looked for, what counts as none, and what wins over it.

use mockito::{Mock, Server, ServerGuard};
use oauth_client::{Client, Error, InvalidResponse, Loopback, Provider, Secret};

const RFC_8414: &str = "/.well-known/oauth-authorization-server";
const OIDC: &str = "/.well-known/openid-configuration";

async fn publish(server: &mut ServerGuard, path: &str, body: &str) -> Mock {
    let body = body.replace("URL", &server.url());
    server
        .mock("GET", path)
        .match_header("accept", "application/json")
        .with_body(body)
        .expect(1)
        .create_async()
        .await
}

async fn answer_with(server: &mut ServerGuard, path: &str, status: usize, body: &str) -> Mock {
    server.mock("GET", path).with_status(status).with_body(body).create_async().await
}

async fn token_at(server: &mut ServerGuard, path: &str) -> Mock {
    server.mock("POST", path).with_body(r#"{"access_token":"x"}"#).expect(1).create_async().await
}

fn client(server: &ServerGuard, path: &str) -> Client {
    Client::builder("id").issuer(format!("{}{path}", server.url())).build().unwrap()
}

#[tokio::test]
async fn rfc_8414_is_asked_first_at_the_inserted_path_and_once() {
    let mut server = Server::new_async().await;
    let path = format!("{RFC_8414}/tenant/one");
    let found = publish(&mut server, &path, r#"{"issuer":"URL/tenant/one","token_endpoint":"URL/t"}"#).await;
    let other = server.mock("GET", format!("/tenant/one{OIDC}").as_str()).expect(0).create_async().await;
    let endpoint =
        server.mock("POST", "/t").with_body(r#"{"access_token":"x"}"#).expect(2).create_async().await;
    let client = client(&server, "/tenant/one");
    for client in [client.clone(), client] {
        client.refresh(&Secret::from("r")).await.unwrap();
    }
    found.assert_async().await;
    other.assert_async().await;
    endpoint.assert_async().await;
}

#[tokio::test]
async fn oidc_discovery_comes_next_where_there_is_none() {
    for (status, body) in
        [(404, ""), (401, "{\"error\":\"unauthorized\"}"), (403, ""), (200, "<!doctype html>"), (302, "")]
    {
        let mut server = Server::new_async().await;
        answer_with(&mut server, &format!("{RFC_8414}/one"), status, body).await;
        let found =
            publish(&mut server, &format!("/one{OIDC}"), r#"{"issuer":"URL/one/","token_endpoint":"URL/t"}"#)
                .await;
        let endpoint = token_at(&mut server, "/t").await;
        client(&server, "/one/").refresh(&Secret::from("r")).await.unwrap();
        found.assert_async().await;
        endpoint.assert_async().await;
    }
}

#[tokio::test]
async fn no_metadata_at_all_is_no_failure() {
    for (status, body) in [(404, ""), (401, ""), (200, "<!doctype html><title>Sign in</title>")] {
        let mut server = Server::new_async().await;
        answer_with(&mut server, RFC_8414, status, body).await;
        answer_with(&mut server, OIDC, status, body).await;
        assert!(client(&server, "").metadata().await.unwrap().is_none());
        let error = client(&server, "").refresh(&Secret::from("r")).await.unwrap_err();
        assert!(matches!(error, Error::NoEndpoint { endpoint: "token_endpoint", .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_without_metadata_is_not_asked_again() {
    let mut server = Server::new_async().await;
    let first = server.mock("GET", RFC_8414).with_status(404).expect(1).create_async().await;
    let second = server.mock("GET", OIDC).with_status(404).expect(1).create_async().await;
    let client = client(&server, "");
    for _ in 0..3 {
        assert!(client.metadata().await.unwrap().is_none());
    }
    first.assert_async().await;
    second.assert_async().await;
}

#[tokio::test]
async fn a_captive_portals_page_is_not_kept_as_no_metadata() {
    let mut server = Server::new_async().await;
    let portal = [
        answer_with(&mut server, RFC_8414, 200, "<html>pay</html>").await,
        answer_with(&mut server, OIDC, 200, "<html>pay</html>").await,
    ];
    let client = client(&server, "");
    assert!(client.metadata().await.unwrap().is_none());
    for page in portal {
        page.remove_async().await;
    }
    publish(&mut server, RFC_8414, r#"{"issuer":"URL"}"#).await;
    assert_eq!(client.metadata().await.unwrap().unwrap().issuer, server.url());
}

#[tokio::test]
async fn a_server_that_is_down_is_a_failure_and_asked_again() {
    let mut server = Server::new_async().await;
    let down =
        server.mock("GET", RFC_8414).with_status(503).with_header("retry-after", "3").create_async().await;
    let client = client(&server, "");
    assert!(
        matches!(client.metadata().await, Err(Error::Unavailable(unavailable)) if unavailable.status == 503)
    );
    down.remove_async().await;
    publish(&mut server, RFC_8414, r#"{"issuer":"URL"}"#).await;
    assert!(client.metadata().await.unwrap().is_some());
}

#[tokio::test]
async fn metadata_of_another_issuer_is_refused_and_nothing_of_it_is_used() {
    for issuer in ["URL/", "URLx", "https://evil.example", ""] {
        let mut server = Server::new_async().await;
        publish(&mut server, RFC_8414, &format!(r#"{{"issuer":"{issuer}","token_endpoint":"URL/t"}}"#)).await;
        let endpoint = server.mock("POST", "/t").expect(0).create_async().await;
        let error = client(&server, "").refresh(&Secret::from("r")).await.unwrap_err();
        assert!(matches!(error, Error::InvalidResponse(InvalidResponse::OtherIssuer)), "{error:?}");
        assert!(error.to_string().contains("give the issuer exactly"), "{error}");
        endpoint.assert_async().await;
    }
}

#[tokio::test]
async fn endpoints_by_hand_win_over_metadata() {
    let mut server = Server::new_async().await;
    let metadata = server.mock("GET", RFC_8414).expect(0).create_async().await;
    let by_hand = token_at(&mut server, "/by-hand").await;
    let client = Client::builder("id")
        .issuer(server.url())
        .token_endpoint(format!("{}/by-hand", server.url()))
        .build()
        .unwrap();
    client.refresh(&Secret::from("r")).await.unwrap();
    by_hand.assert_async().await;
    metadata.assert_async().await;
}

#[tokio::test]
async fn endpoints_by_hand_fill_in_what_metadata_leaves_out() {
    let mut server = Server::new_async().await;
    // GitLab's and django-oauth-toolkit's case.
    publish(&mut server, RFC_8414, r#"{"issuer":"URL","token_endpoint":"URL/t"}"#).await;
    let device = server
        .mock("POST", "/oauth/authorize_device")
        .with_body(r#"{"device_code":"d","user_code":"u","verification_uri":"https://example.com"}"#)
        .expect(1)
        .create_async()
        .await;
    let token = token_at(&mut server, "/t").await;
    let client = Client::builder("id")
        .issuer(server.url())
        .device_authorization_endpoint(format!("{}/oauth/authorize_device", server.url()))
        .clock(crate::virtual_clock::VirtualClock::new())
        .build()
        .unwrap();
    client.device_login("").await.unwrap().wait().await.unwrap();
    device.assert_async().await;
    token.assert_async().await;
}

#[tokio::test]
async fn an_endpoint_in_metadata_is_held_to_the_same_rules() {
    for (endpoint, words) in [
        ("http://server.example.com/token", "is http"),
        ("https://user:pass@server.example.com/token", "user name"),
        ("https://server.example.com/a/../token", "https://server.example.com/token"),
        ("https://server.example.com/token#x", "#fragment"),
        ("ftp://server.example.com/token", "does not start with https://"),
        ("https://999.999.999.999/token", "no valid host"),
    ] {
        let mut server = Server::new_async().await;
        publish(&mut server, RFC_8414, &format!(r#"{{"issuer":"URL","token_endpoint":"{endpoint}"}}"#)).await;
        let error = client(&server, "").refresh(&Secret::from("r")).await.unwrap_err();
        assert!(matches!(error, Error::Url(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn the_secret_goes_where_metadata_wants_it() {
    let basic = "Basic aWQ6c2VjcmV0";
    for (methods, is_basic) in [
        ("", true),
        (r#","token_endpoint_auth_methods_supported":["client_secret_post"]"#, false),
        (r#","token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"]"#, true),
        (r#","token_endpoint_auth_methods_supported":["private_key_jwt"]"#, true),
        (r#","token_endpoint_auth_methods_supported":["none","client_secret_post"]"#, false),
    ] {
        let mut server = Server::new_async().await;
        publish(&mut server, RFC_8414, &format!(r#"{{"issuer":"URL","token_endpoint":"URL/t"{methods}}}"#))
            .await;
        let endpoint = server.mock("POST", "/t").with_body(r#"{"access_token":"x"}"#);
        let endpoint = if is_basic {
            endpoint.match_header("authorization", basic).match_body("grant_type=client_credentials")
        } else {
            endpoint
                .match_header("authorization", mockito::Matcher::Missing)
                .match_body("grant_type=client_credentials&client_id=id&client_secret=secret")
        };
        let endpoint = endpoint.create_async().await;
        let client = Client::builder("id").issuer(server.url()).client_secret("secret").build().unwrap();
        client.client_credentials("").await.unwrap();
        endpoint.assert_async().await;
    }
}

#[tokio::test]
async fn a_method_chosen_by_hand_wins_and_nothing_is_probed() {
    let mut server = Server::new_async().await;
    let body = r#"{"issuer":"URL","token_endpoint":"URL/t","token_endpoint_auth_methods_supported":["client_secret_basic"]}"#;
    publish(&mut server, RFC_8414, body).await;
    let endpoint = server
        .mock("POST", "/t")
        .match_header("authorization", mockito::Matcher::Missing)
        .match_body("grant_type=client_credentials&client_id=id&client_secret=secret")
        .with_status(401)
        .with_body(r#"{"error":"invalid_client"}"#)
        .expect(1)
        .create_async()
        .await;
    let client = Client::builder("id").issuer(server.url()).client_secret_post("secret").build().unwrap();
    assert!(matches!(client.client_credentials("").await, Err(Error::Refused(_))));
    endpoint.assert_async().await;
}

#[tokio::test]
async fn a_presets_issuer_is_asked_and_its_endpoints_are_filled_in() {
    let mut server = Server::new_async().await;
    let found = publish(&mut server, RFC_8414, r#"{"issuer":"URL","token_endpoint":"URL/t"}"#).await;
    let endpoint = token_at(&mut server, "/t").await;
    let client = Client::builder("id").provider(Provider::nomos(server.url())).build().unwrap();
    client.refresh(&Secret::from("r")).await.unwrap();
    found.assert_async().await;
    endpoint.assert_async().await;
}

#[tokio::test]
async fn whoever_holds_metadata_up_does_not_switch_the_check_of_iss_off() {
    let mut server = Server::new_async().await;
    let url = server.url();
    server.mock("GET", RFC_8414).with_status(503).create_async().await;
    let client = Client::builder("id")
        .issuer(&*url)
        .authorization_endpoint(format!("{url}/authorize"))
        .token_endpoint(format!("{url}/token"))
        .build()
        .unwrap();
    let held_up = client.loopback_login("", &Loopback::default()).await.map(|_| ());
    assert!(matches!(held_up, Err(Error::Unavailable(_))));
}
