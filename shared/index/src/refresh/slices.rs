//! What is new: the minutes of which log and index have different numbers of rows. A row that another version's projection has
//! made counts as none.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, QueryBuilder};
use traceability_core::time::TimeWindow;
use traceability_db::DbError;
use traceability_facts::Conditions;
use traceability_litellm::{PROJECTION, bounds};

use super::{OnMissing, Refresh, RefreshError};

/// LiteLLM's log.
const LOG: &str = r#""LiteLLM_SpendLogs""#;
/// Rows that are copied at a time: a second or two, and some ten MB on the way.
pub(super) const BATCH: i64 = 20_000;
/// Minutes are counted for so long at a time.
const COUNTED: TimeDelta = TimeDelta::days(7);

/// Which facts are compared with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Facts {
    /// Those of requests that the log still has, as far as that is known.
    OfLog,
    /// Also those of requests that the log no longer has.
    All,
}

/// A part of the log to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) window: TimeWindow,
    pub(super) rows: i64,
}

impl Slice {
    /// The minute of an instant, however many rows it has.
    pub(super) fn of_minute(instant: DateTime<Utc>) -> Self {
        let start = whole_minutes(TimeWindow { start: instant, end: instant }).start;
        Self { window: TimeWindow { start, end: start + TimeDelta::minutes(1) }, rows: 0 }
    }
}

impl Refresh<'_> {
    /// Copies what the index lacks of the requests that started since then, or of all; whether there was time for it.
    pub(super) async fn copy_since(
        &mut self,
        since: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<bool, RefreshError> {
        let Some(extent) = self.extent().await? else {
            return self.finish(now).await;
        };
        let start = since.map_or(extent.start, |since| since.max(extent.start));
        let window = TimeWindow { start, end: extent.end.max(start) };
        let mut slices = self.slices(window, Facts::OfLog).await?;
        if since.is_some() {
            slices.extend(self.with_new_tools(window).await?);
        }
        self.progress.begin("copying rows", slices.iter().map(|slice| slice.rows.unsigned_abs()).sum());
        if !self.copy(slices, OnMissing::Keep).await? {
            return Ok(false);
        }
        self.finish(now).await
    }

    /// Copies the window anew, whatever the index has of it.
    pub(super) async fn copy_again(&mut self, window: TimeWindow, on_missing: OnMissing) -> Result<bool, RefreshError> {
        let mut slices = self.slices(window, Facts::All).await?;
        // The borders need not be full minutes.
        for slice in &mut slices {
            slice.window.start = slice.window.start.max(window.start);
            slice.window.end = slice.window.end.min(window.end);
        }
        self.progress.begin("copying rows", slices.iter().map(|slice| slice.rows.unsigned_abs()).sum());
        self.copy(slices, on_missing).await
    }

    /// The time from the first to the last row of log and index; `None` if both are empty.
    pub(super) async fn extent(&mut self) -> Result<Option<TimeWindow>, RefreshError> {
        type Ends = (Option<NaiveDateTime>, Option<NaiveDateTime>);
        let start = bounds::within(r#"s."startTime""#);
        let log = format!(
            r#"SELECT (SELECT {start} FROM {LOG} s ORDER BY s."startTime" LIMIT 1),
                      (SELECT {start} FROM {LOG} s ORDER BY s."startTime" DESC LIMIT 1)"#
        );
        let log: Ends = sqlx::query_as(AssertSqlSafe(log)).fetch_one(&mut self.log).await.map_err(DbError::from)?;
        let index: Ends = sqlx::query_as("SELECT min(f.started_at), max(f.started_at) FROM traceability.facts f")
            .fetch_one(&mut self.index)
            .await?;
        let start = log.0.into_iter().chain(index.0).min();
        let end = log.1.into_iter().chain(index.1).max();
        Ok(start
            .zip(end)
            .map(|(start, end)| TimeWindow { start: start.and_utc(), end: end.and_utc() + TimeDelta::milliseconds(1) }))
    }

    /// The slices of which log and index have different numbers of rows; or all, also those that the log has no longer.
    async fn slices(&mut self, window: TimeWindow, facts: Facts) -> Result<Vec<Slice>, RefreshError> {
        let mut slices = Vec::new();
        let mut window = whole_minutes(window);
        while let Some(start) = self.next_row(window, facts).await? {
            let part = TimeWindow { start, end: (start + COUNTED).min(window.end) };
            let (log, index) = (self.count_log(part).await?, count_index(&mut self.index, part, facts).await?);
            let minutes: BTreeSet<_> = log.keys().chain(index.keys()).copied().collect();
            let minutes = minutes.into_iter().map(|start| {
                let rows = log.get(&start).copied().unwrap_or_default();
                Minute { start, rows, differs: facts == Facts::All || log.get(&start) != index.get(&start) }
            });
            join(minutes, &mut slices);
            window.start = part.end;
        }
        Ok(slices)
    }

    /// The first minute of the window with a row on one of the two sides, or one that is gone: a clock that was wrong by
    /// years must not make for years to be counted.
    pub(super) async fn next_row(
        &mut self,
        window: TimeWindow,
        facts: Facts,
    ) -> Result<Option<DateTime<Utc>>, RefreshError> {
        if window.start >= window.end {
            return Ok(None);
        }
        let mut log = QueryBuilder::new(format!("SELECT {} FROM {LOG} s", bounds::started_at(&window)));
        bounds::push_started(&mut Conditions::new(&mut log), &window);
        log.push(r#" ORDER BY s."startTime" LIMIT 1"#);
        let log = first(&mut self.log, log).await.map_err(DbError::from)?;
        let mut index = QueryBuilder::new("SELECT f.started_at FROM traceability.facts f WHERE ");
        push_of_index(&mut index, window, facts);
        index.push(" ORDER BY f.started_at LIMIT 1");
        let index = first(&mut self.index, index).await?;
        Ok(log.into_iter().chain(index).min().map(|start| whole_minutes(TimeWindow { start, end: start }).start))
    }

    /// The minutes with requests whose called tools were named after they were copied: LiteLLM does so a moment later.
    async fn with_new_tools(&mut self, window: TimeWindow) -> Result<Vec<Slice>, RefreshError> {
        let Some(sql) = self.projection.named_tools() else { return Ok(Vec::new()) };
        let (start, end) = (window.start.naive_utc(), window.end.naive_utc());
        let named: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(start)
            .bind(end)
            .fetch_all(&mut self.log)
            .await
            .map_err(DbError::from)?;
        let (ids, numbers): (Vec<String>, Vec<i64>) = named.into_iter().unzip();
        let minutes: Vec<NaiveDateTime> = sqlx::query_scalar(
            "SELECT DISTINCT date_trunc('minute', f.started_at) \
             FROM (SELECT * FROM unnest($1::text[], $2::bigint[]) AS n(id, tools)) AS n \
             JOIN traceability.facts f ON f.request_id = n.id WHERE f.started_at >= $3 AND f.started_at < $4 \
             AND NOT f.gone AND COALESCE(cardinality(f.tools), 0) < n.tools",
        )
        .bind(ids)
        .bind(numbers)
        .bind(start)
        .bind(end)
        .fetch_all(&mut self.index)
        .await?;
        Ok(minutes.into_iter().map(|minute| Slice::of_minute(minute.and_utc())).collect())
    }

    async fn count_log(&mut self, window: TimeWindow) -> Result<Counts, RefreshError> {
        let start = bounds::started_at(&window);
        let mut sql = QueryBuilder::new(format!("SELECT date_trunc('minute', {start}), count(*) FROM {LOG} s"));
        bounds::push_started(&mut Conditions::new(&mut sql), &window);
        sql.push(" GROUP BY 1");
        Ok(count(&mut self.log, sql).await.map_err(DbError::from)?)
    }

    /// Notes that the index has what the log held at this instant.
    async fn finish(&mut self, now: DateTime<Utc>) -> Result<bool, RefreshError> {
        self.copy_labels().await?;
        sqlx::query("UPDATE traceability.state SET as_of = $1").bind(now).execute(&mut self.index).await?;
        Ok(true)
    }
}

type Counts = BTreeMap<DateTime<Utc>, i64>;

async fn count(conn: &mut PgConnection, mut sql: QueryBuilder<Postgres>) -> sqlx::Result<Counts> {
    let counts: Vec<(NaiveDateTime, i64)> = sql.build_query_as().fetch_all(conn).await?;
    Ok(counts.into_iter().map(|(minute, rows)| (minute.and_utc(), rows)).collect())
}

async fn count_index(conn: &mut PgConnection, window: TimeWindow, facts: Facts) -> sqlx::Result<Counts> {
    // Also a minute without a row that counts, since all of them may be asked for.
    let mut sql = QueryBuilder::new(format!(
        "SELECT date_trunc('minute', f.started_at), count(*) FILTER (WHERE f.projection = {PROJECTION}) \
         FROM traceability.facts f WHERE "
    ));
    push_of_index(&mut sql, window, facts);
    sql.push(" GROUP BY 1");
    count(conn, sql).await
}

/// Appends the condition of the facts `f` of a window, also of those that the log no longer has, or without them.
fn push_of_index(sql: &mut QueryBuilder<Postgres>, window: TimeWindow, facts: Facts) {
    sql.push("f.started_at >= ").push_bind(window.start.naive_utc());
    sql.push(" AND f.started_at < ").push_bind(window.end.naive_utc());
    sql.push(if facts == Facts::All { "" } else { " AND NOT f.gone" });
}

fn whole_minutes(window: TimeWindow) -> TimeWindow {
    let floor =
        |instant: DateTime<Utc>| instant - TimeDelta::milliseconds(instant.timestamp_millis().rem_euclid(60_000));
    TimeWindow { start: floor(window.start), end: floor(window.end + TimeDelta::milliseconds(59_999)) }
}

async fn first(conn: &mut PgConnection, mut sql: QueryBuilder<Postgres>) -> sqlx::Result<Option<DateTime<Utc>>> {
    let row: Option<NaiveDateTime> = sql.build_query_scalar().fetch_optional(conn).await?;
    Ok(row.map(|start| start.and_utc()))
}

/// A minute with rows.
struct Minute {
    start: DateTime<Utc>,
    rows: i64,
    differs: bool,
}

/// Joins minutes that differ into slices of about a batch each, with a few rows between them that do not; never across a
/// month, which has a partition of its own.
fn join(minutes: impl Iterator<Item = Minute>, slices: &mut Vec<Slice>) {
    let mut between = 0;
    for minute in minutes {
        if !minute.differs {
            between += minute.rows;
            continue;
        }
        let end = minute.start + TimeDelta::minutes(1);
        match slices.last_mut() {
            Some(last)
                if between <= BATCH / 40
                    && last.rows + between + minute.rows <= BATCH
                    && last.window.end <= minute.start
                    && month(last.window.start) == month(minute.start) =>
            {
                last.window.end = end;
                last.rows += between + minute.rows;
            }
            _ => slices.push(Slice { window: TimeWindow { start: minute.start, end }, rows: minute.rows }),
        }
        between = 0;
    }
}

fn month(instant: DateTime<Utc>) -> (i32, u32) {
    (instant.year(), instant.month())
}
