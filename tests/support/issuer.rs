//! An issuer of tokens on this machine: its keys, and what it signs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves its discovery document and its keys until it is dropped.
pub struct Issuer {
    address: SocketAddr,
    key: EcdsaKeyPair,
    asked: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

/// The id of its key.
const KEY_ID: &str = "2026-11";
/// Whom its tokens are for.
pub const AUDIENCE: &str = "llm-traceability";

impl Issuer {
    /// Starts it; each of its answers takes that long.
    pub async fn start(delay: Duration) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key");
        let point = key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let jwks = json!({"keys": [
            {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_ID, "x": x, "y": y},
        ]});
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let discovery = json!({"issuer": url(address), "jwks_uri": format!("{}/keys", url(address))});
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || answer(discovery.clone(), delay)))
            .route(
                "/keys",
                get(move || {
                    count.fetch_add(1, Ordering::Relaxed);
                    answer(jwks.clone(), delay)
                }),
            );
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, key, asked, server }
    }

    /// Its name.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.address)
    }

    /// How often its keys were asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// A token with these claims beside its own.
    #[must_use]
    pub fn token(&self, expires: i64, claims: &Value) -> String {
        let mut all = json!({"iss": self.url(), "aud": AUDIENCE, "sub": "subject-1", "exp": expires});
        let fields = all.as_object_mut().expect("an object");
        fields.extend(claims.as_object().expect("an object").clone());
        fields.retain(|_, value| !value.is_null());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "typ": "JWT", "kid": KEY_ID})), part(&all));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The settings that take its tokens: `groups` are teams, `roles` roles.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AUTH_MODE", "jwt".into()),
            ("JWT_ISSUER", self.url()),
            ("JWT_AUDIENCE", AUDIENCE.into()),
            ("JWT_ALGORITHMS", "ES256".into()),
            ("JWT_TEAMS_CLAIM", "groups".into()),
            ("JWT_ROLE_CLAIM", "roles".into()),
        ]
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

async fn answer(json: Value, delay: Duration) -> Json<Value> {
    tokio::time::sleep(delay).await;
    Json(json)
}
