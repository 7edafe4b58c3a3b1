//! `GET /api/v1/sessions/{session_id}/timeline`

mod columns;
mod outlines;
mod totals;
mod verdict;

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::choice;
use traceability_core::scalar::Flag;
use traceability_http::{ApiResult, AppState, MayRead, PathId, Problem, Query};
use traceability_queries::Source;
use traceability_queries::sessions;
use utoipa::{IntoParams, ToSchema};

use crate::summary::no_such_session;
use columns::{Columns, Names};
use outlines::Outlines;
use totals::Totals;
use verdict::Verdict;

/// How many requests a timeline shows.
const MOST_STEPS: u32 = 20_000;

choice! {
    /// What of the content a timeline is made from.
    ContentDetail {
        /// None of it.
        None = "none",
        /// What follows from it: which request follows on which, where a human spoke, which calls were repeated.
        Summary = "summary",
    }
}

/// What to add to the timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// `summary` reads the content of the first 2,000 requests (64 MB of it at most, and as much as there is time for), as far as
    /// you may read it; `content_steps` says how many. It fills `parent`, `human`, `repeated_calls` and exact `repeated_tokens`. The answer has no content itself.
    #[serde(default = "no_content")]
    #[param(inline, required = false)]
    content: ContentDetail,
    /// `true` adds the column `call_id`.
    #[param(value_type = Option<bool>)]
    call_ids: Option<Flag>,
}

const fn no_content() -> ContentDetail {
    ContentDetail::None
}

/// What `repeated_tokens` is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RepeatedTokensBasis {
    /// The numbers of tokens alone: an earlier request of the same agent and model, and its answer.
    Estimated,
    /// The messages: the part of a prompt that the session had before.
    Content,
}

/// A whole session as one narrow table.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    /// The session's id, as it was asked for.
    session_id: String,
    /// The start of the first request.
    start: DateTime<Utc>,
    /// The end of the last response.
    end: DateTime<Utc>,
    /// Seconds from start to end by the clock, idle time included.
    wall_seconds: f64,
    /// Seconds in which at least one request was being answered.
    busy_seconds: f64,
    /// The number of requests.
    requests: i64,
    /// US dollars.
    cost: f64,
    /// All tokens.
    total_tokens: i64,
    /// Whether all tool calls were counted; otherwise `tools` and `tool_calls` are lower bounds.
    tool_calls_exact: bool,
    /// Whether `steps` has all requests. Of a session with more than 20,000, `steps` and `verdict` are about the first 20,000,
    /// and the totals about all.
    complete: bool,
    /// What `repeated_tokens` and `repeated_prompt_percent` are taken from.
    repeated_tokens_basis: RepeatedTokensBasis,
    /// The number of requests, from the first, whose content was looked at; 0 without `content=summary`.
    content_steps: usize,
    /// The names that columns of `steps` refer to by their place in this list, from 0.
    names: Vec<String>,
    /// The requests, in the order of their start, as columns of equal length.
    steps: Columns,
    /// What stands out.
    verdict: Verdict,
}

/// Get the timeline of a session
///
/// All requests of a session in one columnar answer, without content: who called what, when, for how long and how much, in
/// lanes that show what ran in parallel, with idle gaps, failures and an estimate of the prompt tokens that had been sent
/// before. The totals are those of the summary.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{session_id}/timeline",
    tag = "sessions",
    params(("session_id" = String, Path, description = "The session's id, percent-encoded"), Params),
    responses(
        (status = 200, description = "The timeline", body = Timeline),
        (status = "4XX", description = "There is no such session", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_session_timeline(
    State(state): State<AppState>,
    caller: MayRead,
    PathId(session_id): PathId,
    Query(params): Query<Params>,
) -> ApiResult<Json<Timeline>> {
    let begun = Instant::now();
    let mut db = state.db.look_up().await?;
    // One more tells whether there are more.
    let mut rows = sessions::steps(&mut db, caller.scope(), &session_id, MOST_STEPS + 1).await?;
    if rows.is_empty() {
        db.require_index()?;
        return Err(no_such_session());
    }
    let complete = rows.len() <= MOST_STEPS as usize;
    let totals = if complete {
        Totals::of(&rows)
    } else {
        let source = Source { facts: &db.facts, scope: caller.scope() };
        let whole = sessions::summary(&mut db.conn, source, &session_id).await?;
        whole.map(Totals::from).ok_or_else(no_such_session)?
    };
    rows.truncate(MOST_STEPS as usize);
    let outlines = match params.content {
        ContentDetail::None => None,
        ContentDetail::Summary => {
            // Half of the time is for this: what is known by then is better than nothing.
            let until = begun + state.deadline / 2;
            Outlines::read(&mut db, &caller.for_content(), &session_id, &rows, until).await?
        }
    };
    let repeated = outlines.as_ref().map_or_else(|| columns::estimated(&rows), |outlines| outlines.repeated(&rows));
    let verdict = Verdict::of(&rows, &repeated, outlines.as_ref());
    let mut names = Names::default();
    let mut steps = Columns::of(&rows, repeated, &mut names);
    if params.call_ids.is_some_and(|flag| flag.0) {
        steps.call_id = Some(rows.iter().map(|row| row.call_id.clone()).collect());
    }
    let basis = if outlines.is_some() { RepeatedTokensBasis::Content } else { RepeatedTokensBasis::Estimated };
    let content_steps = outlines.as_ref().map_or(0, Outlines::steps_read);
    if let Some(outlines) = outlines {
        (steps.parent, steps.human) = (Some(outlines.parents), Some(outlines.humans));
    }
    Ok(Json(Timeline {
        session_id,
        start: totals.start,
        end: totals.end,
        wall_seconds: totals.wall_seconds,
        busy_seconds: totals.busy_seconds,
        requests: totals.requests,
        cost: totals.cost,
        total_tokens: totals.total_tokens,
        tool_calls_exact: totals.tool_calls_exact,
        complete,
        repeated_tokens_basis: basis,
        content_steps,
        names: names.list,
        steps,
        verdict,
    }))
}
