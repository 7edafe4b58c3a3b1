//! `GET /api/v1/sessions/{session_id}/messages`

mod place;
mod replay;

use axum::Json;
use axum::extract::{OriginalUri, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traceability_content::{Message, Reason};
use traceability_core::scalar::Text;
use traceability_http::error::ParameterProblem;
use traceability_http::page::NextPage;
use traceability_http::{ApiError, ApiResult, AppState, ContentReader, Cursor, PageSize, PathId, Problem, Query};
use traceability_queries::content;
use traceability_queries::source::SourceConnection;
use utoipa::{IntoParams, ToSchema};

use crate::summary::no_such_session;
use place::{Before, PageStart};
use replay::Replay;

/// How many requests before a page are looked at to tell what is new on it, where it does not follow on a page.
const LOOKED_BACK: u32 = 64;

/// Which part of the session to return.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// How many requests to return, 1 to 1000. A page also ends early when its messages reach 3 MB.
    #[serde(default = "PageSize::largest")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 1000)]
    limit: PageSize,
    /// Where another page ended or began: taken from its `Link` header, as it is.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// The id or the call id of a request with which the page begins, instead of the session's first. What was said more than 64
    /// requests before it may be shown again.
    #[param(value_type = Option<String>)]
    around: Option<Text>,
}

/// One request of a session, with the messages that it added to the conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionMessage {
    /// LiteLLM's request id.
    request_id: String,
    /// The request's number in the session, from 1.
    message_sequence: u64,
    /// When the proxy received the request.
    timestamp: DateTime<Utc>,
    /// The deployed model, as LiteLLM wrote it.
    model: String,
    /// The model's public name.
    model_group: Option<String>,
    /// LiteLLM's call type, such as `acompletion`.
    call_type: Option<String>,
    /// `success` or `failure`.
    status: String,
    /// Tokens of the prompt.
    prompt_tokens: i64,
    /// Tokens of the completion.
    completion_tokens: i64,
    /// All tokens.
    total_tokens: i64,
    /// US dollars.
    cost: f64,
    /// Seconds from start to end.
    response_time_seconds: f64,
    /// Characters of the stored prompt, history included, as JSON; 0 if none is stored.
    #[schema(value_type = i64)]
    messages_length: usize,
    /// Characters of the stored response, as JSON; 0 if none is stored.
    #[schema(value_type = i64)]
    response_length: usize,
    /// `function_call` if the response calls a tool, else `regular_response`.
    response_type: &'static str,
    /// Whether LiteLLM's own response cache answered.
    cache_hit: bool,
    /// The messages that this request added: what is new in its prompt, then the response. Each request of a chat repeats
    /// its history; what an earlier request of the session has shown is not shown again, so that all `messages` in a
    /// row read as the conversation, once. A system prompt that changed is shown again, but not for the nonce in Claude
    /// Code's billing header alone. A row of an exchange that LiteLLM logged twice adds nothing.
    messages: Vec<Message>,
    /// Whether LiteLLM stored any of the request's content.
    content_available: bool,
    /// Why content is missing or not complete.
    content_unavailable_reason: Option<Reason>,
}

/// Read a session
///
/// The session's requests in order, each with the messages that it added to the conversation. An ordinary session comes
/// whole; a longer one in pages, by the `Link` header, forward and back. `around` begins anywhere in it.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{session_id}/messages",
    tag = "sessions",
    params(("session_id" = String, Path, description = "The session's id, percent-encoded"), Params),
    responses(
        (status = 200, description = "The session's requests", body = Vec<SessionMessage>, headers(
            ("Link" = String, description = "The next page (`rel=\"next\"`) and the previous one (`rel=\"prev\"`), where there are any")
        )),
        (status = "4XX", description = "There is no such session", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_session_messages(
    State(state): State<AppState>,
    reader: ContentReader,
    OriginalUri(uri): OriginalUri,
    PathId(session_id): PathId,
    Query(params): Query<Params>,
) -> ApiResult<(NextPage, Json<Vec<SessionMessage>>)> {
    let list = (reader.identity(), "session messages", &session_id);
    let start: Option<PageStart> = params.cursor.as_ref().map(|cursor| cursor.decode(&list)).transpose()?;
    let limit = params.limit.get();
    let mut db = state.db.look_up().await?;
    let (replay, more) = match (start, &params.around) {
        (Some(_), Some(_)) => return Err(ParameterProblem::new("around", "must not be combined with cursor").into()),
        (Some(PageStart::After(place)), None) => {
            let replay = Replay::resume(&mut db, &session_id, &place, &reader).await?;
            read(replay, &mut db, &session_id, limit, &reader).await?
        }
        (Some(PageStart::Before(before)), None) => (back(&mut db, &session_id, &before, limit, &reader).await?, true),
        (None, Some(request)) => {
            let replay = begin_at(&mut db, &session_id, &request.0, &reader).await?;
            read(replay, &mut db, &session_id, limit, &reader).await?
        }
        (None, None) => read(Replay::default(), &mut db, &session_id, limit, &reader).await?,
    };
    // Behind a cursor, too: whoever makes one up must not learn that others have such a session.
    if replay.page.is_empty() {
        db.require_index()?;
        return Err(no_such_session());
    }
    let place = replay.place().filter(|_| more);
    let next = place.map(|place| NextPage::after(&uri, &place, &Cursor::encode(&list, &place))).unwrap_or_default();
    let pages = match replay.before() {
        Some(before) => next.and_before(&uri, &Cursor::encode(&list, before)),
        None => next,
    };
    Ok((pages, Json(replay.page)))
}

/// Reads a page; whether another follows.
async fn read(
    mut replay: Replay,
    db: &mut SourceConnection,
    session_id: &str,
    limit: u32,
    reader: &ContentReader,
) -> ApiResult<(Replay, bool)> {
    let more = replay.read(db, session_id, limit, reader).await?;
    Ok((replay, more))
}

/// The page that ends before another one.
async fn back(
    db: &mut SourceConnection,
    session_id: &str,
    Before { before, sequence }: &Before,
    limit: u32,
    reader: &ContentReader,
) -> ApiResult<Replay> {
    let positions = content::positions_before(db, reader.scope(), session_id, before, limit + LOOKED_BACK).await?;
    let (earlier, page) = positions.split_at(positions.len().saturating_sub(limit as usize));
    let first = sequence.saturating_sub(1 + page.len() as u64);
    let mut replay = Replay::begin(db, earlier, first, reader).await?;
    replay.read_positions(db, page, reader).await?;
    Ok(replay)
}

/// The state before a request of the session.
async fn begin_at(
    db: &mut SourceConnection,
    session_id: &str,
    request: &str,
    reader: &ContentReader,
) -> ApiResult<Replay> {
    let scope = reader.scope();
    let Some(position) = content::position_of(db, scope, session_id, request).await? else {
        db.require_index()?;
        let mut whole = Replay::default();
        whole.read(db, session_id, 1, reader).await?;
        return Err(if whole.page.is_empty() {
            no_such_session()
        } else {
            let detail = "is no request of this session: give the id or the call id of one";
            ApiError::from(ParameterProblem::new("around", detail))
        });
    };
    let earlier = content::positions_before(db, scope, session_id, &position, LOOKED_BACK).await?;
    let sequence = content::count_before(db, scope, session_id, &position).await?;
    Ok(Replay::begin(db, &earlier, sequence, reader).await?)
}
