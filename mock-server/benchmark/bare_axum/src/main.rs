//! The least that an axum server can do for a token: read a form, sign or not, answer JSON. It checks nothing.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
}

fn random(random: &SystemRandom) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes).expect("a random source");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn answer(access_token: &str) -> Json<Value> {
    Json(json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": 3600, "scope": "read" }))
}

async fn signed(State(key): State<Arc<EcdsaKeyPair>>, Form(request): Form<TokenRequest>) -> Json<Value> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let source = SystemRandom::new();
    let header = json!({ "alg": "ES256", "kid": "1", "typ": "at+jwt" });
    let claims = json!({
        "iss": "http://127.0.0.1", "aud": "http://127.0.0.1/resource", "sub": request.grant_type, "client_id": "service",
        "iat": now, "nbf": now, "exp": now + 3600, "jti": random(&source), "scope": "read",
    });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(&header), encode(&claims));
    let signature = key.sign(&source, message.as_bytes()).expect("a random source");
    answer(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

async fn opaque(Form(request): Form<TokenRequest>) -> Json<Value> {
    debug_assert!(!request.grant_type.is_empty());
    answer(&random(&SystemRandom::new()))
}

async fn pending(Form(request): Form<TokenRequest>) -> (StatusCode, Json<Value>) {
    debug_assert!(!request.grant_type.is_empty());
    (StatusCode::BAD_REQUEST, Json(json!({ "error": "authorization_pending", "error_description": "nobody approved it yet" })))
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let source = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &source).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &source).expect("a key");
        assert_eq!(key.public_key().as_ref().len(), 65);
        let router = Router::new()
            .route("/ready", get(|| async { "ready" }))
            .route("/signed", post(signed))
            .route("/opaque", post(opaque))
            .route("/pending", post(pending))
            .with_state(Arc::new(key));
        let port = std::env::args().nth(1).expect("a port");
        let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
        axum::serve(listener, router).await.expect("a server");
    });
}
