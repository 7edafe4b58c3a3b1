//! Signatures, judged by ring: the cryptography of TLS, so that a function carries no other.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as Wrong, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::signature::{self as ring_signature, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};

/// Has `jsonwebtoken` verify with ring. It keeps one provider per process.
pub(super) fn install() {
    // An error says that it was installed before.
    let _ = PROVIDER.install_default();
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: verifier,
    // They are for making JWKs, which nobody does here.
    key_utils: KeyUtils::new_unimplemented(),
};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the library calls it so")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    // A public key never is the secret of an HMAC.
    if algorithm.family() == AlgorithmFamily::Hmac || algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key: key.clone() }))
}

struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Wrong> {
        let verified = match (self.key.kind(), self.algorithm) {
            (DecodingKeyKind::RsaModulusExponent { n, e }, algorithm) => {
                let parameters = rsa_parameters(algorithm).ok_or_else(Wrong::new)?;
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (DecodingKeyKind::SecretOrDer(point), Algorithm::ES256) => {
                UnparsedPublicKey::new(&ring_signature::ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (DecodingKeyKind::SecretOrDer(point), Algorithm::ES384) => {
                UnparsedPublicKey::new(&ring_signature::ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
            (DecodingKeyKind::SecretOrDer(point), Algorithm::EdDSA) => {
                UnparsedPublicKey::new(&ring_signature::ED25519, point).verify(message, signature)
            }
            _ => return Err(Wrong::new()),
        };
        verified.map_err(|_| Wrong::new())
    }
}

/// With keys of 2048 bits or more, as RFC 7518 asks for.
fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &ring_signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &ring_signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &ring_signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_verifies_nothing_but_its_own_kind() {
        let rsa = DecodingKey::from_rsa_raw_components(&[1; 256], &[1, 0, 1]);
        let point = DecodingKey::from_ec_der(&[4; 65]);
        let secret = DecodingKey::from_secret(b"secret");
        for (algorithm, key, expected) in [
            (Algorithm::RS256, &rsa, true),
            (Algorithm::PS512, &rsa, true),
            (Algorithm::ES256, &point, true),
            (Algorithm::HS256, &rsa, false),
            (Algorithm::HS256, &point, false),
            (Algorithm::HS256, &secret, false),
            (Algorithm::RS256, &secret, false),
            (Algorithm::RS256, &point, false),
            (Algorithm::ES256, &rsa, false),
            (Algorithm::EdDSA, &point, false),
        ] {
            assert_eq!(verifier(&algorithm, key).is_ok(), expected, "{algorithm:?}");
        }
    }

    #[test]
    fn a_short_rsa_key_verifies_nothing() {
        // RFC 7518, 3.3: 2048 bits or more.
        let short = DecodingKey::from_rsa_raw_components(&[255; 128], &[1, 0, 1]);
        let verifier = verifier(&Algorithm::RS256, &short).expect("a kind that fits");
        assert!(verifier.verify(b"message", &vec![0; 128]).is_err());
    }
}
