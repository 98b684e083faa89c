//! The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252): our client against our server.

use mock_server::{Endpoint, Fault, MockServer};
use oauth_client::{AuthorizationResponseError, Client, Error, ErrorCode, Loopback};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::browser::Browser;
use crate::virtual_time::polls;

const REDIRECT_URI: &str = "http://127.0.0.1:49152/callback";

#[tokio::test]
async fn the_redirect_to_this_machine_brings_a_token() {
    let server = MockServer::start().await.unwrap();
    let client = native(&server);
    let login = client.loopback_login("openid profile read", &Loopback::default()).await.unwrap();
    let authorization_url = login.authorization_url();
    assert!(authorization_url.contains("code_challenge_method=S256"), "{authorization_url}");
    let person = async {
        let redirect = location(&authorization_url).await;
        get(&redirect).await
    };
    let (tokens, page) = tokio::join!(login.wait(), person);
    let tokens = tokens.unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let identity = client.identity(&tokens).await.unwrap().expect("an identity");
    assert_eq!(identity.display_name().to_string(), "alice");
    server.assert_clean();
}

#[tokio::test]
async fn an_answer_in_the_name_of_another_issuer_is_refused_before_the_code_is_sent() {
    for (fault, expected) in [
        (Fault::IssuerWrong, AuthorizationResponseError::Issuer),
        (Fault::IssuerMissing, AuthorizationResponseError::IssuerMissing),
    ] {
        let server = MockServer::start().await.unwrap();
        let login = native(&server).authorization_code_login("read", REDIRECT_URI).await.unwrap();
        server.fail_next(Endpoint::Authorize, &fault, 1);
        let redirect = location(&login.authorization_url()).await;
        let (_, query) = redirect.split_once('?').expect("a query");
        let error = login.finish(query).await.expect_err("no token");
        assert!(matches!(&error, Error::AuthorizationResponse(reason) if *reason == expected), "{error}");
        assert!(polls(&server).is_empty(), "the code stays here");
        server.assert_clean();
    }
}

#[tokio::test]
async fn an_answer_to_somebody_elses_request_is_refused_before_the_code_is_sent() {
    let server = MockServer::start().await.unwrap();
    let client = native(&server);
    let mine = client.authorization_code_login("read", REDIRECT_URI).await.unwrap();
    let theirs = client.authorization_code_login("read", REDIRECT_URI).await.unwrap();
    let redirect = location(&theirs.authorization_url()).await;
    let (_, query) = redirect.split_once('?').expect("a query");
    let error = mine.finish(query).await.expect_err("no token");
    assert!(matches!(error, Error::AuthorizationResponse(AuthorizationResponseError::State)), "{error}");
    assert!(polls(&server).is_empty(), "the code stays here");
    theirs.finish(query).await.expect("the login that asked gets its token");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_person_consents_in_a_browser_on_this_machine() {
    let server = MockServer::builder().consent_page(true).start().await.unwrap();
    let login = native(&server).loopback_login("openid read", &Loopback::default()).await.unwrap();
    let (url, redirect_uri) = (login.authorization_url(), login.redirect_uri().to_owned());
    let waiting = tokio::spawn(login.wait());
    let mut browser = Browser::start();
    browser.open(&url);
    let page = browser.text();
    assert!(page.contains("Demo native app"), "{page}");
    browser.press("Approve");
    waiting.await.unwrap().expect("a token");
    assert!(browser.url().starts_with(&redirect_uri), "{}", browser.url());
    assert_eq!(browser.complaints(), json!([]));
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_person_refuses_in_a_browser_on_this_machine() {
    let server = MockServer::builder().consent_page(true).start().await.unwrap();
    let login = native(&server).loopback_login("openid read", &Loopback::default()).await.unwrap();
    let url = login.authorization_url();
    let waiting = tokio::spawn(login.wait());
    let mut browser = Browser::start();
    browser.open(&url);
    browser.press("Deny");
    let error = waiting.await.unwrap().expect_err("no token");
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied), "{error}");
    assert!(polls(&server).is_empty());
    server.assert_clean();
}

/// The public client with a loopback redirect.
fn native(server: &MockServer) -> Client {
    Client::builder("native").issuer(server.issuer()).build().unwrap()
}

/// Where a browser is sent by this page.
pub(crate) async fn location(url: &str) -> String {
    let answer = get(url).await;
    let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
    location.unwrap_or_else(|| panic!("no redirect: {answer}")).to_owned()
}

/// Head and body of the answer to a plain GET.
pub(crate) async fn get(url: &str) -> String {
    let (host, path) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an http URL");
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}
