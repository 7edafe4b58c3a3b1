//! Keys that sign tokens. The RSA key is in a file since ring makes none; the others are made up each time.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use serde_json::{Value, json};

/// A key of an issuer.
pub(super) struct Signer {
    pub(super) id: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub(super) fn rsa(id: &'static str) -> Self {
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("rsa.pk8")).expect("a key");
        Self { id, pair: Pair::Rsa(Box::new(pair)) }
    }

    pub(super) fn p256(id: &'static str) -> Self {
        let (kind, random) = (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key");
        Self { id, pair: Pair::P256(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).expect("a key")) }
    }

    pub(super) fn p384(id: &'static str) -> Self {
        let (kind, random) = (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key");
        Self { id, pair: Pair::P384(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).expect("a key")) }
    }

    pub(super) fn ed(id: &'static str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self { id, pair: Pair::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key")) }
    }

    /// A token with this key's id.
    pub(super) fn token(&self, algorithm: &str, claims: &Value) -> String {
        self.token_with(&json!({"alg": algorithm, "typ": "JWT", "kid": self.id}), claims)
    }

    /// A token with any header.
    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), message.as_bytes());
        format!("{message}.{}", base64(signature))
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature).expect("a signature");
                signature
            }
            Pair::P256(pair) | Pair::P384(pair) => pair.sign(&random, message).expect("a signature").as_ref().into(),
            Pair::Ed(pair) => pair.sign(message).as_ref().into(),
        }
    }

    /// The public key as a JWK.
    pub(super) fn jwk(&self) -> Value {
        let point = |curve: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({"kty": "EC", "kid": self.id, "use": "sig", "crv": curve, "x": base64(x), "y": base64(y)})
        };
        match &self.pair {
            Pair::Rsa(pair) => {
                let public: PublicKeyComponents<Vec<u8>> = pair.public().into();
                let (n, e) = (base64(public.n), base64(public.e));
                json!({"kty": "RSA", "kid": self.id, "use": "sig", "n": n, "e": e})
            }
            Pair::P256(pair) => point("P-256", pair.public_key().as_ref()),
            Pair::P384(pair) => point("P-384", pair.public_key().as_ref()),
            Pair::Ed(pair) => {
                let x = base64(pair.public_key());
                json!({"kty": "OKP", "kid": self.id, "use": "sig", "crv": "Ed25519", "x": x})
            }
        }
    }

    /// The JWK with one member changed.
    pub(super) fn jwk_but(&self, name: &str, value: Value) -> Value {
        let mut jwk = self.jwk();
        jwk[name] = value;
        jwk
    }

    /// An RSA public key as a PEM file has it.
    pub(super) fn pem(&self) -> String {
        let Pair::Rsa(pair) = &self.pair else { panic!("only of RSA") };
        // SubjectPublicKeyInfo of a 2048-bit key, up to the key.
        let mut der = vec![0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09];
        der.extend([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00]);
        der.extend(pair.public_key().as_ref());
        let text = STANDARD.encode(der);
        let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n")
    }
}

/// What is signed of a token.
pub(super) fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64(header.to_string()), base64(claims.to_string()))
}
