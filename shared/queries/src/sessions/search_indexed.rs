//! Finding sessions in the index, which has a row for each with what is searched, sorted by and shown.
//!
//! Such a row answers for the whole session as it is now. Sessions that went on since the listing began, or that are not
//! all the caller's, are totalled from their facts, as without an index.

use sqlx::{Postgres, QueryBuilder};
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::scope::ScopeSql;
use traceability_facts::session::SessionName;
use traceability_facts::{Conditions, Fact, RowSelector};

use super::search::{ScanPosition, SessionPosition, SessionSearch, SessionSort};
use crate::Source;
use crate::filter::{RequestFilter, union, utc};

impl SessionSort {
    /// The column to order by.
    const fn column(self) -> &'static str {
        match self {
            Self::Start => "o.session_start",
            Self::LastActivity => "o.last_activity",
            Self::Cost => "o.cost",
            Self::Tokens => "o.total_tokens",
            Self::Duration => "o.duration",
            Self::Requests => "o.requests",
        }
    }

    const fn is_time(self) -> bool {
        matches!(self, Self::Start | Self::LastActivity)
    }
}

/// The sessions of one page, in order.
pub(super) async fn list(
    conn: &mut Connection,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
    limit: u32,
    offset: u32,
) -> sqlx::Result<Vec<SessionPosition>> {
    let window = search.window();
    if window.start >= window.end {
        return Ok(Vec::new());
    }
    let direction = if search.descending { "DESC" } else { "ASC" };
    let mut sql = QueryBuilder::new("SELECT c.value::text AS value, c.session_id FROM (");
    push_all(&mut sql, source, search, after, i64::from(limit) + i64::from(offset));
    sql.push(format!(") AS c ORDER BY c.value {direction}, c.session_id COLLATE \"C\" {direction} LIMIT "));
    sql.push_bind(i64::from(limit)).push(" OFFSET ").push_bind(i64::from(offset));
    sql.build_query_as().fetch_all(conn).await
}

/// How many sessions match, counted up to `most`.
pub(super) async fn count(
    conn: &mut Connection,
    source: Source<'_>,
    search: &SessionSearch,
    most: u32,
) -> sqlx::Result<i64> {
    let window = search.window();
    if window.start >= window.end {
        return Ok(0);
    }
    let mut sql = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM (");
    push_all(&mut sql, source, search, None, i64::from(most));
    sql.push(") AS c LIMIT ").push_bind(i64::from(most)).push(") AS m");
    sql.build_query_scalar().fetch_one(conn).await
}

/// Appends `(…) UNION ALL …`: the sessions that match, those of the first kind only as many as `limit`.
fn push_all(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
    limit: i64,
) {
    sql.push("(");
    push_inside(sql, source, search, after, limit);
    sql.push(") UNION ALL (");
    push_across(sql, source, search, after);
    sql.push(") UNION ALL (");
    push_parts(sql, source, search, after);
    sql.push(")");
}

/// Appends the sessions that lie in the window as a whole and whose row answers: many, and found in order.
fn push_inside(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
    limit: i64,
) {
    let (column, window) = (search.sort.column(), search.window());
    let direction = if search.descending { "DESC" } else { "ASC" };
    push_answering(sql, source, search, after);
    sql.push(" AND o.session_start >= ").push_bind(utc(window.start));
    sql.push(" AND o.session_start < ").push_bind(utc(window.end));
    sql.push(" AND o.last_activity < ").push_bind(utc(window.end));
    if search.sort == SessionSort::LastActivity {
        // Follows from the above, but only this way the scan of the index has an end.
        sql.push(" AND o.last_activity >= ").push_bind(utc(window.start));
    }
    if let NameMatch::Partial | NameMatch::Several = push_names(sql, &search.filter) {
        sql.push(" AND ");
        push_has_request(sql, source, &window, &search.filter);
    }
    sql.push(format!(" ORDER BY {column} {direction}, o.session_id COLLATE \"C\" {direction} LIMIT ")).push_bind(limit);
}

/// Appends the sessions that were active at the start or the end of the window and whose row answers: few.
fn push_across(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
) {
    let window = search.window();
    let (start, end) = (utc(window.start), utc(window.end));
    push_answering(sql, source, search, after);
    sql.push(" AND (o.active @> ").push_bind(start).push(" OR o.active @> ").push_bind(end);
    sql.push(") AND o.session_start < ").push_bind(end).push(" AND NOT (o.session_start >= ").push_bind(start);
    sql.push(" AND o.last_activity < ").push_bind(end).push(")");
    let has_request = |sql: &mut _| push_has_request(sql, source, &window, &search.filter);
    if search.filter.is_empty() {
        // Their first or their latest request is enough, if it is in the window.
        sql.push(" AND CASE WHEN o.session_start >= ").push_bind(start).push(" OR o.last_activity < ").push_bind(end);
        sql.push(" THEN true ELSE ");
        has_request(sql);
        sql.push(" END");
    } else {
        // As a test of the condition's value, for which no index is read: few sessions are left, and many may have the name.
        for (operator, names) in names(&search.filter) {
            sql.push(format!(" AND (o.names {operator} ")).push_bind(names).push("::text[]) IS TRUE");
        }
        sql.push(" AND ");
        has_request(sql);
    }
}

/// Appends a `SELECT` of the sessions whose row answers, without the conditions on requests.
fn push_answering(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
) {
    let column = search.sort.column();
    let value =
        if search.sort.is_time() { format!("EXTRACT(EPOCH FROM {column})::numeric") } else { column.to_owned() };
    let beyond = if search.descending { "<" } else { ">" };
    sql.push(format!("SELECT {value} AS value, o.session_id FROM traceability.sessions o WHERE o.last_activity < "));
    sql.push_bind(utc(search.as_of));
    source.scope.push_part(sql);
    source.scope.push_whole(sql, " AND ");
    search.push_prefix(&mut Conditions::further(sql), "o.session_id");
    let totals = &search.totals;
    for (bound, operator) in [(totals.min_cost, ">="), (totals.max_cost, "<=")] {
        if let Some(dollars) = bound {
            sql.push(format!(" AND o.cost {operator} ")).push_bind(dollars).push("::numeric");
        }
    }
    if let Some(requests) = totals.min_requests {
        sql.push(" AND o.requests >= ").push_bind(i64::from(requests)).push("::numeric");
    }
    if let Some(tokens) = totals.min_tokens {
        sql.push(" AND o.total_tokens >= ").push_bind(i64::from(tokens)).push("::numeric");
    }
    if let Some(seconds) = totals.min_duration {
        sql.push(" AND o.duration >= ").push_bind(seconds).push("::numeric");
    }
    if let Some(has) = totals.has_tool_calls {
        sql.push(if has { " AND o.tool_calls > 0" } else { " AND o.tool_calls = 0" });
    }
    if let Some(has) = totals.has_failures {
        sql.push(if has { " AND o.failed_requests > 0" } else { " AND o.failed_requests = 0" });
    }
    if let Some(after) = after {
        sql.push(format!(" AND ({column}, o.session_id COLLATE \"C\") {beyond} ("));
        match ScanPosition::new(after.clone()).filter(|_| search.sort.is_time()) {
            Some(scanned) => sql.push_bind(scanned.instant().map(utc)),
            None => sql.push_bind(after.value.clone()).push("::text::numeric"),
        };
        sql.push(", ").push_bind(after.session_id.clone()).push(")");
    }
}

/// Appends the sessions whose facts have to be asked.
fn push_parts(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    search: &SessionSearch,
    after: Option<&SessionPosition>,
) {
    let beyond = if search.descending { "<" } else { ">" };
    sql.push("SELECT t.value, o.session_id FROM traceability.sessions o CROSS JOIN ");
    search.push_totals(sql, source, "o.session_id");
    sql.push(" WHERE o.session_start < ").push_bind(utc(search.as_of));
    sql.push(" AND (o.last_activity >= ").push_bind(utc(search.as_of));
    source.scope.push_whole(sql, " OR NOT ");
    sql.push(")");
    source.scope.push_part(sql);
    search.push_prefix(&mut Conditions::further(sql), "o.session_id");
    push_matching(sql, source, &search.window(), &search.filter);
    if let Some(after) = after {
        sql.push(format!(" AND (t.value, o.session_id COLLATE \"C\") {beyond} (")).push_bind(after.value.clone());
        sql.push("::text::numeric, ").push_bind(after.session_id.clone()).push(")");
    }
}

/// Appends the conditions of the sessions that match: by their rows as far as these tell, then by a request in the window
/// that passes all filters.
pub(super) fn push_matching(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    window: &TimeWindow,
    filter: &RequestFilter,
) {
    sql.push(" AND o.active && tsrange(").push_bind(utc(window.start));
    sql.push(", ").push_bind(utc(window.end)).push(")");
    let name_match = push_names(sql, filter);
    if let NameMatch::Partial | NameMatch::Several = name_match {
        sql.push(" AND ");
        push_has_request(sql, source, window, filter);
        return;
    }
    // One name in a session that lies in the window as a whole is enough, if all of the session is the caller's.
    let inside = if name_match == NameMatch::Unfiltered { " OR " } else { " AND " };
    sql.push(" AND CASE WHEN (o.session_start >= ").push_bind(utc(window.start));
    sql.push(inside).push("o.last_activity < ").push_bind(utc(window.end)).push(")");
    source.scope.push_whole(sql, " AND ");
    sql.push(" THEN true ELSE ");
    push_has_request(sql, source, window, filter);
    sql.push(" END");
}

/// How far the names in a session's row decide whether one of its requests passes a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameMatch {
    /// There is no condition: any request passes.
    Unfiltered,
    /// The filter is one name, or one of several of a kind: a session that has it has a request with it.
    One,
    /// It is names of several kinds: one request has to have all, which the row does not say.
    Several,
    /// It has a condition for which rows have no name.
    Partial,
}

/// Appends the condition that the session has the names of the filter, and returns how far that decides.
fn push_names(sql: &mut QueryBuilder<Postgres>, filter: &RequestFilter) -> NameMatch {
    let kinds = kinds(filter).iter().filter(|(_, names)| !names.is_empty()).count();
    for (operator, names) in names(filter) {
        sql.push(format!(" AND o.names {operator} ")).push_bind(names).push("::text[]");
    }
    match kinds + usize::from(filter.status.is_some()) {
        _ if has_unnamed(filter) => NameMatch::Partial,
        0 => NameMatch::Unfiltered,
        1 => NameMatch::One,
        _ => NameMatch::Several,
    }
}

/// Appends whether the session has a request in the window that passes the filter.
fn push_has_request(sql: &mut QueryBuilder<Postgres>, source: Source<'_>, window: &TimeWindow, filter: &RequestFilter) {
    // A scalar subquery: as EXISTS the planner might read the whole window to answer it for all sessions at once.
    sql.push("(SELECT true FROM ");
    let facts = union(&[&[Fact::StartedAt], &filter.facts()]);
    source.push(sql, "e", &facts, RowSelector::SessionOf("o.session_id"));
    sql.push(" WHERE e.started_at >= ").push_bind(utc(window.start));
    sql.push(" AND e.started_at < ").push_bind(utc(window.end));
    filter.push(&mut Conditions::further(sql), "e");
    sql.push(" LIMIT 1) IS NOT NULL");
}

/// The names that a filter asks for, by their kind.
fn kinds(filter: &RequestFilter) -> [(SessionName, &[String]); 11] {
    [
        (SessionName::Agent, &filter.agent_name),
        (SessionName::Conversation, &filter.conversation_name),
        (SessionName::User, &filter.user_id),
        (SessionName::EndUser, &filter.end_user),
        (SessionName::Team, &filter.team_id),
        (SessionName::Model, &filter.model),
        (SessionName::Tag, &filter.tag),
        (SessionName::Key, &filter.key),
        (SessionName::Provider, &filter.provider),
        (SessionName::Error, &filter.error_class),
        (SessionName::Tool, &filter.tool),
    ]
}

/// Whether the filter has a condition for which rows of sessions have no name.
fn has_unnamed(filter: &RequestFilter) -> bool {
    let rest = RequestFilter {
        agent_name: vec![],
        conversation_name: vec![],
        user_id: vec![],
        end_user: vec![],
        team_id: vec![],
        model: vec![],
        tag: vec![],
        key: vec![],
        provider: vec![],
        error_class: vec![],
        tool: vec![],
        status: None,
        ..filter.clone()
    };
    !rest.is_empty()
}

/// The names that a matching session has, as its row writes them: all of the first, and of each further list one. With the
/// operators that say so.
fn names(filter: &RequestFilter) -> Vec<(&'static str, Vec<String>)> {
    let mut all: Vec<String> = Vec::new();
    let mut lists = Vec::new();
    for (kind, names) in kinds(filter) {
        let listed = names.iter().map(|name| kind.listed(name));
        if names.len() > 1 {
            lists.push(("&&", listed.collect()));
        } else {
            all.extend(listed);
        }
    }
    all.extend(filter.status.map(|status| SessionName::Status.listed(status.word())));
    let all = (!all.is_empty()).then_some(("@>", all));
    all.into_iter().chain(lists).collect()
}
