//! `GET /api/v1/requests`

use axum::Json;
use axum::extract::{OriginalUri, State};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::scalar::{Bounded, Dollars, Flag, Origin, Outcome, Seconds, SortOrder, Texts};
use traceability_core::time::MAX_DAYS;
use traceability_http::error::ParameterProblem;
use traceability_http::page::{MOST_COUNTED, NextPage, TotalCount};
use traceability_http::params::Query3;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Cursor, Page, Problem, window};
use traceability_queries::Source;
use traceability_queries::filter::RequestFilter;
use traceability_queries::position::RequestPosition;
use traceability_queries::request_filter;
use traceability_queries::requests;
use traceability_queries::requests::{RequestRow, RequestSearch};
use utoipa::IntoParams;

/// Filters on requests; a request must fulfil all of them, and have one of several values of the same.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// The agent; `unknown` for requests that name none.
    #[param(inline, required = false)]
    agent_name: Option<Texts>,
    /// The LiteLLM user who owns the key; `unknown` for none.
    #[param(inline, required = false)]
    user_id: Option<Texts>,
    /// The model, by its public name or as LiteLLM wrote it.
    #[param(inline, required = false)]
    model: Option<Texts>,
    /// The provider; `unknown` for none.
    #[param(inline, required = false)]
    provider: Option<Texts>,
    /// The end user, whom the caller named; `unknown` for none.
    #[param(inline, required = false)]
    end_user: Option<Texts>,
    /// The key's team; `unknown` for none.
    #[param(inline, required = false)]
    team_id: Option<Texts>,
    /// The virtual key: its hash, or its alias in LiteLLM's key table; `unknown` for none.
    #[param(inline, required = false)]
    key: Option<Texts>,
    /// A tag; `untagged` for requests without any.
    #[param(inline, required = false)]
    tag: Option<Texts>,
    /// The conversation's name; `default` for requests that give none.
    #[param(inline, required = false)]
    conversation_name: Option<Texts>,
    /// The session.
    #[param(inline, required = false)]
    session_id: Option<Texts>,
    /// A tool that the request called, see `GET /api/v1/analytics/tools`.
    #[param(inline, required = false)]
    tool: Option<Texts>,
    /// LiteLLM's call type, such as `acompletion`; `unknown` for none.
    #[param(inline, required = false)]
    call_type: Option<Texts>,
    /// The class of the error of a failed request, such as `RateLimitError`; `unknown` where LiteLLM noted none.
    #[param(inline, required = false)]
    error_class: Option<Texts>,
    /// `true`: the request called a tool; `false`: no call is known.
    #[param(value_type = Option<bool>)]
    has_tool_calls: Option<Flag>,
    /// US dollars that the request cost, at least.
    #[param(value_type = Option<f64>, minimum = 0)]
    min_cost: Option<Dollars>,
    /// All tokens of the request, at least.
    #[param(value_type = Option<u32>, minimum = 1)]
    min_tokens: Option<Bounded<1, 1_000_000_000>>,
    /// Seconds that the request took, at least.
    #[param(value_type = Option<f64>, minimum = 0)]
    min_duration: Option<Seconds>,
    /// How the request ended.
    #[param(inline)]
    status: Option<Outcome>,
    /// Who made the request: `user` leaves out LiteLLM's own calls (`internal`) and mere reads (`read`); `unknown` for requests
    /// that LiteLLM's log had lost when the index began to note it.
    #[param(inline)]
    origin: Option<Origin>,
    /// The start of the window: RFC 3339 (no offset means UTC), or a date, which means the start of that day in
    /// `timezone`. Without it the window reaches 366 days back.
    #[param(value_type = Option<String>)]
    start_date: Option<Moment>,
    /// The end of the window, which does not belong to it; now, if not given.
    #[param(value_type = Option<String>)]
    end_date: Option<Moment>,
    /// The IANA time zone in which days begin.
    #[param(value_type = Option<String>, default = "UTC")]
    timezone: TimeZone,
}

impl Filters {
    fn request_filter(&self) -> RequestFilter {
        request_filter!(
            self,
            agent_name,
            user_id,
            model,
            provider,
            end_user,
            team_id,
            key,
            tag,
            conversation_name,
            session_id,
            tool,
            call_type,
            error_class,
            has_tool_calls,
            min_cost,
            min_tokens,
            min_duration,
            status,
            origin,
        )
    }
}

/// Which way the list goes, and from when on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Direction {
    /// Only requests that ended at this time or later: RFC 3339 (no offset means UTC), or a date, which means the start of that
    /// day in `timezone`. For whoever polls, see below. Requests that took more than an hour are left out.
    #[param(value_type = Option<String>)]
    since: Option<Moment>,
    /// `asc`: the earliest start first; `desc`, if not given.
    #[param(inline, required = false)]
    order: Option<SortOrder>,
}

/// How long before its end a request may have started to be found by its end.
fn longest() -> TimeDelta {
    TimeDelta::hours(1)
}

/// What is asked for, at this time.
fn search(filters: &Filters, direction: &Direction, now: DateTime<Utc>) -> ApiResult<RequestSearch> {
    let since = direction.since.map(|since| since.instant(filters.timezone.0));
    if since.is_some_and(|since| since > now + longest()) {
        return Err(ParameterProblem::new("since", "must not lie in the future").into());
    }
    if since.is_some_and(|since| since < now - TimeDelta::days(MAX_DAYS.into()) + longest()) {
        return Err(ParameterProblem::new("since", format!("must be less than {MAX_DAYS} days ago")).into());
    }
    let earliest = since.map(|since| Moment::Instant(since - longest()));
    let start = filters.start_date.or(earliest);
    let mut window = window::resolve(start, filters.end_date, filters.timezone, MAX_DAYS, now)?;
    if let Some(since) = since {
        window.start = window.start.max(since - longest());
    }
    let order = direction.order.unwrap_or(SortOrder::Desc);
    Ok(RequestSearch { window, ended_since: since, filter: filters.request_filter(), order })
}

/// Where a listing goes on, and when it began.
#[derive(Debug, Serialize, Deserialize)]
struct ListPosition {
    #[serde(deserialize_with = "window::instant")]
    as_of: DateTime<Utc>,
    #[serde(flatten)]
    request: RequestPosition,
}

/// List requests
///
/// The newest first, without content.
///
/// To follow what happens, poll with `since` and the `ETag` of the last answer in `If-None-Match`: the answer is 304 until
/// something changed. Ask again from a few minutes before the last answer's `X-As-Of`, since LiteLLM logs a request some time
/// after its end, and tell requests by their id. Each poll reads the requests that started up to an hour before `since`.
#[utoipa::path(
    get,
    path = "/api/v1/requests",
    tag = "requests",
    params(Filters, Direction, Page),
    responses(
        (status = 200, description = "A page of requests", body = Vec<RequestRow>, headers(
            ("Link" = String, description = "The next page (`rel=\"next\"`), if there is one"),
            ("X-Total-Count" = String, description = "With `count=true`: how many items all pages have; `10000+` for more")
        )),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_requests(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query3(filters, direction, page): Query3<Filters, Direction, Page>,
) -> ApiResult<(CachePolicy, NextPage, TotalCount, Json<Vec<RequestRow>>)> {
    page.check()?;
    let list = (caller.identity(), "requests", &filters, &direction);
    let after: Option<ListPosition> = page.cursor.as_ref().map(|cursor| cursor.decode(&list)).transpose()?;
    let as_of = after.as_ref().map_or_else(|| state.clock.now(), |after| after.as_of);
    let mut search = search(&filters, &direction, as_of)?;
    // A window that is over is the same whenever it is asked about.
    let as_of = as_of.min(search.window.end);

    let mut db = state.db.connect().await?;
    search.filter = search.filter.with_key_hashes(&mut db.conn, &db.facts).await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let total = if page.counts() {
        TotalCount::of(requests::count(&mut db.conn, source, &search, MOST_COUNTED + 1).await?)
    } else {
        TotalCount::default()
    };
    // One more than the page tells whether another follows.
    let limit = page.limit.get();
    let after = after.map(|after| after.request);
    let bounds = (limit + 1, page.offset.get());
    let mut rows = requests::list(&mut db.conn, source, &search, after.as_ref(), bounds).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    requests::show_real_ids(&mut db, caller.scope(), &mut rows).await?;
    let next = rows.last().filter(|_| more).map(|last| {
        let request = RequestPosition { started_at: last.request_start, request_id: last.request_id.clone() };
        let position = ListPosition { as_of, request };
        NextPage::after(&uri, &position.request, &Cursor::encode(&list, &position))
    });
    Ok((CachePolicy::Revalidate, next.unwrap_or_default(), total, Json(rows)))
}
