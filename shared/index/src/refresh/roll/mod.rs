//! Roll-ups: from facts those of the shortest spans that a grouping has, from these the longer ones.

mod compact;
mod from_facts;
mod partition;
mod rollup_row;
mod thin;

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use self::from_facts::FactRollups;
use self::partition::Partition;
use super::staging::Staging;
use super::stale::slot_of;
use super::{Refresh, RefreshError, begin, connect};
use crate::{Level, RollupLevels, Slot};

/// Requests that are rolled up at a time: a few seconds.
const BATCH: i64 = 50_000;

impl Refresh<'_> {
    /// Rolls up what has settled by now and is not rolled up yet, and anew what is out of date; whether there was time for
    /// it. Then the index is ready.
    pub(super) async fn roll(&mut self, now: DateTime<Utc>) -> Result<bool, RefreshError> {
        let complete = self.extend(Slot::of(now - self.config.settle)).await?
            && self.rebuild_stale().await?
            && self.thin_out().await?;
        if complete {
            sqlx::query("UPDATE traceability.state SET ready = true WHERE NOT ready AND as_of IS NOT NULL")
                .execute(&mut self.index)
                .await?;
        }
        Ok(complete)
    }

    /// Extends the roll-ups.
    async fn extend(&mut self, until: Slot) -> Result<bool, RefreshError> {
        let rolled = rolled_until(&mut self.index).await?;
        let first = start_of_roll_ups(&mut self.index, rolled, until).await?;
        let total = self.count(first, until).await?;
        let is_much = rolled.is_none() || total > 4 * BATCH;
        // The server writes for longer than is read and added up. Where it has no room for a second connection, one does; the
        // servers of a cluster write at once by themselves.
        let is_single = Staging::of(&mut self.index).await? == Staging::Single;
        let mut second = if is_much && is_single { connect::open_index(&self.index_config).await.ok() } else { None };
        self.progress.begin("rolling up", total.unsigned_abs());
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
            let levels = thin::levels(&mut transaction).await?;
            let (end, rows) = stretch(&mut transaction, start, until).await?;
            let is_silent = rows == 0 && Level::Month.floor(start) == start;
            let rollups =
                if is_silent { Vec::new() } else { from_facts::read(&mut transaction, &levels, start, end).await? };
            let batch = Extension { start, end, levels, rollups };
            if let Some(second) = &mut second {
                let mut other = second.begin().await?;
                let [ours, theirs] = Partition::HALVES;
                tokio::try_join!(batch.write(&mut transaction, ours), batch.write(&mut other, theirs))?;
                // First: until the state says otherwise, nobody uses it, and the next attempt takes it out.
                other.commit().await?;
            } else {
                batch.write(&mut transaction, Partition::ALL).await?;
            }
            sqlx::query("UPDATE traceability.state SET rolled_until = $1")
                .bind(end.0)
                .execute(&mut *transaction)
                .await?;
            thin::decide(&mut transaction, self.config.least_decisive).await?;
            transaction.commit().await?;
            self.outcome.rolled += rows.unsigned_abs();
            self.progress.advance(rows.unsigned_abs());
        }
        if let Some(second) = &mut second {
            tokio::try_join!(analyze(&mut self.index, "facts"), analyze(second, "rollups"))?;
        } else if is_much {
            analyze(&mut self.index, "facts").await?;
            analyze(&mut self.index, "rollups").await?;
        }
        Ok(true)
    }

    async fn count(&mut self, from: Slot, until: Slot) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM traceability.facts f WHERE f.started_at >= $1 AND f.started_at < $2")
            .bind(from.start().naive_utc())
            .bind(until.start().naive_utc())
            .fetch_one(&mut self.index)
            .await
    }

    /// Rolls up anew what is out of date, a day at a time. The month of a day waits for the last of its days.
    async fn rebuild_stale(&mut self) -> Result<bool, RefreshError> {
        let marks: Vec<(i32, DateTime<Utc>)> =
            sqlx::query_as("SELECT quarter, marked_at FROM traceability.stale ORDER BY quarter")
                .fetch_all(&mut self.index)
                .await?;
        let stale: Vec<Slot> = marks.iter().map(|(slot, _)| Slot(*slot)).collect();
        let days: Vec<&[Slot]> = stale.chunk_by(|a, b| Level::Day.floor(*a) == Level::Day.floor(*b)).collect();
        self.progress.begin("rolling up anew", stale.len() as u64);
        for (place, day) in days.iter().enumerate() {
            if !self.has_time() {
                return Ok(false);
            }
            let month = |day: &[Slot]| Level::Month.floor(day[0]);
            let is_last = days.get(place + 1).is_none_or(|next| month(next) != month(day));
            let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(false) };
            let levels = thin::levels(&mut transaction).await?;
            let rolled = rolled_until(&mut transaction).await?;
            for level in Level::ALL {
                let mut spans: Vec<Slot> = day.iter().map(|slot| level.floor(*slot)).collect();
                spans.dedup();
                spans.retain(|span| Some(level.next(*span)) <= rolled && (level != Level::Month || is_last));
                for run in spans.chunk_by(|a, b| level.next(*a) == *b) {
                    let (from, until) = (run[0], level.next(run[run.len() - 1]));
                    rebuild(&mut transaction, &levels, level, from, until).await?;
                }
            }
            // What is kept marked keeps the month from being used.
            let rebuilt = if is_last { day } else { &day[..day.len() - 1] };
            let is_rebuilt = |slot: &Slot| rebuilt.contains(slot) || is_last && month(&[*slot]) == month(day);
            let (rebuilt, marked_at): (Vec<i32>, Vec<DateTime<Utc>>) =
                marks.iter().filter(|(slot, _)| is_rebuilt(&Slot(*slot))).copied().unzip();
            // What another indexer has marked again since stays marked.
            sqlx::query(
                "DELETE FROM traceability.stale t \
                 USING (SELECT * FROM unnest($1::integer[], $2::timestamptz[]) AS m(quarter, marked_at)) AS m \
                 WHERE t.quarter = m.quarter AND t.marked_at = m.marked_at",
            )
            .bind(rebuilt)
            .bind(marked_at)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            self.progress.advance(day.len() as u64);
        }
        Ok(true)
    }
}

/// A stretch of time within a month by which roll-ups are extended.
struct Extension {
    start: Slot,
    end: Slot,
    levels: RollupLevels,
    rollups: Vec<FactRollups>,
}

impl Extension {
    /// Writes the roll-ups of a partition.
    async fn write(&self, conn: &mut PgConnection, partition: Partition) -> sqlx::Result<()> {
        for level in Level::ALL {
            let (from, until) = (level.floor(self.start), level.floor(self.end));
            // Where the state was set back, by hand or by a restored table, or an indexer was ended, there are some already.
            delete(conn, partition.names(), level, from, Slot(i32::MAX)).await?;
            for rollups in self.rollups.iter().filter(|rollups| rollups.level == level) {
                rollups.write(conn, partition).await?;
            }
            // Of a silence of years there is nothing to add up.
            if !self.rollups.is_empty() {
                compact::roll_level(conn, partition, &self.levels, level, from, until).await?;
            }
        }
        Ok(())
    }
}

/// Rolls up spans of one level anew, from the start of one to the end of another within a month.
async fn rebuild(
    conn: &mut PgConnection,
    levels: &RollupLevels,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<()> {
    delete(conn, Partition::ALL.names(), level, from, until).await?;
    if let Some(rollups) = from_facts::read_level(conn, levels, level, from, until).await? {
        rollups.write(conn, Partition::ALL).await?;
    }
    compact::roll_level(conn, Partition::ALL, levels, level, from, until).await
}

/// Has fresh statistics made, for the plans of questions.
async fn analyze(conn: &mut PgConnection, what: &str) -> sqlx::Result<()> {
    sqlx::query(AssertSqlSafe(format!("SELECT traceability.analyze_{what}()"))).execute(conn).await?;
    Ok(())
}

/// Up to where there are roll-ups, if there are any.
async fn rolled_until(conn: &mut PgConnection) -> sqlx::Result<Option<Slot>> {
    let rolled: Option<i32> = sqlx::query_scalar("SELECT rolled_until FROM traceability.state").fetch_one(conn).await?;
    Ok(rolled.map(Slot))
}

/// Where roll-ups go on: at first with the month of the first request.
async fn start_of_roll_ups(conn: &mut PgConnection, rolled: Option<Slot>, until: Slot) -> sqlx::Result<Slot> {
    match rolled {
        Some(rolled) => Ok(rolled),
        None => Ok(first_fact(conn, EARLIEST).await?.map_or(until, |first| Level::Month.floor(Slot::of(first)))),
    }
}

/// The end of a batch that begins here, and its requests. It ends with its month at the latest, which then tells which levels
/// the next one has; only months of silence are one batch.
async fn stretch(conn: &mut PgConnection, start: Slot, until: Slot) -> sqlx::Result<(Slot, i64)> {
    let month = until.min(Level::Month.next(start));
    let sql = format!(
        "SELECT {}, count(*) FROM (SELECT f.started_at FROM traceability.facts f WHERE f.started_at >= $1 \
         AND f.started_at < $2 ORDER BY f.started_at LIMIT {BATCH} + 1) f GROUP BY 1 ORDER BY 1",
        slot_of("f.started_at")
    );
    let slots: Vec<(i32, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(start.start().naive_utc())
        .bind(month.start().naive_utc())
        .fetch_all(&mut *conn)
        .await?;
    let rows: i64 = slots.iter().map(|(_, rows)| rows).sum();
    if rows == 0 && Level::Month.floor(start) == start {
        let next = first_fact(conn, start).await?.map_or(until, |next| Level::Month.floor(Slot::of(next)));
        return Ok((next.min(until), 0));
    }
    if rows <= BATCH {
        return Ok((month, rows));
    }
    // The last one may not be all there; a slot is never divided.
    let whole = &slots[..(slots.len() - 1).max(1)];
    let end = Slot(whole.last().map_or(month.0, |(slot, _)| slot + 1));
    Ok((end, whole.iter().map(|(_, rows)| rows).sum()))
}

/// Long before any request, and after the first year.
const EARLIEST: Slot = Slot(-69_000_000);

/// The first request from here on.
async fn first_fact(conn: &mut PgConnection, from: Slot) -> sqlx::Result<Option<DateTime<Utc>>> {
    let first: Option<NaiveDateTime> =
        sqlx::query_scalar("SELECT min(f.started_at) FROM traceability.facts f WHERE f.started_at >= $1")
            .bind(from.start().naive_utc())
            .fetch_one(conn)
            .await?;
    Ok(first.map(|first| first.and_utc()))
}

/// Takes out the roll-ups of these groupings and a level from one slot to another.
async fn delete(
    conn: &mut PgConnection,
    groupings: Vec<String>,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM traceability.rollups WHERE dimension = ANY($1) AND level = $2 AND starts >= $3 AND starts < $4",
    )
    .bind(groupings)
    .bind(level as i16)
    .bind(from.0)
    .bind(until.0)
    .execute(conn)
    .await?;
    Ok(())
}
