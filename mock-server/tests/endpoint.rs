//! Paths.

use crate::state::{State, basic};

#[test]
fn every_endpoint_answers_with_and_without_a_trailing_slash() {
    for path in [
        "/authorize",
        "/token",
        "/device-authorization",
        "/device",
        "/resource",
        "/userinfo",
        "/revoke",
        "/introspect",
        "/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/_control/devices",
        "/_control/requests",
    ] {
        let mut state = State::new();
        let bare = state.get(path).status;
        assert_ne!(bare, 404, "{path}");
        assert_eq!(state.get(&format!("{path}/")).status, bare, "{path}/");
        assert_eq!(state.get(&format!("{path}//")).status, 404, "{path}//");
        assert_eq!(state.get(&format!("{path}/x")).status, 404, "{path}/x");
    }
}

#[test]
fn a_form_posted_to_the_slash_path_is_handled() {
    let service = basic("service", "service-secret");
    let answer = State::new().post_with("/token/", &[service.as_header()], "grant_type=client_credentials");
    assert_eq!(answer.status, 200);
}

#[test]
fn an_unknown_path_is_not_found() {
    for path in ["//", "/tokens", "/_control", "/_control/devices/ABC/forgive", "/%00", "/../etc"] {
        State::new().get(path).assert_error(404, "invalid_request");
    }
}
