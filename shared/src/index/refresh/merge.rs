//! Merging a slice into the facts, with the sessions that it belongs to.

use chrono::{Datelike, NaiveDate};
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::stale;
use crate::facts::{Fact, TimeWindow};

/// Makes room: for the slice, and for what it replaces.
pub(super) async fn prepare(conn: &mut PgConnection, window: TimeWindow) -> sqlx::Result<()> {
    let month = window.start.date_naive();
    // Rows of other times come from broken clocks; there is a table for all of them.
    if (2015..2100).contains(&month.year()) {
        let first = NaiveDate::from_ymd_opt(month.year(), month.month(), 1);
        sqlx::query("SELECT traceability.add_month($1)").bind(first).execute(&mut *conn).await?;
    }
    conn.execute(
        "CREATE TEMPORARY TABLE staging (LIKE traceability.facts INCLUDING DEFAULTS) ON COMMIT DROP; \
         CREATE TEMPORARY TABLE altered (LIKE traceability.facts) ON COMMIT DROP",
    )
    .await?;
    Ok(())
}

/// The requests of this window that the log had before, but `staging` has not.
pub(super) async fn missing(conn: &mut PgConnection, window: TimeWindow) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT f.request_id FROM traceability.facts f WHERE f.started_at >= $1 AND f.started_at < $2 AND NOT f.gone \
         AND NOT EXISTS (SELECT FROM pg_temp.staging s \
                         WHERE f.started_at = s.started_at AND f.request_id = s.request_id)",
    )
    .bind(window.start.naive_utc())
    .bind(window.end.naive_utc())
    .fetch_all(conn)
    .await
}

/// Merges `staging`, which holds all rows that the log has of this window. Returns how many facts are new or altered.
///
/// Rows that the log no longer has stay, marked: its retention must not change what the past cost. Only `forget` takes
/// them out, and those that have `moved` to another time.
pub(super) async fn merge(
    conn: &mut PgConnection,
    window: TimeWindow,
    moved: &[String],
    forget: bool,
) -> sqlx::Result<u64> {
    let (start, end) = (window.start.naive_utc(), window.end.naive_utc());
    let here = "f.started_at >= $1 AND f.started_at < $2";
    let same = "f.started_at = s.started_at AND f.request_id = s.request_id";
    let columns: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
    let of = |alias: &str| columns.iter().map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ");
    let statement = |sql: String| sqlx::query(AssertSqlSafe(sql)).bind(start).bind(end);

    let not_here = format!("NOT EXISTS (SELECT FROM pg_temp.staging s WHERE {same})");

    // What differs is taken out, then put in like what is new.
    let mut altered = statement(format!(
        "WITH old AS (DELETE FROM traceability.facts f USING pg_temp.staging s WHERE {here} AND {same} \
         AND (f.gone OR ({}) IS DISTINCT FROM ({})) RETURNING f.*) INSERT INTO pg_temp.altered SELECT * FROM old",
        of("f"),
        of("s"),
    ))
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if !moved.is_empty() {
        let take_out = format!(
            "WITH old AS (DELETE FROM traceability.facts f WHERE {here} AND {not_here} AND f.request_id = ANY($3) \
             RETURNING f.*) INSERT INTO pg_temp.altered SELECT * FROM old"
        );
        altered += statement(take_out).bind(moved).execute(&mut *conn).await?.rows_affected();
    }
    let gone = if forget {
        statement(format!(
            "WITH old AS (DELETE FROM traceability.facts f WHERE {here} AND {not_here} RETURNING f.*) \
             INSERT INTO pg_temp.altered SELECT * FROM old"
        ))
    } else {
        statement(format!("UPDATE traceability.facts f SET gone = true WHERE {here} AND NOT f.gone AND {not_here}"))
    };
    let gone = gone.execute(&mut *conn).await?.rows_affected();
    let is_new = format!("NOT EXISTS (SELECT FROM traceability.facts f WHERE {here} AND {same})");
    if stale::is_rolled_up(conn, window).await? {
        let late = format!("INSERT INTO pg_temp.altered SELECT s.* FROM pg_temp.staging s WHERE {is_new}");
        statement(late).execute(&mut *conn).await?;
        stale::mark(conn, "pg_temp.altered").await?;
    }
    let added = statement(format!(
        "INSERT INTO traceability.facts ({}) SELECT {} FROM pg_temp.staging s WHERE {is_new} ON CONFLICT DO NOTHING",
        columns.join(", "),
        of("s"),
    ))
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if added > 0 || altered > 0 || forget {
        refresh_sessions(conn).await?;
    }
    Ok(added + if forget { gone } else { 0 })
}

/// Totals the sessions of the slice anew, from all of their facts.
async fn refresh_sessions(conn: &mut PgConnection) -> sqlx::Result<()> {
    // Each session by the index, whatever the planner takes their numbers for: the rest of the table is many times as much.
    conn.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off").await?;
    // With the time in which it was active: in the partitions of other months nobody needs to look.
    conn.execute(
        "CREATE TEMPORARY TABLE touched ON COMMIT DROP AS \
         SELECT b.session_id, LEAST(b.since, t.session_start) AS since, GREATEST(b.until, t.last_activity) AS until \
         FROM (SELECT a.session_id, min(a.started_at) AS since, max(a.started_at) AS until \
               FROM (SELECT session_id, started_at FROM pg_temp.staging \
                     UNION ALL SELECT session_id, started_at FROM pg_temp.altered) a GROUP BY a.session_id) b \
         LEFT JOIN traceability.sessions t ON t.session_id = b.session_id; \
         ANALYZE pg_temp.touched",
    )
    .await?;
    sqlx::raw_sql(REQUESTS).execute(&mut *conn).await?;
    conn.execute("SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT").await?;
    sqlx::raw_sql(SESSIONS).execute(&mut *conn).await?;
    sqlx::query(
        "DELETE FROM traceability.sessions t WHERE t.session_id IN (SELECT session_id FROM pg_temp.altered) \
         AND NOT EXISTS (SELECT FROM traceability.facts f WHERE f.session_id = t.session_id)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All requests of these sessions.
const REQUESTS: &str = "
CREATE TEMPORARY TABLE requests ON COMMIT DROP AS
SELECT f.session_id, f.started_at, f.ended_at, f.spend, f.total_tokens, f.tool_calls, f.status, f.agent_name,
       f.conversation_name, f.user_id, f.end_user, f.team_id, f.model_group, f.model, f.tags
FROM pg_temp.touched t
JOIN traceability.facts f ON f.session_id = t.session_id AND f.started_at >= t.since AND f.started_at <= t.until";

/// The totals are those that a search sorts by and filters on; see `queries::sessions`.
const SESSIONS: &str = r#"
WITH names AS (
    SELECT f.session_id, n.name
    FROM pg_temp.requests f CROSS JOIN LATERAL (VALUES
        ('agent:' || COALESCE(f.agent_name, 'unknown')),
        ('conversation:' || COALESCE(f.conversation_name, 'default')),
        ('user:' || COALESCE(f.user_id, 'unknown')),
        ('end_user:' || COALESCE(f.end_user, 'unknown')),
        ('team:' || COALESCE(f.team_id, 'unknown')),
        ('model:' || COALESCE(f.model_group, 'unknown')),
        ('model:' || f.model),
        ('status:' || f.status),
        (CASE WHEN NOT COALESCE(f.tags @? '$[*] ? (@.type() == "string")', false) THEN 'tag:untagged' END)
    ) AS n(name)
    WHERE n.name IS NOT NULL
    UNION
    SELECT f.session_id, 'tag:' || (j.value #>> '{}')
    FROM pg_temp.requests f CROSS JOIN LATERAL jsonb_array_elements(f.tags) AS j(value)
    WHERE jsonb_typeof(j.value) = 'string'
), lists AS (
    SELECT session_id, array_agg(name ORDER BY name) AS names FROM names GROUP BY session_id
), totals AS (
    SELECT f.session_id, min(f.started_at) AS session_start, max(f.started_at) AS last_activity, count(*) AS requests,
           sum(f.spend::numeric) AS cost, sum(f.total_tokens)::numeric AS total_tokens,
           EXTRACT(EPOCH FROM max(f.ended_at) - min(f.started_at))::numeric AS duration,
           sum(f.tool_calls)::bigint AS tool_calls, count(*) FILTER (WHERE f.status = 'failure') AS failed_requests,
           array_agg(DISTINCT COALESCE(f.user_id, '')) AS users, array_agg(DISTINCT COALESCE(f.team_id, '')) AS teams,
           array_agg(DISTINCT COALESCE(f.agent_name, '')) AS agents
    FROM pg_temp.requests f GROUP BY f.session_id
)
INSERT INTO traceability.sessions (session_id, session_start, last_activity, requests, cost, total_tokens, duration,
    tool_calls, failed_requests, users, teams, agents, names, active)
SELECT t.session_id, t.session_start, t.last_activity, t.requests, t.cost, t.total_tokens, t.duration, t.tool_calls,
       t.failed_requests, t.users, t.teams, t.agents, l.names, tsrange(t.session_start, t.last_activity, '[]')
FROM totals t JOIN lists l USING (session_id)
ON CONFLICT (session_id) DO UPDATE SET
    (session_start, last_activity, requests, cost, total_tokens, duration, tool_calls, failed_requests, users, teams,
     agents, names, active)
    = (EXCLUDED.session_start, EXCLUDED.last_activity, EXCLUDED.requests, EXCLUDED.cost, EXCLUDED.total_tokens,
       EXCLUDED.duration, EXCLUDED.tool_calls, EXCLUDED.failed_requests, EXCLUDED.users, EXCLUDED.teams,
       EXCLUDED.agents, EXCLUDED.names, EXCLUDED.active)"#;
