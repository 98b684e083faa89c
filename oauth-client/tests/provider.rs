//! The presets: each request as the provider's documentation has it.

use oauth_client::{Client, ClientBuilder, Provider, Secret};

use crate::scripted_transport::Answer::{self, Json};
use crate::scripted_transport::{ScriptedTransport, Sent};
use crate::virtual_clock::VirtualClock;

const CODES: Answer =
    Json(200, r#"{"device_code":"d","user_code":"u","verification_uri":"https://example.com/device"}"#);
const TOKEN: Answer = Json(200, r#"{"access_token":"x"}"#);
const POLL: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d";

/// The requests of a whole device login.
async fn device_login(builder: ClientBuilder, scope: &str) -> Vec<Sent> {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [CODES, TOKEN]);
    let client = builder.transport(transport.clone()).clock(clock).build().unwrap();
    client.device_login(scope).await.unwrap().wait().await.unwrap();
    transport.sent()
}

#[test]
fn a_preset_says_where_it_is() {
    for (provider, url) in [
        (Provider::google(), Some("https://accounts.google.com")),
        (Provider::github(), Some("https://github.com/login/oauth/access_token")),
        (Provider::nomos("https://auth.example.com"), Some("https://auth.example.com")),
        (Provider::default(), None),
    ] {
        assert_eq!(provider.url(), url);
    }
}

#[tokio::test]
async fn octopus_has_its_slashes_and_no_metadata() {
    let sent = device_login(Client::builder("id").provider(Provider::octopus()), "").await;
    assert_eq!(sent[0].url, "https://auth.octopus.energy/device-authorization/");
    assert_eq!(sent[0].body, "client_id=id");
    assert_eq!(sent[1].url, "https://auth.octopus.energy/token/");
    assert_eq!(sent[1].body, format!("{POLL}&client_id=id"));
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn a_confidential_client_of_octopus_sends_basic_and_its_id_in_the_body() {
    let builder = Client::builder("id").client_secret("secret").provider(Provider::octopus());
    for request in device_login(builder, "").await {
        assert_eq!(request.authorization.as_deref(), Some("Basic aWQ6c2VjcmV0"));
        assert!(
            request.body.contains("client_id=id") && !request.body.contains("secret"),
            "{}",
            request.body
        );
    }
}

#[tokio::test]
async fn google_gets_its_secret_on_the_poll_and_not_before() {
    let builder = Client::builder("id").client_secret("secret").provider(Provider::google());
    let sent = device_login(builder, "email").await;
    assert_eq!(sent[0].url, "https://oauth2.googleapis.com/device/code");
    assert_eq!(sent[0].body, "client_id=id&scope=email");
    assert_eq!(sent[1].url, "https://oauth2.googleapis.com/token");
    assert_eq!(sent[1].body, format!("{POLL}&client_id=id&client_secret=secret"));
    assert!(sent.iter().all(|request| request.authorization.is_none()));
}

#[tokio::test]
async fn a_secret_is_kept_off_the_device_request_of_any_server_that_wants_it_so() {
    let builder = Client::builder("id")
        .client_secret_basic("secret")
        .no_secret_on_device_authorization()
        .device_authorization_endpoint("https://tenant.auth0.example/oauth/device/code")
        .token_endpoint("https://tenant.auth0.example/oauth/token");
    let sent = device_login(builder, "").await;
    assert_eq!((sent[0].authorization.as_deref(), sent[0].body.as_str()), (None, "client_id=id"));
    assert_eq!((sent[1].authorization.as_deref(), sent[1].body.as_str()), (Some("Basic aWQ6c2VjcmV0"), POLL));
}

#[tokio::test]
async fn github_is_a_public_client_without_metadata() {
    let sent = device_login(Client::builder("id").provider(Provider::github()), "repo read:org").await;
    assert_eq!(sent[0].url, "https://github.com/login/device/code");
    assert_eq!(sent[0].body, "client_id=id&scope=repo+read%3Aorg");
    assert_eq!(sent[1].url, "https://github.com/login/oauth/access_token");
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn what_is_given_by_hand_wins_over_the_preset() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, [TOKEN]);
    let client = Client::builder("id")
        .token_endpoint("https://staging.octopus.example/token/")
        .client_secret_post("secret")
        .provider(Provider::octopus())
        .transport(transport.clone())
        .build()
        .unwrap();
    client.refresh(&Secret::from("r")).await.unwrap();
    let sent = &transport.sent()[0];
    assert_eq!(sent.url, "https://staging.octopus.example/token/");
    assert_eq!(sent.body, "grant_type=refresh_token&refresh_token=r&client_id=id&client_secret=secret");
    assert_eq!(sent.authorization, None);
}

#[test]
fn every_name_has_its_preset() {
    for name in Provider::NAMES {
        assert!(Provider::by_name(name).is_some(), "{name}");
    }
    assert!(Provider::by_name("Octopus").is_none());
    assert!(Provider::by_name("").is_none());
}
