//! The roll-ups of the shortest spans that groupings have, from facts: read in one pass for all groupings of a level.

use std::collections::HashMap;

use futures::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use traceability_core::dimension::Dimension;
use traceability_facts::dimension::DimensionSql;
use traceability_facts::measures;

use super::partition::Partition;
use super::rollup_row::{self, Lines, RollupRow, Totals};
use crate::dimensions;
use crate::dimensions::ROLLED_UP;
use crate::histogram::{Histogram, bin};
use crate::refresh::stale::slot_of;
use crate::{Level, RollupLevels, Slot};

/// Makes the roll-ups that come from the facts of a time within one month, which `levels` says: those of each grouping's
/// shortest spans, of all spans that end in it.
pub(super) async fn read(
    conn: &mut PgConnection,
    levels: &RollupLevels,
    start: Slot,
    end: Slot,
) -> sqlx::Result<Vec<FactRollups>> {
    let mut rollups = Vec::new();
    for level in Level::ALL {
        rollups.extend(read_level(conn, levels, level, level.floor(start), level.floor(end)).await?);
    }
    Ok(rollups)
}

/// Those of one level, from the start of a span to the end of one; `None` where no grouping has them from the facts.
pub(super) async fn read_level(
    conn: &mut PgConnection,
    levels: &RollupLevels,
    level: Level,
    from: Slot,
    until: Slot,
) -> sqlx::Result<Option<FactRollups>> {
    let is_finest = |place: &usize| levels.at(&dimensions::name(ROLLED_UP[*place]), from).finest() == level;
    let places: Vec<usize> = (0..ROLLED_UP.len()).filter(is_finest).collect();
    if places.is_empty() || from >= until {
        return Ok(None);
    }
    let mut batch = Batch { level, places, names: Names::default(), active: HashMap::new(), rows: HashMap::new() };
    let earlier = earlier(from, until);
    let mut rows = sqlx::query(AssertSqlSafe(earlier)).persistent(false).fetch(&mut *conn);
    while let Some(row) = rows.try_next().await? {
        batch.remember(&row)?;
    }
    drop(rows);
    let requests = requests(from, until);
    let mut rows = sqlx::query(AssertSqlSafe(requests)).persistent(false).fetch(&mut *conn);
    while let Some(row) = rows.try_next().await? {
        batch.add(&row)?;
    }
    Ok(Some(batch.into()))
}

/// SQL of the keys that a fact `f` has of each dimension.
fn keys() -> String {
    let keys = Dimension::ALL.iter().map(|dimension| format!("{} AS {}", dimension.keys_of_fact(), dimension.word()));
    keys.collect::<Vec<_>>().join(", ")
}

/// The names of their columns.
fn columns() -> String {
    Dimension::ALL.iter().map(|dimension| format!("f.{}", dimension.word())).collect::<Vec<_>>().join(", ")
}

/// The requests of these slots, in order of time; those that no grouping tells apart are one row.
fn requests(from: Slot, until: Slot) -> String {
    let of_facts = measures::ALL.map(|measure| format!(", {}", measure.of_facts())).concat();
    format!(
        "SELECT f.quarter, f.session_id, {columns}{of_facts}, array_agg(f.duration_bin) AS duration_bins, \
         array_agg(f.ttft_bin) FILTER (WHERE f.ttft_bin IS NOT NULL) AS ttft_bins \
         FROM (SELECT {} AS quarter, {}, {} AS duration_bin, CASE WHEN f.ttft_ms IS NOT NULL THEN {} END AS ttft_bin, \
               f.session_id, f.status, f.cache_hit, f.prompt_tokens, f.completion_tokens, f.total_tokens, f.spend, \
               f.duration_ms, f.ttft_ms, f.tool_calls, f.cached_tokens \
               FROM traceability.requests f WHERE f.started_at >= '{}' AND f.started_at < '{}') f \
         GROUP BY f.quarter, f.session_id, {columns} ORDER BY f.quarter",
        slot_of("f.started_at"),
        keys(),
        bin("f.duration_ms"),
        bin("f.ttft_ms"),
        from.start().naive_utc(),
        until.start().naive_utc(),
        columns = columns(),
    )
}

/// When the sessions of these requests were active before, where they were.
fn earlier(from: Slot, until: Slot) -> String {
    let (start, end) = (from.start().naive_utc(), until.start().naive_utc());
    // LATERAL with OFFSET: each session's requests are looked up, whatever the planner takes their number for.
    format!(
        "SELECT f.session_id, {columns}, max(f.quarter) AS quarter FROM (\
             SELECT DISTINCT t.session_id, t.session_start FROM traceability.facts f \
             JOIN traceability.sessions t ON t.session_id = f.session_id \
             WHERE f.started_at >= '{start}' AND f.started_at < '{end}' AND t.session_start < '{start}') b \
         CROSS JOIN LATERAL (SELECT {} AS quarter, {}, f.session_id FROM traceability.requests f \
             WHERE f.session_id = b.session_id AND f.started_at >= b.session_start AND f.started_at < '{start}' \
             OFFSET 0) f \
         GROUP BY f.session_id, {columns}",
        slot_of("f.started_at"),
        keys(),
        columns = columns(),
    )
}

/// A group of a grouping: the grouping's place, and the numbers of its names.
type Group = (usize, u32, u32);

/// Roll-ups in the making.
struct Batch {
    level: Level,
    /// The places of their groupings.
    places: Vec<usize>,
    names: Names,
    /// In which slot a session had its last request so far in a group.
    active: HashMap<(u32, Group), i32>,
    /// By the start of their spans.
    rows: HashMap<(i32, Group), RollupRow>,
}

impl Batch {
    fn remember(&mut self, row: &PgRow) -> sqlx::Result<()> {
        let slot = row.try_get("quarter")?;
        let session = self.names.number(row.try_get("session_id")?);
        for group in self.groups(row)? {
            let last = self.active.entry((session, group)).or_insert(slot);
            *last = slot.max(*last);
        }
        Ok(())
    }

    fn add(&mut self, row: &PgRow) -> sqlx::Result<()> {
        let slot: i32 = row.try_get("quarter")?;
        let span = self.level.floor(Slot(slot)).0;
        let session = self.names.number(row.try_get("session_id")?);
        let totals = Totals::of(row)?;
        let (durations, ttfts) = (histogram(row, "duration_bins")?, histogram(row, "ttft_bins")?);
        for group in self.groups(row)? {
            let rollup_row = self.rows.entry((span, group)).or_default();
            rollup_row.merge(&totals, &durations, &ttfts);
            match self.active.insert((session, group), slot) {
                Some(before) if before >= span => {}
                before => rollup_row.add_sessions(before.map(|before| i64::from(span - before)), 1),
            }
        }
        Ok(())
    }

    /// The groups that a row's requests are in.
    fn groups(&mut self, row: &PgRow) -> sqlx::Result<Vec<Group>> {
        let mut keys: HashMap<Dimension, Vec<u32>> = HashMap::with_capacity(Dimension::ALL.len());
        for dimension in Dimension::ALL {
            let names: Vec<String> = row.try_get(dimension.word())?;
            keys.insert(dimension, names.iter().map(|name| self.names.number(name)).collect());
        }
        let none = [self.names.number("")];
        let mut groups = Vec::with_capacity(2 * self.places.len());
        for place in self.places.iter().copied() {
            let grouping = ROLLED_UP[place];
            let of = |key: Option<&Dimension>| key.map_or(&none[..], |key| &keys[key]);
            for first in of(grouping.first()) {
                groups.extend(of(grouping.get(1)).iter().map(|second| (place, *first, *second)));
            }
        }
        Ok(groups)
    }
}

/// Roll-ups of one level to be written.
pub(super) struct FactRollups {
    pub(super) level: Level,
    /// By grouping and time, as the table's key.
    rows: Vec<((i32, Group), RollupRow)>,
    names: Names,
}

impl From<Batch> for FactRollups {
    fn from(batch: Batch) -> Self {
        let mut rows: Vec<_> = batch.rows.into_iter().collect();
        rows.sort_unstable_by_key(|((span, (place, first, second)), _)| (*place, *span, *first, *second));
        Self { level: batch.level, rows, names: batch.names }
    }
}

impl FactRollups {
    /// Writes those of a partition, where there is nothing yet.
    pub(super) async fn write(&self, conn: &mut PgConnection, partition: Partition) -> sqlx::Result<()> {
        let lines = Some(Lines::new(self.level));
        rollup_row::write(conn, Chunks { rows: self.rows.iter(), partition, names: &self.names, lines }).await
    }
}

/// The lines of a partition's roll-ups, as many at a time as are sent at once.
struct Chunks<'a> {
    rows: std::slice::Iter<'a, ((i32, Group), RollupRow)>,
    partition: Partition,
    names: &'a Names,
    lines: Option<Lines>,
}

impl Iterator for Chunks<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let lines = self.lines.as_mut()?;
        for ((span, (place, first, second)), row) in self.rows.by_ref() {
            if !self.partition.contains(*place) {
                continue;
            }
            let names = [self.names.name(*first), self.names.name(*second)];
            let full = lines.push(&dimensions::name(ROLLED_UP[*place]), *span, names, row);
            if full.is_some() {
                return full;
            }
        }
        self.lines.take()?.rest()
    }
}

fn histogram(row: &PgRow, column: &str) -> sqlx::Result<Histogram> {
    let bins: Option<Vec<i64>> = row.try_get(column)?;
    let mut histogram = Histogram::default();
    for bin in bins.unwrap_or_default() {
        histogram.add(bin, 1);
    }
    Ok(histogram)
}

/// Names by numbers, so that each is kept once.
#[derive(Default)]
struct Names {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}
