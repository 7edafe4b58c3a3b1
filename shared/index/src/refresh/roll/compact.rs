//! The roll-ups of longer spans, each from those of the level below. Memory is that of a few thousand roll-ups, however many
//! there are.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row};
use traceability_facts::measures;

use super::partition::Partition;
use super::rollup_row::{self, Lines, RollupRow, Totals, returning};
use crate::histogram::Histogram;
use crate::{Level, Slot};

/// Rolls up the longer spans that end between the two.
pub(super) async fn roll(conn: &mut PgConnection, partition: Partition, from: Slot, until: Slot) -> sqlx::Result<()> {
    for level in [Level::Hour, Level::Day] {
        let (start, end) = (level.floor(from), level.floor(until));
        if start < end {
            roll_level(conn, partition, level, start, end).await?;
        }
    }
    for level in [Level::QuarterMonth, Level::Month] {
        for start in spans(conn, partition, level, level.floor(from), level.floor(until)).await? {
            roll_level(conn, partition, level, start, level.next(start)).await?;
        }
    }
    Ok(())
}

/// The spans of a level between the two in which there are requests: a clock that was wrong by years must not make for years
/// to be looked at.
async fn spans(
    conn: &mut PgConnection,
    partition: Partition,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<Vec<Slot>> {
    let days: Vec<i32> = sqlx::query_scalar(
        "SELECT DISTINCT r.starts FROM traceability.rollups r WHERE r.dimension = $1 AND r.level = $2 AND r.starts >= $3 \
         AND r.starts < $4 ORDER BY 1",
    )
    .bind(partition.complete())
    .bind(Level::Day as i16)
    .bind(from.0)
    .bind(until.0)
    .fetch_all(conn)
    .await?;
    let mut spans: Vec<Slot> = days.into_iter().map(|day| level.floor(Slot(day))).collect();
    spans.dedup();
    Ok(spans)
}

/// Rolls up spans of one level from those of the level below, where there is nothing yet. Of weeks and months, only one
/// at a time.
pub(super) async fn roll_level(
    conn: &mut PgConnection,
    partition: Partition,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<()> {
    declare(conn, partition, level, from, until).await?;
    let mut lines = Lines::new(level);
    let mut open: Option<(Group, RollupRow)> = None;
    loop {
        let rows = sqlx::query("FETCH 2000 FROM parts").persistent(false).fetch_all(&mut *conn).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let group = Group::from_row(&row)?;
            let (group, mut rollup_row) = match open.take() {
                Some((open, rollup_row)) if open == group => (open, rollup_row),
                Some((done, rollup_row)) => {
                    rollup_row::write(&mut *conn, done.push(&mut lines, &rollup_row).into_iter()).await?;
                    (group, RollupRow::default())
                }
                None => (group, RollupRow::default()),
            };
            add(&mut rollup_row, &row, group.span)?;
            open = Some((group, rollup_row));
        }
    }
    let full = open.and_then(|(done, rollup_row)| done.push(&mut lines, &rollup_row));
    rollup_row::write(&mut *conn, full.into_iter().chain(lines.rest())).await?;
    sqlx::raw_sql("CLOSE parts").execute(conn).await?;
    Ok(())
}

/// What becomes one roll-up.
#[derive(PartialEq, Eq, FromRow)]
struct Group {
    dimension: String,
    span: i32,
    first: String,
    second: String,
}

impl Group {
    fn push(&self, lines: &mut Lines, rollup_row: &RollupRow) -> Option<String> {
        lines.push(&self.dimension, self.span, [&self.first, &self.second], rollup_row)
    }
}

/// Opens a cursor of the roll-ups of the level below, by what they become.
async fn declare(
    conn: &mut PgConnection,
    partition: Partition,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<()> {
    let (below, span) = match level {
        // Rounded down also before 1970, where a clock that was wrong may have put a request.
        Level::Slot | Level::Hour => (Level::Slot, "floor(r.starts / 4.0)::integer * 4".to_owned()),
        Level::Day => (Level::Hour, "floor(r.starts / 96.0)::integer * 96".to_owned()),
        Level::QuarterMonth => (Level::Day, from.0.to_string()),
        Level::Month => (Level::QuarterMonth, from.0.to_string()),
    };
    let columns = measures::ALL.map(|measure| format!("r.{}, ", measure.name)).concat();
    let declare = format!(
        "DECLARE parts NO SCROLL CURSOR FOR SELECT r.dimension, {span} AS span, r.starts, r.first, r.second, \
         {columns}r.durations, r.ttfts, r.new_sessions, r.returning_sessions FROM traceability.rollups r \
         WHERE r.dimension = ANY('{{\"{}\"}}') AND r.level = {} AND r.starts >= {} AND r.starts < {} \
         ORDER BY r.dimension, 2, r.first, r.second",
        partition.names().join("\",\""),
        below as i16,
        from.0,
        until.0,
    );
    sqlx::raw_sql(AssertSqlSafe(declare)).execute(conn).await?;
    Ok(())
}

/// Adds the roll-up of a shorter span to that of the longer one that begins at `span`.
fn add(rollup_row: &mut RollupRow, row: &PgRow, span: i32) -> sqlx::Result<()> {
    let ttfts: Option<Histogram> = row.try_get("ttfts")?;
    rollup_row.merge(&Totals::of(row)?, &row.try_get("durations")?, &ttfts.unwrap_or_default());
    rollup_row.add_sessions(None, row.try_get("new_sessions")?);
    // A session counts in the longer span where it became active in it: when that was before the shorter span, but not
    // before the longer one, another of the shorter spans has counted it.
    let into_span = i64::from(row.try_get::<i32, _>("starts")? - span);
    for (gap, sessions) in returning(row)?.into_iter().filter(|(gap, _)| *gap > into_span) {
        rollup_row.add_sessions(Some(gap - into_span), sessions);
    }
    Ok(())
}
