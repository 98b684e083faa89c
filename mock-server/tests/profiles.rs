//! How a profile differs; `octopus` against the literal words of its own page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock_server::Profile;

use crate::state::{CHALLENGE, State, VERIFIER};

fn octopus() -> State {
    State::with(|settings| {
        settings.profile = Profile::Octopus;
        settings.consent_page = false;
    })
}

#[test]
fn octopus_advertises_paths_with_a_slash() {
    let document = octopus().get("/.well-known/oauth-authorization-server").json();
    assert_eq!(document["authorization_endpoint"], "http://127.0.0.1:8080/authorize/");
    assert_eq!(document["token_endpoint"], "http://127.0.0.1:8080/token/");
    assert_eq!(document["device_authorization_endpoint"], "http://127.0.0.1:8080/device-authorization/");
}

#[test]
fn octopus_codes_are_eight_of_base32hex() {
    let mut state = octopus();
    for _ in 0..200 {
        let code = state.start_device_login().user_code;
        assert_eq!(code.len(), 8, "{code}");
        assert!(code.chars().all(|c| "0123456789ABCDEFGHIJKLMNOPQRSTUV".contains(c)), "{code}");
    }
}

#[test]
fn octopus_signs_a_device_in() {
    let mut state = octopus();
    let started = state.post("/device-authorization/", "client_id=device").json();
    assert_eq!(started["verification_uri"], "http://127.0.0.1:8080/device");
    assert_eq!(started.get("verification_uri_complete"), None);
    assert_eq!(started["expires_in"], 1800);
    state.server.approve(state.now, started["user_code"].as_str().unwrap()).unwrap();
    let form = format!(
        "client_id=device&device_code={}&grant_type=urn:ietf:params:oauth:grant-type:device_code",
        started["device_code"].as_str().unwrap()
    );
    let tokens = state.post("/token/", &form).tokens();
    let raw = [("authorization", tokens.access_token.as_str())];
    assert_eq!(state.send("GET", "/resource/", &raw, "").json()["sub"], "alice");
}

#[test]
fn octopus_wants_the_bare_token() {
    let mut state = octopus();
    let bearer = format!("Bearer {}", state.device_tokens("read").access_token);
    let answer = state.send("GET", "/resource/", &[("authorization", &bearer)], "");
    answer.assert_error(401, "invalid_token");
    assert!(answer.text("error_description").contains("without Bearer"));
}

#[test]
fn rfc_wants_the_scheme() {
    let mut state = State::new();
    let token = state.device_tokens("read").access_token;
    assert_eq!(state.send("GET", "/resource", &[("authorization", &token)], "").status, 401);
}

#[test]
fn octopus_gives_client_credentials_to_a_client_with_basic() {
    let authorization = format!("Basic {}", STANDARD.encode("service:service-secret"));
    let answer =
        octopus().post_with("/token/", &[("authorization", &authorization)], "grant_type=client_credentials");
    assert_eq!(answer.status, 200);
}

#[test]
fn octopus_exchanges_a_code_with_pkce() {
    let mut state = octopus();
    let answer = state.get(&format!(
        "/authorize/?response_type=code&client_id=native&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb\
         &code_challenge={CHALLENGE}&code_challenge_method=S256"
    ));
    let code = answer.location_parameter("code").unwrap();
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb\
         &client_id=native&code_verifier={VERIFIER}"
    );
    assert_eq!(state.post("/token/", &form).status, 200);
}
