//! Servers behind https.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use embedded_demo::Transport as _;
use mock_server::{MockServer, Tls, TlsFault};
use oauth_protocol::{
    AuthorizationScheme, AuthorizationServerMetadata, EndpointPolicy, Secret, TransportFailure,
};
use tempfile::TempDir;

use super::network::Network;
use super::{quick, run, said, text};

/// The server's authority, in a file.
fn authority(server: &MockServer) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, server.ca_certificate_pem().unwrap()).unwrap();
    (folder, path)
}

#[test]
fn it_signs_in_and_calls_over_tls() {
    let server = quick(MockServer::builder().tls(Tls::generated()));
    let (_folder, ca_file) = authority(&server);
    let resource = format!("{}/resource", server.issuer());
    assert!(resource.starts_with("https://"), "{resource}");
    let ca_file = ca_file.to_str().unwrap();
    let told = said(&["--issuer", server.issuer(), "--ca-file", ca_file, "--resource", &resource]);
    assert!(told.contains("visit https://") && told.contains(": HTTP 200\n"), "{told}");
    server.assert_clean();
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_is_refused_and_nothing_is_sent() {
    let server = quick(MockServer::builder().tls(Tls::generated()));
    let (_folder, ca_file) = authority(&server);
    let ca_file = ca_file.to_str().unwrap();
    for (fault, cause) in [
        (TlsFault::UnknownAuthority, "UnknownIssuer"),
        (TlsFault::WrongHost, "not valid for name"),
        (TlsFault::Expired, "certificate expired"),
        (TlsFault::NotYetValid, "not valid yet"),
        (TlsFault::SelfSigned, "invalid peer certificate"),
        (TlsFault::CutOff, "end of file"),
    ] {
        let _guard = server.tls_fault(fault).unwrap();
        let output = run(&["--issuer", server.issuer(), "--ca-file", ca_file]);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{fault:?}: {complaint}");
        assert!(complaint.contains("no trusted TLS connection") && complaint.contains(cause), "{complaint}");
        assert!(complaint.contains("--ca-file"), "{complaint}");
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}

/// Inside a login the device is told no more than that it was TLS.
#[test]
fn the_network_alone_says_the_same() {
    let server = quick(MockServer::builder().tls(Tls::generated()));
    let authority = server.ca_certificate_pem().unwrap();
    let mut network = Network::with_authority(authority.as_bytes()).unwrap();
    let exchange = |network: &mut Network| {
        let requests = AuthorizationServerMetadata::requests(&EndpointPolicy::new(), server.issuer());
        network.exchange(&requests.unwrap()[0]).map(|response| response.status())
    };
    server.fail_next_handshakes(TlsFault::WrongHost, 1).unwrap();
    assert_eq!(exchange(&mut network), Err(TransportFailure::Tls));
    let problem = network.problem().unwrap();
    assert!(problem.contains("not valid for name"), "{problem}");
    assert_eq!(exchange(&mut network), Ok(200));
    assert_eq!(network.problem(), None, "of the last exchange alone");
    // Whoever else this machine trusts.
    assert_eq!(exchange(&mut Network::with_tls()), Err(TransportFailure::Tls));
    let mut plain = Network::plain();
    assert_eq!(exchange(&mut plain), Err(TransportFailure::Tls));
    assert_eq!(plain.problem().as_deref(), Some("there is no TLS here"));
}

/// Hands each connection on to the server, and counts them.
fn relay(server: &MockServer) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let (server, counted) = (server.port(), Arc::clone(&count));
    thread::spawn(move || {
        for client in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let (mut from_server, mut to_client) = (server, client);
            // Whoever closes ends both ways.
            thread::spawn(move || io::copy(&mut from_client, &mut to_server));
            thread::spawn(move || io::copy(&mut from_server, &mut to_client));
        }
    });
    (port, count)
}

#[test]
fn an_encrypted_connection_is_kept_for_the_next_request() {
    let server = quick(MockServer::builder().tls(Tls::generated()));
    let authority = server.ca_certificate_pem().unwrap();
    let (port, connections) = relay(&server);
    let resource = EndpointPolicy::new().endpoint(&format!("https://127.0.0.1:{port}/resource")).unwrap();
    let request = AuthorizationScheme::Bearer.get(&resource, &Secret::from("none"));
    // On a machine that stands still for seconds the connection is too old, and there is another one.
    let was_kept = (0..20).any(|_| {
        let mut network = Network::with_authority(authority.as_bytes()).unwrap();
        let (start, before) = (Instant::now(), connections.load(Ordering::SeqCst));
        for _ in 0..3 {
            network.exchange(&request).unwrap();
        }
        let opened = connections.load(Ordering::SeqCst) - before;
        let is_quick = start.elapsed() < Duration::from_secs(3);
        assert!(opened == 1 || !is_quick, "{opened} connections for three requests");
        is_quick
    });
    assert!(was_kept, "never quick enough");
}

/// A preset has its endpoints by heart: the certificate is met at the first request of the login itself.
#[test]
fn endpoints_by_hand_meet_the_same_refusal() {
    let server = quick(MockServer::builder().tls(Tls::generated()));
    let endpoint = |path| format!("{}/{path}", server.issuer());
    let (device, token) = (endpoint("device-authorization"), endpoint("token"));
    let arguments = ["--issuer", server.issuer(), "--device-endpoint", &device, "--token-endpoint", &token];
    let output = run(&arguments);
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{complaint}");
    assert!(complaint.contains("UnknownIssuer") && complaint.contains("--ca-file"), "{complaint}");
}

#[test]
fn an_authority_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, "no certificate").unwrap();
    let output = run(&["--issuer", "https://127.0.0.1:1", "--ca-file", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(7));
    let complaint = text(&output.stderr);
    assert!(complaint.contains("no BEGIN CERTIFICATE block"), "{complaint}");
}
