//! OpenID Connect Core section 2: the signature is checked with the key from `/jwks`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_server::{AccessTokenFormat, Client, SigningAlgorithm};
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use crate::state::State;

fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).expect("base64url")
}

/// The claims, after the signature was checked.
fn verified_claims(state: &mut State, id_token: &str) -> Value {
    let parts: Vec<&str> = id_token.split('.').collect();
    let header: Value = serde_json::from_slice(&decode(parts[0])).unwrap();
    assert_eq!(header["alg"], "ES256");
    let keys = state.get("/jwks").json();
    let key = &keys["keys"][0];
    assert_eq!(key["kid"], header["kid"]);
    assert_eq!((key["kty"].as_str(), key["crv"].as_str()), (Some("EC"), Some("P-256")));
    let mut point = vec![4];
    point.extend(decode(key["x"].as_str().unwrap()));
    point.extend(decode(key["y"].as_str().unwrap()));
    let signed = format!("{}.{}", parts[0], parts[1]);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decode(parts[2]))
        .expect("a genuine signature");
    serde_json::from_slice(&decode(parts[1])).unwrap()
}

#[test]
fn it_comes_with_the_scope_openid_alone() {
    let mut state = State::new();
    for (scope, expected) in [("openid", true), ("read+profile", false)] {
        let login = state.start_device_login_with(&format!("client_id=device&scope={scope}"));
        state.approve(&login);
        assert_eq!(state.poll(&login).json().get("id_token").is_some(), expected, "{scope}");
    }
}

#[test]
fn it_says_who_signed_in_where_and_for_how_long() {
    let mut state = State::new();
    let login = state.start_device_login_with("client_id=device&scope=openid+profile+email");
    state.approve(&login);
    let answer = state.poll(&login);
    let claims = verified_claims(&mut state, &answer.text("id_token"));
    assert_eq!(claims["iss"], "http://127.0.0.1:8080");
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], "device");
    assert_eq!(claims["iat"], 1_800_000_000);
    assert_eq!(claims["exp"], 1_800_003_600);
    assert_eq!(claims["auth_time"], 1_800_000_000);
    assert_eq!(claims["name"], "Alice Example");
    assert_eq!(claims["preferred_username"], "alice");
    assert_eq!(claims["email"], "alice@example.com");
    let hash = digest(&SHA256, answer.text("access_token").as_bytes());
    assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
}

#[test]
fn the_nonce_of_the_request_is_in_it() {
    let mut state = State::with(|settings| settings.consent_page = false);
    let code = state.code("&scope=openid&nonce=n-0S6_WzA2Mj");
    let id_token = state.redeem(&code, "").text("id_token");
    assert_eq!(verified_claims(&mut state, &id_token)["nonce"], "n-0S6_WzA2Mj");
}

#[test]
fn a_refresh_signs_a_new_one_with_the_old_auth_time() {
    let mut state = State::new();
    let tokens = state.device_tokens("openid");
    state.wait_seconds(100);
    let form = format!("grant_type=refresh_token&client_id=device&refresh_token={}", tokens.refresh_token);
    let id_token = state.post("/token", &form).text("id_token");
    let claims = verified_claims(&mut state, &id_token);
    assert_eq!(claims["iat"], 1_800_000_100);
    assert_eq!(claims["auth_time"], 1_800_000_000);
}

/// OpenID Connect Core section 15.1: "OPs MUST support signing ID Tokens with the RSA SHA-256 algorithm".
#[test]
fn a_client_registers_how_its_id_tokens_are_signed() {
    for format in [AccessTokenFormat::Es256, AccessTokenFormat::Rs256, AccessTokenFormat::Opaque] {
        for (algorithm, alg) in [(SigningAlgorithm::Es256, "ES256"), (SigningAlgorithm::Rs256, "RS256")] {
            let mut state = State::with(|settings| settings.access_token_format = format);
            state.server.put_client(Client::public("device").with_id_token_signed_response_alg(algorithm));
            let login = state.start_device_login_with("client_id=device&scope=openid");
            state.approve(&login);
            let id_token = state.poll(&login).text("id_token");
            let header: Value = serde_json::from_slice(&decode(id_token.split('.').next().unwrap())).unwrap();
            assert_eq!(header["alg"], alg, "{format:?}");
            let client = state.get("/_control/clients/device").json();
            assert_eq!(client["id_token_signed_response_alg"], alg);
        }
    }
}

#[test]
fn keys_are_open_to_all_origins() {
    assert_eq!(State::new().get("/jwks").header("access-control-allow-origin"), Some("*"));
}
