//! The signing key and its public half as a JWK set: RFC 7515, RFC 7517 and RFC 7518 section 3.4.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::authorization_server::Exchange;
use crate::error_response::ErrorResponse;
use crate::http_response::{Response, json, open_to_all_origins};

const KEY_ID: &str = "demo-es256";

pub(crate) fn respond(exchange: &Exchange<'_>) -> Result<Response, ErrorResponse> {
    exchange.allow("GET")?;
    let (x, y) = PUBLIC_POINT[1..].split_at(32);
    let keys = json!({ "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
        "use": "sig",
        "alg": "ES256",
        "kid": KEY_ID,
    }] });
    Ok(open_to_all_origins(json(StatusCode::OK, &keys)))
}

/// Signs `claims` as a JWT in compact form.
#[expect(clippy::expect_used, reason = "the key is a constant, and without entropy nothing works")]
pub(crate) fn sign(claims: &Value) -> String {
    static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
        EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &PRIVATE_SCALAR,
            &PUBLIC_POINT,
            &SystemRandom::new(),
        )
        .expect("the two halves belong together")
    });
    let header = json!({ "alg": "ES256", "kid": KEY_ID, "typ": "JWT" });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signing_input = format!("{}.{}", encode(&header), encode(claims));
    let signature = KEY
        .sign(&SystemRandom::new(), signing_input.as_bytes())
        .expect("the operating system has a random source");
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

// A demonstration key, known to everyone: it makes start-up fast, and signatures worth nothing outside tests.

#[rustfmt::skip]
const PRIVATE_SCALAR: [u8; 32] = [
    0x01, 0xbd, 0x8b, 0xa7, 0x1b, 0xe9, 0x95, 0x31, 0xb5, 0x97, 0x76, 0xd5, 0xfb, 0x21, 0x30, 0xf0,
    0x0a, 0xdb, 0x33, 0xe9, 0x41, 0x73, 0x47, 0xdf, 0x7c, 0xa9, 0x36, 0xe5, 0x31, 0xb7, 0x9e, 0xb3,
];

/// The uncompressed point of SEC 1 section 2.3.3: 4, x, y.
#[rustfmt::skip]
const PUBLIC_POINT: [u8; 65] = [
    0x04,
    0xd5, 0x3e, 0x68, 0xce, 0x67, 0xd8, 0xba, 0x20, 0x72, 0x75, 0x13, 0x5c, 0x47, 0xba, 0x6a, 0x7a,
    0xfb, 0x1a, 0x4c, 0x15, 0xdf, 0x55, 0x78, 0xde, 0xe3, 0x68, 0xe7, 0x48, 0x07, 0x48, 0xe7, 0xfa,
    0x54, 0x5e, 0xa9, 0x95, 0xe1, 0xb4, 0x36, 0xc1, 0xbc, 0xca, 0xbd, 0xd0, 0xc3, 0x9e, 0x80, 0x7a,
    0x4c, 0xdb, 0x60, 0x4d, 0x2e, 0xb9, 0xf4, 0xb9, 0x71, 0x01, 0x53, 0x14, 0x50, 0x0b, 0xf7, 0xb2,
];
