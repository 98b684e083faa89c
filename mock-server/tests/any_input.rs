//! Whatever comes in, an answer that RFC 6749 knows goes out: no panic, no 5xx.

use proptest::prelude::*;

use crate::state::{State, basic};

const PATHS: [&str; 12] = [
    "/authorize",
    "/token",
    "/device-authorization",
    "/device",
    "/resource",
    "/userinfo",
    "/revoke",
    "/introspect",
    "/jwks",
    "/_control/clock/advance",
    "/_control/devices/x/approve",
    "/.well-known/oauth-authorization-server",
];

/// Names and values that get past the first checks, and anything else.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "client_id",
            "device",
            "web",
            "native",
            "grant_type",
            "authorization_code",
            "refresh_token",
            "code",
            "urn:ietf:params:oauth:grant-type:device_code",
            "device_code",
            "scope",
            "read",
            "openid",
            "user_code",
            "response_type",
            "redirect_uri",
            "http://127.0.0.1:1/cb",
            "http://127.0.0.1:8765/cb",
            "state",
            "token",
            "code_challenge",
            "code_challenge_method",
            "S256",
            "seconds",
            "1",
            "access_token",
            "decision",
            "approve",
            "csrf_token",
            "client_secret",
            "web-secret",
            "",
            "%",
            "%41",
            "%zz",
            "a+b",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,40}",
    ]
}

fn form() -> impl Strategy<Value = String> {
    prop::collection::vec((word(), word()), 0..8).prop_map(|pairs| {
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    })
}

proptest! {
    #[test]
    fn forms_are_answered_as_the_rfc_says(
        path in prop::sample::select(PATHS.as_slice()),
        form in form(),
        authenticated: bool,
    ) {
        let mut state = State::new();
        let web = basic("web", "web-secret");
        let headers = if authenticated { vec![web.as_header()] } else { vec![] };
        let answer = state.post_with(path, &headers, &form);
        prop_assert!(answer.status < 500, "{} {}", answer.status, answer.body);
        if answer.header("content-type") == Some("application/json") && answer.status >= 400 {
            prop_assert!(answer.json()["error"].is_string());
            let waits = matches!(answer.text("error").as_str(), "authorization_pending" | "access_denied");
            let control = path.starts_with("/_control");
            prop_assert!(waits || control || answer.json()["error_uri"].is_string(), "{}", answer.body);
        }
    }

    #[test]
    fn queries_and_headers_are_answered_as_the_rfc_says(
        path in prop::sample::select(PATHS.as_slice()),
        query in "[!$-;=?-~]{0,200}",
        name in prop::sample::select(vec!["authorization", "cookie", "origin", "host", "content-type"]),
        value in "[ -~]{0,100}",
    ) {
        let answer = State::new().send("GET", &format!("{path}?{query}"), &[(name, &value)], "");
        prop_assert!(answer.status < 500, "{} {}", answer.status, answer.body);
    }
}
