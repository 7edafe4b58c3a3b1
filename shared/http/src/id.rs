//! Ids in paths.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::error::{ApiError, ParameterProblem};

/// LiteLLM's ids are whatever a provider or a client chose: `1`, an e-mail, 505 characters of base64. PostgreSQL compresses
/// the keys of its indexes to about 2,700 bytes, so that an id can be longer. Of this length, every byte percent-encoded, it
/// fits into an address.
pub(super) const MAX_LENGTH: usize = 8_000;

/// What a path segment keeps as it is (RFC 3986: unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as one segment of a path.
#[must_use]
pub fn as_segment(id: &str) -> PercentEncode<'_> {
    utf8_percent_encode(id, UNRESERVED)
}

/// The id in the path, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::BadRequest("The path is not UTF-8 where it is percent-decoded.".into()))?;
        let (name, id) = params.iter().next().unwrap_or_default();
        if id.contains('\0') {
            return Err(ParameterProblem::new(name, "must not contain a NUL character").into());
        }
        if id.is_empty() || id.len() > MAX_LENGTH {
            return Err(ParameterProblem::new(name, format!("must have 1 to {MAX_LENGTH} bytes")).into());
        }
        Ok(Self(id.to_owned()))
    }
}
