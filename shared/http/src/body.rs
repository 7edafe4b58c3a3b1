//! JSON bodies, parsed as strictly as query strings.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::header;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::error::{ApiError, ParameterProblem};
use super::params::{MOST_PROBLEMS, Parameters, problem, shown, unknown_name};

/// The largest body that is read: 1 MiB.
pub const MAX_BODY: usize = 1024 * 1024;

/// Extracts a JSON object whose fields are the parameters `T`.
#[derive(Debug, Clone, Copy)]
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: Parameters + DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !is_json(content_type.unwrap_or_default()) {
            return Err(ApiError::UnsupportedMediaType(
                "Send the filters as a JSON object, with Content-Type: application/json.".into(),
            ));
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status().as_u16() {
                413 => ApiError::TooLarge("The body must not be larger than 1 MiB.".into()),
                _ => ApiError::BadRequest("The body could not be read.".into()),
            })?;
        let Fields { fields, repeated } = serde_json::from_slice(&bytes).map_err(|error| not_json(&error))?;
        if let Some(name) = repeated {
            return Err(ParameterProblem::new(shown(&name), "must be given once").into());
        }
        check_fields(&fields, &T::names())?;
        serde_path_to_error::deserialize(Value::Object(fields)).map(Self).map_err(|error| problem(error).into())
    }
}

/// The fields of an object, and one that it has twice: readers of JSON do not agree which of the two is meant.
struct Fields {
    fields: Map<String, Value>,
    repeated: Option<String>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnObject;
        impl<'de> Visitor<'de> for AnObject {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let (mut fields, mut repeated) = (Map::new(), None);
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.insert(name.clone(), value).is_some() {
                        repeated.get_or_insert(name);
                    }
                }
                Ok(Fields { fields, repeated })
            }
        }
        deserializer.deserialize_map(AnObject)
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The position only: the parser's own text could quote the body.
fn not_json(error: &serde_json::Error) -> ApiError {
    if error.is_data() {
        ApiError::BadRequest(
            "The body must be a JSON object of filters, such as {\"agent_name\": \"support-bot\"}, or {} for none."
                .into(),
        )
    } else {
        ApiError::BadRequest(format!("The body is not JSON (line {}, column {}).", error.line(), error.column()))
    }
}

fn check_fields(fields: &Map<String, Value>, known: &[String]) -> Result<(), ApiError> {
    let unknown = fields.keys().filter(|name| !known.contains(name));
    let problems = unknown.take(MOST_PROBLEMS).map(|name| unknown_name(name, known.iter().map(String::as_str)));
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(ApiError::InvalidParameters(problems)) }
}
