//! `GET /api/v1/requests/{request_id}/messages`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use traceability_content::{Message, Reason, SideAvailability, normalise};
use traceability_http::params::NoQuery;
use traceability_http::{ApiResult, AppState, ContentReader, PathId, Problem};
use traceability_queries::content;
use utoipa::ToSchema;

use crate::no_such_request;

/// What was said in one request.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestMessages {
    /// LiteLLM's request id.
    request_id: String,
    /// The whole prompt, history included, then the response: one shape for every API.
    messages: Vec<Message>,
    /// The parameters of the call that are about the model, such as `temperature` and `tools`; never headers or keys.
    #[schema(value_type = Object)]
    request_parameters: Map<String, Value>,
    /// The response as it was stored; null if it was not.
    #[schema(value_type = Option<serde_json::Value>)]
    response: Option<Box<RawValue>>,
    /// Whether LiteLLM stored any of the request's content.
    content_available: bool,
    /// Why content is missing or not complete: the first reason of the prompt's and the response's.
    content_unavailable_reason: Option<Reason>,
    /// Whether the prompt is there, and why not.
    prompt_availability: SideAvailability,
    /// Whether the response is there, and why not.
    response_availability: SideAvailability,
}

/// Read a request's messages
///
/// What was sent and what came back, in one shape for every API, and the response as it was stored.
#[utoipa::path(
    get,
    path = "/api/v1/requests/{request_id}/messages",
    tag = "requests",
    params(("request_id" = String, Path, description = "The request id or the call id, percent-encoded")),
    responses(
        (status = 200, description = "The messages", body = RequestMessages),
        (status = "4XX", description = "There is no such request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_request_messages(
    State(state): State<AppState>,
    reader: ContentReader,
    PathId(id): PathId,
    _: NoQuery,
) -> ApiResult<Json<RequestMessages>> {
    let mut db = state.db.look_up().await?;
    let mut row = content::of_request(&mut db, reader.scope(), &id).await?.ok_or_else(no_such_request)?;
    let content = normalise(row.take_stored()).disclose(reader.disclosure(&row));
    let availability = content.availability;
    Ok(Json(RequestMessages {
        request_id: row.request_id,
        messages: content.prompt.into_iter().chain(content.response).collect(),
        request_parameters: content.parameters,
        response: content.raw_response,
        content_available: availability.content_available,
        content_unavailable_reason: availability.content_unavailable_reason,
        prompt_availability: availability.prompt,
        response_availability: availability.response,
    }))
}
