//! Whether an index says what the log says: everything in it is computed anew, each in the most direct way.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, QueryBuilder};
use traceability_core::dimension::Dimension;
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_facts::{Beside, Fact, RowSelector};
use traceability_index::dimensions;
use traceability_index::dimensions::ROLLED_UP;
use traceability_index::histogram;
use traceability_litellm::Log;

use crate::cluster::is_cluster;
use crate::database::Database;

/// Checks that the facts are those of the log in the same database, but for rows that the log no longer has; that the
/// sessions are totalled from them; and that all roll-ups are, but for those that are marked as out of date.
///
/// # Panics
/// When something is not so.
pub async fn assert_sound(database: &Database) {
    let mut conn = database.connect().await;
    gather(&mut conn).await;
    assert_facts(&mut conn).await;
    assert_derived(&mut conn).await;
    conn.close().await.expect("closed");
}

/// Checks what is made of the facts, wherever the log is.
///
/// # Panics
/// When something is not so.
pub async fn assert_derived(conn: &mut PgConnection) {
    sqlx::raw_sql("SET jit = off; SET work_mem = '64MB'").execute(&mut *conn).await.expect("settings");
    sqlx::raw_sql(UNPACK).execute(&mut *conn).await.expect("a function");
    gather(conn).await;
    nothing_differs(conn, "sessions", SESSIONS, STORED_SESSIONS).await;
    // Levels and dimensions one by one: what is wrong is then named.
    sqlx::raw_sql(AssertSqlSafe(gathered(&keyed()))).execute(&mut *conn).await.expect("the facts by their keys");
    for level in 0..=4 {
        sqlx::raw_sql(AssertSqlSafe(gathered(&spans(level)))).execute(&mut *conn).await.expect("the facts by spans");
        let stored = stored(level);
        nothing_differs(conn, &format!("sums of level {level}"), SUMS, &format!("SELECT {OF_SUMS} FROM ({stored}) r"))
            .await;
        for (what, wanted) in [("durations", durations("duration_ms")), ("ttfts", durations("ttft_ms"))] {
            let stored = elements(&stored, &format!("pg_temp.unpack(r.{what})"));
            nothing_differs(conn, &format!("{what} of level {level}"), &wanted, &stored).await;
        }
        let what = format!("sessions of level {level}");
        let sessions = "CASE WHEN r.new_sessions > 0 THEN ARRAY[r.new_sessions] END || r.returning_sessions";
        nothing_differs(conn, &what, ACTIVE, &elements(&stored, sessions)).await;
    }
}

async fn assert_facts(conn: &mut PgConnection) {
    let direct = Log::probe(&mut *conn, &NamePaths::default()).await.expect("there is a log");
    let typed = |alias: &str| {
        let columns = Fact::ALL.iter().map(|fact| format!("{alias}.{}::{}", fact.name(), fact.sql_type()));
        columns.collect::<Vec<_>>().join(", ")
    };
    let mut sql = QueryBuilder::<Postgres>::new(format!("SELECT {} FROM ", typed("f")));
    direct.push_requests(&mut sql, &Fact::ALL, Beside::Nothing, RowSelector::All, &Scope::AllRows);
    sql.push(" AS f");
    let stored = format!("SELECT {} FROM traceability.requests f WHERE NOT f.gone", typed("f"));
    nothing_differs(conn, "facts", sql.sql().as_str(), &stored).await;
    if !is_cluster() {
        let lost = "SELECT count(*) FROM traceability.facts f LEFT JOIN traceability.owners o ON o.id = f.owner \
                    LEFT JOIN traceability.deployments d ON d.id = f.deployment WHERE o.id IS NULL OR d.id IS NULL";
        let lost: i64 = sqlx::query_scalar(lost).fetch_one(&mut *conn).await.expect("the facts are counted");
        assert_eq!(lost, 0, "facts refer to nothing");
    }
    let twice =
        gathered("SELECT count(*) FROM (SELECT FROM traceability.requests GROUP BY request_id HAVING count(*) > 1) t");
    let twice: i64 =
        sqlx::query_scalar(AssertSqlSafe(twice)).fetch_one(&mut *conn).await.expect("the facts are counted");
    assert_eq!(twice, 0, "requests are in the index twice");
}

/// Brings what lies on the servers of a cluster together, where any SQL is allowed.
async fn gather(conn: &mut PgConnection) {
    if !is_cluster() {
        return;
    }
    for table in ["requests", "sessions", "rollups", "stale", "state"] {
        let sql = format!(
            "DROP TABLE IF EXISTS pg_temp.{table}; CREATE TEMPORARY TABLE {table} AS SELECT * FROM traceability.{table}"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await.expect("a copy");
    }
    let sql = "CREATE INDEX ON pg_temp.requests (session_id, started_at); ANALYZE pg_temp.requests, pg_temp.rollups";
    sqlx::raw_sql(sql).execute(conn).await.expect("an index");
}

/// SQL of what was brought together.
fn gathered(sql: &str) -> String {
    if is_cluster() { sql.replace(" traceability.", " pg_temp.") } else { sql.to_owned() }
}

/// Checks that two relations have the same rows, as often.
async fn nothing_differs(conn: &mut PgConnection, what: &str, wanted: &str, stored: &str) {
    let sql = format!(
        "WITH wanted AS ({wanted}), stored AS ({stored}) \
         SELECT 'missing: ' || d::text FROM (TABLE wanted EXCEPT ALL TABLE stored) d UNION ALL \
         SELECT 'too much: ' || d::text FROM (TABLE stored EXCEPT ALL TABLE wanted) d"
    );
    let sql = gathered(&sql);
    let rows: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(conn).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    let shown: String = rows.iter().take(6).fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "  {row}");
        text
    });
    assert!(rows.is_empty(), "{what}: {} rows differ\n{shown}", rows.len());
}

const SESSIONS: &str = r#"
    SELECT f.session_id, min(f.started_at), max(f.started_at), count(*)::numeric, sum(f.spend::numeric),
           sum(f.total_tokens)::numeric, EXTRACT(EPOCH FROM GREATEST(max(f.ended_at), max(f.started_at)) - min(f.started_at))::numeric,
           sum(f.tool_calls)::bigint, count(*) FILTER (WHERE f.status = 'failure'),
           ARRAY(SELECT DISTINCT COALESCE(o.user_id, '') COLLATE "C" FROM traceability.requests o
                 WHERE o.session_id = f.session_id ORDER BY 1),
           ARRAY(SELECT DISTINCT COALESCE(o.team_id, '') COLLATE "C" FROM traceability.requests o
                 WHERE o.session_id = f.session_id ORDER BY 1),
           ARRAY(SELECT DISTINCT COALESCE(o.agent_name, '') COLLATE "C" FROM traceability.requests o
                 WHERE o.session_id = f.session_id ORDER BY 1),
           ARRAY(SELECT n.name COLLATE "C" FROM traceability.requests o CROSS JOIN LATERAL (
                     SELECT 'agent:' || COALESCE(o.agent_name, 'unknown')
                     UNION SELECT 'conversation:' || COALESCE(o.conversation_name, 'default')
                     UNION SELECT 'user:' || COALESCE(o.user_id, 'unknown')
                     UNION SELECT 'end_user:' || COALESCE(o.end_user, 'unknown')
                     UNION SELECT 'team:' || COALESCE(o.team_id, 'unknown')
                     UNION SELECT 'model:' || COALESCE(o.model_group, 'unknown')
                     UNION SELECT 'model:' || o.model WHERE o.model IS NOT NULL
                     UNION SELECT 'status:' || o.status
                     UNION SELECT 'tag:' || COALESCE(t.tag, 'untagged') FROM (SELECT) d LEFT JOIN
                         (SELECT j.value #>> '{}' AS tag FROM jsonb_array_elements(o.tags) AS j(value)
                          WHERE jsonb_typeof(j.value) = 'string') t ON true
                     UNION SELECT 'key:' || COALESCE(o.api_key_hash, 'unknown')
                     UNION SELECT 'provider:' || COALESCE(o.provider, 'unknown')
                     UNION SELECT 'error:' || COALESCE(o.error_class, 'unknown') WHERE o.status = 'failure'
                     UNION SELECT 'tool:' || unnest(o.tools)) n(name)
                 WHERE o.session_id = f.session_id GROUP BY 1 ORDER BY 1),
           min(f.started_at), max(f.started_at)
    FROM traceability.requests f GROUP BY f.session_id"#;

const STORED_SESSIONS: &str = r#"
    SELECT s.session_id, s.session_start, s.last_activity, s.requests, s.cost, s.total_tokens, s.duration, s.tool_calls,
           s.failed_requests, ARRAY(SELECT n COLLATE "C" FROM unnest(s.users) n ORDER BY 1),
           ARRAY(SELECT n COLLATE "C" FROM unnest(s.teams) n ORDER BY 1),
           ARRAY(SELECT n COLLATE "C" FROM unnest(s.agents) n ORDER BY 1),
           ARRAY(SELECT n COLLATE "C" FROM unnest(s.names) n ORDER BY 1), lower(s.active), upper(s.active)
    FROM traceability.sessions s"#;

/// SQL of a dimension's values over the facts `f`, and what it joins.
fn values(dimension: Dimension) -> (&'static str, &'static str) {
    match dimension {
        Dimension::Model => ("COALESCE(f.model_group, 'unknown')", ""),
        Dimension::Agent => ("COALESCE(f.agent_name, 'unknown')", ""),
        Dimension::User => ("COALESCE(f.user_id, 'unknown')", ""),
        Dimension::EndUser => ("COALESCE(f.end_user, 'unknown')", ""),
        Dimension::Team => ("COALESCE(f.team_id, 'unknown')", ""),
        Dimension::Key => ("COALESCE(f.api_key_hash, 'unknown')", ""),
        Dimension::Provider => ("COALESCE(f.provider, 'unknown')", ""),
        Dimension::Tag => (
            "COALESCE(g.tag, 'untagged')",
            " LEFT JOIN LATERAL (SELECT DISTINCT j.value #>> '{}' AS tag FROM jsonb_array_elements(f.tags) AS j(value) \
             WHERE jsonb_typeof(j.value) = 'string') g ON true",
        ),
        Dimension::Tool => ("l.tool", " JOIN LATERAL (SELECT DISTINCT unnest(f.tools) AS tool) l ON true"),
        Dimension::ErrorClass => {
            ("COALESCE(f.error_class, 'unknown')", " JOIN (VALUES ('failure')) e(status) ON e.status = f.status")
        }
    }
}

/// Makes `keyed`: every fact once for each group of each dimension that it is in.
fn keyed() -> String {
    let mut parts = Vec::new();
    for keys in ROLLED_UP {
        let of = |place: usize| keys.get(place).map_or(("''::text", ""), |key| values(*key));
        let ((first, first_join), (second, second_join)) = (of(0), of(1));
        parts.push(format!(
            "SELECT '{}'::text AS dimension, {first} AS first, {second} AS second, f.session_id, f.started_at, f.status, \
             f.cache_hit, f.prompt_tokens, f.completion_tokens, f.total_tokens, f.spend, f.duration_ms, f.ttft_ms, \
             f.tool_calls, f.cached_tokens FROM traceability.requests f{first_join}{second_join}",
            dimensions::name(keys)
        ));
    }
    format!(
        "DROP TABLE IF EXISTS pg_temp.spans, pg_temp.keyed; CREATE TEMPORARY TABLE keyed AS {}; \
         CREATE INDEX ON pg_temp.keyed (dimension, first, second, session_id, started_at); ANALYZE pg_temp.keyed",
        parts.join(" UNION ALL ")
    )
}

/// Whether a span that starts at `start` must have roll-ups that are in use.
fn in_use(level: i16, start: &str) -> String {
    let end = match level {
        0 => format!("({start} + interval '15 minutes')"),
        1 => format!("({start} + interval '1 hour')"),
        2 => format!("({start} + interval '1 day')"),
        3 => format!(
            "(CASE WHEN EXTRACT(DAY FROM {start}) < 25 THEN {start} + interval '8 days' \
             ELSE date_trunc('month', {start}) + interval '1 month' END)"
        ),
        _ => format!("({start} + interval '1 month')"),
    };
    let quarter = |instant: &str| format!("EXTRACT(EPOCH FROM {instant}) / 900");
    let (from, until) = (quarter(start), quarter(&end));
    format!(
        "{until} <= (SELECT s.rolled_until FROM traceability.state s) AND NOT EXISTS \
         (SELECT FROM traceability.stale t WHERE t.quarter >= {from} AND t.quarter < {until})"
    )
}

/// Whether a grouping has roll-ups of a level at a slot.
fn has_level(level: i16, dimension: &str, slot: &str) -> String {
    format!(
        "COALESCE((SELECT (c.value ->> 1)::integer FROM traceability.state s \
         CROSS JOIN jsonb_array_elements(s.rollup_levels -> {dimension}) AS c(value) \
         WHERE (c.value ->> 0)::integer <= {slot} ORDER BY (c.value ->> 0)::integer DESC LIMIT 1), 31) & (1 << {level}) <> 0"
    )
}

/// Makes `spans`: the same facts, with the start of the span of this level.
fn spans(level: i16) -> String {
    let start = match level {
        0 => "date_bin('15 minutes', k.started_at, timestamp '2000-01-01')",
        1 => "date_trunc('hour', k.started_at)",
        2 => "date_trunc('day', k.started_at)",
        3 => {
            "(date_trunc('month', k.started_at) \
             + LEAST(floor((EXTRACT(DAY FROM k.started_at) - 1) / 8), 3) * interval '8 days')"
        }
        _ => "date_trunc('month', k.started_at)",
    };
    format!(
        "DROP TABLE IF EXISTS pg_temp.spans; CREATE TEMPORARY TABLE spans AS \
         SELECT k.*, {start} AS start, (EXTRACT(EPOCH FROM {start}) / 900)::integer AS starts FROM pg_temp.keyed k \
         WHERE {} AND {}; ANALYZE pg_temp.spans",
        in_use(level, start),
        has_level(level, "k.dimension", &format!("(EXTRACT(EPOCH FROM {start}) / 900)::integer")),
    )
}

/// SQL of the roll-ups in use of a level.
fn stored(level: i16) -> String {
    let start = "(to_timestamp(r.starts * 900::bigint) AT TIME ZONE 'UTC')";
    format!(
        "SELECT r.* FROM traceability.rollups r WHERE r.level = {level} AND {} AND {}",
        in_use(level, start),
        has_level(level, "r.dimension", "r.starts")
    )
}

/// The elements of a stored histogram: the bin in the upper bits, what is in it in the lower 40; NULL where there is none.
const UNPACK: &str = "
    CREATE OR REPLACE FUNCTION pg_temp.unpack(packed bytea) RETURNS bigint[] LANGUAGE plpgsql STRICT AS $$
    DECLARE
        numbers bigint[] := '{}';
        number bigint := 0;
        shift integer := 0;
        elements bigint[] := '{}';
        bin bigint := 0;
    BEGIN
        FOR place IN 0 .. length(packed) - 1 LOOP
            number := number + ((get_byte(packed, place) & 127)::bigint << shift);
            shift := shift + 7;
            IF get_byte(packed, place) < 128 THEN
                numbers := numbers || number;
                number := 0;
                shift := 0;
            END IF;
        END LOOP;
        FOR place IN 1 .. cardinality(numbers) BY 2 LOOP
            bin := bin + numbers[place];
            elements := elements || ((bin << 40) | numbers[place + 1]);
        END LOOP;
        RETURN elements;
    END
    $$";

const SUMS: &str = "
    SELECT s.dimension, s.starts, s.first, s.second, count(*), count(*) FILTER (WHERE s.status = 'failure'),
           count(*) FILTER (WHERE s.cache_hit), sum(s.prompt_tokens), sum(s.completion_tokens), sum(s.total_tokens),
           sum(s.spend::numeric), sum(s.duration_ms)::bigint, min(s.duration_ms), max(s.duration_ms),
           COALESCE(sum(s.ttft_ms), 0)::bigint, count(s.ttft_ms), sum(s.tool_calls)::bigint,
           sum(s.cached_tokens)::bigint,
           sum(CASE WHEN s.cached_tokens <= s.prompt_tokens THEN s.prompt_tokens
                    WHEN s.prompt_tokens > 0 THEN s.cached_tokens + s.prompt_tokens ELSE s.cached_tokens END)
           FILTER (WHERE s.cached_tokens IS NOT NULL)
    FROM pg_temp.spans s GROUP BY 1, 2, 3, 4";

const OF_SUMS: &str = "r.dimension, r.starts, r.first, r.second, r.requests, COALESCE(r.failed_requests, 0), \
     COALESCE(r.cache_hits, 0), COALESCE(r.prompt_tokens, 0), COALESCE(r.completion_tokens, 0), \
     COALESCE(r.total_tokens, 0), r.spend, COALESCE(r.duration_ms, 0), r.min_duration_ms, r.max_duration_ms, \
     COALESCE(r.ttft_ms, 0), COALESCE(r.streamed, 0), COALESCE(r.tool_calls, 0), r.cached_tokens, r.cached_tokens_of";

/// SQL of the elements of a histogram of this column.
fn durations(column: &str) -> String {
    format!(
        "SELECT h.dimension, h.starts, h.first, h.second, (h.bin << 40) | count(*) FROM \
         (SELECT s.*, {} AS bin FROM pg_temp.spans s WHERE s.{column} IS NOT NULL) h \
         GROUP BY h.dimension, h.starts, h.first, h.second, h.bin",
        histogram::bin(&format!("s.{column}"))
    )
}

/// SQL of the elements of `returning_sessions`, and of one for those that are new: how many sessions are in the span that had
/// their last request in the same group so long before it.
const ACTIVE: &str = "
    SELECT g.dimension, g.starts, g.first, g.second, (g.gap << 40) | count(*) FROM (
        SELECT d.*, COALESCE(d.starts - (
            SELECT floor(EXTRACT(EPOCH FROM max(k.started_at)) / 900)::integer FROM pg_temp.keyed k
            WHERE k.dimension = d.dimension AND k.first = d.first AND k.second = d.second
              AND k.session_id = d.session_id AND k.started_at < d.start), 0)::bigint AS gap
        FROM (SELECT DISTINCT s.dimension, s.starts, s.start, s.first, s.second, s.session_id FROM pg_temp.spans s) d) g
    GROUP BY g.dimension, g.starts, g.first, g.second, g.gap";

fn elements(stored: &str, array: &str) -> String {
    format!(
        "SELECT r.dimension, r.starts, r.first, r.second, e.element FROM ({stored}) r \
         CROSS JOIN LATERAL unnest({array}) AS e(element)"
    )
}
