//! The keys of an issuer, as its JWKS (RFC 7517) has them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse, RSAKeyParameters};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The key that a token was signed with, it says.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
}

/// Why there is no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// There is none of that id: it may be a new one.
    Unknown,
    /// There are several, and the token does not say which.
    Ambiguous,
    /// It is for something else.
    Unfit,
}

/// Public keys that verify signatures.
pub(super) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    /// What its kind and, where it has one, its `alg` allow; at least one.
    algorithms: Vec<Algorithm>,
    material: DecodingKey,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWKS. Keys that do not verify signatures, or are of a kind that is not known, are left out: an issuer may
    /// have more than what is of use here.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let jwks: Jwks = serde_json::from_slice(json).ok()?;
        Some(Self(jwks.keys.into_iter().filter_map(Key::parse).collect()))
    }

    /// The key for a token.
    pub(super) fn find(&self, wanted: &Wanted) -> Result<&DecodingKey, Missing> {
        if wanted.id.is_none() && self.0.len() > 1 {
            return Err(Missing::Ambiguous);
        }
        // A token without an id is for the only key there is.
        let named = |key: &&Key| wanted.id.is_none() || key.id == wanted.id;
        let mut candidates = self.0.iter().filter(named).peekable();
        candidates.peek().ok_or(Missing::Unknown)?;
        // The same id may stand for keys of several kinds.
        let fit = candidates.find(|key| key.algorithms.contains(&wanted.algorithm));
        fit.map(|key| &key.material).ok_or(Missing::Unfit)
    }
}

impl Key {
    fn parse(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let verifies = jwk.common.key_operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !(signs && verifies) {
            return None;
        }
        let (mut algorithms, material) = material(&jwk.algorithm)?;
        if let Some(stated) = jwk.common.key_algorithm {
            // Both write the names of RFC 7518.
            algorithms.retain(|algorithm| format!("{algorithm:?}") == stated.to_string());
        }
        (!algorithms.is_empty()).then_some(Self { id: jwk.common.key_id, algorithms, material })
    }
}

/// A key, and the algorithms that its kind is for.
fn material(parameters: &AlgorithmParameters) -> Option<(Vec<Algorithm>, DecodingKey)> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match parameters {
        AlgorithmParameters::RSA(RSAKeyParameters { n, e, .. }) => {
            let key = DecodingKey::from_rsa_raw_components(&number(n)?, &number(e)?);
            Some((vec![RS256, RS384, RS512, PS256, PS384, PS512], key))
        }
        AlgorithmParameters::EllipticCurve(point) => {
            let algorithm = match point.curve {
                EllipticCurve::P256 => ES256,
                EllipticCurve::P384 => ES384,
                _ => return None,
            };
            Some((vec![algorithm], DecodingKey::from_ec_components(&point.x, &point.y).ok()?))
        }
        AlgorithmParameters::OctetKeyPair(point) if point.curve == EllipticCurve::Ed25519 => {
            Some((vec![EdDSA], DecodingKey::from_ed_components(&point.x).ok()?))
        }
        // A symmetric key above all, which has no place in a public document.
        _ => None,
    }
}

/// A number as ring takes it: some issuers write zeros in front.
fn number(base64: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(base64).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}
