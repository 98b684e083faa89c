//! The look of access tokens, their lifetimes, and who they stand for.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_server::{AccessTokenFormat, Client, Person};
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::state::{State, basic};

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn parts(jwt: &str) -> [&str; 3] {
    jwt.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// The key that `/jwks` names so; a missing one fails the test.
fn key(state: &mut State, id: &str) -> Value {
    let keys = state.get("/jwks").json();
    keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == id).unwrap().clone()
}

fn bytes(key: &Value, member: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(key[member].as_str().unwrap()).unwrap()
}

#[test]
fn an_access_token_is_a_jwt_of_rfc_9068_signed_with_es256() {
    let mut state = State::new();
    let token = state.device_tokens("read").access_token;
    let [header, claims, signature] = parts(&token);
    assert_eq!(decoded(header), json!({ "alg": "ES256", "kid": "demo-es256", "typ": "at+jwt" }));
    let mut claims = decoded(claims);
    assert_eq!(claims["jti"].take().as_str().map(str::len), Some(43));
    assert_eq!(
        claims,
        json!({
            "iss": "http://127.0.0.1:8080",
            "aud": "http://127.0.0.1:8080/resource",
            "sub": "alice",
            "client_id": "device",
            "scope": "read",
            "iat": 1_800_000_000,
            "nbf": 1_800_000_000,
            "exp": 1_800_003_600,
            "auth_time": 1_800_000_000,
            "jti": null,
        })
    );
    let key = key(&mut state, "demo-es256");
    let point = [vec![4], bytes(&key, "x"), bytes(&key, "y")].concat();
    let signed = token.rsplit_once('.').unwrap().0;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
}

#[test]
fn rs256_signs_access_and_id_tokens_on_request() {
    let mut state = State::with(|settings| settings.access_token_format = AccessTokenFormat::Rs256);
    let metadata = state.get("/.well-known/openid-configuration").json();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["RS256", "ES256"]));
    let login = state.start_device_login_with("client_id=device&scope=openid");
    state.approve(&login);
    let answer = state.poll(&login);
    let key = key(&mut state, "demo-rs256");
    let key = PublicKeyComponents { n: bytes(&key, "n"), e: bytes(&key, "e") };
    for (member, media_type) in [("access_token", "at+jwt"), ("id_token", "JWT")] {
        let token = answer.text(member);
        let [header, _, signature] = parts(&token);
        assert_eq!(decoded(header), json!({ "alg": "RS256", "kid": "demo-rs256", "typ": media_type }));
        let signed = token.rsplit_once('.').unwrap().0;
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).unwrap();
    }
    assert_eq!(state.resource(&answer.text("access_token")).status, 200);
}

#[test]
fn an_opaque_token_says_nothing() {
    let mut state = State::with(|settings| settings.access_token_format = AccessTokenFormat::Opaque);
    let token = state.device_tokens("read").access_token;
    assert_eq!((token.len(), token.contains('.')), (43, false));
    assert_eq!(state.resource(&token).status, 200);
}

#[test]
fn a_jwt_that_this_server_did_not_issue_is_refused() {
    let mut state = State::new();
    let token = state.device_tokens("read").access_token;
    // The same signature, by the same key that everyone knows, in the hands of another server.
    assert_eq!(State::new().resource(&token).status, 401);
}

#[test]
fn lifetimes_are_told_and_kept() {
    let mut state = State::with(|settings| {
        settings.lifetimes.access_token = Duration::from_secs(60);
        settings.lifetimes.device_code = Some(Duration::from_secs(120));
        settings.lifetimes.authorization_code = Duration::from_secs(30);
        settings.lifetimes.refresh_token = Duration::from_secs(90);
        settings.consent_page = false;
    });
    let answer = state.post("/device-authorization", "client_id=device");
    assert_eq!(answer.json()["expires_in"], 120);
    let tokens = state.device_tokens("read");
    let code = state.code("");
    state.wait_seconds(30);
    state.redeem(&code, "").assert_error(400, "invalid_grant");
    state.wait_seconds(29);
    assert_eq!(state.resource(&tokens.access_token).status, 200);
    state.wait_seconds(1);
    assert_eq!(state.resource(&tokens.access_token).status, 401);
    state.wait_seconds(30);
    let form = format!("grant_type=refresh_token&client_id=device&refresh_token={}", tokens.refresh_token);
    state.post("/token", &form).assert_error(400, "invalid_grant");
}

#[test]
fn clients_and_people_may_be_others_than_the_ready_made_ones() {
    let mut state = State::with(|settings| {
        settings.clients = vec![Client::confidential("tv", "s3cret")];
        settings.users = vec![
            Person::new("bob"),
            Person::new("carol").with_claim("email", "c@example.com").with_claim("team", "blue"),
        ];
    });
    state.post("/device-authorization", "client_id=device").assert_error(401, "invalid_client");
    let tv = basic("tv", "s3cret");
    let started = state.post_with("/device-authorization", &[tv.as_header()], "scope=openid+email");
    let user_code = started.text("user_code");
    let unknown = state.server.approve_as(state.now, &user_code, "alice");
    assert_eq!(unknown, Err(mock_server::ControlError::UnknownUser));
    state.server.approve_as(state.now, &user_code, "carol").unwrap();
    let device_code = started.text("device_code");
    let form = format!("grant_type={}&device_code={device_code}", crate::state::DEVICE_GRANT);
    let tokens = state.post_with("/token", &[tv.as_header()], &form).tokens();
    let authorization = format!("Bearer {}", tokens.access_token);
    let claims = state.send("GET", "/userinfo", &[("authorization", &authorization)], "").json();
    assert_eq!(claims, json!({ "sub": "carol", "email": "c@example.com", "team": "blue" }));
}
