//! Behind a proxy: a real one, with and without a user name and a password.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use mock_server::{MockServer, Tls};

use super::machine::{Machine, server};

/// No name server knows it: whoever arrives there came through the proxy.
const HOST: &str = "auth.example.test";
const PASSWORD: &str = "pr0xy-s3cret";

/// An HTTP proxy that leads everybody to one port of this machine.
struct Proxy {
    port: u16,
    passed: Arc<AtomicUsize>,
}

#[test]
#[ignore = "needs unshare; run by tests/run"]
fn through_a_proxy_that_asks_for_nothing() {
    let (server, mut machine) = tls_server();
    let proxy = Proxy::start(server.port(), None);
    machine.set("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port));
    machine.sign_in(&server, &issuer(), &[]);
    machine.has_a_login();
    assert!(proxy.passed.load(Ordering::Relaxed) > 0);
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("proxy", "ok", "by HTTPS_PROXY; it listens", "");

    // Left out, nobody knows the name.
    machine.set("NO_PROXY", HOST);
    let report = machine.doctor(&[]);
    report.says("proxy", "ok", "not used for this server, by NO_PROXY", "");
    report.says("names (DNS)", "problem", HOST, "");
    machine.unset("NO_PROXY");

    // The proxy is gone.
    drop(TcpStream::connect(("127.0.0.1", proxy.port)));
    machine.set("HTTPS_PROXY", "http://127.0.0.1:1");
    let refused = machine.run(&["refresh", "--force"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    machine.has_a_login();
    machine.doctor(&[]).says("proxy", "problem", "nothing listens there", "correct HTTPS_PROXY");
    server.assert_clean();
}

#[test]
#[ignore = "needs unshare; run by tests/run"]
fn a_proxy_wants_a_password_and_gets_the_right_one_the_wrong_one_or_none() {
    let (server, mut machine) = tls_server();
    let proxy = Proxy::start(server.port(), Some(PASSWORD));
    machine.set("https_proxy", format!("http://alice:{PASSWORD}@127.0.0.1:{}", proxy.port));
    machine.sign_in(&server, &issuer(), &[]);
    machine.has_a_login();
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("proxy", "ok", "with a user name and a password, by https_proxy", "");
    let told = machine.run(&["doctor"]).stdout;
    assert!(!told.contains(PASSWORD) && !told.contains("alice"), "{told}");

    for (credentials, mend) in [("", ""), ("alice:wr0ng@", ", with the right ones")] {
        let before = proxy.passed.load(Ordering::Relaxed);
        machine.set("https_proxy", format!("http://{credentials}127.0.0.1:{}", proxy.port));
        let refused = machine.fails_to_sign_in(&issuer(), &["--store", "file", "--profile", "other"]);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("the proxy wants a user name and a password"), "{refused:?}");
        assert!(!refused.stderr.contains("wr0ng"), "{refused:?}");
        machine.has_a_login();
        let report = machine.doctor(&[]);
        report.finds_no_problem_but(&["metadata"]);
        let mend = format!("export https_proxy=http://USER:PASSWORD@127.0.0.1:{}{mend}", proxy.port);
        report.says("metadata", "problem", "the proxy wants a user name and a password", &mend);
        assert_eq!(proxy.passed.load(Ordering::Relaxed), before);
    }
    server.assert_clean();
}

/// Without TLS there is no tunnel: the proxy reads the request and may answer it itself.
#[test]
#[ignore = "needs unshare; run by tests/run"]
fn without_tls_the_proxys_refusal_is_not_taken_for_the_servers() {
    let issuer = format!("http://{HOST}");
    let server = server().issuer(issuer.as_str()).start_blocking().unwrap();
    let proxy = Proxy::start(server.port(), Some(PASSWORD));
    let mut machine = Machine::new();
    let more = ["--dangerously-allow-http", HOST];
    machine.set("HTTP_PROXY", format!("http://127.0.0.1:{}", proxy.port));
    let refused = machine.fails_to_sign_in(&issuer, &[&["--store", "file"], &more[..]].concat());
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("the proxy wants a user name and a password"), "{refused:?}");
    let report = machine.doctor(&[&["--issuer", &issuer], &more[..]].concat());
    report.says("metadata", "problem", "the proxy wants", "export HTTP_PROXY=http://USER:PASSWORD@");
    report.says("TLS", "note", HOST, "--dangerously-allow-http");

    machine.set("HTTP_PROXY", format!("http://alice:{PASSWORD}@127.0.0.1:{}", proxy.port));
    machine.sign_in(&server, &issuer, &more);
    machine.has_a_login();
    machine.doctor(&[]).finds_no_problem_but(&[]);
    server.assert_clean();
}

fn issuer() -> String {
    format!("https://{HOST}")
}

/// A server that is found under its name by the proxy alone, and a machine that trusts it.
fn tls_server() -> (MockServer, Machine) {
    let server = server().tls(Tls::generated()).issuer(issuer()).start_blocking().unwrap();
    let mut machine = Machine::new();
    let ca = machine.file("ca.pem", server.ca_certificate_pem().unwrap());
    machine.set("DEVICE_CLI_CA_FILE", ca.display().to_string());
    (server, machine)
}

impl Proxy {
    fn start(target: u16, password: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let wanted = password.map(|password| {
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("alice:{password}"));
            format!("proxy-authorization: Basic {basic}")
        });
        let passed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&passed);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (wanted, counter) = (wanted.clone(), Arc::clone(&counter));
                thread::spawn(move || {
                    let _ = serve(client, target, wanted.as_deref(), &counter);
                });
            }
        });
        Self { port, passed }
    }
}

/// RFC 9110, section 9.3.6; a request that is for no tunnel goes on as it is.
fn serve(
    mut client: TcpStream,
    target: u16,
    wanted: Option<&str>,
    passed: &AtomicUsize,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head);
    let is_given = |wanted: &str| {
        let (name, value) = wanted.split_once(": ").unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split_once(": "))
            .any(|(own, sent)| own.eq_ignore_ascii_case(name) && sent == value)
    };
    if !wanted.is_none_or(is_given) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(refusal.as_bytes());
    }
    passed.fetch_add(1, Ordering::Relaxed);
    let mut server = TcpStream::connect(("127.0.0.1", target))?;
    if text.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    } else {
        server.write_all(&head)?;
    }
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    std::io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Write)
}
