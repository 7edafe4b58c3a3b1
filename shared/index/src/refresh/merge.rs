//! Merging a slice into the facts, with the sessions that it belongs to.

use chrono::{Datelike, NaiveDate};
use sqlx::{AssertSqlSafe, PgConnection};
use traceability_core::time::TimeWindow;
use traceability_facts::Fact;
use traceability_facts::session::{SUMMARY_COLUMNS, SessionName};
use traceability_facts::session_duration;
use traceability_litellm::PROJECTION;

use super::staging::Staging;
use super::{OnMissing, narrow, stale};

/// Makes room for the slice: a partition of its month.
pub(super) async fn make_room(conn: &mut PgConnection, window: TimeWindow) -> sqlx::Result<()> {
    let month = window.start.date_naive();
    // Rows of other times come from broken clocks; there is a table for all of them.
    if (2015..2100).contains(&month.year()) {
        let first = NaiveDate::from_ymd_opt(month.year(), month.month(), 1);
        sqlx::query("SELECT traceability.add_month($1)").bind(first).execute(&mut *conn).await?;
    }
    Ok(())
}

/// The number of this merge, whoever made those before it.
pub(super) async fn number(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("UPDATE traceability.state SET merges = merges + 1 RETURNING merges").fetch_one(conn).await
}

/// SQL of whether a fact `f` is the row `s` of the slice: all of the key, since it begins with what a cluster distributes both by.
const SAME: &str = "f.session_id = s.session_id AND f.started_at = s.started_at AND f.request_id = s.request_id";

/// The requests of this window that the slice has not, or in another session: also those that the log had lost, since it may
/// have them again.
pub(super) async fn missing(
    conn: &mut PgConnection,
    staging: Staging,
    window: TimeWindow,
) -> sqlx::Result<Vec<String>> {
    let sql = format!(
        "SELECT f.request_id FROM traceability.facts f WHERE f.started_at >= $1 AND f.started_at < $2 \
         AND NOT EXISTS (SELECT 1 FROM {} s WHERE {SAME})",
        staging.slice(),
    );
    sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(window.start.naive_utc())
        .bind(window.end.naive_utc())
        .fetch_all(conn)
        .await
}

/// Merges the slice, which holds all rows that the log has of this window. Returns how many facts are new or altered.
///
/// Rows that the log no longer has stay, marked: its retention must not change what the past cost. Only
/// [`OnMissing::Forget`] takes them out, and those that have `moved` to another time. What is stored has the merge's `number`.
pub(super) async fn merge(
    conn: &mut PgConnection,
    number: i64,
    staging: Staging,
    window: TimeWindow,
    moved: &[String],
    on_missing: OnMissing,
) -> sqlx::Result<u64> {
    let (start, end) = (window.start.naive_utc(), window.end.naive_utc());
    let here = "f.started_at >= $1 AND f.started_at < $2";
    let (slice, replaced) = (staging.slice(), staging.replaced());
    let columns = columns(|_| true);
    let statement = |sql: String| sqlx::query(AssertSqlSafe(sql)).bind(start).bind(end);
    let marked = statement(mark_in_place(here, slice, number)).execute(&mut *conn).await?.rows_affected();

    let not_here = format!("NOT EXISTS (SELECT 1 FROM {slice} s WHERE {SAME})");
    let keep = |condition: &str| {
        format!("INSERT INTO {replaced} SELECT f.* FROM traceability.requests f WHERE {here} AND {condition}")
    };
    let take_out = format!("DELETE FROM traceability.facts f USING {replaced} s WHERE {here} AND {SAME}");

    // What differs is taken out, then put in like what is new.
    statement(format!(
        "INSERT INTO {replaced} SELECT f.* FROM traceability.requests f JOIN {slice} s ON {SAME} WHERE {here} \
         AND (f.gone OR ({}) IS DISTINCT FROM ({}))",
        row("f", &columns),
        row("s", &columns),
    ))
    .execute(&mut *conn)
    .await?;
    if !moved.is_empty() {
        let sql = keep(&format!("{not_here} AND f.request_id = ANY($3)"));
        statement(sql).bind(moved).execute(&mut *conn).await?;
    }
    let altered = statement(take_out.clone()).execute(&mut *conn).await?.rows_affected();
    let forgets = on_missing == OnMissing::Forget;
    let gone = if forgets {
        statement(keep(&not_here)).execute(&mut *conn).await?;
        statement(take_out)
    } else {
        statement(format!(
            "UPDATE traceability.facts f SET gone = true, merged_in = {number} WHERE {here} AND NOT f.gone AND {not_here}"
        ))
    };
    let gone = gone.execute(&mut *conn).await?.rows_affected();
    let is_new = format!("NOT EXISTS (SELECT 1 FROM traceability.facts f WHERE {here} AND {SAME})");
    if stale::is_rolled_up(conn, window).await? {
        let late = format!("INSERT INTO {replaced} SELECT s.* FROM {slice} s WHERE {is_new}");
        statement(late).execute(&mut *conn).await?;
        stale::mark(conn, replaced).await?;
    }
    let added = statement(narrow::insert(slice, &is_new, number)).execute(&mut *conn).await?.rows_affected();
    if added > 0 || altered > 0 || forgets {
        refresh_sessions(conn, staging, number).await?;
    }
    Ok(added + marked + if forgets { gone } else { 0 })
}

/// Of what nothing is made, neither a roll-up nor a session's total.
const MARKS: [Fact; 8] = [
    Fact::Origin,
    Fact::DataQuality,
    Fact::CacheWriteTokens,
    Fact::McpServer,
    Fact::HasContent,
    Fact::ContextWindow,
    Fact::InputPrice,
    Fact::CacheReadPrice,
];

/// The names of some facts.
fn columns(are: impl Fn(&Fact) -> bool) -> Vec<&'static str> {
    Fact::ALL.into_iter().filter(are).map(Fact::name).collect()
}

/// SQL of these columns of a row.
fn row(alias: &str, columns: &[&str]) -> String {
    columns.iter().map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ")
}

/// SQL that alters rows in place of which only the marks differ, or the projection that made them: all rows after an upgrade,
/// and their roll-ups are still right.
fn mark_in_place(here: &str, slice: &str, merge: i64) -> String {
    let is_mark = |fact: Fact| MARKS.contains(&fact);
    let (marks, rest) = (columns(|fact| is_mark(*fact)), columns(|fact| !is_mark(*fact)));
    let same = " JOIN traceability.requests r ON r.session_id = s.session_id AND r.started_at = s.started_at \
                AND r.request_id = s.request_id";
    format!(
        "{} WHERE {here} AND {SAME} AND NOT f.gone AND ({}) IS NOT DISTINCT FROM ({}) \
         AND ({}, f.projection) IS DISTINCT FROM ({}, {PROJECTION}::smallint)",
        narrow::update(slice, same, is_mark, merge),
        row("r", &rest),
        row("s", &rest),
        row("r", &marks),
        row("s", &marks),
    )
}

/// Totals the sessions of the slice anew, from all of their facts.
async fn refresh_sessions(conn: &mut PgConnection, staging: Staging, number: i64) -> sqlx::Result<()> {
    staging.touch(conn).await?;
    sqlx::raw_sql(AssertSqlSafe(sessions(staging, number))).execute(&mut *conn).await?;
    let sql = format!(
        "DELETE FROM traceability.sessions t WHERE EXISTS (SELECT 1 FROM {} a WHERE a.session_id = t.session_id) \
         AND NOT EXISTS (SELECT 1 FROM traceability.facts f WHERE f.session_id = t.session_id)",
        staging.replaced()
    );
    sqlx::query(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// SQL that totals these sessions: by what a search sorts by and filters on, and the rest of their summaries; see
/// `queries::sessions`.
fn sessions(staging: Staging, number: i64) -> String {
    let summary = SUMMARY_COLUMNS.map(|(name, of_requests)| format!(", {of_requests} AS {name}")).concat();
    let columns = SEARCH_COLUMNS.into_iter().chain(SUMMARY_COLUMNS.map(|(name, _)| name)).collect::<Vec<_>>();
    let (totals, excluded, columns) = (row("t", &columns), row("EXCLUDED", &columns), columns.join(", "));
    let duration = session_duration!();
    let names = SessionName::ALL.into_iter().flat_map(SessionName::of_request).map(|name| format!("({name})"));
    let names = names.collect::<Vec<_>>().join(",\n        ");
    let (requests, once) = (staging.requests(), staging.once());
    let (tag, tool) = (format!("'{}'", SessionName::Tag.listed("")), format!("'{}'", SessionName::Tool.listed("")));
    format!(
        r#"
WITH kinds AS {once} (
    -- Most requests of a session name the same.
    SELECT DISTINCT e.session_id, e.agent_name, e.conversation_name, e.user_id, e.end_user, e.team_id, e.model_group,
           e.model, e.status, e.tags, e.api_key_hash, e.provider, e.error_class, e.tools
    FROM {requests} e
), names AS (
    SELECT f.session_id, n.name
    FROM kinds f CROSS JOIN LATERAL (VALUES
        {names}
    ) AS n(name)
    WHERE n.name IS NOT NULL
    UNION
    SELECT f.session_id, {tag} || (j.value #>> '{{}}')
    FROM kinds f CROSS JOIN LATERAL jsonb_array_elements(f.tags) AS j(value)
    WHERE jsonb_typeof(j.value) = 'string'
    UNION
    SELECT f.session_id, {tool} || u.name FROM kinds f CROSS JOIN LATERAL unnest(f.tools) AS u(name)
), lists AS (
    SELECT session_id, array_agg(name ORDER BY name) AS names FROM names GROUP BY session_id
), totals AS (
    SELECT e.session_id, min(e.started_at) AS session_start, max(e.started_at) AS last_activity, count(*) AS requests,
           sum(e.spend::numeric) AS cost, sum(e.total_tokens)::numeric AS total_tokens,
           {duration}::numeric AS duration,
           sum(e.tool_calls)::bigint AS tool_calls, count(*) FILTER (WHERE e.status = 'failure') AS failed_requests,
           array_agg(DISTINCT COALESCE(e.user_id, '') COLLATE "C") AS users,
           array_agg(DISTINCT COALESCE(e.team_id, '') COLLATE "C") AS teams,
           array_agg(DISTINCT COALESCE(e.agent_name, '') COLLATE "C") AS agents,
           tsrange(min(e.started_at), max(e.started_at), '[]') AS active{summary}
    FROM {requests} e GROUP BY e.session_id
)
INSERT INTO traceability.sessions (session_id, merged_in, names, {columns})
SELECT t.session_id, {number}, l.names, {totals} FROM totals t JOIN lists l USING (session_id)
ON CONFLICT (session_id) DO UPDATE SET (merged_in, names, {columns}) = (EXCLUDED.merged_in, EXCLUDED.names, {excluded})"#
    )
}

/// What a search sorts by and filters on, but for the names.
const SEARCH_COLUMNS: [&str; 12] = [
    "session_start",
    "last_activity",
    "requests",
    "cost",
    "total_tokens",
    "duration",
    "tool_calls",
    "failed_requests",
    "users",
    "teams",
    "agents",
    "active",
];
