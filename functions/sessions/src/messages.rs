//! `GET /api/v1/sessions/{session_id}/messages`

use std::collections::HashMap;
use std::ops::ControlFlow;

use axum::Json;
use axum::extract::{OriginalUri, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use traceability_content::{Conversation, Message, Reason, normalise};
use traceability_db::DbError;
use traceability_http::page::NextPage;
use traceability_http::{ApiResult, AppState, ContentReader, Cursor, PageSize, PathId, Problem, Query};
use traceability_index::names;
use traceability_queries::content;
use traceability_queries::content::{ContentRow, EarlierRequests};
use traceability_queries::position::RequestPosition;
use traceability_queries::source::SourceConnection;
use utoipa::{IntoParams, ToSchema};

use crate::summary::no_such_session;

/// Which part of the session to return.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// How many requests to return, 1 to 1000. A page also ends early when its messages reach 3 MB.
    #[serde(default = "PageSize::largest")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 1000)]
    limit: PageSize,
    /// Where the previous page ended: taken from its `Link` header, as it is.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
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
/// whole; a longer one in pages, by the `Link` header.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{session_id}/messages",
    tag = "sessions",
    params(("session_id" = String, Path, description = "The session's id, percent-encoded"), Params),
    responses(
        (status = 200, description = "The session's requests", body = Vec<SessionMessage>, headers(
            ("Link" = String, description = "The next page (`rel=\"next\"`), if there is one")
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
    let place: Option<Place> = params.cursor.as_ref().map(|cursor| cursor.decode(&list)).transpose()?;
    let mut db = state.db.look_up().await?;
    let mut replay = match &place {
        Some(place) => Replay::resume(&mut db, &session_id, place, &reader).await?,
        None => Replay::default(),
    };
    let more = replay.read(&mut db, &session_id, params.limit.get(), &reader).await?;
    // Behind a cursor, too: whoever makes one up must not learn that others have such a session.
    if replay.page.is_empty() {
        db.require_index()?;
        return Err(no_such_session());
    }
    let place = replay.place().filter(|_| more);
    let next = place.map(|place| NextPage::after(&uri, &place, &Cursor::encode(&list, &place)));
    Ok((next.unwrap_or_default(), Json(replay.page)))
}

/// What a page of messages may weigh. API Gateway and Lambda carry 6 MB; a page is held in memory.
const PAGE_BYTES: usize = 3_000_000;

/// Where a page ended, and which earlier requests the next one needs to tell what is new.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    #[serde(flatten)]
    last: RequestPosition,
    sequence: u64,
    tips: Vec<Mark>,
}

/// A request, in few bytes: its start in milliseconds, and part of its id's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark(i64, u32);

impl Mark {
    /// The same from the log and over the index, which shortens long ids.
    fn of(RequestPosition { started_at, request_id }: &RequestPosition) -> Self {
        let hash = Sha256::digest(names::stored(request_id).as_bytes());
        Self(started_at.timestamp_millis(), u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]))
    }

    fn new(row: &ContentRow) -> Self {
        Self::of(&row.position())
    }

    /// The conversation tells requests apart by number.
    fn position(self) -> u64 {
        #[expect(clippy::cast_sign_loss, reason = "the number is an identity, its order means nothing")]
        let start = self.0 as u64;
        start.rotate_left(20) ^ u64::from(self.1)
    }
}

/// What a page may read, in bytes: each request repeats its history, so much more than it shows.
const READ_BYTES: usize = 64_000_000;

/// A session on its way from the database to the page: request by request, so that only what the page shows stays in
/// memory.
#[derive(Default)]
struct Replay {
    disclosed: Conversation,
    /// What the caller may not read is a conversation of its own: it must neither be taken for told, nor tell by what is
    /// left out of the other.
    withheld: Conversation,
    marks: HashMap<u64, Mark>,
    last: Option<RequestPosition>,
    sequence: u64,
    shown: usize,
    read: usize,
    page: Vec<SessionMessage>,
}

impl Replay {
    /// The state in which the previous page ended.
    async fn resume(
        db: &mut SourceConnection,
        session_id: &str,
        place: &Place,
        reader: &ContentReader,
    ) -> Result<Self, DbError> {
        let mut replay = Self { sequence: place.sequence, last: Some(place.last.clone()), ..Self::default() };
        // None starts after the last one, and a made-up one may be beyond what PostgreSQL knows.
        let starts = place.tips.iter().filter_map(|mark| DateTime::from_timestamp_millis(mark.0));
        let starts: Vec<_> =
            starts.filter(|start| (DateTime::UNIX_EPOCH..=place.last.started_at).contains(start)).collect();
        let is_tip = |key: &RequestPosition| place.tips.contains(&Mark::of(key));
        let earlier = EarlierRequests { starts: &starts, until: &place.last };
        content::read_session_at(db, reader.scope(), session_id, earlier, is_tip, |mut row| {
            let mark = Mark::new(&row);
            let content = normalise(row.take_stored());
            replay.conversation(reader.may_read(&row)).restore(mark.position(), &content);
            replay.marks.insert(mark.position(), mark);
        })
        .await?;
        Ok(replay)
    }

    /// Reads one page; whether another follows.
    async fn read(
        &mut self,
        db: &mut SourceConnection,
        session_id: &str,
        limit: u32,
        reader: &ContentReader,
    ) -> Result<bool, DbError> {
        let after = self.last.clone();
        content::read_session(db, reader.scope(), session_id, after.as_ref(), limit, |row| {
            if self.shown >= PAGE_BYTES || self.read >= READ_BYTES {
                return ControlFlow::Break(());
            }
            self.add(row, reader);
            ControlFlow::Continue(())
        })
        .await
    }

    fn add(&mut self, mut row: ContentRow, reader: &ContentReader) {
        self.read += row.weight();
        let lengths = row.lengths();
        let content = normalise(row.take_stored());
        let mark = Mark::new(&row);
        let conversation = self.conversation(reader.may_read(&row));
        // The conversation is told from what was really said; only then is anything taken out of it.
        let content = if conversation.repeats(&content) {
            content.nothing_added()
        } else {
            let new = conversation.add(mark.position(), &content);
            self.marks.insert(mark.position(), mark);
            content.added(&new)
        };
        self.sequence = self.sequence.saturating_add(1);
        self.last = Some(row.position());
        let content = content.disclose(reader.disclosure(&row));
        let messages: Vec<Message> = content.prompt.into_iter().chain(content.response).collect();
        self.shown += messages.iter().map(weight).sum::<usize>();
        self.page.push(SessionMessage {
            request_id: row.request_id,
            message_sequence: self.sequence,
            timestamp: row.started_at,
            model: row.model,
            model_group: row.model_group,
            call_type: row.call_type,
            status: row.status,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            total_tokens: row.total_tokens,
            cost: row.cost,
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of one request")]
            response_time_seconds: row.duration_ms as f64 / 1000.0,
            messages_length: lengths.prompt,
            response_length: lengths.response,
            response_type: if row.tool_calls > 0 { "function_call" } else { "regular_response" },
            cache_hit: row.cache_hit,
            messages,
            content_available: content.availability.content_available,
            content_unavailable_reason: content.availability.content_unavailable_reason,
        });
    }

    fn conversation(&mut self, may_read: bool) -> &mut Conversation {
        if may_read { &mut self.disclosed } else { &mut self.withheld }
    }

    fn place(&self) -> Option<Place> {
        let tips = self.withheld.heads().into_iter().chain(self.disclosed.heads());
        let tips = tips.filter_map(|tip| self.marks.get(&tip).copied()).collect();
        self.last.clone().map(|last| Place { last, sequence: self.sequence, tips })
    }
}

/// What a message weighs in the answer, in bytes.
fn weight(message: &Message) -> usize {
    serde_json::to_vec(message).map_or(0, |json| json.len())
}
