//! More rows of the sample's shapes, for a fuller picture and for measurements.
//!
//! Every row is a copy of a sample row, JSON payloads untouched, with ids, times, token counts and spend of its own.
//! The copies of one session's rows make one new session. Nothing is left to chance: everything drawn is a hash of the
//! source row, the number of the copy and a seed, so that the same call on the same sample makes the same rows.
//!
//! What stays as in the source: users, keys, teams, agents, models, tags, and all inside the JSON columns (also ids,
//! times and token counts there). The daily roll-ups are not continued.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc, Weekday};
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    Error,
    columns::{columns, quoted},
    sample::{checkpoint, is_prepared, tidy},
};

/// Rows per INSERT, some 40 MB with their payloads: a large part of a second on a native server.
const BATCH: i64 = 5_000;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Generation {
    /// How many generated rows the database is to hold beside the sample, in total: only what is missing is added, and
    /// nothing is ever taken away. The same number a second time therefore does nothing.
    pub rows: u64,
    /// The newest row ends a minute before this.
    pub now: DateTime<Utc>,
    /// The rows spread over this many days before `now`.
    pub days: u16,
    /// Another seed draws other times, tokens and ids.
    pub seed: i64,
}

impl Generation {
    /// `rows` generated rows over the 30 days before `now`.
    #[must_use]
    pub fn new(rows: u64, now: DateTime<Utc>) -> Self {
        Self { rows, now, days: 30, seed: 1 }
    }
}

/// A progress bar on standard error that counts rows; without a terminal it draws nothing.
#[must_use]
pub fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} rows, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style).with_message("generating")
}

/// Adds the rows that `wanted` asks for and that are missing, oldest first, as a log grows: the order on disk follows
/// the order in time (within one call). Returns how many it added. Each batch is a transaction of its own: after an
/// interruption, the same call completes the number.
///
/// The connection keeps two functions in `pg_temp` afterwards.
///
/// # Errors
///
/// [`Error::NoSample`] unless [`sample::prepare`](crate::sample::prepare) has filled this database; otherwise when a
/// statement fails.
pub async fn generate(conn: &mut PgConnection, wanted: &Generation, progress: &ProgressBar) -> Result<u64, Error> {
    if !is_prepared(conn).await? {
        return Err(Error::NoSample);
    }
    let generated: i64 =
        sqlx::query_scalar("SELECT generated FROM traceability_local.sample").fetch_one(&mut *conn).await?;
    let missing = i64::try_from(wanted.rows).unwrap_or(i64::MAX) - generated;
    if missing <= 0 {
        return Ok(0);
    }
    progress.set_length(missing.unsigned_abs());
    let first_copy = reserve_copies(conn, missing).await?;
    plan(conn, wanted, missing, first_copy).await?;
    let inserts = Inserts::new(conn, wanted.seed).await?;
    let mut done = 0;
    while done < missing {
        done += inserts.run(conn, done).await?;
        progress.set_position(done.unsigned_abs());
        if done % (20 * BATCH) == 0 {
            checkpoint(conn).await?;
        }
    }
    sqlx::raw_sql("DROP TABLE pg_temp.plan, pg_temp.source").execute(&mut *conn).await?;
    tidy(conn).await?;
    progress.finish();
    Ok(missing.unsigned_abs())
}

/// Takes as many copies of the whole sample as `rows` need and returns the first one's number. A number is never used
/// again, not even after an interruption: ids are made of it.
async fn reserve_copies(conn: &mut PgConnection, rows: i64) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "UPDATE traceability_local.sample
         SET copies = copies + ceil($1::float8 / (SELECT count(*) FROM traceability_local.source))::int
         RETURNING copies + 1 - ceil($1::float8 / (SELECT count(*) FROM traceability_local.source))::int",
    )
    .bind(rows)
    .fetch_one(conn)
    .await
}

/// Draws when each copy happens, in temporary tables: `source`, the sample's rows with their ids taken apart, and
/// `plan`, one small row for each row to come, numbered in order of time.
async fn plan(conn: &mut PgConnection, wanted: &Generation, rows: i64, first_copy: i32) -> Result<(), Error> {
    let end = (wanted.now - TimeDelta::minutes(1)).naive_utc();
    let start = end - TimeDelta::days(i64::from(wanted.days));
    sqlx::raw_sql(SOURCE).execute(&mut *conn).await?;
    sqlx::query(PLAN)
        .bind(start)
        .bind(f64::from(wanted.days) * 24.0)
        .bind(rhythm(start, wanted.days))
        .bind(wanted.seed)
        .bind(first_copy)
        .bind(rows)
        .execute(&mut *conn)
        .await?;
    sqlx::raw_sql("CREATE INDEX ON pg_temp.plan (n); ANALYZE pg_temp.source; ANALYZE pg_temp.plan;")
        .execute(conn)
        .await?;
    Ok(())
}

/// How the working week fills the hours from `start` on: the share of all requests before each hour, ascending, 24
/// numbers a day. Mornings to evenings of working days (UTC) see most, nights and weekends a little.
#[must_use]
pub fn rhythm(start: NaiveDateTime, days: u16) -> Vec<f64> {
    let weight = |hour: i64| {
        let time = start + TimeDelta::hours(hour) + TimeDelta::minutes(30);
        let by_hour = match time.hour() {
            12 => 8.0,
            8..19 => 10.0,
            6..8 | 19..23 => 3.0,
            _ => 1.0,
        };
        let weekend = matches!(time.weekday(), Weekday::Sat | Weekday::Sun);
        if weekend { by_hour * 0.25 } else { by_hour }
    };
    let weights: Vec<f64> = (0..i64::from(days) * 24).map(weight).collect();
    let total: f64 = weights.iter().sum();
    let mut before = 0.0;
    weights
        .iter()
        .map(|weight| {
            let share = before / total;
            before += weight;
            share
        })
        .collect()
}

/// The statements that copy one batch of the plan.
struct Inserts {
    requests: String,
    tools: String,
}

impl Inserts {
    async fn new(conn: &mut PgConnection, seed: i64) -> Result<Self, Error> {
        let table = "LiteLLM_SpendLogs";
        let columns = columns(conn, table).await?;
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let values: Vec<String> = columns.iter().map(|column| value(&column.name, seed)).collect();
        let requests = format!(
            "INSERT INTO \"{table}\" ({}) SELECT {} FROM pg_temp.plan p JOIN pg_temp.source s USING (request_id)
             WHERE p.n > $1 AND p.n <= $2 ORDER BY p.n",
            names.join(", "),
            values.join(", "),
        );
        let tools = format!(
            "INSERT INTO \"LiteLLM_SpendLogToolIndex\" (request_id, tool_name, start_time)
             SELECT {}, tool_name, p.start
             FROM pg_temp.plan p JOIN pg_temp.source s USING (request_id) CROSS JOIN unnest(s.tools) AS tool_name
             WHERE p.n > $1 AND p.n <= $2 ORDER BY p.n",
            value("request_id", seed),
        );
        Ok(Self { requests, tools })
    }

    /// Copies the batch that follows on the first `done` rows of the plan; returns its number of rows.
    async fn run(&self, conn: &mut PgConnection, done: i64) -> Result<i64, Error> {
        let mut transaction = conn.begin().await?;
        // A lost last batch is generated again; waiting for the disk at each one would only cost time.
        sqlx::raw_sql("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '64MB';")
            .execute(&mut *transaction)
            .await?;
        let mut rows = 0;
        for (insert, counts) in [(&self.requests, true), (&self.tools, false)] {
            let inserted = sqlx::query(AssertSqlSafe(insert.as_str()))
                .bind(done)
                .bind(done + BATCH)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            rows += if counts { i64::try_from(inserted).unwrap_or(i64::MAX) } else { 0 };
        }
        sqlx::query("UPDATE traceability_local.sample SET generated = generated + $1")
            .bind(rows)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(rows)
    }
}

/// What a copy has in a column of `"LiteLLM_SpendLogs"`: `s` is the source row, `p` its line of the plan.
fn value(column: &str, seed: i64) -> String {
    let end = r#"p.start + (s."endTime" - s."startTime") * p.pace"#;
    let hash = |key: &str| format!("md5('{seed}:' || p.copy || ':' || {key})");
    let id = |which: &str| {
        format!(
            "s.{which}_head
             || left(CASE s.{which}_width WHEN 36 THEN {hash}::uuid::text ELSE {hash} END, s.{which}_width)
             || s.{which}_tail",
            hash = hash(&format!("s.{which}_key")),
        )
    };
    match column {
        "request_id" => id("request"),
        "litellm_call_id" => id("call"),
        // A client's own name for a session stays readable.
        "session_id" => format!(
            "CASE WHEN s.session_is_uuid THEN {}::uuid::text ELSE s.session_id || '-' || p.copy END",
            hash("s.session_id"),
        ),
        "startTime" => "p.start".to_owned(),
        "endTime" => end.to_owned(),
        "completionStartTime" => r#"p.start + (s."completionStartTime" - s."startTime") * p.pace"#.to_owned(),
        "request_duration_ms" => format!("trunc(extract(epoch FROM ({end})::timestamp(3) - p.start) * 1000)::int"),
        "created_at" | "updated_at" => format!(r#"{end} + (s.{column} - s."endTime")"#),
        "spend" => "s.spend * p.size".to_owned(),
        "prompt_tokens" | "completion_tokens" => format!("round(s.{column} * p.size)::int"),
        "total_tokens" => "(round(s.prompt_tokens * p.size) + round(s.completion_tokens * p.size))::int".to_owned(),
        other => format!("s.{}", quoted(other)),
    }
}

/// The sample's rows and how their ids are to be varied: an id is a head, a part of `width` characters that is new in
/// each copy, and a tail. A UUID is replaced by a UUID (width 36), the random end of another long id by as many hex
/// digits, a short one (`1`, `None`) by a UUID. The new part is a hash of `key`: ids that were equal stay equal, and a
/// cache hit's id remains that of the request it repeats, with its suffix.
const SOURCE: &str = r#"
DROP TABLE IF EXISTS pg_temp.plan, pg_temp.source;
CREATE OR REPLACE FUNCTION pg_temp.id_parts(id text, OUT head text, OUT width int, OUT tail text, OUT key text)
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN whole THEN prefix ELSE left(id, length(prefix) + length(core) - least(length(core), 32)) END,
           CASE WHEN whole THEN 36 ELSE least(length(core), 32) END,
           CASE WHEN uuid THEN substr(id, length(prefix) + 37) ELSE substr(id, length(prefix) + length(core) + 1) END,
           CASE WHEN uuid THEN left(id, length(prefix) + 36) ELSE prefix || core END
    FROM (SELECT *, uuid OR length(core) < 20 AS whole
          FROM (SELECT *, core ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' AS uuid
                FROM (SELECT prefix, split_part(substr(id, length(prefix) + 1), '_cache_hit', 1) AS core
                      FROM (SELECT coalesce(
                                substring(id FROM '^(?![0-9a-f]{8}-[0-9a-f]{4}-)[a-z]+[-_]'), '') AS prefix) a) b) c) d
$$;
CREATE OR REPLACE FUNCTION pg_temp.draw(key text, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
    $$SELECT (hashtextextended(key, salt) & 4294967295) / 4294967296.0::float8$$;
CREATE TEMP TABLE source AS
SELECT s.*,
       coalesce(s.session_id, s.request_id) AS unit,
       coalesce(s.session_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', false) AS session_is_uuid,
       (SELECT coalesce(array_agg(t.tool_name ORDER BY t.tool_name), '{}')
        FROM "LiteLLM_SpendLogToolIndex" t WHERE t.request_id = s.request_id) AS tools,
       r.head AS request_head, r.width AS request_width, r.tail AS request_tail, r.key AS request_key,
       c.head AS call_head, c.width AS call_width, c.tail AS call_tail, c.key AS call_key
FROM traceability_local.source
JOIN "LiteLLM_SpendLogs" s USING (request_id)
CROSS JOIN LATERAL pg_temp.id_parts(s.request_id) r
CROSS JOIN LATERAL pg_temp.id_parts(s.litellm_call_id) c;
CREATE TEMP TABLE plan (
    n bigint, request_id text, copy int, start timestamp(3), pace float8, size float8
);
"#;

/// $1 start of the time to fill, $2 its hours, $3 [`rhythm`], $4 seed, $5 first copy, $6 rows.
///
/// A unit is a session, or a row without one. The simulated providers of the sample answered within milliseconds:
/// `pace` makes one unit's time run 4 to 40 times slower, requests and the pauses between them alike (pauses of a unit
/// that took longer than ten minutes were real ones and stay). A unit that would not end in time begins earlier.
const PLAN: &str = r#"
INSERT INTO pg_temp.plan
WITH units AS (
    SELECT unit, min("startTime") AS first, max("startTime") - min("startTime") AS span,
           max("endTime" - "startTime") AS longest
    FROM pg_temp.source GROUP BY unit
), drawn AS (
    SELECT unit, copy, first, span, longest,
           4 * power(10, pg_temp.draw(unit, $4 * 4000037 + copy * 4)) AS pace,
           pg_temp.draw(unit, $4 * 4000037 + copy * 4 + 1) AS place,
           pg_temp.draw(unit, $4 * 4000037 + copy * 4 + 2) AS minute
    FROM units
    CROSS JOIN generate_series($5, $5 + ceil($6::float8 / (SELECT count(*) FROM pg_temp.source))::int - 1) AS copy
), timed AS (
    SELECT unit, copy, first, pace, place, stretch,
           (width_bucket(place, $3::float8[]) - 1 + minute) AS hours,
           extract(epoch FROM span * stretch + longest * pace)::float8 / 3600 AS length
    FROM drawn CROSS JOIN LATERAL (SELECT CASE WHEN span < interval '10 minutes' THEN pace ELSE 1 END AS stretch) x
), placed AS (
    SELECT unit, copy, first, pace, stretch,
           $1::timestamp + interval '1 hour' * CASE WHEN hours + length < $2 THEN hours
                                                    ELSE place * greatest(0, $2 - length) END AS start
    FROM timed
), copied AS (
    SELECT s.request_id, copy, start + (s."startTime" - first) * stretch AS start, pace,
           power(2, 2 * pg_temp.draw(s.request_id, $4 * 4000037 + copy * 4 + 3) - 1) AS size
    FROM placed JOIN pg_temp.source s USING (unit)
    ORDER BY copy, hashtextextended(unit, $4), s."startTime", s.request_id
    LIMIT $6
)
SELECT row_number() OVER (ORDER BY start, copy, request_id), request_id, copy, start, pace, size
FROM copied
ORDER BY 1
"#;
