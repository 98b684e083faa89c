//! Where a token goes, and how.

use mockito::Server;
use oauth_client::{Client, ClientBuilder, Error, Provider, Secret, UrlError};

use crate::scripted_transport::Answer::Json;
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

fn scripted(builder: ClientBuilder, answers: usize) -> (Client, ScriptedTransport) {
    let answers = (0..answers).map(|_| Json(200, "{}"));
    let transport = ScriptedTransport::new(&VirtualClock::new(), answers);
    (builder.transport(transport.clone()).build().unwrap(), transport)
}

#[tokio::test]
async fn a_token_goes_out_as_bearer() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("GET", "/resource/?page=2")
        .match_header("authorization", "Bearer mF_9.B5f-4.1JqM")
        .match_header("accept", "application/json")
        .with_body(r#"{"readings":[]}"#)
        .create_async()
        .await;
    let client = Client::builder("id")
        .token_endpoint("https://server.example.com/token")
        .resource_origin(server.url())
        .build()
        .unwrap();
    let url = format!("{}/resource/?page=2", server.url());
    let answer = client.get_resource(&url, &Secret::from("mF_9.B5f-4.1JqM")).await.unwrap();
    mock.assert_async().await;
    assert_eq!((answer.status(), answer.body()), (200, &br#"{"readings":[]}"#[..]));
}

#[tokio::test]
async fn octopus_gets_the_raw_token() {
    let (client, transport) = scripted(Client::builder("id").provider(Provider::octopus()), 1);
    client.get_resource("https://api.octopus.energy/v1/accounts/", &Secret::from("tOkEn")).await.unwrap();
    assert_eq!(transport.sent()[0].url, "https://api.octopus.energy/v1/accounts/");
    assert_eq!(transport.sent()[0].authorization.as_deref(), Some("tOkEn"));
}

#[tokio::test]
async fn a_token_that_would_split_the_request_reaches_no_transport() {
    let (client, transport) = scripted(Client::builder("id").provider(Provider::octopus()), 0);
    for token in ["a\r\nX-Injected: yes", "a\nb", "a\0b", "a\u{7f}", "\u{fc}mlaut"] {
        let error =
            client.get_resource("https://api.octopus.energy/v1/", &Secret::from(token)).await.unwrap_err();
        assert!(error.to_string().contains("authorization header"), "{error}");
        assert!(!format!("{error} {error:?}").contains(token));
    }
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for status in [204, 301, 401, 403, 404, 418, 500, 503] {
        let mut server = Server::new_async().await;
        server
            .mock("GET", "/r")
            .with_status(status)
            .with_header("location", "/elsewhere")
            .create_async()
            .await;
        let elsewhere = server.mock("GET", "/elsewhere").expect(0).create_async().await;
        let client = Client::builder("id")
            .token_endpoint("https://server.example.com/token")
            .resource_origin(server.url())
            .build()
            .unwrap();
        let answer = client.get_resource(&format!("{}/r", server.url()), &Secret::from("t")).await.unwrap();
        assert_eq!(usize::from(answer.status()), status);
        elsewhere.assert_async().await;
    }
}

#[tokio::test]
async fn no_other_origin_ever_gets_the_token() {
    let builder = Client::builder("id")
        .issuer("https://auth.example.com")
        .token_endpoint("https://auth.example.com/token")
        .resource_origin("https://api.example.com")
        .resource_origin("http://127.0.0.1:8080")
        .dangerously_allow_http("api.example.com");
    let (client, transport) = scripted(builder, 3);
    let token = Secret::from("mF_9.B5f-4.1JqM");
    for url in [
        "https://api.example.com:8443/",
        "http://api.example.com/",
        "https://api.example.com.evil.example/",
        "https://xapi.example.com/",
        "https://example.com/",
        "https://api.example.com./",
        // The issuer is no resource.
        "https://auth.example.com/userinfo",
        "http://127.0.0.1:8081/",
        "http://127.0.0.1/",
        "http://localhost:8080/",
        "http://[::1]:8080/",
        "https://127.0.0.1:8080/",
    ] {
        let error = client.get_resource(url, &token).await.unwrap_err();
        let Error::Url(UrlError::ForeignOrigin { origin }) = &error else { panic!("{url}: {error:?}") };
        assert!(url.starts_with(origin.as_str()) && error.to_string().contains(origin), "{error}");
        assert!(!format!("{error} {error:?}").contains("mF_9"));
    }
    assert!(transport.sent().is_empty());
    for url in ["https://api.example.com/", "https://api.example.com/v1?x=y", "http://127.0.0.1:8080/r/"] {
        client.get_resource(url, &token).await.unwrap();
    }
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test]
async fn a_resource_url_that_would_be_changed_or_is_none_is_refused() {
    let (client, transport) = scripted(
        Client::builder("id")
            .token_endpoint("https://a.example/t")
            .resource_origin("https://api.example.com"),
        0,
    );
    for (url, words) in [
        ("https://api.example.com", "\"https://api.example.com/\""),
        ("https://API.example.com/", "\"https://api.example.com/\""),
        ("https://api.example.com:443/", "\"https://api.example.com/\""),
        ("https://api.example.com/a/./b", "\"https://api.example.com/a/b\""),
        ("https://api.example.com/a/%2e%2e/b", "\"https://api.example.com/b\""),
        ("https://api.example.com/r?name='x'", "%27x%27"),
        ("https://api.example.com/r#part", "#fragment"),
        ("https://me:secret@api.example.com/", "user name"),
        ("https://api.example.com/a b", "percent-encode"),
        ("//api.example.com/", "https://"),
        ("", "https://"),
    ] {
        let error = client.get_resource(url, &Secret::from("t")).await.unwrap_err();
        assert!(matches!(error, Error::Url(_)), "{url}: {error:?}");
        assert!(error.to_string().contains(words), "{url}: {error}");
        assert!(!error.to_string().contains("me:secret"));
    }
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn without_a_named_origin_there_is_none() {
    let (client, transport) = scripted(Client::builder("id").issuer("https://auth.example.com"), 0);
    let error = client.get_resource("https://auth.example.com/me", &Secret::from("t")).await.unwrap_err();
    assert!(matches!(error, Error::Url(UrlError::ForeignOrigin { .. })));
    assert!(transport.sent().is_empty());
}
