//! TLS: whom the client trusts, and what it says where it does not.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oauth_client::{Client, Error, Obstacle, Secret, TransportFailure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::scripted_server::{ScriptedServer, Step};

/// A certificate authority of our own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        // Each under a name of its own: a client looks for its authority by name.
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let mut params = CertificateParams::default();
        let name = format!("Authority {}", COUNT.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server whose certificate is for `name`, on a port of 127.0.0.1; it gives everybody a token.
    pub(crate) async fn server_named(&self, name: &str) -> u16 {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
                )
                .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us hangs up here.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let body = "{\"access_token\":\"over-tls\"}";
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        port
    }
}

fn client(port: u16, roots: Option<&Authority>) -> Client {
    let builder = Client::builder("id").token_endpoint(format!("https://localhost:{port}/token"));
    match roots {
        Some(authority) => builder.root_certificates_pem(authority.pem()).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

async fn tls_failure(client: &Client, obstacle: Option<Obstacle>) -> String {
    match client.refresh(&Secret::from("r")).await {
        Err(Error::Transport(error)) => {
            assert_eq!((error.failure(), error.obstacle()), (TransportFailure::Tls, obstacle), "{error}");
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_authority_given_as_pem_is_trusted() {
    let authority = Authority::new();
    let port = authority.server_named("localhost").await;
    let token = client(port, Some(&authority)).refresh(&Secret::from("r")).await.unwrap();
    assert_eq!(token.access_token.expose(), "over-tls");
}

#[tokio::test]
async fn an_unknown_authority_is_refused_and_the_error_says_how_to_name_it() {
    let port = Authority::new().server_named("localhost").await;
    let client = client(port, Some(&Authority::new()));
    let words = tls_failure(&client, Some(Obstacle::UnknownAuthority)).await;
    assert!(words.contains("UnknownIssuer") && words.contains("as PEM"), "{words}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    let port = authority.server_named("auth.example.com").await;
    let client = client(port, Some(&authority));
    let words = tls_failure(&client, Some(Obstacle::OtherHostsCertificate)).await;
    assert!(words.contains("auth.example.com") && words.contains("check the host name"), "{words}");
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_is_a_tls_failure_that_asks_for_it() {
    use crate::scripted_server::{ScriptedServer, Step};
    let server =
        ScriptedServer::start(&[&[Step::Write("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Hold]]).await;
    let words = tls_failure(&client(server.port, Some(&Authority::new())), None).await;
    assert!(words.contains("speak TLS"), "{words}");
}

#[tokio::test]
async fn an_untrusted_server_ends_a_device_login_at_first_contact() {
    let port = Authority::new().server_named("localhost").await;
    let at = |path| format!("https://localhost:{port}{path}");
    let client = Client::builder("id")
        .device_authorization_endpoint(at("/device"))
        .token_endpoint(at("/token"))
        .root_certificates_pem(Authority::new().pem())
        .build()
        .unwrap();
    match client.device_login("").await.map(|login| login.user_code().to_owned()) {
        Err(Error::Transport(error)) => {
            assert_eq!(error.failure(), TransportFailure::Tls);
            assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_root_certificates_https_says_what_to_do_and_loopback_http_works() {
    if has_an_environment_of_its_own() {
        return https_says_what_to_do_and_loopback_http_works().await;
    }
    let this_test = "tls::without_root_certificates_https_says_what_to_do_and_loopback_http_works";
    run_in_an_environment_without_certificates(this_test, &[]);
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    if has_an_environment_of_its_own() {
        return https_says_what_to_do_and_loopback_http_works().await;
    }
    // Nobody listens there: a request that goes that way fails.
    let proxy = "http://127.0.0.1:1";
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let this_test = "tls::a_proxy_in_the_environment_is_not_used";
    run_in_an_environment_without_certificates(this_test, &names.map(|name| (name, proxy)));
}

async fn https_says_what_to_do_and_loopback_http_works() {
    let authority = Authority::new();
    let port = authority.server_named("localhost").await;
    let words = tls_failure(&client(port, None), Some(Obstacle::NoRootCertificates)).await;
    assert!(words.contains("no root certificates") && words.contains("PEM"), "{words}");
    client(port, Some(&authority)).refresh(&Secret::from("r")).await.unwrap();
    let server = ScriptedServer::start(&[&[
        Step::ReadRequest,
        Step::Write("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"access_token\":\"x\"}"),
    ]])
    .await;
    let over_http = Client::builder("id").token_endpoint(server.url("/token")).build().unwrap();
    over_http.refresh(&Secret::from("r")).await.unwrap();
}

const NO_CERTIFICATES: &str = "/nonexistent/cert.pem";

fn has_an_environment_of_its_own() -> bool {
    std::env::var_os("SSL_CERT_FILE").is_some_and(|file| file == NO_CERTIFICATES)
}

/// Runs one test of this file again, in a process of its own: the environment belongs to a whole process.
fn run_in_an_environment_without_certificates(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SSL_CERT_FILE", NO_CERTIFICATES)
        .env("SSL_CERT_DIR", "/nonexistent/certs")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}
