//! What selects sessions, the same in the query string and in the body.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::choice;
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::scalar::{Bounded, Dollars, Flag, Origin, Outcome, Text};
use traceability_http::page::NextPage;
use traceability_http::{ApiResult, AppState, CachePolicy, Caller, Cursor, Page, window};
use traceability_queries::Source;
use traceability_queries::request_filter;
use traceability_queries::sessions;
use traceability_queries::sessions::{SessionPosition, SessionSearch, SessionSort, SessionSummary, TotalsFilter};
use utoipa::{IntoParams, ToSchema};

/// Filters on sessions. `agent_name`, `user_id`, `model`, `end_user`, `team_id`, `tag`, `conversation_name`, `origin` and the
/// dates are about requests: a session matches when at least one of its requests fulfils all of them. The others are about
/// the whole session, and so are the totals in the answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SessionFilters {
    /// The agent of a request; `unknown` for requests that name none.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>, example = "support-bot")]
    pub agent_name: Option<Text>,
    /// The LiteLLM user who owns the key of a request; `unknown` for none.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub user_id: Option<Text>,
    /// The model of a request, by its public name or as LiteLLM wrote it.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub model: Option<Text>,
    /// The end user of a request, whom the caller named; `unknown` for none.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub end_user: Option<Text>,
    /// The team of a request's key; `unknown` for none.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub team_id: Option<Text>,
    /// A tag of a request; `untagged` for requests without any.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub tag: Option<Text>,
    /// The conversation's name in a request; `default` for requests that give none.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub conversation_name: Option<Text>,
    /// Who made a request of the session: `user` leaves out sessions of nothing but LiteLLM's own calls (`internal`) and mere
    /// reads (`read`); `unknown` for requests that LiteLLM's log had lost when the index began to note it.
    #[param(inline)]
    pub origin: Option<Origin>,
    /// The start of the window in which a request must have started: RFC 3339 (no offset means UTC), or a date, which
    /// means the start of that day in `timezone`. Without it the window reaches 366 days back.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub start_date: Option<Moment>,
    /// The end of the window, which does not belong to it; now, if not given.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub end_date: Option<Moment>,
    /// The IANA time zone in which days begin; UTC if not given.
    #[param(value_type = Option<String>, default = "UTC")]
    #[schema(value_type = Option<String>)]
    pub timezone: TimeZone,
    /// US dollars that the session cost, at least.
    #[param(value_type = Option<f64>, minimum = 0)]
    #[schema(value_type = Option<f64>, minimum = 0)]
    pub min_cost: Option<Dollars>,
    /// US dollars that the session cost, at most.
    #[param(value_type = Option<f64>, minimum = 0)]
    #[schema(value_type = Option<f64>, minimum = 0)]
    pub max_cost: Option<Dollars>,
    /// Requests in the session, at least.
    #[param(value_type = Option<u32>, minimum = 1)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub min_requests: Option<Bounded<1, 1_000_000_000>>,
    /// `true`: the session has tool calls; `false`: none is known, see `function_calls_exact`.
    #[param(value_type = Option<bool>)]
    #[schema(value_type = Option<bool>)]
    pub has_tool_calls: Option<Flag>,
    /// `failure`: the session has a failed request; `success`: it has none.
    #[param(inline)]
    pub status: Option<Outcome>,
}

choice! {
    /// What sessions are sorted by.
    Sort as "SessionSort" {
        /// The start of the first request.
        Start = "start",
        /// The start of the latest request.
        LastActivity = "last_activity",
        /// US dollars.
        Cost = "cost",
        /// All tokens.
        Tokens = "tokens",
        /// From the first start to the last end.
        Duration = "duration",
        /// The number of requests.
        Requests = "requests",
    }
}

choice! {
    /// The direction of a sort.
    Order as "SortOrder" {
        /// The largest or latest first.
        Desc = "desc",
        /// The smallest or earliest first.
        Asc = "asc",
    }
}

/// The order of a list of sessions.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Sorting {
    /// What to sort by; `start` if not given.
    #[serde(default = "Sorting::default_sort")]
    #[param(inline, required = false)]
    pub sort: Sort,
    /// The direction; `desc` if not given.
    #[serde(default = "Sorting::default_order")]
    #[param(inline, required = false)]
    pub order: Order,
}

impl Sorting {
    const fn default_sort() -> Sort {
        Sort::Start
    }

    const fn default_order() -> Order {
        Order::Desc
    }
}

/// Where a listing goes on, and when it began.
#[derive(Debug, Serialize, Deserialize)]
struct ListPosition {
    #[serde(deserialize_with = "window::instant")]
    as_of: DateTime<Utc>,
    #[serde(flatten)]
    session: SessionPosition,
}

/// How far back a search without a start reaches.
const DAYS_BACK: u32 = traceability_core::time::MAX_DAYS;

impl SessionFilters {
    /// How an answer may be kept.
    pub(crate) fn cache_policy(&self) -> CachePolicy {
        window::cache_policy(self.end_date, self.timezone)
    }

    fn search(&self, sorting: Sorting, as_of: DateTime<Utc>) -> ApiResult<SessionSearch> {
        let window = window::resolve(self.start_date, self.end_date, self.timezone, DAYS_BACK, as_of)?;
        if let (Some(min), Some(max)) = (self.min_cost, self.max_cost)
            && min > max
        {
            return Err(
                traceability_http::error::ParameterProblem::new("max_cost", "must not be less than min_cost").into()
            );
        }
        Ok(SessionSearch {
            window,
            // Not `status`, which is about the whole session.
            filter: request_filter!(
                self,
                agent_name,
                user_id,
                model,
                end_user,
                team_id,
                tag,
                conversation_name,
                origin,
            ),
            totals: TotalsFilter {
                min_cost: self.min_cost.map(|dollars| dollars.0),
                max_cost: self.max_cost.map(|dollars| dollars.0),
                min_requests: self.min_requests.map(|requests| requests.0),
                has_tool_calls: self.has_tool_calls.map(|flag| flag.0),
                has_failures: self.status.map(|status| status == Outcome::Failure),
            },
            sort: match sorting.sort {
                Sort::Start => SessionSort::Start,
                Sort::LastActivity => SessionSort::LastActivity,
                Sort::Cost => SessionSort::Cost,
                Sort::Tokens => SessionSort::Tokens,
                Sort::Duration => SessionSort::Duration,
                Sort::Requests => SessionSort::Requests,
            },
            descending: sorting.order == Order::Desc,
            as_of,
        })
    }
}

/// A page of sessions and what leads to the next.
pub(crate) async fn find(
    state: &AppState,
    caller: &Caller,
    uri: &http::Uri,
    filters: &SessionFilters,
    sorting: Sorting,
    page: &Page,
) -> ApiResult<(NextPage, Vec<SessionSummary>)> {
    page.check()?;
    let list = (caller.identity(), "sessions", filters, sorting);
    let after: Option<ListPosition> = page.cursor.as_ref().map(|cursor| cursor.decode(&list)).transpose()?;
    let as_of = after.as_ref().map_or_else(|| state.clock.now(), |after| after.as_of);
    let search = filters.search(sorting, as_of)?;

    let mut db = state.db.connect().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let after = after.map(|after| after.session);
    // One more than the page tells whether another follows.
    let limit = page.limit.get();
    let mut found =
        sessions::search(&mut db.conn, source, &search, after.as_ref(), limit + 1, page.offset.get()).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let after = found.last().filter(|_| more).cloned();
    let ids: Vec<String> = found.into_iter().map(|position| position.session_id).collect();
    let mut summaries = sessions::summaries(&mut db.conn, source, &ids).await?;
    let real_ids = sessions::show_real_ids(&mut db, caller.scope(), &mut summaries).await?;
    let next = after.map(|after| {
        let session = SessionPosition { session_id: real_ids.whole(after.session_id), value: after.value };
        let position = ListPosition { as_of, session };
        NextPage::after(uri, &position.session, &Cursor::encode(&list, &position))
    });
    Ok((next.unwrap_or_default(), summaries))
}
