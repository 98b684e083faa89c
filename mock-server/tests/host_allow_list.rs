//! Against DNS rebinding.

use crate::state::State;

fn status(host: &str) -> u16 {
    State::new().send("GET", "/device", &[("host", host)], "").status
}

#[test]
fn loopback_names_with_the_own_port_are_allowed() {
    for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
        assert_eq!(status(host), 200, "{host}");
    }
}

#[test]
fn foreign_hosts_are_misdirected_on_every_path() {
    for host in [
        "attacker.example",
        "attacker.example:8080",
        "127.0.0.1",
        "127.0.0.1:9090",
        "localhost",
        "user@127.0.0.1:8080",
        "127.0.0.1.attacker.example:8080",
        "",
        "[::1",
    ] {
        assert_eq!(status(host), 421, "{host}");
    }
    for path in ["/token", "/_control/requests", "/.well-known/openid-configuration", "/nowhere"] {
        let answer = State::new().send("GET", path, &[("host", "attacker.example")], "");
        answer.assert_error(421, "invalid_request");
    }
}

#[test]
fn two_host_headers_are_refused() {
    let both = [("host", "127.0.0.1:8080"), ("host", "127.0.0.1:8080")];
    assert_eq!(State::new().send("GET", "/device", &both, "").status, 421);
}

#[test]
fn the_target_of_the_request_must_agree_with_the_host() {
    let foreign = State::new().send("GET", "http://attacker.example/device", &[], "");
    assert_eq!(foreign.status, 421);
    assert_eq!(State::new().send("GET", "http://127.0.0.1:8080/device", &[], "").status, 200);
}

#[test]
fn the_host_of_the_issuer_is_allowed() {
    let mut state = State::with(|settings| settings.issuer = Some("http://mock.test:9000".to_owned()));
    assert_eq!(state.send("GET", "/device", &[("host", "mock.test:9000")], "").status, 200);
    assert_eq!(state.send("GET", "/device", &[("host", "other.test:9000")], "").status, 421);
    assert_eq!(state.send("GET", "/device", &[("host", "127.0.0.1:8080")], "").status, 200);
}
