//! Finding sessions.
//!
//! A filter on requests selects *sessions*: a session matches when one of its requests in the window passes all of them.
//! Its totals are always those of the whole session, so the question has two halves: which sessions have such a
//! request, and what their totals are.
//!
//! The newest sessions are found by scanning the time index backwards until no session further back can belong to the
//! page; any other order has to total every candidate first. With an index there is a row per session, see [`search_indexed`].

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::session_duration;
use traceability_facts::{Conditions, Fact, RowSelector};

use super::search_indexed;
use crate::Source;
use crate::filter::{RequestFilter, union, utc};

/// What sessions are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionSort {
    /// The start of the first request.
    Start,
    /// The start of the latest request.
    LastActivity,
    /// Dollars.
    Cost,
    /// All tokens.
    Tokens,
    /// From the first start to the last end.
    Duration,
    /// The number of requests.
    Requests,
}

impl SessionSort {
    /// SQL of the value to order by, exact, over the requests `e` of a session.
    const fn value(self) -> &'static str {
        match self {
            Self::Start => "EXTRACT(EPOCH FROM min(e.started_at))::numeric",
            Self::LastActivity => "EXTRACT(EPOCH FROM max(e.started_at))::numeric",
            Self::Cost => "COALESCE(sum(e.spend::numeric), 0)",
            Self::Tokens => "COALESCE(sum(e.total_tokens), 0)::numeric",
            Self::Duration => concat!(session_duration!(), "::numeric"),
            Self::Requests => "count(*)::numeric",
        }
    }

    const fn facts(self) -> &'static [Fact] {
        match self {
            Self::Start | Self::LastActivity | Self::Requests => &[],
            Self::Cost => &[Fact::Spend],
            Self::Tokens => &[Fact::TotalTokens],
            Self::Duration => &[Fact::EndedAt],
        }
    }
}

/// What the totals of a session must be.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TotalsFilter {
    /// Dollars, at least.
    pub min_cost: Option<f64>,
    /// Dollars, at most.
    pub max_cost: Option<f64>,
    /// Requests, at least.
    pub min_requests: Option<u32>,
    /// All tokens, at least.
    pub min_tokens: Option<u32>,
    /// Seconds from the first start to the last end, at least.
    pub min_duration: Option<f64>,
    /// With or without tool calls.
    pub has_tool_calls: Option<bool>,
    /// With or without failed requests.
    pub has_failures: Option<bool>,
}

/// A question for sessions.
#[derive(Debug, Clone)]
pub struct SessionSearch {
    /// Where a matching request must have started.
    pub window: TimeWindow,
    /// What a matching request must be.
    pub filter: RequestFilter,
    /// What the session's id must begin with.
    pub id_prefix: Option<String>,
    /// What the session's totals must be.
    pub totals: TotalsFilter,
    /// The order.
    pub sort: SessionSort,
    /// Whether the largest value comes first.
    pub descending: bool,
    /// Later requests do not count for what matches and in which order, so that the pages of one listing fit together
    /// while requests arrive.
    pub as_of: DateTime<Utc>,
}

/// A session's place in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct SessionPosition {
    /// The value of the order, a decimal number.
    #[serde(deserialize_with = "decimal")]
    pub value: String,
    /// The session.
    #[serde(deserialize_with = "crate::filter::id")]
    pub session_id: String,
}

/// Reads a value of a cursor, which a client may have made up: one that PostgreSQL takes for a number.
fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = String::deserialize(deserializer)?;
    let unsigned = value.strip_prefix('-').unwrap_or(&value);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if value.len() <= 400 && digits(whole) && digits(fraction) { Ok(value) } else { Err(D::Error::custom("no number")) }
}

/// The sessions of one page, in order.
///
/// # Errors
/// Whatever the database reports.
pub async fn search(
    conn: &mut Connection,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
    limit: u32,
    offset: u32,
) -> sqlx::Result<Vec<SessionPosition>> {
    if source.facts.has_session_rows() {
        let search = SessionSearch { filter: search.filter.stored(source.facts), ..search.clone() };
        let after = after.map(|after| SessionPosition {
            value: after.value.clone(),
            session_id: source.facts.stored(&after.session_id).into_owned(),
        });
        search_indexed::list(conn, source, &search, after.as_ref(), limit, offset).await
    } else if search.can_scan() {
        TimeScan::new(search, after, limit, offset).run(conn, source).await
    } else {
        total_all(conn, source, search, after, limit, offset).await
    }
}

/// How many sessions match, counted up to `most`.
///
/// # Errors
/// Whatever the database reports.
pub async fn count(conn: &mut Connection, source: Source<'_>, search: &SessionSearch, most: u32) -> sqlx::Result<i64> {
    if source.facts.has_session_rows() {
        let search = SessionSearch { filter: search.filter.stored(source.facts), ..search.clone() };
        return search_indexed::count(conn, source, &search, most).await;
    }
    let mut sql = search.requests(source, &[]);
    sql.push(", c AS MATERIALIZED (SELECT DISTINCT f.session_id FROM requests AS f");
    let mut conditions = Conditions::new(&mut sql);
    search.push_prefix(&mut conditions, "f.session_id");
    search.filter.push(&mut conditions, "f");
    sql.push(") SELECT count(*) FROM (SELECT 1 FROM c");
    if search.totals != TotalsFilter::default() {
        sql.push(" CROSS JOIN ");
        search.push_totals(&mut sql, source, "c.session_id");
    }
    sql.push(" LIMIT ").push_bind(i64::from(most)).push(") AS m");
    sql.build_query_scalar().fetch_one(conn).await
}

impl SessionSearch {
    /// Whether a session that has not been met yet, on the way from the newest matching request backwards, is certain
    /// to come later in the order than the place where the scan stands.
    fn can_scan(&self) -> bool {
        let open_ended = self.window.end >= self.as_of;
        self.descending
            && match self.sort {
                // A session starts no later than any of its requests.
                SessionSort::Start => true,
                // The latest request must itself be one that the scan meets.
                SessionSort::LastActivity => self.filter.is_empty() && open_ended,
                _ => false,
            }
    }

    /// The window, cut where the listing began.
    pub(super) fn window(&self) -> TimeWindow {
        TimeWindow { start: self.window.start, end: self.window.end.min(self.as_of) }
    }

    /// Appends `LATERAL (…) AS t` with the `value` of the session that `key` names, empty if its totals do not pass.
    pub(super) fn push_totals(&self, sql: &mut QueryBuilder<Postgres>, source: Source<'_>, key: &'static str) {
        let totals = &self.totals;
        let mut facts = vec![Fact::StartedAt];
        facts.extend_from_slice(self.sort.facts());
        let mut need = |wanted: bool, fact| facts.extend(wanted.then_some(fact));
        need(totals.min_cost.is_some() || totals.max_cost.is_some(), Fact::Spend);
        need(totals.has_tool_calls.is_some(), Fact::ToolCalls);
        need(totals.has_failures.is_some(), Fact::Status);
        need(totals.min_tokens.is_some(), Fact::TotalTokens);
        need(totals.min_duration.is_some(), Fact::EndedAt);

        sql.push("LATERAL (SELECT ").push(self.sort.value()).push(" AS value FROM ");
        source.push(sql, "e", &union(&[&facts]), RowSelector::SessionOf(key));
        sql.push(" WHERE e.started_at < ").push_bind(utc(self.as_of));
        sql.push(" HAVING count(*) > 0");
        for (bound, operator) in [(totals.min_cost, ">="), (totals.max_cost, "<=")] {
            if let Some(dollars) = bound {
                sql.push(format!(" AND sum(e.spend::numeric) {operator} ")).push_bind(dollars).push("::numeric");
            }
        }
        if let Some(requests) = totals.min_requests {
            sql.push(" AND count(*) >= ").push_bind(i64::from(requests));
        }
        if let Some(tokens) = totals.min_tokens {
            sql.push(" AND sum(e.total_tokens) >= ").push_bind(i64::from(tokens));
        }
        if let Some(seconds) = totals.min_duration {
            sql.push(concat!(" AND ", session_duration!(), " >= ")).push_bind(seconds).push("::numeric");
        }
        if let Some(has) = totals.has_tool_calls {
            sql.push(" AND bool_or(e.tool_calls > 0) = ").push_bind(has);
        }
        if let Some(has) = totals.has_failures {
            sql.push(" AND bool_or(e.status = 'failure') = ").push_bind(has);
        }
        sql.push(") AS t");
    }

    /// Appends the condition on the session's id, the column `id`.
    pub(super) fn push_prefix(&self, conditions: &mut Conditions<'_>, id: &str) {
        if let Some(prefix) = &self.id_prefix {
            conditions.and().push(format!("starts_with({id}, ")).push_bind(prefix.clone()).push(")");
        }
    }

    /// Begins a statement with the requests among which are those that make a session match.
    fn requests(&self, source: Source<'_>, facts: &[Fact]) -> QueryBuilder<Postgres> {
        let facts = union(&[&[Fact::SessionId, Fact::StartedAt], facts, &self.filter.facts()]);
        source.requests(&facts, self.filter.rows(&self.window()))
    }
}

/// Totals every session that matches and takes a page of them.
async fn total_all(
    conn: &mut Connection,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
    limit: u32,
    offset: u32,
) -> sqlx::Result<Vec<SessionPosition>> {
    let (direction, beyond) = if search.descending { ("DESC", "<") } else { ("ASC", ">") };
    let mut sql = search.requests(source, &[]);
    sql.push(", c AS MATERIALIZED (SELECT DISTINCT f.session_id FROM requests AS f");
    let mut conditions = Conditions::new(&mut sql);
    search.push_prefix(&mut conditions, "f.session_id");
    search.filter.push(&mut conditions, "f");
    sql.push(") SELECT t.value::text AS value, c.session_id FROM c CROSS JOIN ");
    search.push_totals(&mut sql, source, "c.session_id");
    if let Some(after) = after {
        sql.push(format!(" WHERE (t.value, c.session_id COLLATE \"C\") {beyond} ("));
        sql.push_bind(after.value.clone()).push("::text::numeric, ").push_bind(after.session_id.clone()).push(")");
    }
    // Ties are told apart byte by byte, whatever the database's collation.
    sql.push(format!(" ORDER BY t.value {direction}, c.session_id COLLATE \"C\" {direction} LIMIT "));
    sql.push_bind(i64::from(limit)).push(" OFFSET ").push_bind(i64::from(offset));
    sql.build_query_as().fetch_all(conn).await
}

/// The scan of the time index, from the newest matching request backwards.
struct TimeScan<'a> {
    search: &'a SessionSearch,
    after: Option<ScanPosition>,
    limit: usize,
    offset: usize,
    seen: HashSet<String>,
    found: Vec<ScanPosition>,
}

/// A session with its value as an instant, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScanPosition {
    micros: i64,
    position: SessionPosition,
}

impl ScanPosition {
    pub(super) fn new(position: SessionPosition) -> Option<Self> {
        let seconds: f64 = position.value.parse().ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an instant of this era has far fewer than 2^53 microseconds"
        )]
        let micros = (seconds * 1e6).round() as i64;
        Some(Self { micros, position })
    }

    /// The value.
    pub(super) const fn instant(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.micros)
    }

    /// The newest first.
    fn order(&self, other: &Self) -> Ordering {
        (other.micros, &other.position.session_id).cmp(&(self.micros, &self.position.session_id))
    }
}

/// A matching request that the scan meets.
#[derive(Debug, FromRow)]
struct ScannedRequest {
    session_id: String,
    request_id: String,
    started_at: DateTime<Utc>,
}

/// How many requests the scan reads at first, and at most at a time.
const FIRST_STRIDE: usize = 200;
const LONGEST_STRIDE: usize = 20_000;

impl<'a> TimeScan<'a> {
    fn new(search: &'a SessionSearch, after: Option<&SessionPosition>, limit: u32, offset: u32) -> Self {
        Self {
            search,
            after: after.cloned().and_then(ScanPosition::new),
            limit: limit as usize,
            offset: offset as usize,
            seen: HashSet::new(),
            found: Vec::new(),
        }
    }

    async fn run(mut self, conn: &mut Connection, source: Source<'_>) -> sqlx::Result<Vec<SessionPosition>> {
        // Without a filter on requests, every session of the pages to come has a request at or before the last page's
        // end, its first or its latest: the scan goes on there.
        if let Some(after) = self.after.as_ref().filter(|_| self.search.filter.is_empty()) {
            let from = DateTime::from_timestamp_micros(after.micros)
                .filter(|from| (self.search.window.start..self.search.window.end).contains(from));
            if self.scan_from(conn, source, from).await? || self.has_all_of_page() {
                return Ok(self.page());
            }
        }
        self.scan_from(conn, source, None).await?;
        Ok(self.page())
    }

    /// Scans until the page is complete (`true`) or the window is at its end.
    async fn scan_from(
        &mut self,
        conn: &mut Connection,
        source: Source<'_>,
        from: Option<DateTime<Utc>>,
    ) -> sqlx::Result<bool> {
        let mut stride = FIRST_STRIDE.max(4 * (self.limit + self.offset)).min(LONGEST_STRIDE);
        let mut last: Option<ScannedRequest> = None;
        loop {
            let requests = self.requests(conn, source, from, last.as_ref(), stride).await?;
            let at_the_end = requests.len() < stride;
            let new: Vec<String> = requests
                .iter()
                .map(|request| &request.session_id)
                .filter(|id| !self.seen.contains(*id))
                .cloned()
                .collect();
            let new: Vec<String> = new.into_iter().filter(|id| self.seen.insert(id.clone())).collect();
            self.place(conn, source, &new).await?;
            last = requests.into_iter().last().or(last);
            if at_the_end {
                return Ok(false);
            }
            if last.as_ref().is_some_and(|request| self.is_complete(request.started_at)) {
                return Ok(true);
            }
            stride = (stride * 2).min(LONGEST_STRIDE);
        }
    }

    /// The next requests on the way.
    async fn requests(
        &self,
        conn: &mut Connection,
        source: Source<'_>,
        from: Option<DateTime<Utc>>,
        last: Option<&ScannedRequest>,
        stride: usize,
    ) -> sqlx::Result<Vec<ScannedRequest>> {
        let mut sql = self.search.requests(source, &[Fact::RequestId]);
        sql.push(
            " SELECT f.session_id, f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at FROM requests AS f",
        );
        let mut conditions = Conditions::new(&mut sql);
        self.search.push_prefix(&mut conditions, "f.session_id");
        self.search.filter.push(&mut conditions, "f");
        if let Some(from) = from {
            conditions.and().push("f.started_at <= ").push_bind(utc(from));
        }
        if let Some(last) = last {
            let sql = conditions.and();
            sql.push("(f.started_at, f.request_id) < (").push_bind(utc(last.started_at));
            sql.push(", ").push_bind(last.request_id.clone()).push(")");
        }
        sql.push(" ORDER BY f.started_at DESC, f.request_id DESC LIMIT ")
            .push_bind(i64::try_from(stride).unwrap_or(i64::MAX));
        sql.build_query_as().fetch_all(conn).await
    }

    /// Looks up the totals of newly met sessions and keeps those that belong to this page or later ones.
    async fn place(&mut self, conn: &mut Connection, source: Source<'_>, ids: &[String]) -> sqlx::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut sql = QueryBuilder::new("SELECT t.value::text AS value, k.session_id FROM unnest(");
        sql.push_bind(ids.to_vec()).push("::text[]) AS k(session_id) CROSS JOIN ");
        self.search.push_totals(&mut sql, source, "k.session_id");
        let positions: Vec<SessionPosition> = sql.build_query_as().fetch_all(conn).await?;
        let after = self.after.as_ref();
        self.found.extend(
            positions
                .into_iter()
                .filter_map(ScanPosition::new)
                .filter(|scanned| after.is_none_or(|after| after.order(scanned).is_lt())),
        );
        self.found.sort_unstable_by(ScanPosition::order);
        Ok(())
    }

    /// Whether a scan from the last page's end to the start of the window has met all that belongs to this page. What it
    /// does not meet are sessions that began before the window and were active only after that end: they come last.
    fn has_all_of_page(&self) -> bool {
        let last_of_page = self.found.get(self.offset + self.limit - 1);
        self.search.sort == SessionSort::LastActivity
            || last_of_page.is_some_and(|scanned| scanned.micros >= self.search.window.start.timestamp_micros())
    }

    /// Whether every session that is not met yet comes after this page: they all lie at or before `here`.
    fn is_complete(&self, here: DateTime<Utc>) -> bool {
        let last_of_page = self.found.get(self.offset + self.limit - 1);
        last_of_page.is_some_and(|scanned| scanned.micros > here.timestamp_micros())
    }

    fn page(self) -> Vec<SessionPosition> {
        self.found.into_iter().skip(self.offset).take(self.limit).map(|scanned| scanned.position).collect()
    }
}
