//! RFC 8414, OpenID Connect Discovery, RFC 9207.

use serde_json::Value;

use crate::state::State;

const RFC_8414: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

#[test]
fn both_well_known_paths_answer_the_same_for_all_origins() {
    let mut state = State::new();
    let document = state.get(RFC_8414);
    assert_eq!(document.status, 200);
    assert_eq!(document.header("content-type"), Some("application/json"));
    assert_eq!(document.header("access-control-allow-origin"), Some("*"));
    assert_eq!(state.get(OPENID).json(), document.json());
}

#[test]
fn the_issuer_is_the_url_byte_for_byte() {
    assert_eq!(State::new().get(RFC_8414).json()["issuer"], "http://127.0.0.1:8080");
}

#[test]
fn an_issuer_with_a_path_has_the_well_known_part_inserted_or_appended() {
    let mut state = State::with(|settings| settings.issuer = Some("http://127.0.0.1:8080/t1".to_owned()));
    for path in [
        "/.well-known/oauth-authorization-server/t1",
        "/.well-known/openid-configuration/t1",
        "/t1/.well-known/openid-configuration",
    ] {
        let document = state.get(path);
        assert_eq!(document.status, 200, "{path}");
        assert_eq!(document.json()["issuer"], "http://127.0.0.1:8080/t1");
        assert_eq!(document.json()["token_endpoint"], "http://127.0.0.1:8080/t1/token");
    }
    assert_eq!(state.get(RFC_8414).status, 404, "that would be another issuer's");
    assert_eq!(state.post("/t1/device-authorization", "client_id=device").status, 200);
}

#[test]
fn no_member_is_an_empty_array() {
    let Value::Object(members) = State::new().get(RFC_8414).json() else { panic!("no object") };
    assert!(members.values().all(|value| value.as_array().is_none_or(|array| !array.is_empty())));
}

#[test]
fn every_endpoint_named_is_served() {
    let mut state = State::new();
    let Value::Object(members) = state.get(RFC_8414).json() else { panic!("no object") };
    let urls = members.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    let mut count = 0;
    for (name, url) in urls {
        let path = url.as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap();
        assert_ne!(state.get(path).status, 404, "{name}");
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn what_is_named_is_true() {
    let document = State::new().get(RFC_8414).json();
    let list = |name: &str| -> Vec<String> {
        document[name].as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        list("grant_types_supported"),
        [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code"
        ]
    );
    assert_eq!(list("response_types_supported"), ["code"]);
    assert_eq!(list("code_challenge_methods_supported"), ["S256", "plain"]);
    assert_eq!(list("scopes_supported"), ["openid", "profile", "email", "offline_access", "read", "write"]);
    assert_eq!(
        list("token_endpoint_auth_methods_supported"),
        ["none", "client_secret_basic", "client_secret_post"]
    );
    assert_eq!(
        list("introspection_endpoint_auth_methods_supported"),
        ["client_secret_basic", "client_secret_post"]
    );
    // "The algorithm RS256 MUST be included."
    assert_eq!(list("id_token_signing_alg_values_supported"), ["ES256", "RS256"]);
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
}

#[test]
fn only_get_is_allowed() {
    State::new().post(RFC_8414, "").assert_error(405, "invalid_request");
}
