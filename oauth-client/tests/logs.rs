//! Everything that our code and the HTTP and TLS libraries log, at the finest level, listened to.

use std::io;
use std::sync::{Arc, Mutex};

use oauth_client::{Client, Loopback, Secret, TokenTypeHint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tracing_subscriber::fmt::MakeWriter;

use crate::scripted_server::ScriptedServer;
use crate::scripted_server::Step::{self, ReadRequest, Write};
use crate::tls::Authority;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Words that stand nowhere else in this binary.
const CLIENT_SECRET: &str = "pii-client-secret";
const DEVICE_CODE: &str = "pii-device-code";
const USER_CODE: &str = "PIIU-SERC";
const ACCESS_TOKEN: &str = "pii-access-token";
const REFRESH_TOKEN: &str = "pii-refresh-token";
const ID_TOKEN: &str = "pii-id-token";
const CODE: &str = "pii-authorization-code";
const PROXY_PASSWORD: &str = "pii-proxy-password";
const QUERY: &str = "pii-in-a-query";

const CODES: Step = Write(
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
     {\"device_code\":\"pii-device-code\",\"user_code\":\"PIIU-SERC\",\
     \"verification_uri\":\"https://example.com/device\",\"interval\":1}",
);
const TOKENS: Step = Write(
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
     {\"access_token\":\"pii-access-token\",\"refresh_token\":\"pii-refresh-token\",\
     \"id_token\":\"a.pii-id-token.c\",\"token_type\":\"Bearer\"}",
);

#[tokio::test]
async fn no_secret_reaches_a_log_at_any_level() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .init();
    let mut debugged = String::new();
    let mut note = |shown: String| debugged.push_str(&shown);

    // Not mockito, which logs what it receives.
    let server = ScriptedServer::start(&[
        &[ReadRequest, CODES],
        &[ReadRequest, TOKENS],
        &[ReadRequest, TOKENS],
        &[ReadRequest, TOKENS],
        &[
            ReadRequest,
            Write("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\npii-access-token"),
        ],
        &[
            ReadRequest,
            Write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"access_token\":\"pii-access-token\"}"),
        ],
        &[ReadRequest, Write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npii-access-token")],
        &[ReadRequest, TOKENS],
    ])
    .await;
    let url = server.url("");
    let builder = || {
        Client::builder("pii-client")
            .client_secret_basic(CLIENT_SECRET)
            .authorization_endpoint(format!("{url}/authorize"))
            .device_authorization_endpoint(format!("{url}/device"))
            .token_endpoint(format!("{url}/token"))
            .revocation_endpoint(format!("{url}/revoke"))
            .introspection_endpoint(format!("{url}/introspect"))
            .resource_origin(&*url)
            .proxy(format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1"))
    };
    let client = builder().clock(crate::virtual_clock::VirtualClock::new()).build().unwrap();
    note(format!("{client:?}"));

    let mut login = client.device_login("").await.unwrap();
    note(format!("{:?}", login.snapshot()));
    login.next_event().await;
    while let Some(event) = login.next_event().await {
        note(format!("{event:?}"));
    }
    let access_token = Secret::from(ACCESS_TOKEN);
    let answer = client.refresh(&Secret::from(REFRESH_TOKEN)).await.unwrap();
    note(format!("{answer:?} {access_token:?}"));
    note(format!("{:?}", client.client_credentials("").await));
    note(format!("{:?}", client.identity(&answer).await));
    let failed = client.revoke(&Secret::from(REFRESH_TOKEN), TokenTypeHint::RefreshToken).await.unwrap_err();
    note(format!("{failed} {failed:?}"));
    let failed = client.introspect(&access_token, TokenTypeHint::AccessToken).await.unwrap_err();
    note(format!("{failed} {failed:?}"));
    let resource = client.get_resource(&format!("{url}/resource?q={QUERY}"), &access_token).await.unwrap();
    note(format!("{resource:?}"));

    // A browser comes back; nobody is at the proxy; TLS, trusted and not.
    let browser_login = client.loopback_login("", &Loopback::default()).await.unwrap();
    let authorization_url = url::Url::parse(&browser_login.authorization_url()).unwrap();
    let state = authorization_url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let redirect = url::Url::parse(browser_login.redirect_uri()).unwrap();
    let waiting = tokio::spawn(browser_login.wait());
    let port = redirect.port().unwrap();
    let mut browser = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let get = format!("GET /callback?code={CODE}&state={state} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    browser.write_all(get.as_bytes()).await.unwrap();
    let mut page = String::new();
    browser.read_to_string(&mut page).await.unwrap();
    note(format!("{:?} {page}", waiting.await.unwrap()));
    let far = builder().token_endpoint("https://far.example/token");
    let far = far.root_certificates_pem(Authority::new().pem()).build().unwrap();
    let failed = far.refresh(&Secret::from(REFRESH_TOKEN)).await.unwrap_err();
    note(format!("{failed} {failed:?}"));
    let authority = Authority::new();
    let tls_port = authority.server_named("localhost").await;
    for roots in [authority.pem(), Authority::new().pem()] {
        let client = builder().token_endpoint(format!("https://localhost:{tls_port}/token"));
        let result =
            client.root_certificates_pem(roots).build().unwrap().refresh(&Secret::from(REFRESH_TOKEN)).await;
        note(format!("{result:?}"));
    }

    assert_eq!(server.requests().len(), 8);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // The listener hears our own code and the libraries.
    for heard in ["oauth_client", "reqwest::connect", "hyper_util", "rustls::client"] {
        assert!(log.contains(heard), "{heard} is not in the log: has its feature been lost?");
    }
    // base64 of `pii-client:pii-client-secret`
    let basic = "cGlpLWNsaWVudDpwaWktY2xpZW50LXNlY3JldA";
    // base64 of `user:pii-proxy-password`
    let proxy_basic = "dXNlcjpwaWktcHJveHktcGFzc3dvcmQ";
    for secret in [
        CLIENT_SECRET,
        DEVICE_CODE,
        USER_CODE,
        ACCESS_TOKEN,
        REFRESH_TOKEN,
        ID_TOKEN,
        CODE,
        PROXY_PASSWORD,
        QUERY,
        basic,
        proxy_basic,
        state.as_str(),
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} in the log: {line:?}");
        assert!(!debugged.contains(secret), "{secret} in {debugged}");
    }
}
