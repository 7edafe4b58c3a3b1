//! Tokens, good and bad.

use super::signer::{base64, message};
use super::*;

/// The verdict on one token, of an issuer with this key.
async fn verdict(key: &Signer, token: impl FnOnce(&TestIssuer) -> String) -> Result<Identity, Refused> {
    let issuer = TestIssuer::start(&[key]).await;
    jwt(&issuer).verify(&token(&issuer), now()).await
}

#[tokio::test]
async fn every_algorithm_that_is_allowed_is_understood() {
    let (rsa, p256, p384, ed) = (Signer::rsa("r"), Signer::p256("p"), Signer::p384("q"), Signer::ed("e"));
    let issuer = TestIssuer::start(&[&rsa, &p256, &p384, &ed]).await;
    let jwt = jwt(&issuer);
    for (algorithm, key) in [
        ("RS256", &rsa),
        ("RS384", &rsa),
        ("RS512", &rsa),
        ("PS256", &rsa),
        ("PS384", &rsa),
        ("PS512", &rsa),
        ("ES256", &p256),
        ("ES384", &p384),
        ("EdDSA", &ed),
    ] {
        let identity = jwt.verify(&key.token(algorithm, &claims(&issuer)), now()).await.expect(algorithm);
        assert_eq!(identity.subject, format!("{}#mette", issuer.name));
        assert_eq!((identity.user.as_deref(), identity.is_admin), (Some("mette"), false));
        assert_eq!(identity.expires, after(300));
    }
    assert_eq!(issuer.asked(), ["/.well-known/openid-configuration", "/keys"]);
}

#[tokio::test]
async fn the_example_of_the_standard_is_verified() {
    // RFC 7515, A.3: other hands signed it.
    let issuer = TestIssuer::start(&[]).await;
    let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    issuer.has(&[json!({
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    })]);
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{claims}.{signature}");
    // The signature holds; the issuer is `joe`.
    assert_eq!(reason(jwt(&issuer).verify(&token, now()).await), Invalid::Issuer);
    let forged = token.replace("DtEh", "DtEi");
    assert_eq!(reason(jwt(&issuer).verify(&forged, now()).await), Invalid::Signature);
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let key = Signer::rsa("r");
    for algorithm in ["none", "None", "NONE", ""] {
        let unsigned = |issuer: &TestIssuer| format!("{}.", message(&json!({"alg": algorithm}), &claims(issuer)));
        assert_eq!(reason(verdict(&key, unsigned).await), Invalid::Malformed, "{algorithm}");
    }
    let empty = |issuer: &TestIssuer| format!("{}.", message(&json!({"alg": "RS256"}), &claims(issuer)));
    assert_eq!(reason(verdict(&key, empty).await), Invalid::Signature);
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let key = Signer::rsa("r");
    let jwk = key.jwk();
    let n = jwk["n"].as_str().expect("a modulus").to_owned();
    for secret in [key.pem(), key.pem().trim().into(), jwk.to_string(), n] {
        for hash in [ring::hmac::HMAC_SHA256, ring::hmac::HMAC_SHA384, ring::hmac::HMAC_SHA512] {
            let algorithm = format!("HS{}", hash.digest_algorithm().output_len() * 8);
            let forged = |issuer: &TestIssuer| {
                let message = message(&json!({"alg": algorithm, "kid": "r"}), &claims(issuer));
                let signature = ring::hmac::sign(&ring::hmac::Key::new(hash, secret.as_bytes()), message.as_bytes());
                format!("{message}.{}", base64(signature))
            };
            assert_eq!(reason(verdict(&key, forged).await), Invalid::Algorithm);
        }
    }
}

#[tokio::test]
async fn only_the_algorithms_of_the_settings_count() {
    let key = Signer::rsa("r");
    let issuer = TestIssuer::start(&[&key]).await;
    let jwt = jwt_with(&issuer, &[("JWT_ALGORITHMS", "RS256,ES256")]);
    assert!(jwt.verify(&key.token("RS256", &claims(&issuer)), now()).await.is_ok());
    for algorithm in ["PS256", "RS512"] {
        let token = key.token(algorithm, &claims(&issuer));
        assert_eq!(reason(jwt.verify(&token, now()).await), Invalid::Algorithm, "{algorithm}");
    }
}

#[tokio::test]
async fn a_key_is_for_what_it_says() {
    let (rsa, p256) = (Signer::rsa("k"), Signer::p256("k"));
    for (jwk, expected) in [
        (rsa.jwk_but("alg", json!("RS256")), None),
        (rsa.jwk_but("key_ops", json!(["verify"])), None),
        (rsa.jwk_but("alg", json!("RS512")), Some(Invalid::WrongKey)),
        (rsa.jwk_but("alg", json!("PS256")), Some(Invalid::WrongKey)),
        (rsa.jwk_but("alg", json!("RSA-OAEP")), Some(Invalid::UnknownKey)),
        (rsa.jwk_but("alg", json!("whatever")), Some(Invalid::UnknownKey)),
        (p256.jwk(), Some(Invalid::WrongKey)),
        (rsa.jwk_but("use", json!("enc")), Some(Invalid::UnknownKey)),
        (rsa.jwk_but("use", json!("tls")), Some(Invalid::UnknownKey)),
        (rsa.jwk_but("key_ops", json!(["encrypt"])), Some(Invalid::UnknownKey)),
        (rsa.jwk_but("kty", json!("rsa")), Some(Invalid::UnknownKey)),
        (rsa.jwk_but("n", json!("A-")), Some(Invalid::UnknownKey)),
        (json!({"kty": "oct", "kid": "k", "k": "c2VjcmV0"}), Some(Invalid::UnknownKey)),
        (json!({"kty": "AKP", "kid": "k", "alg": "ML-DSA-44", "pub": "AAAA"}), Some(Invalid::UnknownKey)),
        (json!("k"), Some(Invalid::UnknownKey)),
    ] {
        let issuer = TestIssuer::start(&[]).await;
        issuer.has(std::slice::from_ref(&jwk));
        let verdict = jwt(&issuer).verify(&rsa.token("RS256", &claims(&issuer)), now()).await;
        assert_eq!(verdict.err(), expected.map(Refused::Invalid), "{jwk}");
    }
}

#[tokio::test]
async fn keys_of_other_kinds_do_no_harm() {
    let (rsa, p256) = (Signer::rsa("k"), Signer::p256("k"));
    let issuer = TestIssuer::start(&[]).await;
    let other = json!({"kty": "AKP", "kid": "k", "alg": "ML-DSA-44", "pub": "AAAA"});
    issuer.has(&[other, json!(7), p256.jwk(), rsa.jwk()]);
    let jwt = jwt(&issuer);
    assert!(jwt.verify(&rsa.token("RS256", &claims(&issuer)), now()).await.is_ok());
    assert!(jwt.verify(&p256.token("ES256", &claims(&issuer)), now()).await.is_ok());
}

#[tokio::test]
async fn zeros_in_front_of_a_number_do_no_harm() {
    let key = Signer::rsa("k");
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        key.jwk()["n"].as_str().expect("a modulus"),
    );
    let padded = base64([vec![0], bytes.expect("base64")].concat());
    let issuer = TestIssuer::start(&[]).await;
    issuer.has(&[key.jwk_but("n", json!(padded))]);
    assert!(jwt(&issuer).verify(&key.token("RS256", &claims(&issuer)), now()).await.is_ok());
}

#[tokio::test]
async fn a_key_needs_a_name_among_others() {
    let (rsa, p256) = (Signer::rsa("r"), Signer::p256("p"));
    let nameless = |issuer: &TestIssuer| rsa.token_with(&json!({"alg": "RS256"}), &claims(issuer));
    let issuer = TestIssuer::start(&[&rsa, &p256]).await;
    assert_eq!(reason(jwt(&issuer).verify(&nameless(&issuer), now()).await), Invalid::NoKeyId);
    // Those that are for something else do not count.
    issuer.has(&[rsa.jwk(), p256.jwk_but("use", json!("enc")), rsa.jwk_but("alg", json!("RSA-OAEP"))]);
    assert!(jwt(&issuer).verify(&nameless(&issuer), now()).await.is_ok());
    issuer.has(&[]);
    assert_eq!(reason(jwt(&issuer).verify(&nameless(&issuer), now()).await), Invalid::UnknownKey);
}

#[tokio::test]
async fn a_key_of_somebody_else_is_refused() {
    let (right, wrong) = (Signer::p256("k"), Signer::p256("k"));
    let issuer = TestIssuer::start(&[&right]).await;
    let jwt = jwt(&issuer);
    assert_eq!(reason(jwt.verify(&wrong.token("ES256", &claims(&issuer)), now()).await), Invalid::Signature);
    // A key that the token itself brings, or points to, counts for nothing.
    let header = json!({"alg": "ES256", "kid": "k", "jwk": wrong.jwk(), "jku": format!("{}/mine", issuer.name)});
    assert_eq!(reason(jwt.verify(&wrong.token_with(&header, &claims(&issuer)), now()).await), Invalid::Signature);
    assert!(!issuer.asked().contains(&"/mine".to_owned()));
}

#[tokio::test]
async fn a_change_is_noticed() {
    let key = Signer::p256("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let jwt = jwt(&issuer);
    let token = key.token("ES256", &claims(&issuer));
    let other = key.token("ES256", &claims_but(&issuer, "sub", json!("søren")));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (mine, theirs) = (parts(&token), parts(&other));
    let swapped = format!("{}.{}.{}", mine[0], theirs[1], mine[2]);
    assert_eq!(reason(jwt.verify(&swapped, now()).await), Invalid::Signature);
    // Every letter counts, but for the bits at the end of a part that stand for nothing: those must be 0.
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("text");
        assert!(jwt.verify(&changed, now()).await.is_err(), "letter {place}");
    }
    for cut in 0..token.len() {
        assert!(jwt.verify(&token[..cut], now()).await.is_err(), "cut at {cut}");
    }
}

#[tokio::test]
async fn rubbish_is_no_token() {
    let key = Signer::ed("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let jwt = jwt(&issuer);
    let good = key.token("EdDSA", &claims(&issuer));
    let text = |claims: &str| key.token_with(&json!({"alg": "EdDSA"}), &Value::String(claims.into()));
    for rubbish in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "a.b.c".into(),
        "Bearer x".into(),
        "æ.ø.å".into(),
        "\0.\0.\0".into(),
        "🦀".repeat(100),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        format!("{good}.x"),
        format!("x.{good}"),
        text("{}"),
        key.token_with(&json!({"alg": "EdDSA"}), &json!([1])),
        key.token_with(&json!({"alg": "EdDSA"}), &json!(null)),
        key.token_with(&json!([]), &claims(&issuer)),
        key.token_with(&json!({"alg": 5}), &claims(&issuer)),
        key.token_with(&json!({"alg": "EdDSA", "kid": 5}), &claims(&issuer)),
        key.token_with(&json!({"alg": "ES512"}), &claims(&issuer)),
    ] {
        let reason = reason(jwt.verify(&rubbish, now()).await);
        assert_eq!(reason, Invalid::Malformed, "{}", rubbish.escape_debug());
    }
    assert!(jwt.verify(&good, now()).await.is_ok());
}

#[tokio::test]
async fn a_token_has_a_longest_length() {
    let key = Signer::ed("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let jwt = jwt(&issuer);
    let long = |length: usize| key.token("EdDSA", &claims_but(&issuer, "long", json!("x".repeat(length))));
    assert!(jwt.verify(&long(11_000), now()).await.is_ok());
    assert_eq!(reason(jwt.verify(&long(13_000), now()).await), Invalid::TooLong);
    assert_eq!(reason(jwt.verify(&"x".repeat(100_000_000), now()).await), Invalid::TooLong);
}

#[tokio::test]
async fn extensions_that_must_be_understood_are_not() {
    let key = Signer::ed("k");
    for crit in [json!(["b64"]), json!(["exp"]), json!([])] {
        let header = json!({"alg": "EdDSA", "kid": "k", "crit": crit, "b64": true});
        let verdict = verdict(&key, |issuer| key.token_with(&header, &claims(issuer))).await;
        assert_eq!(reason(verdict), Invalid::Critical);
    }
}

#[tokio::test]
async fn nothing_of_a_token_is_shown() {
    let key = Signer::ed("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let jwt = jwt(&issuer);
    let identity = jwt.verify(&key.token("EdDSA", &claims(&issuer)), now()).await.expect("a good token");
    assert_eq!(format!("{identity:?}"), "Identity { .. }");
    let token = key.token("EdDSA", &claims_but(&issuer, "aud", json!("hunter2")));
    let refused = jwt.verify(&token, now()).await.expect_err("another audience");
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}
