//! `GET /api/v1/sessions/diff`

mod content;
mod turns;

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::choice;
use traceability_core::scope::Scope;
use traceability_http::error::ParameterProblem;
use traceability_http::{ApiResult, AppState, ContentReader, MayRead, Problem, Query};
use traceability_queries::sessions;
use traceability_queries::sessions::StepRow;
use traceability_queries::source::SourceConnection;
use traceability_steps::pairs;
use utoipa::{IntoParams, ToSchema};

use crate::summary::no_such_session;
use content::ContentTurns;
use turns::{Divergence, Side, SideTotals, Turn};

/// How many requests of each session are compared.
const MOST_STEPS: u32 = 20_000;
/// How many turns an answer lists.
const MOST_TURNS: usize = 10_000;

choice! {
    /// What of the content two sessions are compared by.
    DiffContent {
        /// None of it.
        None = "none",
        /// All that is stored and may be read; turns that differ show how both begin.
        Excerpts = "excerpts",
    }
}

/// The id of a session: 1 to 8,000 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl std::str::FromStr for SessionId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=8_000).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err("must have 1 to 8000 bytes") }
    }
}

traceability_core::parameter!(SessionId);

/// Which sessions to compare, and by what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// The id of the first session.
    #[param(value_type = String, required = true)]
    a: Option<SessionId>,
    /// The id of the second session.
    #[param(value_type = String, required = true)]
    b: Option<SessionId>,
    /// `excerpts`, if not given, compares what was said, as far as it is stored and you may read it: of the first 2,000 requests
    /// of each session. `none` compares models, tools, tokens and costs only, which is quicker.
    #[param(inline, required = false)]
    content: Option<DiffContent>,
}

/// What of the content was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ComparedContent {
    /// That of all requests.
    All,
    /// That of some: of the others it is not stored, may not be read, or was left out of a long session.
    Some,
    /// None is stored.
    NotStored,
    /// The caller may read none of it.
    NotPermitted,
    /// It was not asked for.
    NotAsked,
}

/// How the second session differs from the first in all: its figures less those of the first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// Requests.
    requests: i64,
    /// US dollars.
    cost: f64,
    /// Tokens of the prompts.
    prompt_tokens: i64,
    /// Tokens of the completions.
    completion_tokens: i64,
    /// All tokens.
    total_tokens: i64,
    /// Seconds that the requests took, added up.
    response_seconds: f64,
    /// Seconds from start to end by the clock.
    wall_seconds: f64,
}

/// Two sessions side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionDiff {
    /// The first session.
    a: SideTotals,
    /// The second session.
    b: SideTotals,
    /// The second session's figures less the first's.
    change: Change,
    /// What of the content was compared. Without it, turns are told apart by their models and tools, and by how they ended.
    content: ComparedContent,
    /// The first turn in which the sessions differ; null where they do not.
    #[schema(required = true)]
    first_divergence: Option<Divergence>,
    /// The number of all turns: of requests that stand beside each other, and of those by themselves.
    #[schema(value_type = i64)]
    total_turns: usize,
    /// The first 10,000 turns, in order.
    turns: Vec<Turn>,
}

/// Compare two sessions
///
/// Both sessions turn by turn: a turn is a request of each, or of one where the other has none. Requests with the same prompt
/// stand beside each other, then those of the same model and tools. The figures of a turn are those of the second session
/// less those of the first. `first_divergence` says where two runs of one task went apart, and by what.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/diff",
    tag = "sessions",
    params(Params),
    responses(
        (status = 200, description = "The comparison", body = SessionDiff),
        (status = "4XX", description = "There is no such session, or a parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_session_diff(
    State(state): State<AppState>,
    caller: MayRead,
    Query(params): Query<Params>,
) -> ApiResult<Json<SessionDiff>> {
    let begun = Instant::now();
    let (a, b) = (given("a", params.a)?, given("b", params.b)?);
    if a == b {
        return Err(ParameterProblem::new("b", "must be another session than a").into());
    }
    let mut db = state.db.look_up().await?;
    let asked = params.content.unwrap_or(DiffContent::Excerpts);
    let reader = match asked {
        DiffContent::None => Err(caller),
        DiffContent::Excerpts => Ok(caller.for_content()),
    };
    let scope = reader.as_ref().map_or_else(|caller| caller.scope().clone(), |reader| reader.scope().clone());
    let reader = reader.ok();
    let mut sides = Vec::with_capacity(2);
    for id in [a, b] {
        sides.push(read(&mut db, &scope, reader.as_ref(), id).await?);
    }
    let mut contents = Vec::with_capacity(2);
    if let Some(reader) = &reader {
        for (place, side) in (1..).zip(&sides) {
            // A third of the time for each: what is known by then is better than nothing.
            let until = begun + state.deadline * place / 3;
            contents.push(ContentTurns::read(&mut db, reader, &side.session_id, &side.rows, until).await?);
        }
    }
    let content = compared(reader.as_ref().map(|_| contents.as_slice()));
    for (side, content) in sides.iter_mut().zip(contents) {
        side.content = content.turns;
    }
    Ok(Json(SessionDiff::of(&sides[0], &sides[1], content)))
}

/// How long steps are paired with care.
const PAIRING: Duration = Duration::from_secs(2);

fn given(name: &str, id: Option<SessionId>) -> Result<String, ParameterProblem> {
    id.map(|id| id.0).ok_or_else(|| ParameterProblem::new(name, "must be given: the id of a session"))
}

/// The requests of a session.
async fn read(
    db: &mut SourceConnection,
    scope: &Scope,
    reader: Option<&ContentReader>,
    session_id: String,
) -> ApiResult<Side> {
    // One more tells whether there are more.
    let mut rows = sessions::steps(db, scope, &session_id, MOST_STEPS + 1).await?;
    if rows.is_empty() {
        if let Some(reader) = reader {
            reader.begin_session(&session_id);
        }
        db.require_index()?;
        return Err(no_such_session());
    }
    let complete = rows.len() <= MOST_STEPS as usize;
    rows.truncate(MOST_STEPS as usize);
    let content = rows.iter().map(|_| None).collect();
    Ok(Side { session_id, rows, complete, content })
}

/// What of the content is known, where it was asked for.
fn compared(contents: Option<&[ContentTurns]>) -> ComparedContent {
    let Some(contents) = contents else { return ComparedContent::NotAsked };
    let turns = || contents.iter().flat_map(|content| &content.turns);
    let known = turns().filter(|turn| turn.as_ref().is_some_and(|turn| turn.prompt.or(turn.answer).is_some())).count();
    match known {
        0 if contents.iter().any(|content| content.may_read) => ComparedContent::NotStored,
        0 => ComparedContent::NotPermitted,
        known if known == turns().count() => ComparedContent::All,
        _ => ComparedContent::Some,
    }
}

impl SessionDiff {
    fn of(a: &Side, b: &Side, content: ComparedContent) -> Self {
        let pairs = pairs(&a.keys(), &b.keys(), Instant::now() + PAIRING);
        let (of_a, of_b) = (SideTotals::of(a), SideTotals::of(b));
        let mut turns: Vec<Turn> = pairs.iter().map(|pair| Turn::of(a, b, *pair)).collect();
        let first_divergence = Divergence::first(a, b, &turns);
        let total_turns = turns.len();
        turns.truncate(MOST_TURNS);
        turns::add_excerpts(a, b, &mut turns);
        Self { change: Change::of(&of_a, &of_b), a: of_a, b: of_b, content, first_divergence, total_turns, turns }
    }
}

impl Change {
    fn of(a: &SideTotals, b: &SideTotals) -> Self {
        Self {
            requests: b.requests - a.requests,
            cost: turns::dollars(b.cost - a.cost),
            prompt_tokens: b.prompt_tokens - a.prompt_tokens,
            completion_tokens: b.completion_tokens - a.completion_tokens,
            total_tokens: b.total_tokens - a.total_tokens,
            response_seconds: milliseconds(b.response_seconds - a.response_seconds),
            wall_seconds: milliseconds(b.wall_seconds - a.wall_seconds),
        }
    }
}

/// Seconds, as whole milliseconds.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// The end of the last response.
fn end(rows: &[StepRow]) -> Option<DateTime<Utc>> {
    rows.iter().map(|row| row.ended_at.max(row.started_at)).max()
}
