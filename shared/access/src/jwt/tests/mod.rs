//! Tokens of an issuer that runs here.

mod claims;
mod issuer;
mod keys;
mod properties;
mod signer;
mod tokens;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{Identity, Invalid, Jwt, JwtConfig, Refused};
use issuer::{Answer, TestIssuer};
use signer::Signer;

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Days::new(20_454)
}

fn after(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

/// What verifies the tokens of an issuer, with further settings.
fn jwt_with(issuer: &TestIssuer, settings: &[(&str, &str)]) -> Jwt {
    let all = "RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,EdDSA";
    let defaults = [("JWT_ISSUER", issuer.name.as_str()), ("JWT_AUDIENCE", "traces"), ("JWT_ALGORITHMS", all)];
    let settings = defaults.into_iter().chain(settings.iter().copied()).collect();
    Jwt::new(JwtConfig::from_environment(&settings).expect("good settings"))
}

fn jwt(issuer: &TestIssuer) -> Jwt {
    jwt_with(issuer, &[])
}

/// Claims that hold for five minutes.
fn claims(issuer: &TestIssuer) -> Value {
    json!({"iss": issuer.name, "aud": "traces", "sub": "mette", "iat": now().timestamp(), "exp": after(300).timestamp()})
}

/// The same with one changed, or taken out by null.
fn claims_but(issuer: &TestIssuer, name: &str, value: Value) -> Value {
    let mut claims = claims(issuer);
    let all = claims.as_object_mut().expect("an object");
    match value {
        Value::Null => all.remove(name),
        value => all.insert(name.into(), value),
    };
    claims
}

fn reason(result: Result<Identity, Refused>) -> Invalid {
    match result {
        Err(Refused::Invalid(reason)) => reason,
        other => panic!("not judged invalid: {other:?}"),
    }
}

fn unverifiable(result: Result<Identity, Refused>) -> String {
    match result {
        Err(Refused::Unverifiable(reason)) => reason,
        other => panic!("not unverifiable: {other:?}"),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}
