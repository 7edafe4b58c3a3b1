//! An answer of the API.

use std::io::Read;

use axum::body::Body;
use flate2::read::GzDecoder;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A complete response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    pub(crate) async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("the body is read").to_bytes();
        Self::of(parts.status, parts.headers, &bytes)
    }

    /// From a body as it was sent.
    pub(crate) fn of(status: StatusCode, headers: HeaderMap, mut body: &[u8]) -> Self {
        let mut text = String::new();
        let is_read = match headers.get("content-encoding").map(|encoding| encoding.to_str().expect("a word")) {
            None => body.read_to_string(&mut text),
            Some("gzip") => GzDecoder::new(body).read_to_string(&mut text),
            Some("br") => brotli_decompressor::Decompressor::new(body, 4096).read_to_string(&mut text),
            Some(other) => panic!("compressed by {other}"),
        };
        is_read.expect("the body is UTF-8");
        Self { status, headers, text }
    }

    /// The JSON of a 200.
    #[must_use]
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let Unambiguous(value) = serde_json::from_str(&self.text).expect("the body is JSON without a field twice");
        value
    }

    /// The problem of an error with this status: complete, and of its media type.
    #[must_use]
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem: Value = serde_json::from_str(&self.text).expect("the body is JSON");
        assert_eq!(problem["status"], status);
        for field in ["type", "title", "detail", "instance", "request_id"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field} is missing: {problem}");
        }
        assert_eq!(self.headers["x-request-id"], *problem["request_id"].as_str().expect("an id"));
        problem
    }

    /// The parameters that a 422 blames.
    #[must_use]
    #[track_caller]
    pub fn blamed(&self) -> Vec<String> {
        let problem = self.problem(422);
        let errors = problem["errors"].as_array().expect("the problem has errors");
        errors.iter().map(|error| error["parameter"].as_str().expect("a name").to_owned()).collect()
    }

    /// Where the next page is.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let link = self.headers.get("link")?.to_str().ok()?;
        let target = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
        Some(target.to_owned())
    }
}

/// JSON in which no object has a field twice: of two a client would see either.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E: Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Unambiguous(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::Array(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut map = Map::new();
                while let Some((name, Unambiguous(value))) = entries.next_entry::<String, _>()? {
                    if map.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("the field {name} stands there twice")));
                    }
                }
                Ok(Value::Object(map))
            }
        }
        deserializer.deserialize_any(Any).map(Self)
    }
}
