//! `GET /api/v1/requests`

use axum::Json;
use axum::extract::{OriginalUri, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::scalar::{Origin, Outcome, Text};
use traceability_http::page::NextPage;
use traceability_http::params::Query2;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Cursor, Page, Problem, window};
use traceability_queries::Source;
use traceability_queries::filter::RequestFilter;
use traceability_queries::position::RequestPosition;
use traceability_queries::request_filter;
use traceability_queries::requests;
use traceability_queries::requests::RequestRow;
use utoipa::IntoParams;

/// Filters on requests; a request must fulfil all of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// The agent; `unknown` for requests that name none.
    #[param(value_type = Option<String>)]
    agent_name: Option<Text>,
    /// The LiteLLM user who owns the key; `unknown` for none.
    #[param(value_type = Option<String>)]
    user_id: Option<Text>,
    /// The model, by its public name or as LiteLLM wrote it.
    #[param(value_type = Option<String>)]
    model: Option<Text>,
    /// The end user, whom the caller named; `unknown` for none.
    #[param(value_type = Option<String>)]
    end_user: Option<Text>,
    /// The key's team; `unknown` for none.
    #[param(value_type = Option<String>)]
    team_id: Option<Text>,
    /// A tag; `untagged` for requests without any.
    #[param(value_type = Option<String>)]
    tag: Option<Text>,
    /// The conversation's name; `default` for requests that give none.
    #[param(value_type = Option<String>)]
    conversation_name: Option<Text>,
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
        request_filter!(self, agent_name, user_id, model, end_user, team_id, tag, conversation_name, status, origin,)
    }
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
#[utoipa::path(
    get,
    path = "/api/v1/requests",
    tag = "requests",
    params(Filters, Page),
    responses(
        (status = 200, description = "A page of requests", body = Vec<RequestRow>, headers(
            ("Link" = String, description = "The next page (`rel=\"next\"`), if there is one")
        )),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_requests(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query2(filters, page): Query2<Filters, Page>,
) -> ApiResult<(CachePolicy, NextPage, Json<Vec<RequestRow>>)> {
    page.check()?;
    let list = (caller.identity(), "requests", &filters);
    let after: Option<ListPosition> = page.cursor.as_ref().map(|cursor| cursor.decode(&list)).transpose()?;
    let as_of = after.as_ref().map_or_else(|| state.clock.now(), |after| after.as_of);
    let window = window::resolve(
        filters.start_date,
        filters.end_date,
        filters.timezone,
        traceability_core::time::MAX_DAYS,
        as_of,
    )?;
    // A window that is over is the same whenever it is asked about.
    let as_of = as_of.min(window.end);

    let mut db = state.db.connect().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    // One more than the page tells whether another follows.
    let limit = page.limit.get();
    let after = after.map(|after| after.request);
    let bounds = (limit + 1, page.offset.get());
    let mut rows =
        requests::list(&mut db.conn, source, &window, &filters.request_filter(), after.as_ref(), bounds).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    requests::show_real_ids(&mut db, caller.scope(), &mut rows).await?;
    let next = rows.last().filter(|_| more).map(|last| {
        let request = RequestPosition { started_at: last.request_start, request_id: last.request_id.clone() };
        let position = ListPosition { as_of, request };
        NextPage::after(&uri, &position.request, &Cursor::encode(&list, &position))
    });
    let cache = window::cache_policy(filters.end_date, filters.timezone);
    Ok((cache, next.unwrap_or_default(), Json(rows)))
}
