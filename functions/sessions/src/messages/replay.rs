//! A session on its way from the database to a page of messages.

use std::collections::HashMap;
use std::ops::ControlFlow;

use chrono::DateTime;
use traceability_content::{Conversation, Message, normalise};
use traceability_db::DbError;
use traceability_http::ContentReader;
use traceability_queries::content;
use traceability_queries::content::{ContentRow, EarlierRequests};
use traceability_queries::position::RequestPosition;
use traceability_queries::source::SourceConnection;

use super::SessionMessage;
use super::place::{Before, Mark, Place};

/// What a page of messages may weigh. API Gateway and Lambda carry 6 MB; a page is held in memory.
const PAGE_BYTES: usize = 3_000_000;

/// What a page may read, in bytes: each request repeats its history, so much more than it shows.
const READ_BYTES: usize = 64_000_000;

/// A session on its way from the database to the page: request by request, so that only what the page shows stays in
/// memory.
#[derive(Default)]
pub struct Replay {
    disclosed: Conversation,
    /// What the caller may not read is a conversation of its own: it must neither be taken for told, nor tell by what is
    /// left out of the other.
    withheld: Conversation,
    marks: HashMap<u64, Mark>,
    first: Option<Before>,
    last: Option<RequestPosition>,
    sequence: u64,
    shown: usize,
    read: usize,
    pub page: Vec<SessionMessage>,
}

impl Replay {
    /// The state in which the previous page ended.
    pub async fn resume(
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

    /// The state before a request that has `sequence` others before it, of which these are the `last` ones. What was said before
    /// those is taken for new where it is said again.
    pub async fn begin(
        db: &mut SourceConnection,
        last: &[RequestPosition],
        sequence: u64,
        reader: &ContentReader,
    ) -> Result<Self, DbError> {
        let mut replay = Self { sequence, last: last.last().cloned(), ..Self::default() };
        content::read_positions(db, reader.scope(), last, |mut row| {
            let mark = Mark::new(&row);
            let content = normalise(row.take_stored());
            let conversation = replay.conversation(reader.may_read(&row));
            if !conversation.repeats(&content) {
                conversation.add(mark.position(), &content);
                replay.marks.insert(mark.position(), mark);
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(replay)
    }

    /// Reads a page of these requests.
    pub async fn read_positions(
        &mut self,
        db: &mut SourceConnection,
        positions: &[RequestPosition],
        reader: &ContentReader,
    ) -> Result<(), DbError> {
        content::read_positions(db, reader.scope(), positions, |row| self.take(row, reader)).await
    }

    /// Reads one page; whether another follows.
    pub async fn read(
        &mut self,
        db: &mut SourceConnection,
        session_id: &str,
        limit: u32,
        reader: &ContentReader,
    ) -> Result<bool, DbError> {
        let after = self.last.clone();
        content::read_session(db, reader.scope(), session_id, after.as_ref(), limit, |row| self.take(row, reader)).await
    }

    /// Adds a request to the page, unless that is full.
    fn take(&mut self, row: ContentRow, reader: &ContentReader) -> ControlFlow<()> {
        if self.shown >= PAGE_BYTES || self.read >= READ_BYTES {
            return ControlFlow::Break(());
        }
        self.add(row, reader);
        ControlFlow::Continue(())
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
        let position = row.position();
        if self.first.is_none() {
            self.first = Some(Before { before: position.clone(), sequence: self.sequence });
        }
        self.last = Some(position);
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

    /// Where the page began, unless with the session's first request.
    pub fn before(&self) -> Option<&Before> {
        self.first.as_ref().filter(|first| first.sequence > 1)
    }

    /// Where the page ended.
    pub fn place(&self) -> Option<Place> {
        let tips = self.withheld.heads().into_iter().chain(self.disclosed.heads());
        let tips = tips.filter_map(|tip| self.marks.get(&tip).copied()).collect();
        self.last.clone().map(|last| Place { last, sequence: self.sequence, tips })
    }
}

/// What a message weighs in the answer, in bytes.
fn weight(message: &Message) -> usize {
    serde_json::to_vec(message).map_or(0, |json| json.len())
}
