//! The turns of two sessions: what is the same in both, and what is not.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use serde::Serialize;
use traceability_content::Turn as ContentTurn;
use traceability_queries::sessions::StepRow;
use traceability_steps::{Pair, StepKey};
use utoipa::ToSchema;

use super::end;

/// How many turns show how they begin.
const MOST_EXCERPTS: usize = 500;

/// A session and what is known of it.
pub struct Side {
    /// Its id, as it was asked for.
    pub session_id: String,
    /// Its requests, in the order of their start.
    pub rows: Vec<StepRow>,
    /// Whether those are all.
    pub complete: bool,
    /// What each added to it.
    pub content: Vec<Option<ContentTurn>>,
}

impl Side {
    /// What is known of each step to find the other session's.
    pub fn keys(&self) -> Vec<StepKey> {
        let key = |(row, content): (&StepRow, &Option<ContentTurn>)| {
            let mut kind = DefaultHasher::new();
            (model(row), &row.call_type, &row.tools).hash(&mut kind);
            StepKey { prompt: content.as_ref().and_then(|content| content.prompt), kind: kind.finish() }
        };
        self.rows.iter().zip(&self.content).map(key).collect()
    }

    fn content(&self, step: usize) -> Option<&ContentTurn> {
        self.content.get(step)?.as_ref()
    }
}

/// The model's public name, which is the same in all releases of LiteLLM.
fn model(row: &StepRow) -> &str {
    row.model_group.as_deref().unwrap_or(&row.model)
}

/// The figures of a session, over the requests that are compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideTotals {
    /// The session's id, as it was asked for.
    session_id: String,
    /// The start of the first request.
    start: DateTime<Utc>,
    /// The requests that are compared.
    pub requests: i64,
    /// Whether those are all: of a longer session they are the first 20,000.
    complete: bool,
    /// US dollars.
    pub cost: f64,
    /// Tokens of the prompts.
    pub prompt_tokens: i64,
    /// Tokens of the completions.
    pub completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// Seconds that the requests took, added up.
    pub response_seconds: f64,
    /// Seconds from start to end by the clock.
    pub wall_seconds: f64,
}

/// A difference of costs without what binary fractions leave of it.
pub fn dollars(difference: f64) -> f64 {
    (difference * 1e12).round() / 1e12
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a session")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

impl SideTotals {
    /// Those of a session, which has a request.
    pub fn of(side: &Side) -> Self {
        let rows = &side.rows;
        let start = rows.first().map(|row| row.started_at).unwrap_or_default();
        let wall = end(rows).map_or(0, |end| (end - start).num_milliseconds());
        Self {
            session_id: side.session_id.clone(),
            start,
            requests: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            complete: side.complete,
            cost: rows.last().map_or(0.0, |row| row.running_cost),
            prompt_tokens: rows.iter().map(|row| row.prompt_tokens).sum(),
            completion_tokens: rows.iter().map(|row| row.completion_tokens).sum(),
            total_tokens: rows.iter().map(|row| row.total_tokens).sum(),
            response_seconds: seconds(rows.iter().map(|row| row.duration_ms).sum()),
            wall_seconds: seconds(wall),
        }
    }
}

/// In what the requests of a turn differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Only the second session has it.
    Added,
    /// Only the first session has it.
    Removed,
    /// The messages that it added to the conversation.
    Prompt,
    /// The model, or LiteLLM's call type.
    Model,
    /// The parameters beside the model.
    Parameters,
    /// The called tools; where content was compared, also their arguments.
    ToolCall,
    /// The text of the response.
    Answer,
    /// Whether it failed, and how.
    Outcome,
}

/// How both requests of a turn begin, where they differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct Excerpts {
    /// The last message that the first session's request added, at most 200 characters.
    prompt_a: Option<String>,
    /// That of the second.
    prompt_b: Option<String>,
    /// The first session's response: its text, or its calls where it has none.
    answer_a: Option<String>,
    /// That of the second.
    answer_b: Option<String>,
}

/// A request of each session, or of one where the other has none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Turn {
    /// The request of the first session, by its place in the order of their start, from 0, as in the timeline.
    #[schema(required = true, value_type = Option<i64>)]
    a: Option<usize>,
    /// That of the second.
    #[schema(required = true, value_type = Option<i64>)]
    b: Option<usize>,
    /// In what they differ; empty where they do not.
    differences: Vec<Difference>,
    /// Whether what was said is known of both.
    content_compared: bool,
    /// US dollars of the second less those of the first, as are all figures.
    cost_change: f64,
    /// All tokens.
    tokens_change: i64,
    /// Seconds that the request took.
    seconds_change: f64,
    /// How both begin, of the first 500 turns that differ in prompt, tool call or answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpts: Option<Excerpts>,
}

impl Turn {
    /// The turn of these steps.
    pub fn of(a: &Side, b: &Side, pair: Pair) -> Self {
        let row_a = pair.a.and_then(|step| a.rows.get(step));
        let row_b = pair.b.and_then(|step| b.rows.get(step));
        let contents = pair.a.zip(pair.b).and_then(|(of_a, of_b)| a.content(of_a).zip(b.content(of_b)));
        let differences = match (row_a, row_b) {
            (Some(of_a), Some(of_b)) => differences(of_a, of_b, contents),
            (None, _) => vec![Difference::Added],
            (_, None) => vec![Difference::Removed],
        };
        let is_known = |turn: &ContentTurn| turn.prompt.or(turn.answer).is_some();
        let milliseconds = |row: Option<&StepRow>| row.map_or(0, |row| row.duration_ms);
        let tokens = |row: Option<&StepRow>| row.map_or(0, |row| row.total_tokens);
        let cost = |row: Option<&StepRow>| row.map_or(0.0, |row| row.cost);
        Self {
            a: pair.a,
            b: pair.b,
            differences,
            content_compared: contents.is_some_and(|(of_a, of_b)| is_known(of_a) && is_known(of_b)),
            cost_change: dollars(cost(row_b) - cost(row_a)),
            tokens_change: tokens(row_b) - tokens(row_a),
            seconds_change: seconds(milliseconds(row_b) - milliseconds(row_a)),
            excerpts: None,
        }
    }
}

/// In what two requests differ, what comes first in a request first.
fn differences(a: &StepRow, b: &StepRow, contents: Option<(&ContentTurn, &ContentTurn)>) -> Vec<Difference> {
    let differ =
        |part: fn(&ContentTurn) -> Option<u64>| contents.and_then(|(of_a, of_b)| Some(part(of_a)? != part(of_b)?));
    let tools = differ(|turn| turn.calls).unwrap_or((&a.tools, a.tool_calls) != (&b.tools, b.tool_calls));
    let all = [
        (Difference::Prompt, differ(|turn| turn.prompt).unwrap_or(false)),
        (Difference::Model, (model(a), &a.call_type) != (model(b), &b.call_type)),
        (Difference::Parameters, differ(|turn| turn.parameters).unwrap_or(false)),
        (Difference::ToolCall, tools),
        (Difference::Answer, differ(|turn| turn.answer).unwrap_or(false)),
        (Difference::Outcome, (&a.status, &a.error_class) != (&b.status, &b.error_class)),
    ];
    all.into_iter().filter_map(|(difference, is_there)| is_there.then_some(difference)).collect()
}

/// Adds how both requests begin to the first turns that differ in what was said.
pub fn add_excerpts(a: &Side, b: &Side, turns: &mut [Turn]) {
    let said = [Difference::Added, Difference::Removed, Difference::Prompt, Difference::ToolCall, Difference::Answer];
    let is_shown = |turn: &&mut Turn| turn.differences.iter().any(|one| said.contains(one));
    for turn in turns.iter_mut().filter(is_shown).take(MOST_EXCERPTS) {
        let (of_a, of_b) = (turn.a.and_then(|step| a.content(step)), turn.b.and_then(|step| b.content(step)));
        if of_a.is_none() && of_b.is_none() {
            continue;
        }
        turn.excerpts = Some(Excerpts {
            prompt_a: of_a.and_then(|turn| turn.prompt_excerpt.clone()),
            prompt_b: of_b.and_then(|turn| turn.prompt_excerpt.clone()),
            answer_a: of_a.and_then(|turn| turn.answer_excerpt.clone()),
            answer_b: of_b.and_then(|turn| turn.answer_excerpt.clone()),
        });
    }
}

/// Where two sessions went apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct Divergence {
    /// The number of the turn, from 0.
    #[schema(value_type = i64)]
    turn: usize,
    /// In what it differs first: what comes first in a request.
    kind: Difference,
    /// The request of the first session; null where it has none.
    #[schema(required = true)]
    request_id_a: Option<String>,
    /// That of the second.
    #[schema(required = true)]
    request_id_b: Option<String>,
}

impl Divergence {
    /// The first of these turns that differs.
    pub fn first(a: &Side, b: &Side, turns: &[Turn]) -> Option<Self> {
        let (turn, first) = turns.iter().enumerate().find(|(_, turn)| !turn.differences.is_empty())?;
        let id = |side: &Side, step: Option<usize>| Some(side.rows.get(step?)?.request_id.clone());
        Some(Self {
            turn,
            kind: *first.differences.first()?,
            request_id_a: id(a, first.a),
            request_id_b: id(b, first.b),
        })
    }
}
