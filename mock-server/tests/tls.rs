//! TLS with certificates good and bad, as a client meets it.

use std::io;
use std::sync::Arc;

use mock_server::{ControlError, MockServer, Tls, TlsFault};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::raw_http;

/// Connects as someone who trusts this authority and calls the server by `name`.
pub(crate) async fn connect(port: u16, name: &str, authority_pem: &str) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap().to_owned(), stream).await
}

/// One request on a connection; what came until it ended.
async fn exchange(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

const METADATA: &str = "/.well-known/openid-configuration";

async fn start() -> MockServer {
    MockServer::builder().tls(Tls::generated()).start().await.unwrap()
}

/// Why somebody who trusts the server's authority does not go on; empty if they do.
async fn complaint(server: &MockServer) -> String {
    let authority = server.ca_certificate_pem().unwrap();
    match connect(server.port(), "localhost", &authority).await {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_gets_in_by_every_name_and_the_issuer_is_https() {
    let server = MockServer::builder().tls(Tls::generated()).allow_host("mock").start().await.unwrap();
    let (port, authority) = (server.port(), server.ca_certificate_pem().unwrap());
    assert_eq!(server.issuer(), format!("https://127.0.0.1:{port}"));
    assert_eq!(server.tenant("a").issuer(), format!("https://127.0.0.1:{port}/t/a"));
    for (name, host) in
        [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("mock", "mock")]
    {
        let mut stream = connect(port, name, &authority).await.unwrap();
        let answer = exchange(&mut stream, &get(METADATA, &format!("{host}:{port}"))).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains(&format!("\"issuer\":\"https://{host}:{port}\"")), "{answer}");
    }
    assert!(connect(port, "other.example", &authority).await.is_err());
}

#[tokio::test]
async fn the_host_of_the_issuer_is_on_the_certificate() {
    let server = MockServer::builder().tls(Tls::generated()).issuer("https://auth.test/base");
    let server = server.start().await.unwrap();
    connect(server.port(), "auth.test", &server.ca_certificate_pem().unwrap()).await.unwrap();
}

#[tokio::test]
async fn two_servers_have_two_authorities() {
    let (one, other) = (start().await, start().await);
    assert!(connect(one.port(), "localhost", &other.ca_certificate_pem().unwrap()).await.is_err());
}

#[tokio::test]
async fn every_bad_certificate_is_bad_in_its_own_way_and_good_again_afterwards() {
    let server = start().await;
    for (fault, words) in [
        (TlsFault::Expired, "expired"),
        (TlsFault::NotYetValid, "not valid yet"),
        (TlsFault::SelfSigned, "UnknownIssuer"),
        (TlsFault::UnknownAuthority, "UnknownIssuer"),
        (TlsFault::WrongHost, "wrong-host.invalid"),
        (TlsFault::CutOff, "eof"),
    ] {
        let guard = server.tls_fault(fault).unwrap().expect(2);
        for _ in 0..2 {
            let complaint = complaint(&server).await;
            assert!(complaint.contains(words), "{fault:?}: {complaint}");
        }
        drop(guard);
        assert_eq!(complaint(&server).await, "", "after {fault:?}");
    }
    server.assert_clean();
}

#[tokio::test]
async fn a_fault_for_the_next_connections_ends_by_itself() {
    let server = start().await;
    server.fail_next_handshakes(TlsFault::Expired, 2).unwrap();
    let complaints = [complaint(&server).await, complaint(&server).await, complaint(&server).await];
    assert!(complaints[0].contains("expired") && complaints[1].contains("expired"), "{complaints:?}");
    assert_eq!(complaints[2], "");
}

#[tokio::test]
async fn a_connection_from_before_the_fault_ends_so_that_the_next_request_meets_it() {
    let server = start().await;
    let mut stream =
        connect(server.port(), "localhost", &server.ca_certificate_pem().unwrap()).await.unwrap();
    let host = format!("localhost:{}", server.port());
    stream.write_all(format!("GET /jwks HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut some = [0; 15];
    stream.read_exact(&mut some).await.unwrap();
    let _guard = server.tls_fault(TlsFault::Expired).unwrap();
    // The end of the connection.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_client_that_goes_on_after_a_bad_certificate_gets_a_verdict() {
    let server = start().await;
    let stranger = server.ca_certificate_pem().unwrap();
    let _guard = server.tls_fault(TlsFault::WrongHost).unwrap();
    // It looks for a name that the certificate has: as blind as one that looks for none.
    let mut stream = connect(server.port(), "wrong-host.invalid", &stranger).await.unwrap();
    let host = format!("127.0.0.1:{}", server.port());
    exchange(&mut stream, &get(METADATA, &host)).await;
    let verdicts: Vec<String> = server.verdicts().iter().map(ToString::to_string).collect();
    assert_eq!(verdicts.len(), 1);
    assert!(
        verdicts[0].starts_with(
            "error certificate-validated: expected an end at the certificate, \
             got a request after one that is for another host (RFC 6749 section 10.9; "
        ),
        "{verdicts:?}"
    );
}

#[tokio::test]
async fn a_refusal_of_a_bad_certificate_is_seen_and_is_no_verdict() {
    let server = start().await;
    let checked = || server.verdicts_json().contains("\"certificate-validated\":1");
    assert!(!checked());
    let _guard = server.tls_fault(TlsFault::Expired).unwrap();
    assert!(complaint(&server).await.contains("expired"));
    // The alert is on its way: any later answer comes after it was read.
    while !checked() {
        tokio::task::yield_now().await;
    }
    server.assert_clean();
}

#[tokio::test]
async fn plain_http_is_told_to_use_https() {
    let server = start().await;
    let answer = raw_http::get(server.port(), METADATA, "").await.unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "invalid_request");
    assert_eq!(answer.json()["error_description"], "this port speaks TLS: use https");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_reset_comes_without_a_farewell_of_tls() {
    let server = start().await;
    let authority = server.ca_certificate_pem().unwrap();
    let mut stream = connect(server.port(), "localhost", &authority).await.unwrap();
    server.fail_next(mock_server::Endpoint::Metadata, &mock_server::Fault::ConnectionReset, 1);
    let host = format!("localhost:{}", server.port());
    stream.write_all(get(METADATA, &host).as_bytes()).await.unwrap();
    let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
}

#[tokio::test]
async fn the_control_interface_does_the_same_with_the_same_names() {
    let server = start().await;
    let (port, authority) = (server.port(), server.ca_certificate_pem().unwrap());
    let host = format!("localhost:{port}");
    for fault in TlsFault::ALL {
        let body = format!("{{\"fault\": \"{}\", \"connections\": 1}}", fault.name());
        let length = body.len();
        let mut stream = connect(port, "localhost", &authority).await.unwrap();
        let request = format!(
            "POST /_control/tls HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        // The connection ends although nothing asked for that: the fault is for the next.
        let answer = exchange(&mut stream, &request).await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
        assert_ne!(complaint(&server).await, "", "{fault:?}");
        assert_eq!(complaint(&server).await, "", "{fault:?}");
    }
    let mut stream = connect(port, "localhost", &authority).await.unwrap();
    let answer = exchange(&mut stream, &get("/_control/tls/ca.pem", &host)).await;
    assert!(answer.ends_with(&authority), "{answer}");
}

#[tokio::test]
async fn a_server_without_tls_or_without_an_authority_says_why_it_cannot() {
    let plain = MockServer::start().await.unwrap();
    assert_eq!(plain.tls_fault(TlsFault::Expired).unwrap_err(), ControlError::NotOverTls);
    let (certificate, key) = own_certificate();
    let own = MockServer::builder().tls(Tls::from_pem(certificate.clone(), key)).start().await.unwrap();
    assert_eq!(own.ca_certificate_pem(), None);
    connect(own.port(), "own.test", &certificate).await.unwrap();
    assert_eq!(own.tls_fault(TlsFault::Expired).unwrap_err(), ControlError::NoAuthority);
    let _guard = own.tls_fault(TlsFault::UnknownAuthority).unwrap();
    assert!(connect(own.port(), "own.test", &certificate).await.is_err());
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_explained_at_the_start() {
    let (certificate, key) = own_certificate();
    let (_, other_key) = own_certificate();
    for (certificate, key, words) in [
        (String::new(), key.clone(), "no BEGIN CERTIFICATE block"),
        (certificate.clone(), certificate.clone(), "no private key"),
        (certificate.clone(), other_key, "cannot be used: "),
    ] {
        let error = MockServer::builder().tls(Tls::from_pem(certificate, key)).start().await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// A certificate for `own.test` that vouches for itself, and its key.
pub(crate) fn own_certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["own.test".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}
