//! The one error type: what went wrong, as an RFC 9457 problem.

use std::io;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use traceability_access::Refusal;
use traceability_db::{DbError, FaultKind};
use utoipa::ToSchema;

use crate::audit;

/// What a handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

/// A problem document (RFC 9457), served as `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem, a stable identifier.
    #[serde(rename = "type")]
    #[schema(example = "urn:llm-traceability:problem:invalid-parameters")]
    pub kind: String,
    /// The kind in words.
    #[schema(example = "Invalid parameters")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What went wrong this time, and what to do about it.
    #[schema(example = "limit: must be a whole number from 1 to 1000")]
    pub detail: String,
    /// The path that was asked.
    #[schema(example = "/api/v1/requests")]
    pub instance: String,
    /// The id of this request, also in the `X-Request-Id` header; quote it when you report a fault.
    pub request_id: String,
    /// The parameters or body fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ParameterProblem>,
}

/// What is wrong with one parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParameterProblem {
    /// The parameter's or field's name.
    #[schema(example = "limit")]
    pub parameter: String,
    /// What is allowed.
    #[schema(example = "must be a whole number from 1 to 1000")]
    pub detail: String,
}

impl ParameterProblem {
    /// `parameter` is at fault; `detail` says what is allowed.
    pub fn new(parameter: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { parameter: parameter.into(), detail: detail.into() }
    }
}

/// Why a caller is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthorized {
    /// The request has no credentials.
    Missing,
    /// Its credentials are wrong, or expired.
    Invalid,
    /// It has no token of the local server.
    NoLocalToken,
    /// It has another token than the local server's.
    WrongLocalToken,
}

impl Unauthorized {
    /// What to do about it.
    fn detail(self) -> &'static str {
        match self {
            Self::Missing => LOG_IN,
            Self::Invalid => NOT_VALID,
            Self::NoLocalToken => NO_LOCAL_TOKEN,
            Self::WrongLocalToken => WRONG_LOCAL_TOKEN,
        }
    }

    /// What it says to programs (RFC 6750).
    fn challenge(self) -> &'static str {
        match self {
            Self::Missing | Self::NoLocalToken => r#"Bearer realm="llm-traceability-api""#,
            Self::Invalid | Self::WrongLocalToken => r#"Bearer realm="llm-traceability-api", error="invalid_token""#,
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 422: parameters or body fields that are not allowed.
    #[error("invalid parameters")]
    InvalidParameters(Vec<ParameterProblem>),
    /// 400: the request itself cannot be read.
    #[error("{0}")]
    BadRequest(String),
    /// 401.
    #[error("the caller is not known")]
    Unauthorized(Unauthorized),
    /// 403.
    #[error("{0}")]
    Forbidden(String),
    /// 404: no such session, request or route.
    #[error("{0}")]
    NotFound(String),
    /// 405.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// 406: the service does not write the format that is asked for.
    #[error("{0}")]
    NotAcceptable(String),
    /// 413.
    #[error("{0}")]
    TooLarge(String),
    /// 414.
    #[error("{0}")]
    UriTooLong(String),
    /// 415.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 431.
    #[error("{0}")]
    HeadersTooLarge(String),
    /// 503 or 504, by the cause: the database did not answer, or not in time.
    #[error(transparent)]
    RequestSource(#[from] DbError),
    /// 503: a token cannot be judged, since its issuer's keys cannot be had.
    #[error("{0}")]
    IssuerUnavailable(String),
    /// 503: the audit log cannot be written, so no content may leave.
    #[error("the audit log cannot be written: {0}")]
    Unrecorded(#[source] io::Error),
    /// 503: the server delivers as much as it can hold.
    #[error("{0}")]
    Busy(&'static str),
    /// 504: the answer took longer than a request may.
    #[error("the answer took too long")]
    DeadlineExceeded,
    /// 500: a fault of ours. The text goes to the log only.
    #[error("{0}")]
    Internal(String),
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::RequestSource(error.into())
    }
}

impl From<ParameterProblem> for ApiError {
    fn from(problem: ParameterProblem) -> Self {
        Self::InvalidParameters(vec![problem])
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => Self::Unauthorized(Unauthorized::Missing),
            Refusal::Invalid(_) => Self::Unauthorized(Unauthorized::Invalid),
            Refusal::NoLocalToken => Self::Unauthorized(Unauthorized::NoLocalToken),
            Refusal::WrongLocalToken => Self::Unauthorized(Unauthorized::WrongLocalToken),
            Refusal::NotAllowed(why) => Self::Forbidden(why.into()),
            Refusal::IssuerUnavailable(why) => Self::IssuerUnavailable(why),
            Refusal::RequestSource(error) => Self::RequestSource(error),
        }
    }
}

/// Marks a response whose cause was a schema other than the probed one.
#[derive(Debug, Clone, Copy)]
pub(super) struct SchemaChanged;

const TOO_SLOW: &str = "The database did not answer in time. Ask for a shorter window or add a filter; questions by agent over long \
     windows read LiteLLM's metadata row by row.";

const INDEX_UNAVAILABLE: &str = "The database of the index cannot be read at the moment, so there are no lists and no analytics. \
     Requests and sessions that LiteLLM's log still has are found by their ids meanwhile. Try again in a few seconds.";

impl ApiError {
    fn problem(&self) -> Problem {
        let (status, kind, title, detail) = match self {
            Self::InvalidParameters(errors) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-parameters",
                "Invalid parameters",
                errors.iter().map(|e| format!("{}: {}", e.parameter, e.detail)).collect::<Vec<_>>().join("; "),
            ),
            Self::BadRequest(detail) => (StatusCode::BAD_REQUEST, "bad-request", "Bad request", detail.clone()),
            Self::Unauthorized(why) => {
                (StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized", why.detail().into())
            }
            Self::Forbidden(detail) => (StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail.clone()),
            Self::NotFound(detail) => (StatusCode::NOT_FOUND, "not-found", "Not found", detail.clone()),
            Self::MethodNotAllowed(detail) => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail.clone())
            }
            Self::NotAcceptable(detail) => {
                (StatusCode::NOT_ACCEPTABLE, "not-acceptable", "Not acceptable", detail.clone())
            }
            Self::TooLarge(detail) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", "Payload too large", detail.clone())
            }
            Self::UriTooLong(detail) => (StatusCode::URI_TOO_LONG, "uri-too-long", "URI too long", detail.clone()),
            Self::HeadersTooLarge(detail) => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "Request header fields too large",
                detail.clone(),
            ),
            Self::UnsupportedMediaType(detail) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type", detail.clone())
            }
            Self::RequestSource(DbError::CallerBusy) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Too many requests at once",
                "Your other questions over time windows hold half of the connections to the database, which is as many \
                 as one caller gets. Wait for their answers before you ask more."
                    .into(),
            ),
            Self::RequestSource(error) => match status_of(error.fault().kind) {
                StatusCode::GATEWAY_TIMEOUT => {
                    (StatusCode::GATEWAY_TIMEOUT, "timeout", "The database is too slow", TOO_SLOW.into())
                }
                StatusCode::SERVICE_UNAVAILABLE => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database-unavailable",
                    "The database is unavailable",
                    match error {
                        DbError::IndexDatabase(_) => INDEX_UNAVAILABLE.into(),
                        _ => "LiteLLM's database cannot be read at the moment. Try again in a few seconds.".into(),
                    },
                ),
                status => (status, "internal-error", "Internal error", INTERNAL.into()),
            },
            Self::IssuerUnavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "issuer-unavailable",
                "The login is unavailable",
                "The token cannot be judged at the moment: its issuer does not answer. Try again in a few seconds."
                    .into(),
            ),
            Self::Unrecorded(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "audit-unavailable",
                "The audit log is unavailable",
                "Reads of content have to be recorded, and cannot be at the moment. Try again in a few seconds.".into(),
            ),
            Self::Busy(detail) => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", (*detail).into()),
            Self::DeadlineExceeded => {
                (StatusCode::GATEWAY_TIMEOUT, "timeout", "The database is too slow", TOO_SLOW.into())
            }
            Self::Internal(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal-error", "Internal error", INTERNAL.into())
            }
        };
        Problem {
            kind: format!("urn:llm-traceability:problem:{kind}"),
            title: title.into(),
            status: status.as_u16(),
            detail,
            instance: String::new(),
            request_id: String::new(),
            errors: match self {
                Self::InvalidParameters(errors) => errors.clone(),
                _ => Vec::new(),
            },
        }
    }

    /// Tells the log what the client is not told. Values of a query never stand in it.
    pub fn log(&self) {
        match self {
            Self::RequestSource(error @ DbError::CallerBusy) => tracing::warn!(status = 429, %error),
            Self::Busy(error) => tracing::warn!(status = 503, error),
            Self::RequestSource(error) => {
                let fault = error.fault();
                let database = error.database();
                let (status, advice) = (status_of(fault.kind).as_u16(), fault.advice);
                tracing::error!(status, database, error = error.safe_text(), advice);
            }
            Self::IssuerUnavailable(error) => tracing::error!(status = 503, error, advice = ISSUER_ADVICE),
            Self::Unrecorded(error) => tracing::error!(status = 503, %error, advice = audit::ADVICE),
            Self::DeadlineExceeded => {
                tracing::error!(status = 504, error = "deadline exceeded", advice = traceability_db::SLOW_ADVICE);
            }
            Self::Internal(text) => tracing::error!(status = 500, error = text),
            _ => {}
        }
    }
}

const LOG_IN: &str = "Log in: send a LiteLLM key, a service key or a token of your login, as `Authorization: Bearer …` or in \
     x-litellm-api-key. Which of these are taken is a setting of this service.";
const NO_LOCAL_TOKEN: &str = "This server asks for the token that it printed when it started. Open the printed link, or send the token \
     as `Authorization: Bearer …`. To serve without a token, start it with --open, or set AUTH_MODE.";
const WRONG_LOCAL_TOKEN: &str = "This is not the token that this server printed when it started; each start makes a new one. Open the \
     printed link again, or send that token as `Authorization: Bearer …`.";
const NOT_VALID: &str = "This key or token does not open anything here, or does not any more.";
const INTERNAL: &str = "The service failed to answer. Report the request id.";

const ISSUER_ADVICE: &str = "check JWT_ISSUER and JWT_JWKS_URL, and that this service can reach them; in a VPC without a way out, \
     let the gateway verify tokens";

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let problem = self.problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if let Self::Unauthorized(why) = &self {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(why.challenge()));
        }
        if let Self::RequestSource(error) = &self
            && error.fault().tables_changed
        {
            response.extensions_mut().insert(SchemaChanged);
        }
        // The layers know the path and the request's id, and write the body.
        response.extensions_mut().insert(problem);
        response
    }
}

impl Problem {
    /// The response of this problem, for the request with this path and id.
    pub(super) fn render(mut self, mut response: Response, instance: &str, request_id: &str) -> Response {
        instance.clone_into(&mut self.instance);
        request_id.clone_into(&mut self.request_id);
        let body = Json(self).into_response();
        let (parts, body) = body.into_parts();
        *response.body_mut() = body;
        if let Some(length) = parts.headers.get(header::CONTENT_LENGTH) {
            response.headers_mut().insert(header::CONTENT_LENGTH, length.clone());
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// The status of a fault of a database.
const fn status_of(kind: FaultKind) -> StatusCode {
    match kind {
        FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        FaultKind::TooSlow => StatusCode::GATEWAY_TIMEOUT,
        FaultKind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
