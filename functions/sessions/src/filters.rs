//! What selects sessions, the same in the query string and in the body.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::choice;
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::scalar::{Bounded, Dollars, Flag, Origin, Outcome, Seconds, SortOrder, Texts};
use traceability_http::page::{MOST_COUNTED, NextPage, TotalCount};
use traceability_http::{ApiResult, AppState, Caller, Cursor, Page, window};
use traceability_queries::Source;
use traceability_queries::request_filter;
use traceability_queries::sessions;
use traceability_queries::sessions::{SessionPosition, SessionSearch, SessionSort, SessionSummary, TotalsFilter};
use utoipa::{IntoParams, ToSchema};

/// Filters on sessions. `agent_name`, `user_id`, `model`, `provider`, `end_user`, `team_id`, `key`, `tag`, `tool`,
/// `conversation_name`, `origin` and the dates are about requests: a session matches when at least one of its requests
/// fulfils all of them, with one of several values of the same. The others are about the whole session, and so are the totals
/// in the answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SessionFilters {
    /// The agent of a request; `unknown` for requests that name none.
    #[param(inline, required = false)]
    pub agent_name: Option<Texts>,
    /// The LiteLLM user who owns the key of a request; `unknown` for none.
    #[param(inline, required = false)]
    pub user_id: Option<Texts>,
    /// The model of a request, by its public name or as LiteLLM wrote it.
    #[param(inline, required = false)]
    pub model: Option<Texts>,
    /// The provider of a request; `unknown` for none.
    #[param(inline, required = false)]
    pub provider: Option<Texts>,
    /// The end user of a request, whom the caller named; `unknown` for none.
    #[param(inline, required = false)]
    pub end_user: Option<Texts>,
    /// The team of a request's key; `unknown` for none.
    #[param(inline, required = false)]
    pub team_id: Option<Texts>,
    /// The virtual key of a request: its hash, or its alias in LiteLLM's key table; `unknown` for none.
    #[param(inline, required = false)]
    pub key: Option<Texts>,
    /// A tag of a request; `untagged` for requests without any.
    #[param(inline, required = false)]
    pub tag: Option<Texts>,
    /// A tool that a request called, see `GET /api/v1/analytics/tools`.
    #[param(inline, required = false)]
    pub tool: Option<Texts>,
    /// The conversation's name in a request; `default` for requests that give none.
    #[param(inline, required = false)]
    pub conversation_name: Option<Texts>,
    /// What the session's id begins with, up to 100 characters.
    #[param(value_type = Option<String>, max_length = 100)]
    #[schema(value_type = Option<String>, max_length = 100)]
    pub id_prefix: Option<IdPrefix>,
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
    /// All tokens of the session, at least.
    #[param(value_type = Option<u32>, minimum = 1)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub min_tokens: Option<Bounded<1, 1_000_000_000>>,
    /// Seconds from the start of the session's first request to the end of its last response, at least.
    #[param(value_type = Option<f64>, minimum = 0)]
    #[schema(value_type = Option<f64>, minimum = 0)]
    pub min_duration: Option<Seconds>,
    /// `true`: the session has tool calls; `false`: none is known, see `function_calls_exact`.
    #[param(value_type = Option<bool>)]
    #[schema(value_type = Option<bool>)]
    pub has_tool_calls: Option<Flag>,
    /// `failure`: the session has a failed request; `success`: it has none.
    #[param(inline)]
    pub status: Option<Outcome>,
}

/// The beginning of a session's id: 1 to 100 characters, which the index keeps of each id.
#[derive(Debug, Clone, Serialize)]
pub struct IdPrefix(String);

impl std::str::FromStr for IdPrefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.chars().count() {
            1..=100 if !text.contains('\0') => Ok(Self(text.to_owned())),
            1..=100 => Err("must not contain a NUL character"),
            _ => Err("must have 1 to 100 characters"),
        }
    }
}

traceability_core::parameter!(IdPrefix);

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
    pub order: SortOrder,
}

impl Sorting {
    const fn default_sort() -> Sort {
        Sort::Start
    }

    const fn default_order() -> SortOrder {
        SortOrder::Desc
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
                provider,
                end_user,
                team_id,
                key,
                tag,
                tool,
                conversation_name,
                origin,
            ),
            id_prefix: self.id_prefix.as_ref().map(|prefix| prefix.0.clone()),
            totals: TotalsFilter {
                min_cost: self.min_cost.map(|dollars| dollars.0),
                max_cost: self.max_cost.map(|dollars| dollars.0),
                min_requests: self.min_requests.map(|requests| requests.0),
                min_tokens: self.min_tokens.map(|tokens| tokens.0),
                min_duration: self.min_duration.map(|seconds| seconds.0),
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
            descending: sorting.order == SortOrder::Desc,
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
) -> ApiResult<(NextPage, TotalCount, Vec<SessionSummary>)> {
    page.check()?;
    let list = (caller.identity(), "sessions", filters, sorting);
    let after: Option<ListPosition> = page.cursor.as_ref().map(|cursor| cursor.decode(&list)).transpose()?;
    let as_of = after.as_ref().map_or_else(|| state.clock.now(), |after| after.as_of);
    let mut search = filters.search(sorting, as_of)?;

    let mut db = state.db.connect().await?;
    search.filter = search.filter.with_key_hashes(&mut db.conn, &db.facts).await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let total = if page.counts() {
        TotalCount::of(sessions::count(&mut db.conn, source, &search, MOST_COUNTED + 1).await?)
    } else {
        TotalCount::default()
    };
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
    Ok((next.unwrap_or_default(), total, summaries))
}
