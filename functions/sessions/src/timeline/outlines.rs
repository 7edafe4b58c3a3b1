//! What follows from the content of a session's requests, without the content.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Instant;

use traceability_content::{Call, Conversation, normalise};
use traceability_db::DbError;
use traceability_http::ContentReader;
use traceability_queries::content;
use traceability_queries::content::ContentRow;
use traceability_queries::sessions::StepRow;
use traceability_queries::source::SourceConnection;

/// How many requests' content is looked at.
const MOST_REQUESTS: u32 = 2_000;
/// How much content is looked at, in bytes: each request repeats its history.
const MOST_BYTES: usize = 64_000_000;

/// What follows from the content of a session's first requests; of the others nothing is known.
pub struct Outlines {
    /// The step that each step goes on with.
    pub parents: Vec<Option<usize>>,
    /// Whether a human spoke.
    pub humans: Vec<Option<bool>>,
    /// Which part of its prompt the session had before.
    shares: Vec<Option<f64>>,
    /// The calls of tools, each with its step.
    pub calls: Vec<(usize, Call)>,
    steps_read: usize,
}

impl Outlines {
    /// Reads them until then, as far as the caller may read content; `None` if that is nothing of it. What is in the answer is noted for
    /// the audit.
    ///
    /// # Errors
    /// [`DbError`] when a database does not answer.
    pub async fn read(
        db: &mut SourceConnection,
        reader: &ContentReader,
        session_id: &str,
        rows: &[StepRow],
        until: Instant,
    ) -> Result<Option<Self>, DbError> {
        let steps: HashMap<_, _> =
            rows.iter().enumerate().map(|(step, row)| ((row.started_at, row.request_id.as_str()), step)).collect();
        let nothing = || rows.iter().map(|_| None);
        let mut outlines = Self {
            parents: nothing().collect(),
            humans: rows.iter().map(|_| None).collect(),
            shares: rows.iter().map(|_| None).collect(),
            calls: Vec::new(),
            steps_read: 0,
        };
        let (mut conversation, mut bytes, mut may_read) = (Conversation::new(), 0, false);
        content::read_session(db, reader.scope(), session_id, None, MOST_REQUESTS, |row| {
            if bytes >= MOST_BYTES || Instant::now() >= until {
                return ControlFlow::Break(());
            }
            bytes += row.weight();
            // One that was logged meanwhile is in the next answer.
            if let Some(step) = steps.get(&(row.started_at, row.request_id.as_str())) {
                outlines.steps_read = step + 1;
                may_read |= reader.may_read(&row);
                outlines.add(*step, row, &mut conversation, reader);
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(may_read.then_some(outlines))
    }

    fn add(&mut self, step: usize, mut row: ContentRow, conversation: &mut Conversation, reader: &ContentReader) {
        let disclosure = reader.disclosure(&row);
        if !reader.may_read(&row) {
            return;
        }
        let content = normalise(row.take_stored());
        // Another row of an exchange that was added says nothing of its own.
        if conversation.repeats(&content) {
            return;
        }
        let added = conversation.follow(step as u64, &content);
        let Some(outline) = content.outline(&added.new, disclosure) else { return };
        self.parents[step] = added.parent.and_then(|parent| usize::try_from(parent).ok());
        self.humans[step] = outline.human;
        self.shares[step] = outline.repeated;
        self.calls.extend(outline.calls.into_iter().map(|call| (step, call)));
    }

    /// How many steps were looked at, from the first.
    pub const fn steps_read(&self) -> usize {
        self.steps_read
    }

    /// How many tokens of each prompt the session had sent before, by the share of its messages.
    pub fn repeated(&self, rows: &[StepRow]) -> Vec<Option<i64>> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a part of a number of tokens"
        )]
        let tokens = |(row, share): (&StepRow, &Option<f64>)| {
            share.filter(|_| row.prompt_tokens > 0).map(|share| (row.prompt_tokens as f64 * share).round() as i64)
        };
        rows.iter().zip(&self.shares).map(tokens).collect()
    }
}
