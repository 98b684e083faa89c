//! The issuer is the URL that a client uses, byte for byte.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::state::{Received, State, basic};

const OPENID: &str = "/.well-known/openid-configuration";

fn get(state: &mut State, host: &str, path: &str) -> Received {
    state.send("GET", path, &[("host", host)], "")
}

fn post(state: &mut State, host: &str, path: &str, form: &str) -> Value {
    let headers = [("host", host), ("content-type", "application/x-www-form-urlencoded")];
    let answer = state.send("POST", path, &headers, form);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn claims(jwt: &Value) -> Value {
    let payload = jwt.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn each_name_of_the_server_is_an_issuer_of_its_own() {
    let mut state = State::new();
    for host in ["127.0.0.1:8080", "localhost:8080", "LocalHost:8080", "[::1]:8080"] {
        let metadata = get(&mut state, host, OPENID).json();
        assert_eq!(metadata["issuer"], format!("http://{host}"));
        assert_eq!(metadata["token_endpoint"], format!("http://{host}/token"));
        assert_eq!(metadata["jwks_uri"], format!("http://{host}/jwks"));
        let started = post(&mut state, host, "/device-authorization", "client_id=device");
        assert_eq!(started["verification_uri"], format!("http://{host}/device"));
        let refused = state.send("POST", "/token", &[("host", host)], "");
        assert!(refused.text("error_uri").starts_with(&format!("http://{host}/explain/")));
    }
}

#[test]
fn an_address_of_the_machine_is_an_issuer_where_others_may_come() {
    let mut state = State::with(|settings| settings.allow_remote = true);
    let metadata = get(&mut state, "192.168.1.5:8080", OPENID).json();
    assert_eq!(metadata["issuer"], "http://192.168.1.5:8080");
    assert_eq!(get(&mut state, "mock:8080", OPENID).status, 421, "a name may be an attacker's");
}

#[test]
fn a_name_that_was_allowed_is_an_issuer() {
    let mut state =
        State::with(|settings| settings.allowed_hosts = vec!["mock".to_owned(), "localhost:9000".to_owned()]);
    for host in ["mock:8080", "localhost:9000"] {
        assert_eq!(get(&mut state, host, OPENID).json()["issuer"], format!("http://{host}"));
    }
    for host in ["mock", "mock:9000", "other:8080", "mock.attacker.example:8080", "localhost:9001"] {
        assert_eq!(get(&mut state, host, OPENID).status, 421, "{host}");
    }
}

#[test]
fn a_configured_issuer_holds_for_every_name() {
    let mut state = State::with(|settings| settings.issuer = Some("http://mock.test".to_owned()));
    for host in ["127.0.0.1:8080", "localhost:8080", "mock.test"] {
        assert_eq!(get(&mut state, host, OPENID).json()["issuer"], "http://mock.test");
    }
}

#[test]
fn the_issuer_of_a_tenant_follows_the_name_too() {
    let mut state = State::new();
    let metadata = get(&mut state, "localhost:8080", "/.well-known/oauth-authorization-server/t/a").json();
    assert_eq!(metadata["issuer"], "http://localhost:8080/t/a");
    assert_eq!(metadata["token_endpoint"], "http://localhost:8080/t/a/token");
    let mut state = State::with(|settings| settings.issuer = Some("http://mock.test/base".to_owned()));
    let metadata = get(&mut state, "mock.test", "/base/t/a/.well-known/openid-configuration").json();
    assert_eq!(metadata["issuer"], "http://mock.test/base/t/a");
}

/// A device in a container asks under one name, the person and the resource server use others.
#[test]
fn a_login_may_be_approved_under_another_name_and_its_tokens_name_the_issuer_of_the_device() {
    let mut state = State::with(|settings| settings.allowed_hosts = vec!["mock".to_owned()]);
    let started = post(&mut state, "mock:8080", "/device-authorization", "client_id=device&scope=openid");
    let approve = format!("/_control/devices/{}/approve", started["user_code"].as_str().unwrap());
    let approved = state.send("POST", &approve, &[("host", "localhost:8080")], "");
    assert_eq!(approved.status, 204, "{}", approved.body);
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=device&device_code={}",
        started["device_code"].as_str().unwrap()
    );
    let tokens = post(&mut state, "mock:8080", "/token", &form);
    assert_eq!(claims(&tokens["access_token"])["iss"], "http://mock:8080");
    assert_eq!(claims(&tokens["access_token"])["aud"], "http://mock:8080/resource");
    assert_eq!(claims(&tokens["id_token"])["iss"], "http://mock:8080");

    let access_token = tokens["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {access_token}");
    let resource = [("host", "127.0.0.1:8080"), ("authorization", &*bearer)];
    assert_eq!(state.send("GET", "/resource", &resource, "").status, 200);
    for token in [access_token, tokens["refresh_token"].as_str().unwrap()] {
        let credentials = basic("api", "api-secret");
        let answer = state.post_with("/introspect", &[credentials.as_header()], &format!("token={token}"));
        assert_eq!(answer.json()["iss"], "http://mock:8080", "introspected under another name");
    }
}

#[test]
fn an_authorization_response_names_the_issuer_that_the_browser_used() {
    let mut state = State::with(|settings| settings.consent_page = false);
    let answer = get(&mut state, "localhost:8080", "/authorize?response_type=code&client_id=web&state=x");
    assert_eq!(answer.location_parameter("iss").unwrap(), "http%3A%2F%2Flocalhost%3A8080");
}

#[test]
fn a_foreign_name_never_gets_into_an_answer() {
    let mut state = State::new();
    let answer = get(&mut state, "attacker.example", "/token");
    assert_eq!(answer.status, 421);
    assert!(!answer.body.contains("http://attacker.example"), "{}", answer.body);
}

#[test]
fn a_redirect_to_another_origin_is_one_whatever_the_name() {
    for (host, elsewhere) in [("127.0.0.1", "localhost"), ("localhost", "127.0.0.1")] {
        let mut state = State::new();
        let host = format!("{host}:8080");
        state.send(
            "POST",
            "/_control/faults",
            &[("content-type", "application/json")],
            "{\"fault\": \"redirect\"}",
        );
        let answer = get(&mut state, &host, "/jwks");
        assert_eq!(answer.header("location").unwrap(), format!("http://{elsewhere}:8080/elsewhere"));
    }
}
