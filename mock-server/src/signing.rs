//! The signing keys, and signatures of JWTs by them: RFC 7515 and RFC 7518 sections 3.3, 3.4 and 6.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a JWT is signed: the `alg` of RFC 7518 section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// ECDSA with P-256 and SHA-256, by a key that everyone knows.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, by another such key.
    Rs256,
}

impl SigningAlgorithm {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    pub(crate) const fn key_id(self) -> &'static str {
        match self {
            Self::Es256 => "demo-es256",
            Self::Rs256 => "demo-rs256",
        }
    }
}

/// The public halves as JWKs (RFC 7517 section 4).
pub(crate) fn public_keys() -> [Value; 2] {
    [es256_key(), rs256_key()]
}

fn es256_key() -> Value {
    let (x, y) = PUBLIC_POINT[1..].split_at(32);
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
        "use": "sig",
        "alg": "ES256",
        "kid": SigningAlgorithm::Es256.key_id(),
    })
}

fn rs256_key() -> Value {
    let public = PublicKeyComponents::<Vec<u8>>::from(RS256_KEY.public());
    json!({
        "kty": "RSA",
        "n": URL_SAFE_NO_PAD.encode(public.n),
        "e": URL_SAFE_NO_PAD.encode(public.e),
        "use": "sig",
        "alg": "RS256",
        "kid": SigningAlgorithm::Rs256.key_id(),
    })
}

/// Signs `claims` as a JWT in compact form, with this `typ` in its header.
pub(crate) fn sign(algorithm: SigningAlgorithm, media_type: &str, claims: &Value) -> String {
    let header = json!({ "alg": algorithm.name(), "kid": algorithm.key_id(), "typ": media_type });
    sign_with_header(algorithm, &header, claims)
}

/// Signs `claims` under a header that need not tell the truth.
#[expect(clippy::expect_used, reason = "the keys are constants, and without entropy nothing works")]
pub(crate) fn sign_with_header(algorithm: SigningAlgorithm, header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let mut jwt = format!("{}.{}", encode(header), encode(claims));
    let random = SystemRandom::new();
    let mut rsa_signature;
    let ecdsa_signature;
    let signature: &[u8] = match algorithm {
        SigningAlgorithm::Es256 => {
            let signed = ES256_KEY.sign(&random, jwt.as_bytes());
            ecdsa_signature = signed.expect("the operating system has a random source");
            ecdsa_signature.as_ref()
        }
        SigningAlgorithm::Rs256 => {
            rsa_signature = vec![0; RS256_KEY.public().modulus_len()];
            let signed = RS256_KEY.sign(&RSA_PKCS1_SHA256, &random, jwt.as_bytes(), &mut rsa_signature);
            signed.expect("the signature is as long as the modulus");
            &rsa_signature
        }
    };
    jwt.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    jwt
}

#[expect(clippy::expect_used, reason = "the key is a constant, and every test of a signature reads it")]
static ES256_KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        &PRIVATE_SCALAR,
        &PUBLIC_POINT,
        &SystemRandom::new(),
    )
    .expect("the two halves belong together")
});

/// Checked when it is first used, which takes a moment: most runs never do.
#[expect(clippy::expect_used, reason = "the key is a constant, and every test of a signature reads it")]
static RS256_KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    RsaKeyPair::from_pkcs8(include_bytes!("demo_rs256.pk8")).expect("a PKCS#8 key of 2048 bits")
});

// Demonstration keys, known to everyone: they make start-up fast, and signatures worth nothing outside tests.

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
