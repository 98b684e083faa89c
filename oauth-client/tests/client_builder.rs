//! What a builder refuses before anything is sent.

use oauth_client::{
    Client, ClientBuilder, ConfigurationError, EndpointUrlProblem, Error, InvalidClient, Provider, Secret,
    UrlError,
};

use crate::scripted_transport::Answer::Json;
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

fn builder() -> ClientBuilder {
    Client::builder("id").token_endpoint("https://server.example.com/token")
}

fn problem(builder: ClientBuilder) -> EndpointUrlProblem {
    match builder.build() {
        Err(Error::Url(UrlError::NotAnEndpoint(error))) => error.problem(),
        other => panic!("{other:?}"),
    }
}

fn configuration(builder: ClientBuilder) -> (ConfigurationError, String) {
    match builder.build() {
        Err(error @ Error::Configuration(kind)) => (kind, error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_without_a_server_is_none() {
    let (error, words) = configuration(Client::builder("id"));
    assert_eq!(error, ConfigurationError::NoServer);
    assert!(words.contains("give an issuer"), "{words}");
    // An API that only introspects has a server too.
    Client::builder("api")
        .client_secret("s")
        .introspection_endpoint("https://a.example/introspect")
        .build()
        .unwrap();
}

#[test]
fn http_is_for_loopback_only() {
    for host in ["127.0.0.1", "127.9.9.9:8080", "localhost:8080", "[::1]:8080"] {
        Client::builder("id").issuer(format!("http://{host}")).build().unwrap();
    }
    for host in [
        "server.example.com",
        "192.168.1.1",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "[::2]",
        "0.0.0.0",
    ] {
        assert_eq!(
            problem(Client::builder("id").issuer(format!("http://{host}"))),
            EndpointUrlProblem::Http,
            "{host}"
        );
    }
}

#[test]
fn every_url_given_is_held_to_that() {
    let http = "http://server.example.com/x";
    for given in [
        builder().issuer(http),
        builder().token_endpoint(http),
        builder().authorization_endpoint(http),
        builder().device_authorization_endpoint(http),
        builder().revocation_endpoint(http),
        builder().introspection_endpoint(http),
        builder().userinfo_endpoint(http),
        builder().resource_origin(http),
    ] {
        assert_eq!(problem(given), EndpointUrlProblem::Http);
    }
}

#[test]
fn one_host_may_go_without_tls_by_name_and_the_client_shows_it() {
    let client = Client::builder("id")
        .token_endpoint("http://Intranet:8080/token".to_lowercase())
        .dangerously_allow_http("INTRANET")
        .build()
        .unwrap();
    assert_eq!(client.dangerously_allowed_http_host(), Some("INTRANET"));
    let other =
        Client::builder("id").token_endpoint("http://intranet2/token").dangerously_allow_http("intranet");
    assert_eq!(problem(other), EndpointUrlProblem::Http);
    assert_eq!(builder().build().unwrap().dangerously_allowed_http_host(), None);
}

#[test]
fn a_url_that_would_be_changed_is_refused_with_the_one_that_would_be_sent() {
    for (given, expected) in [
        ("https://Server.Example.com/token", "https://server.example.com/token"),
        ("https://server.example.com:443/token", "https://server.example.com/token"),
        ("https://server.example.com/a/../token", "https://server.example.com/token"),
        ("https://server.example.com/%2E/token", "https://server.example.com/token"),
        ("https://server.example.com", "https://server.example.com/"),
        ("https://0x7f.1/token", "https://127.0.0.1/token"),
        ("HTTPS://server.example.com/token", "https://server.example.com/token"),
    ] {
        let error = Client::builder("id").token_endpoint(given).build().unwrap_err();
        let Error::Url(UrlError::NotNormalized { normalized, .. }) = &error else {
            panic!("{given}: {error:?}")
        };
        assert_eq!(normalized, expected);
        assert!(error.to_string().contains(expected) && error.to_string().contains(given), "{error}");
    }
    for given in ["https://server.example.com//token//", "https://server.example.com/token/?tenant=a/b&x=%2f"]
    {
        Client::builder("id").token_endpoint(given).build().unwrap();
    }
}

#[test]
fn an_issuer_is_compared_as_it_is_and_may_be_asked_only_where_no_url_changes() {
    // Auth0's issuers end in a slash, most have no path at all.
    for issuer in
        ["https://server.example.com", "https://server.example.com/", "https://server.example.com/tenant"]
    {
        assert_eq!(Client::builder("id").issuer(issuer).build().unwrap().issuer(), Some(issuer));
    }
    for issuer in
        ["https://Server.example.com", "https://server.example.com/a/../b", "https://server.example.com:443"]
    {
        let error = Client::builder("id").issuer(issuer).build().unwrap_err();
        assert!(matches!(error, Error::Url(UrlError::NotNormalized { .. })), "{issuer}: {error:?}");
    }
}

#[test]
fn a_host_that_is_none_is_refused() {
    for url in ["https://256.256.256.256/token", "https://1.2.3.4.5/token", "https://xn--a/token"] {
        let error = Client::builder("id").token_endpoint(url).build().unwrap_err();
        assert!(matches!(&error, Error::Url(UrlError::InvalidHost { given }) if given == url), "{error:?}");
    }
}

#[test]
fn credentials_that_no_server_accepts_are_refused_and_never_repeated() {
    for secret in ["", "line end\n", "ümlaut"] {
        let error = builder().client_secret(secret).build().unwrap_err();
        assert!(matches!(error, Error::InvalidClient(InvalidClient::ClientSecret)), "{error:?}");
        assert!(secret.is_empty() || !format!("{error} {error:?}").contains(secret));
    }
    for client_id in ["", "id\n"] {
        let error = Client::builder(client_id).token_endpoint("https://a.example/t").build().unwrap_err();
        assert!(matches!(error, Error::InvalidClient(InvalidClient::ClientId)), "{error:?}");
    }
}

#[test]
fn certificates_must_be_there_and_whole() {
    let whole = crate::tls::Authority::new().pem();
    builder().root_certificates_pem(whole.as_str()).build().unwrap();
    builder().root_certificates_pem(format!("{whole}\n# and another\n{whole}")).build().unwrap();
    let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let cut_off = &whole[..whole.len() / 2];
    for pem in ["", "no PEM at all", no_der, key, cut_off] {
        let (error, words) = configuration(builder().root_certificates_pem(pem));
        assert_eq!(error, ConfigurationError::NoCertificates, "{pem}");
        assert!(words.contains("BEGIN CERTIFICATE"), "{words}");
    }
}

#[test]
fn a_proxy_is_an_http_url_and_its_password_is_never_shown() {
    for url in ["http://proxy.example.com:3128", "https://user:pass@proxy.example.com", "http://127.0.0.1:1"]
    {
        builder().proxy(url).build().unwrap();
    }
    for url in ["", "proxy.example.com:3128", "socks5://user:pass@proxy.example.com", "http://"] {
        let (error, words) = configuration(builder().proxy(url));
        assert_eq!(error, ConfigurationError::Proxy, "{url}");
        assert!(!words.contains("pass@"), "{words}");
    }
}

#[test]
fn a_user_agent_that_would_split_the_request_is_refused() {
    let (error, words) = configuration(builder().user_agent("device/1.0\r\nX-Injected: yes"));
    assert_eq!(error, ConfigurationError::UserAgent);
    assert!(!words.contains("X-Injected"), "{words}");
}

#[tokio::test]
async fn building_sends_nothing_and_clones_share_what_was_learnt() {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(
        &clock,
        [
            Json(
                200,
                r#"{"issuer":"https://server.example.com","token_endpoint":"https://server.example.com/t"}"#,
            ),
            Json(200, r#"{"access_token":"a"}"#),
            Json(200, r#"{"access_token":"b"}"#),
        ],
    );
    let client = Client::builder("id")
        .provider(Provider::nomos("https://server.example.com"))
        .transport(transport.clone())
        .build()
        .unwrap();
    assert!(transport.sent().is_empty());
    let other = client.clone();
    client.refresh(&Secret::from("r")).await.unwrap();
    other.refresh(&Secret::from("r")).await.unwrap();
    let urls: Vec<String> = transport.sent().into_iter().map(|sent| sent.url).collect();
    assert_eq!(
        urls,
        [
            "https://server.example.com/.well-known/oauth-authorization-server",
            "https://server.example.com/t",
            "https://server.example.com/t",
        ]
    );
}

#[tokio::test]
async fn added_parameters_go_with_every_request_that_starts_a_login() {
    let refusal = || Json(400, r#"{"error":"invalid_target"}"#);
    let transport = ScriptedTransport::new(&VirtualClock::new(), [refusal(), refusal()]);
    let client = builder()
        .client_secret("s")
        .device_authorization_endpoint("https://server.example.com/device")
        .authorization_endpoint("https://server.example.com/authorize")
        .parameter("audience", "https://api.example.com")
        .transport(transport.clone())
        .build()
        .unwrap();
    client.device_login("").await.err().unwrap();
    client.client_credentials("").await.unwrap_err();
    for request in transport.sent() {
        assert!(request.body.contains("audience=https%3A%2F%2Fapi.example.com"), "{request:?}");
    }
    assert_eq!(transport.sent().len(), 2);
    let login = client.authorization_code_login("", "https://app.example.com/cb").await.unwrap();
    assert!(login.authorization_url().contains("&audience=https%3A%2F%2Fapi.example.com"));
}
