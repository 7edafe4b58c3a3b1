//! The roll-ups of longer spans, each from those of shorter ones. Memory is that of a few thousand roll-ups, however many
//! there are.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row};
use traceability_facts::measures;

use super::partition::Partition;
use super::rollup_row::{self, Lines, RollupRow, Totals, returning};
use crate::histogram::Histogram;
use crate::{Level, RollupLevels, Slot};

/// Rolls up spans of one level, from the start of one to the end of another within a month, from those of the next shorter level
/// that each grouping has, where there is nothing yet.
pub(super) async fn roll_level(
    conn: &mut PgConnection,
    partition: Partition,
    levels: &RollupLevels,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<()> {
    for below in Level::ALL {
        let has = |grouping: &String| {
            let levels = levels.at(grouping, from);
            levels.contains(level) && levels.below(level) == Some(below)
        };
        let groupings: Vec<String> = partition.names().into_iter().filter(has).collect();
        // Of several quarters of a month the spans are no multiples of anything.
        let mut start = from;
        while start < until && !groupings.is_empty() {
            let end = if level < Level::QuarterMonth { until } else { level.next(start) };
            roll_from(conn, &groupings, below, level, start, end).await?;
            start = end;
        }
    }
    Ok(())
}

/// Rolls up spans of one level from those of another. Of quarters of a month, and of months, one at a time.
async fn roll_from(
    conn: &mut PgConnection,
    groupings: &[String],
    below: Level,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<()> {
    declare(conn, groupings, below, level, from, until).await?;
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
    groupings: &[String],
    below: Level,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<()> {
    let span = match level {
        // Rounded down also before 1970, where a clock that was wrong may have put a request.
        Level::Slot | Level::Hour => "floor(r.starts / 4.0)::integer * 4".to_owned(),
        Level::Day => "floor(r.starts / 96.0)::integer * 96".to_owned(),
        Level::QuarterMonth | Level::Month => from.0.to_string(),
    };
    let columns = measures::ALL.map(|measure| format!("r.{}, ", measure.name)).concat();
    let declare = format!(
        "DECLARE parts NO SCROLL CURSOR FOR SELECT r.dimension, {span} AS span, r.starts, r.first, r.second, \
         {columns}r.durations, r.ttfts, r.new_sessions, r.returning_sessions FROM traceability.rollups r \
         WHERE r.dimension = ANY('{{\"{}\"}}') AND r.level = {} AND r.starts >= {} AND r.starts < {} \
         ORDER BY r.dimension, 2, r.first, r.second",
        groupings.join("\",\""),
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
