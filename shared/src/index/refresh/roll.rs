//! Roll-ups: from facts those of quarters of an hour, from these the longer ones.

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::stale::quarter;
use super::{Refresh, RefreshError, begin};
use crate::index::histogram::bin;
use crate::index::{Level, Quarter, dimensions};
use crate::queries::analytics::measures::{self, Measure};

/// Requests that are rolled up at a time: a few seconds.
const BATCH: i64 = 50_000;

impl Refresh<'_> {
    /// Rolls up what has settled by now and is not rolled up yet, and anew what is out of date; whether there was time for
    /// it. Then the index is ready.
    pub(super) async fn roll(&mut self, now: DateTime<Utc>) -> Result<bool, RefreshError> {
        let complete = self.extend(Quarter::of(now - self.config.settle)).await? && self.mend().await?;
        if complete {
            sqlx::query("UPDATE traceability.state SET ready = true WHERE NOT ready AND as_of IS NOT NULL")
                .execute(&mut self.index)
                .await?;
        }
        Ok(complete)
    }

    /// Extends the roll-ups.
    async fn extend(&mut self, until: Quarter) -> Result<bool, RefreshError> {
        let rolled = rolled_until(&mut self.index).await?;
        let first = start_of_roll_ups(&mut self.index, rolled, until).await?;
        let total = self.count(first, until).await?;
        let is_much = total > 4 * BATCH;
        if is_much {
            sqlx::query("SELECT traceability.analyze_tables()").execute(&mut self.index).await?;
        }
        self.watch.begin("rolling up", total.unsigned_abs());
        loop {
            if !self.has_time() {
                return Ok(false);
            }
            let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(false) };
            // Asked anew each time: another indexer may have gone on meanwhile.
            let rolled = rolled_until(&mut transaction).await?;
            let start = start_of_roll_ups(&mut transaction, rolled, until).await?;
            if rolled.is_some() && start >= until {
                break;
            }
            let (end, rows) = stretch(&mut transaction, start, until).await?;
            if rows > 0 {
                roll_quarters(&mut transaction, start, end).await?;
            }
            roll_longer(&mut transaction, start, end).await?;
            sqlx::query("UPDATE traceability.state SET rolled_until = $1")
                .bind(end.0)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            self.outcome.rolled += rows.unsigned_abs();
            self.watch.advance(rows.unsigned_abs());
        }
        if is_much {
            sqlx::query("SELECT traceability.analyze_tables()").execute(&mut self.index).await?;
        }
        Ok(true)
    }

    async fn count(&mut self, from: Quarter, until: Quarter) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM traceability.facts f WHERE f.started_at >= $1 AND f.started_at < $2")
            .bind(from.start().naive_utc())
            .bind(until.start().naive_utc())
            .fetch_one(&mut self.index)
            .await
    }

    /// Rolls up anew what is out of date, a day at a time. The month of a day waits for the last of its days.
    async fn mend(&mut self) -> Result<bool, RefreshError> {
        let marks: Vec<(i32, DateTime<Utc>)> =
            sqlx::query_as("SELECT quarter, marked_at FROM traceability.stale ORDER BY quarter")
                .fetch_all(&mut self.index)
                .await?;
        let stale: Vec<Quarter> = marks.iter().map(|(quarter, _)| Quarter(*quarter)).collect();
        let days: Vec<&[Quarter]> = stale.chunk_by(|a, b| Level::Day.floor(*a) == Level::Day.floor(*b)).collect();
        self.watch.begin("rolling up anew", stale.len() as u64);
        for (place, day) in days.iter().enumerate() {
            if !self.has_time() {
                return Ok(false);
            }
            let month = |day: &[Quarter]| Level::Month.floor(day[0]);
            let is_last = days.get(place + 1).is_none_or(|next| month(next) != month(day));
            let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(false) };
            for run in day.chunk_by(|a, b| a.0 + 1 == b.0) {
                let (from, until) = (run[0], Quarter(run[run.len() - 1].0 + 1));
                roll_quarters(&mut transaction, from, until).await?;
            }
            let rolled = rolled_until(&mut transaction).await?;
            for level in [Level::Hour, Level::Day, Level::Month] {
                let mut spans: Vec<Quarter> = day.iter().map(|quarter| level.floor(*quarter)).collect();
                spans.dedup();
                for span in spans.into_iter().filter(|span| Some(level.next(*span)) <= rolled) {
                    if level != Level::Month || is_last {
                        roll_level(&mut transaction, level, span, level.next(span)).await?;
                    }
                }
            }
            // What is kept marked keeps the month from being used.
            let mended = if is_last { day } else { &day[..day.len() - 1] };
            let is_mended = |quarter: &Quarter| mended.contains(quarter) || is_last && month(&[*quarter]) == month(day);
            let (mended, marked_at): (Vec<i32>, Vec<DateTime<Utc>>) =
                marks.iter().filter(|(quarter, _)| is_mended(&Quarter(*quarter))).copied().unzip();
            // What another indexer has marked again since stays marked.
            sqlx::query(
                "DELETE FROM traceability.stale t USING unnest($1::integer[], $2::timestamptz[]) AS m(quarter, marked_at) \
                 WHERE t.quarter = m.quarter AND t.marked_at = m.marked_at",
            )
            .bind(mended)
            .bind(marked_at)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            self.watch.advance(day.len() as u64);
        }
        Ok(true)
    }
}

/// Up to where there are roll-ups, if there are any.
async fn rolled_until(conn: &mut PgConnection) -> sqlx::Result<Option<Quarter>> {
    let rolled: Option<i32> = sqlx::query_scalar("SELECT rolled_until FROM traceability.state").fetch_one(conn).await?;
    Ok(rolled.map(Quarter))
}

/// Where roll-ups go on: at first with the month of the first request.
async fn start_of_roll_ups(conn: &mut PgConnection, rolled: Option<Quarter>, until: Quarter) -> sqlx::Result<Quarter> {
    match rolled {
        Some(rolled) => Ok(rolled),
        None => Ok(first_fact(conn).await?.map_or(until, |first| Level::Month.floor(Quarter::of(first)))),
    }
}

/// The end of a batch that begins here, and its requests.
async fn stretch(conn: &mut PgConnection, start: Quarter, until: Quarter) -> sqlx::Result<(Quarter, i64)> {
    // A long silence is one batch.
    let sql = format!(
        "SELECT {}, count(*) FROM (SELECT f.started_at FROM traceability.facts f WHERE f.started_at >= $1 \
         AND f.started_at < $2 ORDER BY f.started_at LIMIT {BATCH} + 1) f GROUP BY 1 ORDER BY 1",
        quarter("f.started_at")
    );
    let quarters: Vec<(i32, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(start.start().naive_utc())
        .bind(until.start().naive_utc())
        .fetch_all(conn)
        .await?;
    let rows: i64 = quarters.iter().map(|(_, rows)| rows).sum();
    if rows <= BATCH {
        return Ok((until, rows));
    }
    // The last one may not be all there; a quarter of an hour is never divided.
    let whole = &quarters[..(quarters.len() - 1).max(1)];
    let end = Quarter(whole.last().map_or(until.0, |(quarter, _)| quarter + 1));
    Ok((end, whole.iter().map(|(_, rows)| rows).sum()))
}

async fn first_fact(conn: &mut PgConnection) -> sqlx::Result<Option<DateTime<Utc>>> {
    let first: Option<NaiveDateTime> =
        sqlx::query_scalar("SELECT min(f.started_at) FROM traceability.facts f").fetch_one(conn).await?;
    Ok(first.map(|first| first.and_utc()))
}

/// Rolls up the quarters of an hour from one to another, all dimensions, in place of what there is.
async fn roll_quarters(conn: &mut PgConnection, from: Quarter, until: Quarter) -> sqlx::Result<()> {
    delete(conn, Level::Quarter, from, until).await?;
    let (start, end) = (from.start().naive_utc(), until.start().naive_utc());
    // Sessions by number, dollars as what they are summed as: each of the statements below takes them for granted.
    let part = format!(
        "DROP TABLE IF EXISTS pg_temp.part; SET LOCAL enable_nestloop = on; \
         CREATE TEMPORARY TABLE part ON COMMIT DROP AS SELECT {} AS quarter, {} AS duration_bin, \
         CASE WHEN f.ttft_ms IS NOT NULL THEN {} END AS ttft_bin, t.session_start < '{start}' AS began_before, \
         dense_rank() OVER (ORDER BY f.session_id) AS session, f.session_id, f.spend::numeric AS spend, {PART} \
         FROM traceability.facts f JOIN traceability.sessions t ON t.session_id = f.session_id \
         WHERE f.started_at >= '{start}' AND f.started_at < '{end}'; ANALYZE pg_temp.part; \
         SET LOCAL enable_nestloop = off",
        quarter("f.started_at"),
        bin("f.duration_ms"),
        bin("f.ttft_ms"),
    );
    sqlx::raw_sql(AssertSqlSafe(part)).execute(&mut *conn).await?;
    for keys in dimensions::ROLLED_UP {
        let ([first, second], join, condition) = dimensions::over_facts(keys);
        // What is taken apart is taken apart once; else the table is as good to read as a copy of it.
        let kept = if join.is_empty() { "NOT MATERIALIZED" } else { "MATERIALIZED" };
        let of_facts = listed(Measure::of_facts);
        let of_parts = listed(|measure| format!("{} AS {}", measure.of_parts(), measure.name));
        let before = quarter("max(f.started_at)");
        let sql = format!(
            "INSERT INTO traceability.rollups (dimension, level, starts, first, second{columns}, durations, ttfts, sessions) \
             WITH f AS {kept} (SELECT {first} AS k1, {second} AS k2, f.* FROM pg_temp.part f{join} \
                 WHERE true{condition}), \
             p AS (SELECT f.quarter, f.k1, f.k2, f.duration_bin{of_facts} FROM f \
                 GROUP BY f.quarter, f.k1, f.k2, f.duration_bin), \
             m AS (SELECT p.quarter, p.k1, p.k2{of_parts}, array_agg((p.duration_bin << 40) | p.requests) AS durations \
                 FROM p GROUP BY p.quarter, p.k1, p.k2), \
             t AS (SELECT b.quarter, b.k1, b.k2, array_agg((b.ttft_bin << 40) | b.requests) AS ttfts \
                 FROM (SELECT f.quarter, f.k1, f.k2, f.ttft_bin, count(*) AS requests FROM f WHERE f.ttft_bin IS NOT NULL \
                       GROUP BY f.quarter, f.k1, f.k2, f.ttft_bin) b GROUP BY b.quarter, b.k1, b.k2), \
             a AS (SELECT d.*, lag(d.quarter) OVER (PARTITION BY d.session, d.k1, d.k2 ORDER BY d.quarter) AS before \
                 FROM (SELECT f.session, f.k1, f.k2, f.quarter, f.began_before, min(f.session_id) AS session_id \
                       FROM f GROUP BY f.session, f.k1, f.k2, f.quarter, f.began_before) d), \
             g AS (SELECT a.quarter, a.k1, a.k2, COALESCE(a.quarter - CASE WHEN a.before IS NOT NULL THEN a.before \
                     WHEN a.began_before THEN (SELECT {before} FROM traceability.facts f{join} \
                         WHERE f.session_id = a.session_id AND f.started_at < '{start}' AND {first} = a.k1 \
                         AND {second} = a.k2{condition}) END, 0)::bigint AS gap FROM a), \
             s AS (SELECT c.quarter, c.k1, c.k2, array_agg((c.gap << 40) | c.sessions) AS sessions \
                 FROM (SELECT g.quarter, g.k1, g.k2, g.gap, count(*) AS sessions FROM g \
                       GROUP BY g.quarter, g.k1, g.k2, g.gap) c GROUP BY c.quarter, c.k1, c.k2) \
             SELECT '{name}', 0, m.quarter, m.k1, m.k2{of_m}, m.durations, t.ttfts, s.sessions \
             FROM m JOIN s USING (quarter, k1, k2) LEFT JOIN t USING (quarter, k1, k2)",
            columns = columns(""),
            of_m = columns("m."),
            name = dimensions::name(keys),
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// What the keys and the measures need of a fact, beside what is made of it.
const PART: &str = "f.agent_name, f.user_id, f.end_user, f.team_id, f.api_key_hash, f.model_group, f.provider, f.tags, f.tools, \
    f.error_class, f.status, f.cache_hit, f.prompt_tokens, f.completion_tokens, f.total_tokens, f.duration_ms, f.ttft_ms, \
    f.tool_calls, f.cached_tokens";

/// Something of each measure, after a comma.
fn listed(of: impl Fn(&Measure) -> String) -> String {
    measures::ALL.iter().flat_map(|measure| [", ".to_owned(), of(measure)]).collect()
}

/// The measures' columns.
fn columns(prefix: &str) -> String {
    listed(|measure| format!("{prefix}{}", measure.name))
}

/// Rolls up the longer spans that end between the two.
async fn roll_longer(conn: &mut PgConnection, from: Quarter, until: Quarter) -> sqlx::Result<()> {
    for level in [Level::Hour, Level::Day] {
        let (start, end) = (level.floor(from), level.floor(until));
        if start < end {
            roll_level(conn, level, start, end).await?;
        }
    }
    let mut start = Level::Month.floor(from);
    while Level::Month.next(start) <= until {
        let end = Level::Month.next(start);
        roll_level(conn, Level::Month, start, end).await?;
        start = end;
    }
    Ok(())
}

async fn delete(conn: &mut PgConnection, level: Level, from: Quarter, until: Quarter) -> sqlx::Result<()> {
    // Dimension by dimension, as the key has it.
    for keys in dimensions::ROLLED_UP {
        sqlx::query(
            "DELETE FROM traceability.rollups WHERE dimension = $1 AND level = $2 AND starts >= $3 AND starts < $4",
        )
        .bind(dimensions::name(keys))
        .bind(level as i16)
        .bind(from.0)
        .bind(until.0)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Rolls up spans of one level from those of the level below, in place of what there is. Of a month, only one at a time.
async fn roll_level(conn: &mut PgConnection, level: Level, from: Quarter, until: Quarter) -> sqlx::Result<()> {
    delete(conn, level, from, until).await?;
    // What was just written has no statistics yet: the planner takes it for a handful of rows, and would look at each of
    // them once for each.
    sqlx::raw_sql("SET LOCAL enable_nestloop = off").execute(&mut *conn).await?;
    let (below, span) = match level {
        // Rounded down also before 1970, where a clock that was wrong may have put a request.
        Level::Quarter | Level::Hour => (Level::Quarter, "floor(r.starts / 4.0)::integer * 4".to_owned()),
        Level::Day => (Level::Hour, "floor(r.starts / 96.0)::integer * 96".to_owned()),
        Level::Month => (Level::Day, from.0.to_string()),
    };
    let of_parts = listed(|measure| format!("{} AS {}", measure.of_parts(), measure.name));
    // A session counts in the longer span where it became active in it: when that was before the shorter span, but not
    // before the longer one, another of the shorter spans has counted it.
    let merged = |column: &str, bin: &str, condition: &str| {
        format!(
            "(SELECT h.dimension, h.span, h.first, h.second, array_agg((h.bin << 40) | h.number) AS {column} FROM \
             (SELECT p.dimension, p.span, p.first, p.second, {bin} AS bin, \
                     sum(e.element & 1099511627775)::bigint AS number \
              FROM p CROSS JOIN LATERAL unnest(p.{column}) AS e(element) WHERE true{condition} GROUP BY 1, 2, 3, 4, 5) h \
             GROUP BY 1, 2, 3, 4) {column}"
        )
    };
    let sql = format!(
        "INSERT INTO traceability.rollups (dimension, level, starts, first, second{}, durations, ttfts, sessions) \
         WITH p AS MATERIALIZED (SELECT {span} AS span, r.* FROM traceability.rollups r \
             WHERE r.level = {below} AND r.starts >= {from} AND r.starts < {until} AND r.dimension = $1), \
         m AS (SELECT p.dimension, p.span, p.first, p.second{of_parts} FROM p GROUP BY 1, 2, 3, 4) \
         SELECT m.dimension, {level}, m.span, m.first, m.second{of_m}, durations.durations, ttfts.ttfts, sessions.sessions \
         FROM m JOIN {durations} USING (dimension, span, first, second) JOIN {sessions} USING (dimension, span, first, second) \
         LEFT JOIN {ttfts} USING (dimension, span, first, second)",
        columns(""),
        below = below as i16,
        from = from.0,
        until = until.0,
        level = level as i16,
        of_m = columns("m."),
        durations = merged("durations", "e.element >> 40", ""),
        ttfts = merged("ttfts", "e.element >> 40", ""),
        sessions = merged(
            "sessions",
            "CASE WHEN e.element >> 40 = 0 THEN 0 ELSE (e.element >> 40) - (p.starts - p.span) END",
            " AND (e.element >> 40 = 0 OR p.starts - (e.element >> 40) < p.span)"
        ),
    );
    for keys in dimensions::ROLLED_UP {
        sqlx::query(AssertSqlSafe(sql.as_str())).bind(dimensions::name(keys)).execute(&mut *conn).await?;
    }
    Ok(())
}
