//! `GET /api/v1/requests/{request_id}`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use traceability_content::{Reason, bare_url, normalise_with_sent};
use traceability_http::params::NoQuery;
use traceability_http::{ApiResult, AppState, ContentReader, PathId, Problem};
use traceability_queries::requests;
use traceability_queries::requests::RequestRecord;
use utoipa::ToSchema;

use crate::no_such_request;

/// One request, with everything LiteLLM recorded of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestDetail {
    /// LiteLLM's request id.
    request_id: String,
    /// `x-litellm-call-id`; null in releases that do not store it.
    litellm_call_id: Option<String>,
    /// The session; the request's own id where none was stored.
    session_id: String,
    /// The LiteLLM user who owns the key, `unknown` if none.
    user_id: String,
    /// The end user that the caller named.
    end_user: Option<String>,
    /// The key's team.
    team_id: Option<String>,
    /// The key's organization.
    organization_id: Option<String>,
    /// The key's alias.
    key_alias: Option<String>,
    /// The agent, `unknown` if nobody named one.
    agent_name: String,
    /// The conversation's name, `default` if nobody gave one.
    conversation_name: String,
    /// The deployed model, as LiteLLM wrote it.
    model: String,
    /// The model's public name.
    model_group: Option<String>,
    /// The provider.
    provider: Option<String>,
    /// The provider's URL, without its query.
    api_base: Option<String>,
    /// LiteLLM's call type, such as `acompletion`.
    call_type: Option<String>,
    /// `success` or `failure`.
    status: String,
    /// The class of the error of a failed request.
    error_class: Option<String>,
    /// When the proxy received the request.
    request_start: DateTime<Utc>,
    /// When the response was complete.
    request_end: DateTime<Utc>,
    /// LiteLLM's time of the first token; about `request_end` where nothing was streamed.
    completion_start: Option<DateTime<Utc>>,
    /// Seconds from start to end; 0 if LiteLLM logged an earlier end and no duration.
    total_time: f64,
    /// Seconds to the first token; null where the response was not streamed.
    time_to_first_token: Option<f64>,
    /// Tokens of the prompt.
    prompt_tokens: i64,
    /// Tokens of the completion.
    completion_tokens: i64,
    /// All tokens.
    total_tokens: i64,
    /// Prompt tokens that the provider read from its own cache; null where LiteLLM kept no usage.
    cached_tokens: Option<i64>,
    /// Completion tokens spent on reasoning; null where LiteLLM kept no usage.
    reasoning_tokens: Option<i64>,
    /// Tool calls.
    function_calls_count: i64,
    /// US dollars.
    cost: f64,
    /// LiteLLM's text about its own response cache: `True` is a hit, `None` and `False` are none.
    cache_hit: Option<String>,
    /// LiteLLM's cache key, which is a hash of the request; null where its content may not be read.
    cache_key: Option<String>,
    /// LiteLLM's own metadata of the request, without its price table, the key, headers and the logged request. Other
    /// credentials in it are replaced by their SHA-256, and by `masked` within texts such as error messages.
    #[schema(value_type = Option<Value>)]
    metadata: Option<Box<RawValue>>,
    /// The prompt as the client sent it: the value of `messages`, `input` or whatever the call's parameter is; null if it
    /// was not stored.
    messages: Option<Value>,
    /// The parameters of the call that are about the model, such as `temperature` and `tools`; never headers or keys.
    #[schema(value_type = Object)]
    request_parameters: Value,
    /// The response as it was stored; null if it was not.
    #[schema(value_type = Option<serde_json::Value>)]
    response: Option<Box<RawValue>>,
    /// The request's tags, each once.
    request_tags: Vec<String>,
    /// Whether LiteLLM stored any of the request's content.
    content_available: bool,
    /// Why content is missing or not complete.
    content_unavailable_reason: Option<Reason>,
    /// Who made the request: `user`; `internal` for LiteLLM itself, such as health checks and calls of its router; `read` for a
    /// mere read of what was there, such as a poll of a response; null where LiteLLM's log had lost the request when the index
    /// began to note it.
    origin: Option<String>,
    /// What is doubtful about the request's row: `no_usage` (a model's answer with neither tokens nor cost),
    /// `ends_before_start`, `time_out_of_range` (a time that is infinite, before 1970 or after 9999), `charged_read` (a mere
    /// read that cost something), `shares_call_id` (another request with its call id started within a quarter of an hour of it).
    data_quality: Vec<String>,
}

/// Read a request
///
/// One request by its request id or its `x-litellm-call-id`.
#[utoipa::path(
    get,
    path = "/api/v1/requests/{request_id}",
    tag = "requests",
    params(("request_id" = String, Path, description = "The request id or the call id, percent-encoded")),
    responses(
        (status = 200, description = "The request", body = RequestDetail),
        (status = "4XX", description = "There is no such request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_request(
    State(state): State<AppState>,
    reader: ContentReader,
    PathId(id): PathId,
    _: NoQuery,
) -> ApiResult<Json<RequestDetail>> {
    let mut db = state.db.look_up().await?;
    let record = requests::find(&mut db, reader.scope(), &id).await?.ok_or_else(no_such_request)?;
    Ok(Json(RequestDetail::new(record, &reader)))
}

impl RequestDetail {
    fn new(mut record: RequestRecord, reader: &ContentReader) -> Self {
        let function_calls_count = record.content.tool_calls;
        let may_read = reader.may_read(&record.content);
        let disclosure = reader.disclosure(&record.content);
        let content = normalise_with_sent(record.content.take_stored()).disclose(disclosure);
        let row = record.row;
        Self {
            request_id: row.request_id,
            litellm_call_id: row.litellm_call_id,
            session_id: row.session_id,
            user_id: row.user_id,
            end_user: row.end_user,
            team_id: row.team_id,
            organization_id: record.organization_id,
            key_alias: record.key_alias,
            agent_name: record.agent_name,
            conversation_name: record.conversation_name,
            model: row.model,
            model_group: row.model_group,
            provider: row.provider,
            api_base: record.api_base.as_deref().map(bare_url),
            call_type: row.call_type,
            status: row.status,
            error_class: record.error_class,
            request_start: row.request_start,
            request_end: row.request_end,
            completion_start: record.completion_start,
            total_time: row.total_time,
            time_to_first_token: row.time_to_first_token,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            total_tokens: row.total_tokens,
            cached_tokens: record.cached_tokens,
            reasoning_tokens: record.reasoning_tokens,
            function_calls_count,
            cost: row.cost,
            cache_hit: record.cache_hit_text,
            // It is a hash of what was said, which can be guessed at.
            cache_key: record.cache_key.filter(|_| may_read),
            metadata: disclosure.metadata(record.metadata.map(|json| json.0), &record.row_keys),
            messages: content.sent,
            request_parameters: Value::Object(content.parameters),
            response: content.raw_response,
            request_tags: row.tags,
            content_available: content.availability.content_available,
            content_unavailable_reason: content.availability.content_unavailable_reason,
            origin: row.origin,
            data_quality: row.data_quality,
        }
    }
}
