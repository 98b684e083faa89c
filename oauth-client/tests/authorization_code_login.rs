//! The authorization code grant: the URL, the checks of the answer, the exchange.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_client::{
    AuthorizationCodeLogin, AuthorizationResponseError, Client, ClientBuilder, Error, ErrorCode,
};
use sha2::{Digest as _, Sha256};

use crate::scripted_transport::Answer::{self, Json};
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

const TOKEN: Answer = Json(200, r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","refresh_token":"r"}"#);
const METADATA: &str = r#"{"issuer":"https://server.example.com",
    "authorization_endpoint":"https://server.example.com/authorize",
    "token_endpoint":"https://server.example.com/token"}"#;
const METADATA_WITH_ISS: &str = r#"{"issuer":"https://server.example.com",
    "authorization_endpoint":"https://server.example.com/authorize",
    "token_endpoint":"https://server.example.com/token",
    "authorization_response_iss_parameter_supported":true}"#;

fn by_hand() -> ClientBuilder {
    Client::builder("s6BhdRkqt3")
        .authorization_endpoint("https://server.example.com/authorize/")
        .token_endpoint("https://server.example.com/token/")
}

fn with_issuer() -> ClientBuilder {
    Client::builder("s6BhdRkqt3").issuer("https://server.example.com")
}

/// A login that sends the browser to RFC 6749's redirect URI.
async fn login(
    builder: ClientBuilder,
    answers: impl IntoIterator<Item = Answer>,
) -> (AuthorizationCodeLogin, ScriptedTransport) {
    let transport = ScriptedTransport::new(&VirtualClock::new(), answers);
    let client = builder.transport(transport.clone()).build().unwrap();
    let login =
        client.authorization_code_login("openid email", "https://client.example.com/cb").await.unwrap();
    (login, transport)
}

fn parameters(url: &str) -> HashMap<String, String> {
    let pairs = form(url.split_once('?').unwrap().1);
    let count = pairs.len();
    let parameters: HashMap<_, _> = pairs.into_iter().collect();
    assert_eq!(parameters.len(), count, "a parameter stands there twice");
    parameters
}

fn form(text: &str) -> Vec<(String, String)> {
    let url = url::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn refused(result: Result<impl Sized, Error>) -> AuthorizationResponseError {
    match result.map(|_| ()) {
        Err(Error::AuthorizationResponse(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_browser_is_sent_with_state_and_an_s256_challenge() {
    let (login, transport) = login(by_hand(), []).await;
    let url = login.authorization_url();
    assert!(
        url.starts_with("https://server.example.com/authorize/?response_type=code&client_id=s6BhdRkqt3&"),
        "{url}"
    );
    assert!(url.contains("&redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb&"), "{url}");
    let parameters = parameters(&url);
    assert_eq!(parameters["scope"], "openid email");
    assert_eq!(parameters["code_challenge_method"], "S256");
    assert!(URL_SAFE_NO_PAD.decode(&parameters["state"]).unwrap().len() >= 16);
    assert_eq!(URL_SAFE_NO_PAD.decode(&parameters["code_challenge"]).unwrap().len(), 32);
    assert_eq!(login.authorization_url(), url, "it may be shown again");
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn state_and_challenge_are_fresh_for_each_login() {
    let (one, _) = login(by_hand(), []).await;
    let (other, _) = login(by_hand(), []).await;
    let (one, other) = (parameters(&one.authorization_url()), parameters(&other.authorization_url()));
    assert_ne!(one["state"], other["state"]);
    assert_ne!(one["code_challenge"], other["code_challenge"]);
    assert_ne!(one["state"], one["code_challenge"]);
}

#[tokio::test]
async fn the_code_is_exchanged_with_the_verifier_of_the_challenge() {
    let (login, transport) = login(by_hand(), [TOKEN]).await;
    let parameters = parameters(&login.authorization_url());
    let query = format!("code=SplxlOBeZQQYbYS6WxSbIA&state={}", parameters["state"]);
    let tokens = login.finish(&query).await.unwrap();
    assert_eq!(tokens.access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");
    let sent = &transport.sent()[0];
    assert_eq!(sent.url, "https://server.example.com/token/");
    let fields = form(&sent.body);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "code", "redirect_uri", "code_verifier", "client_id"]);
    assert_eq!(fields[0].1, "authorization_code");
    assert_eq!(fields[1].1, "SplxlOBeZQQYbYS6WxSbIA");
    assert_eq!(fields[2].1, "https://client.example.com/cb");
    // RFC 7636 §4.1 and §4.2
    assert!((43..=128).contains(&fields[3].1.len()));
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(&fields[3].1)), parameters["code_challenge"]);
}

#[tokio::test]
async fn plain_pkce_is_used_only_where_it_was_asked_for() {
    let (login, transport) = login(by_hand().dangerously_use_plain_pkce(), [TOKEN]).await;
    let parameters = parameters(&login.authorization_url());
    assert_eq!(parameters["code_challenge_method"], "plain");
    login.finish(&format!("code=c&state={}", parameters["state"])).await.unwrap();
    let verifier = &form(&transport.sent()[0].body)[3];
    assert_eq!((verifier.0.as_str(), &verifier.1), ("code_verifier", &parameters["code_challenge"]));
}

#[tokio::test]
async fn a_confidential_client_authenticates_on_the_exchange() {
    let (login, transport) = login(by_hand().client_secret_basic("7Fjfp0ZBr1KtDRbnfVdmIw"), [TOKEN]).await;
    let url = login.authorization_url();
    assert!(!url.contains("7Fjfp0ZBr1KtDRbnfVdmIw"), "no secret in a URL");
    login.finish(&format!("code=c&state={}", parameters(&url)["state"])).await.unwrap();
    let sent = &transport.sent()[0];
    assert_eq!(sent.authorization.as_deref(), Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"));
    assert!(!sent.body.contains("client_id") && !sent.body.contains("secret"), "{}", sent.body);
}

#[tokio::test]
async fn an_answer_to_another_request_is_refused_before_any_token_request() {
    let (login, transport) = login(by_hand(), []).await;
    let state = parameters(&login.authorization_url())["state"].clone();
    for query in [
        "",
        "code=c",
        "code=c&state=",
        "code=c&state=x",
        &format!("code=c&state={state}x"),
        &format!("code=c&state={}", &state[1..]),
    ] {
        assert_eq!(refused(login.finish(query).await), AuthorizationResponseError::State, "{query}");
    }
    assert_eq!(
        refused(login.finish(&format!("code=c&state={state}&state={state}")).await),
        AuthorizationResponseError::RepeatedParameter
    );
    assert_eq!(
        refused(login.finish(&format!("state={state}")).await),
        AuthorizationResponseError::CodeMissing
    );
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn a_refusal_is_the_servers_word_once_its_state_is_right() {
    let (login, transport) = login(by_hand(), []).await;
    let state = parameters(&login.authorization_url())["state"].clone();
    let query = format!("error=access_denied&error_description=The+person+said+no&state={state}&code=c");
    match login.finish(&query).await.map(|_| ()) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.error, ErrorCode::AccessDenied);
            assert_eq!(refusal.error_description.unwrap().as_sent(), "The person said no");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(login.finish("error=access_denied").await, Err(Error::AuthorizationResponse(_))));
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn iss_is_compared_byte_for_byte_whenever_it_comes() {
    for metadata in [METADATA, METADATA_WITH_ISS] {
        let (login, transport) = login(with_issuer(), [Json(200, metadata), TOKEN]).await;
        let state = parameters(&login.authorization_url())["state"].clone();
        for iss in [
            "https%3A%2F%2Fserver.example.com%2F",
            "https%3A%2F%2Fevil.example",
            "https%3A%2F%2FServer.example.com",
        ] {
            for rest in ["code=c", "error=access_denied"] {
                let answer = login.finish(&format!("{rest}&state={state}&iss={iss}")).await;
                assert_eq!(refused(answer), AuthorizationResponseError::Issuer, "{rest} {iss}");
            }
        }
        assert_eq!(transport.sent().len(), 1, "the metadata and nothing else");
        let right = format!("code=c&state={state}&iss=https%3A%2F%2Fserver.example.com");
        login.finish(&right).await.unwrap();
    }
}

#[tokio::test]
async fn a_missing_iss_is_refused_where_metadata_promises_it() {
    let (promised, transport) = login(with_issuer(), [Json(200, METADATA_WITH_ISS)]).await;
    let state = parameters(&promised.authorization_url())["state"].clone();
    for query in ["code=c", "error=access_denied", "code=c&iss="] {
        let answer = promised.finish(&format!("{query}&state={state}")).await;
        assert_eq!(refused(answer), AuthorizationResponseError::IssuerMissing);
    }
    assert_eq!(transport.sent().len(), 1);

    let (not_promised, _) = login(with_issuer(), [Json(200, METADATA), TOKEN]).await;
    let state = parameters(&not_promised.authorization_url())["state"].clone();
    not_promised.finish(&format!("code=c&state={state}")).await.unwrap();
}

#[tokio::test]
async fn the_promise_of_iss_holds_for_endpoints_by_hand_too() {
    let builder = by_hand().issuer("https://server.example.com");
    let (login, _) = login(builder, [Json(200, METADATA_WITH_ISS)]).await;
    let url = login.authorization_url();
    assert!(url.starts_with("https://server.example.com/authorize/?"), "{url}");
    let answer = login.finish(&format!("code=c&state={}", parameters(&url)["state"])).await;
    assert_eq!(refused(answer), AuthorizationResponseError::IssuerMissing);
}

#[tokio::test]
async fn metadata_of_another_issuer_promises_nothing_where_the_endpoints_are_known() {
    // Entra's `common`: its metadata has a templated issuer.
    let template = r#"{"issuer":"https://server.example.com/{tenantid}","authorization_response_iss_parameter_supported":true}"#;
    let builder = by_hand().issuer("https://server.example.com");
    let (login, _) = login(builder, [Json(200, template), TOKEN]).await;
    let state = parameters(&login.authorization_url())["state"].clone();
    login.finish(&format!("code=c&state={state}")).await.unwrap();
}

#[tokio::test]
async fn a_query_of_the_endpoints_own_is_kept() {
    let builder = Client::builder("id")
        .authorization_endpoint("https://server.example.com/authorize?tenant=a%20b")
        .token_endpoint("https://server.example.com/token");
    let (login, _) = login(builder, []).await;
    let url = login.authorization_url();
    assert!(
        url.starts_with("https://server.example.com/authorize?tenant=a%20b&response_type=code&client_id=id&"),
        "{url}"
    );
}
