//! Whatever the text, it is judged and nothing breaks.

use std::sync::LazyLock;

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::signer::base64;
use super::*;

struct World {
    runtime: Runtime,
    issuer: TestIssuer,
    jwt: Jwt,
    key: Signer,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let key = Signer::ed("k");
    let issuer = runtime.block_on(TestIssuer::start(&[&key, &Signer::rsa("r"), &Signer::p256("p")]));
    let jwt =
        jwt_with(&issuer, &[("JWT_TEAMS_CLAIM", "teams.of"), ("JWT_ROLE_CLAIM", "role"), ("JWT_USER_CLAIM", "u")]);
    World { runtime, issuer, jwt, key }
});

fn verify(token: &str, now: DateTime<Utc>) -> Result<Identity, Refused> {
    WORLD.runtime.block_on(WORLD.jwt.verify(token, now))
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("traces")),
        Just(json!(after(100).timestamp())),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn some_of(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let members = prop::collection::btree_map(prop::sample::select(names), json(), 0..names.len());
    members.prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect()))
}

const CLAIMS: &[&str] = &["iss", "aud", "sub", "exp", "nbf", "iat", "teams", "teams.of", "role", "u", "x"];
const HEADERS: &[&str] = &["kid", "typ", "crit", "jwk", "jku", "x5c", "x5t", "zip", "enc", "b64", "x"];

/// Any moment, those included that no clock shows.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    let any = any::<i64>().prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC));
    prop_oneof![Just(now()), any, Just(DateTime::<Utc>::MIN_UTC), Just(DateTime::<Utc>::MAX_UTC)]
}

proptest! {
    #[test]
    fn any_text_is_refused(text in prop_oneof![any::<String>(), "[A-Za-z0-9_.-]{0,200}", "[^.]*\\.[^.]*\\.[^.]*"]) {
        prop_assert!(verify(&text, now()).is_err());
    }

    #[test]
    fn any_three_parts_are_refused(header in some_of(HEADERS), claims in json(), signature: Vec<u8>, alg in prop::sample::select(
        vec!["RS256", "PS512", "ES256", "ES384", "EdDSA", "HS256", "none"]
    ), kid in prop::option::of(prop::sample::select(vec!["k", "r", "p"]))) {
        let mut header = header;
        header["alg"] = json!(alg);
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let token = format!("{}.{}.{}", base64(header.to_string()), base64(claims.to_string()), base64(signature));
        prop_assert!(verify(&token, now()).is_err());
    }

    #[test]
    fn any_signed_claims_are_judged(claims in prop_oneof![some_of(CLAIMS), json()], good in any::<bool>(), now in moment()) {
        let mut claims = claims;
        if good && claims.is_object() {
            claims["iss"] = json!(WORLD.issuer.name);
            claims["aud"] = json!("traces");
            claims["sub"] = json!("mette");
        }
        if let Ok(identity) = verify(&WORLD.key.token("EdDSA", &claims), now) {
            prop_assert!(identity.expires > now - TimeDelta::seconds(60));
            prop_assert!(identity.teams.iter().all(|team| !team.is_empty()));
            prop_assert!(identity.user != Some(String::new()));
        }
    }
}
