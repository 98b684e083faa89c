//! One-shot exchanges: each request literally, each kind of answer.

use std::time::Duration;

use mockito::{Matcher, Server, ServerGuard};
use oauth_client::{
    Client, ClientBuilder, DeviceLogin, DeviceLoginEvent, Error, ErrorCode, InvalidClient, InvalidResponse,
    PollOnce, Secret, TokenTypeHint,
};

const TOKEN: &str = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}"#;

/// RFC 6749 §2.3.1's client, with every endpoint at `server`.
fn confidential(server: &ServerGuard) -> ClientBuilder {
    at(server, "s6BhdRkqt3").client_secret("7Fjfp0ZBr1KtDRbnfVdmIw")
}

fn at(server: &ServerGuard, client_id: &str) -> ClientBuilder {
    let url = server.url();
    Client::builder(client_id)
        .authorization_endpoint(format!("{url}/authorize/"))
        .token_endpoint(format!("{url}/token/"))
        .device_authorization_endpoint(format!("{url}/device-authorization/"))
        .revocation_endpoint(format!("{url}/revoke/"))
        .introspection_endpoint(format!("{url}/introspect/"))
}

/// Expects exactly this form at `path`, once, and answers with `body`.
async fn expect(server: &mut ServerGuard, path: &str, form: &str, body: &str) -> mockito::Mock {
    server
        .mock("POST", path)
        .match_header("accept", "application/json")
        .match_header("content-type", Matcher::Exact("application/x-www-form-urlencoded".into()))
        .match_body(Matcher::Exact(form.into()))
        .with_header("content-type", "application/json;charset=UTF-8")
        .with_body(body)
        .expect(1)
        .create_async()
        .await
}

const BASIC: &str = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";

#[tokio::test]
async fn client_credentials_are_those_of_rfc_6749() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/token/")
        .match_header("authorization", BASIC)
        .match_body(Matcher::Exact("grant_type=client_credentials&scope=read+write".into()))
        .with_body(TOKEN)
        .create_async()
        .await;
    let answer = confidential(&server).build().unwrap().client_credentials("read  write").await.unwrap();
    mock.assert_async().await;
    assert_eq!(answer.access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(answer.expires_in, Some(Duration::from_secs(3600)));
    assert!(answer.refresh_token.is_none());
}

#[tokio::test]
async fn a_secret_in_the_body_is_in_the_body_alone() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/token/")
        .match_header("authorization", Matcher::Missing)
        .match_body(Matcher::Exact(
            "grant_type=client_credentials&client_id=s6BhdRkqt3&client_secret=a%2Bb%26c%3D%3A".into(),
        ))
        .with_body(TOKEN)
        .create_async()
        .await;
    let client = at(&server, "s6BhdRkqt3").client_secret_post("a+b&c=:").build().unwrap();
    client.client_credentials("").await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn both_halves_of_basic_are_form_encoded_first() {
    let mut server = Server::new_async().await;
    // base64 of `my%3Aclient:p%40ss%20w%25rd%2B`
    let mock = server
        .mock("POST", "/token/")
        .match_header("authorization", "Basic bXklM0FjbGllbnQ6cCU0MHNzJTIwdyUyNXJkJTJC")
        .match_body(Matcher::Exact("grant_type=client_credentials".into()))
        .with_body(TOKEN)
        .create_async()
        .await;
    let client = at(&server, "my:client").client_secret_basic("p@ss w%rd+").build().unwrap();
    client.client_credentials("").await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn client_id_stands_beside_basic_where_the_server_reads_it_only_there() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/device-authorization/")
        .match_header("authorization", BASIC)
        .match_body(Matcher::Exact("client_id=s6BhdRkqt3".into()))
        .with_body(r#"{"error":"invalid_scope"}"#)
        .with_status(400)
        .create_async()
        .await;
    let client = confidential(&server).client_id_in_body().build().unwrap();
    let refused = client.device_login("").await.map(|_| ());
    mock.assert_async().await;
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.error == ErrorCode::InvalidScope));
}

#[tokio::test]
async fn a_public_client_has_no_credentials_of_its_own() {
    let server = Server::new_async().await;
    let client = at(&server, "public").build().unwrap();
    let error = client.client_credentials("").await.unwrap_err();
    assert!(matches!(error, Error::InvalidClient(InvalidClient::NotConfidential)));
    assert!(error.to_string().contains("client secret"), "{error}");
    let error = client.introspect(&Secret::from("t"), TokenTypeHint::AccessToken).await.unwrap_err();
    assert!(matches!(error, Error::InvalidClient(InvalidClient::NotConfidential)));
}

#[tokio::test]
async fn a_refresh_without_a_new_refresh_token_keeps_the_old_one() {
    let mut server = Server::new_async().await;
    let form = "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=public";
    let mock = expect(&mut server, "/token/", form, TOKEN).await;
    let client = at(&server, "public").build().unwrap();
    let answer = client.refresh(&Secret::from("tGzv3JOkF0XG5Qx2TlKWIA")).await.unwrap();
    mock.assert_async().await;
    assert_eq!(answer.refresh_token.unwrap().expose(), "tGzv3JOkF0XG5Qx2TlKWIA");

    let rotated = TOKEN.replace("3600", r#"3600,"refresh_token":"new""#);
    let mock = expect(&mut server, "/token/", form, &rotated).await;
    let answer = client.refresh(&Secret::from("tGzv3JOkF0XG5Qx2TlKWIA")).await.unwrap();
    mock.assert_async().await;
    assert_eq!(answer.refresh_token.unwrap().expose(), "new");
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    for (status, code, expected, next_step) in [
        (400, "invalid_grant", ErrorCode::InvalidGrant, "sign in again"),
        (401, "invalid_client", ErrorCode::InvalidClient, "client_id"),
        (400, "unauthorized_client", ErrorCode::UnauthorizedClient, "turned on"),
        (400, "unsupported_grant_type", ErrorCode::UnsupportedGrantType, "turned on"),
        (400, "invalid_scope", ErrorCode::InvalidScope, "other scopes"),
        (403, "access_denied", ErrorCode::AccessDenied, "login again"),
        (200, "bad_verification_code", ErrorCode::InvalidDeviceCode, "new code"),
        (400, "house_rule_7", ErrorCode::Other("house_rule_7".into()), "house_rule_7: told ?"),
    ] {
        let mut server = Server::new_async().await;
        let body = format!(r#"{{"error":"{code}","error_description":"told \u001b?"}}"#);
        server.mock("POST", "/token/").with_status(status).with_body(body).create_async().await;
        let error = at(&server, "public").build().unwrap().refresh(&Secret::from("r")).await.unwrap_err();
        let Error::Refused(refusal) = &error else { panic!("{error:?}") };
        assert_eq!(refusal.error, expected);
        let words = error.to_string();
        assert!(words.contains(code) && !words.contains('\u{1b}'), "{words}");
        assert!(words.contains(next_step), "{words}");
    }
}

#[tokio::test]
async fn each_answer_that_is_none_is_named() {
    let answers: [(usize, &str, &str, &str); 9] = [
        (200, "text/html", "<html>SECRET-PAGE</html>", "neither a JSON object nor a form"),
        (200, "application/json", "", "neither a JSON object nor a form"),
        (200, "application/json", r#"{"access_token":"SECRET-PAGE"#, "neither a JSON object nor a form"),
        (200, "application/json", "{}", "access_token is missing"),
        (200, "application/json", r#"{"access_token":""}"#, "access_token is missing"),
        (200, "application/json", r#"{"access_token":"SECRET-PAGE","token_type":"mac"}"#, "token_type"),
        (200, "application/json", r#"{"access_token":"SECRET-PAGE","access_token":"b"}"#, "twice"),
        (404, "text/html", "SECRET-PAGE", "HTTP 404"),
        (503, "text/html", "SECRET-PAGE", "unavailable (HTTP 503)"),
    ];
    for (status, content_type, body, expected) in answers {
        let mut server = Server::new_async().await;
        server
            .mock("POST", "/token/")
            .with_status(status)
            .with_header("content-type", content_type)
            .with_body(body)
            .create_async()
            .await;
        let error = at(&server, "public").build().unwrap().refresh(&Secret::from("r")).await.unwrap_err();
        assert!(matches!(error, Error::InvalidResponse(_) | Error::Unavailable(_)), "{error:?}");
        let words = error.to_string();
        assert!(words.contains(expected), "{words}");
        assert!(
            !format!("{words} {error:?}").contains("SECRET-PAGE"),
            "the body stays out of errors: {words}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_asks_for_patience_says_how_much() {
    for status in [408, 425, 429, 500, 502, 503] {
        let mut server = Server::new_async().await;
        server
            .mock("POST", "/token/")
            .with_status(status)
            .with_header("retry-after", "17")
            .create_async()
            .await;
        let error = at(&server, "public").build().unwrap().refresh(&Secret::from("r")).await.unwrap_err();
        let Error::Unavailable(unavailable) = &error else { panic!("{error:?}") };
        assert_eq!(usize::from(unavailable.status), status);
        assert_eq!(unavailable.retry_after, Some(Duration::from_secs(17)));
        assert!(error.to_string().contains("try again in 17 s"), "{error}");
    }
}

#[tokio::test]
async fn revocation_is_that_of_rfc_7009_and_200_is_success_whatever_the_body() {
    let mut server = Server::new_async().await;
    let form = "token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token&client_id=public";
    let client = at(&server, "public").build().unwrap();
    for body in ["", "{}", "<html>", r#"{"error":"ignored"}"#] {
        let mock = expect(&mut server, "/revoke/", form, body).await;
        client.revoke(&Secret::from("45ghiukldjahdnhzdauz"), TokenTypeHint::RefreshToken).await.unwrap();
        mock.assert_async().await;
    }
    server
        .mock("POST", "/revoke/")
        .with_status(400)
        .with_body(r#"{"error":"unsupported_token_type"}"#)
        .create_async()
        .await;
    let refused = client.revoke(&Secret::from("t"), TokenTypeHint::AccessToken).await;
    assert!(
        matches!(refused, Err(Error::Refused(refusal)) if refusal.error == ErrorCode::UnsupportedTokenType)
    );
}

#[tokio::test]
async fn revocation_fails_where_it_was_not_done() {
    for status in [404, 429, 500, 503] {
        let mut server = Server::new_async().await;
        server.mock("POST", "/revoke/").with_status(status).with_body("<html>").create_async().await;
        let client = at(&server, "public").build().unwrap();
        let error = client.revoke(&Secret::from("t"), TokenTypeHint::AccessToken).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_) | Error::InvalidResponse(_)), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn introspection_is_that_of_rfc_7662() {
    let mut server = Server::new_async().await;
    // RFC 7662 §2.2
    let body = r#"{"active": true, "client_id": "l238j323ds-23ij4", "username": "jdoe",
        "scope": "read write dolphin", "sub": "Z5O3upPC88QrAjx00dis", "aud": "https://protected.example.net/resource",
        "iss": "https://server.example.com/", "exp": 1419356238, "iat": 1419350238, "extension_field": "twenty-seven"}"#;
    let mock = server
        .mock("POST", "/introspect/")
        .match_header("authorization", BASIC)
        .match_body(Matcher::Exact("token=2YotnFZFEjr1zCsicMWpAA&token_type_hint=access_token".into()))
        .with_body(body)
        .create_async()
        .await;
    let client = confidential(&server).build().unwrap();
    let answer =
        client.introspect(&Secret::from("2YotnFZFEjr1zCsicMWpAA"), TokenTypeHint::AccessToken).await.unwrap();
    mock.assert_async().await;
    assert!(answer.active);
    assert_eq!(answer.aud, ["https://protected.example.net/resource"]);
    assert_eq!(answer.exp, Some(Duration::from_secs(1_419_356_238)));
    assert_eq!(answer.extra.text("extension_field").as_deref(), Some("twenty-seven"));

    server.mock("POST", "/introspect/").with_body(r#"{"active":false}"#).create_async().await;
    let answer = client.introspect(&Secret::from("t"), TokenTypeHint::AccessToken).await.unwrap();
    assert!(!answer.active);
}

#[tokio::test]
async fn introspection_that_says_nothing_of_activity_is_refused() {
    for body in ["{}", r#"{"active":"true"}"#, r#"{"active":null}"#, "<html>"] {
        let mut server = Server::new_async().await;
        server.mock("POST", "/introspect/").with_body(body).create_async().await;
        let client = confidential(&server).build().unwrap();
        let error = client.introspect(&Secret::from("t"), TokenTypeHint::AccessToken).await.unwrap_err();
        assert!(matches!(error, Error::InvalidResponse(_)), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_device_login_over_http_keeps_every_slash() {
    let mut server = Server::new_async().await;
    // Octopus Energy's shape: no verification_uri_complete, a code without hyphen.
    let codes = r#"{"device_code":"Fy1iSeFD","user_code":"ETE39050","verification_uri":"https://auth.octopus.energy/device/",
        "expires_in":1800,"interval":1}"#;
    let start = expect(&mut server, "/device-authorization/", "client_id=public&scope=a+b", codes).await;
    let form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=Fy1iSeFD&client_id=public";
    let poll = expect(&mut server, "/token/", form, TOKEN).await;
    let client = at(&server, "public").clock(crate::virtual_clock::VirtualClock::new()).build().unwrap();
    let login = client.device_login("a b").await.unwrap();
    assert_eq!(login.user_code(), "ETE39050");
    assert_eq!(login.wait().await.unwrap().access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");
    start.assert_async().await;
    poll.assert_async().await;
}

#[tokio::test]
async fn a_missing_slash_at_the_endpoint_is_named_as_such() {
    let mut server = Server::new_async().await;
    let moved = format!("{}/token/", server.url());
    server.mock("POST", "/token").with_status(301).with_header("location", &moved).create_async().await;
    let target = server.mock("POST", "/token/").expect(0).create_async().await;
    let client = Client::builder("id").token_endpoint(format!("{}/token", server.url())).build().unwrap();
    let error = client.refresh(&Secret::from("r")).await.unwrap_err();
    assert!(matches!(&error, Error::Redirected(redirect) if redirect.differs_by_slash));
    assert!(error.to_string().contains("slash"), "{error}");
    target.assert_async().await;
}

#[tokio::test]
async fn an_endpoint_that_nobody_named_is_asked_for() {
    let client = Client::builder("id").token_endpoint("https://server.example.com/token").build().unwrap();
    let no_endpoint = |result: Result<(), Error>, name: &str| {
        let error = result.unwrap_err();
        assert!(matches!(&error, Error::NoEndpoint { endpoint, .. } if *endpoint == name), "{error:?}");
        assert!(error.to_string().contains(name) && error.to_string().contains("by hand"), "{error}");
    };
    let token = Secret::from("t");
    no_endpoint(client.device_login("").await.map(|_| ()), "device_authorization_endpoint");
    no_endpoint(client.revoke(&token, TokenTypeHint::AccessToken).await, "revocation_endpoint");
    no_endpoint(
        client.introspect(&token, TokenTypeHint::AccessToken).await.map(|_| ()),
        "introspection_endpoint",
    );
    no_endpoint(
        client.authorization_code_login("", "https://app.example/cb").await.map(|_| ()),
        "authorization_endpoint",
    );
    assert!(client.metadata().await.unwrap().is_none());
}

#[tokio::test]
async fn a_device_endpoint_that_is_none_is_named_as_such() {
    let mut server = Server::new_async().await;
    server.mock("POST", "/device-authorization/").with_status(404).with_body("not here").create_async().await;
    let error = at(&server, "public").build().unwrap().device_login("").await.map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::InvalidResponse(InvalidResponse::NoDeviceAuthorizationEndpoint)));
}

#[test]
fn clients_and_their_futures_may_cross_threads() {
    fn crosses<T: Send + 'static>(_: &T) {}
    fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn is_sent<T: Send + 'static>() {}
    let client = Client::builder("id").token_endpoint("https://server.example.com/token").build().unwrap();
    is_shared(&client);
    let token = Secret::from("t");
    crosses(&client.metadata());
    crosses(&client.client_credentials(""));
    crosses(&client.refresh(&token));
    crosses(&client.revoke(&token, TokenTypeHint::AccessToken));
    crosses(&client.introspect(&token, TokenTypeHint::AccessToken));
    crosses(&client.get_resource("https://api.example.com/", &token));
    crosses(&client.device_login(""));
    crosses(&client.authorization_code_login("", "https://app.example/cb"));
    crosses(&client.loopback_login("", &oauth_client::Loopback::default()));
    crosses(&async move {
        let mut login: DeviceLogin = client.device_login("").await?;
        let _: Option<DeviceLoginEvent> = login.next_event().await;
        let _: PollOnce = login.poll_once().await;
        login.wait().await?;
        client.loopback_login("", &oauth_client::Loopback::default()).await?.wait().await
    });
    is_sent::<DeviceLogin>();
    is_sent::<DeviceLoginEvent>();
    is_sent::<oauth_client::LoopbackLogin>();
    is_sent::<oauth_client::AuthorizationCodeLogin>();
    is_sent::<Error>();
}

#[test]
fn debugging_a_client_shows_no_secret() {
    let client = Client::builder("s6BhdRkqt3")
        .client_secret("7Fjfp0ZBr1KtDRbnfVdmIw")
        .issuer("https://server.example.com")
        .build()
        .unwrap();
    let shown = format!("{client:?}");
    assert!(shown.contains("s6BhdRkqt3") && shown.contains("https://server.example.com"), "{shown}");
    assert!(!shown.contains("7Fjfp0ZBr1KtDRbnfVdmIw"), "{shown}");
}
