//! One roll-up: what is measured of the requests with the same keys in a span of time.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use bigdecimal::BigDecimal;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use traceability_facts::measures;
use traceability_facts::measures::Merge;

use crate::Level;
use crate::histogram::Histogram;

/// What merges into a roll-up, and is one.
#[derive(Debug, Clone, Default)]
pub(super) struct RollupRow {
    pub(super) totals: Totals,
    pub(super) durations: Histogram,
    pub(super) ttfts: Histogram,
    /// Sessions that were not active before the span.
    pub(super) new_sessions: i64,
    /// The others, by the slots from their last request before the span to its start.
    pub(super) returning_sessions: BTreeMap<i64, i64>,
}

/// The measures, in the order of [`measures::ALL`].
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    /// All but the dollars, whose place is empty.
    counts: [Option<i64>; measures::ALL.len()],
    spend: BigDecimal,
}

impl Totals {
    /// Those of a row, from the columns of the measures' names.
    pub(super) fn of(row: &PgRow) -> sqlx::Result<Self> {
        let mut totals = Self::default();
        for (count, measure) in totals.counts.iter_mut().zip(measures::ALL) {
            if measure == measures::SPEND {
                totals.spend = row.try_get(measure.name)?;
            } else {
                *count = row.try_get(measure.name)?;
            }
        }
        Ok(totals)
    }

    fn merge(&mut self, other: &Self) {
        for ((count, more), measure) in self.counts.iter_mut().zip(other.counts).zip(measures::ALL) {
            *count = match (*count, more) {
                (Some(count), Some(more)) => Some(match measure.merge {
                    Merge::Sum => count.saturating_add(more),
                    Merge::Min => count.min(more),
                    Merge::Max => count.max(more),
                }),
                (count, more) => count.or(more),
            };
        }
        self.spend += &other.spend;
    }
}

impl RollupRow {
    /// Adds requests of the same span.
    pub(super) fn merge(&mut self, totals: &Totals, durations: &Histogram, ttfts: &Histogram) {
        self.totals.merge(totals);
        self.durations.merge(durations);
        self.ttfts.merge(ttfts);
    }

    /// Adds a session that had its last request so many slots before the span, or none.
    pub(super) fn add_sessions(&mut self, gap: Option<i64>, sessions: i64) {
        match gap {
            Some(gap) => *self.returning_sessions.entry(gap).or_default() += sessions,
            None => self.new_sessions += sessions,
        }
    }
}

/// How a number of returning sessions is stored with the slots that they were away.
const SHIFT: u32 = 40;

/// The sessions of a stored roll-up that return, with the slots that they were away.
pub(super) fn returning(row: &PgRow) -> sqlx::Result<Vec<(i64, i64)>> {
    let elements: Option<Vec<i64>> = row.try_get("returning_sessions")?;
    Ok(elements
        .unwrap_or_default()
        .into_iter()
        .map(|element| (element >> SHIFT, element & ((1 << SHIFT) - 1)))
        .collect())
}

/// Roll-ups of one level as lines of PostgreSQL's text format, which it reads several times as fast as bound values.
pub(super) struct Lines {
    level: Level,
    lines: String,
}

/// So much text is sent at a time.
const CHUNK: usize = 512 * 1024;

impl Lines {
    pub(super) const fn new(level: Level) -> Self {
        Self { level, lines: String::new() }
    }

    /// Adds a roll-up. Returns all lines when they are enough to be sent.
    pub(super) fn push(&mut self, grouping: &str, starts: i32, names: [&str; 2], row: &RollupRow) -> Option<String> {
        // Writing to a string cannot fail.
        let _ = self.line(grouping, starts, names, row);
        (self.lines.len() >= CHUNK).then(|| std::mem::take(&mut self.lines))
    }

    /// The lines that were not returned yet.
    pub(super) fn rest(self) -> Option<String> {
        Some(self.lines).filter(|lines| !lines.is_empty())
    }

    fn line(&mut self, grouping: &str, starts: i32, names: [&str; 2], row: &RollupRow) -> fmt::Result {
        let level = self.level as i16;
        let lines = &mut self.lines;
        write!(lines, "{grouping}\t{level}\t{starts}")?;
        for name in names {
            lines.push('\t');
            for character in name.chars() {
                match character {
                    '\\' => lines.push_str("\\\\"),
                    '\t' => lines.push_str("\\t"),
                    '\n' => lines.push_str("\\n"),
                    '\r' => lines.push_str("\\r"),
                    other => lines.push(other),
                }
            }
        }
        for (count, measure) in row.totals.counts.iter().zip(measures::ALL) {
            match count.filter(|count| *count != 0 || !measure.is_stored_without_zero()) {
                _ if measure == measures::SPEND => write!(lines, "\t{}", row.totals.spend)?,
                Some(count) => write!(lines, "\t{count}")?,
                None => lines.push_str(NULL),
            }
        }
        for histogram in [&row.durations, &row.ttfts] {
            if histogram.is_empty() {
                lines.push_str(NULL);
            } else {
                write!(lines, "\t\\\\x{}", hex::encode(histogram.packed()))?;
            }
        }
        write!(lines, "\t{}", row.new_sessions)?;
        if row.returning_sessions.is_empty() {
            lines.push_str(NULL);
        } else {
            let elements = row.returning_sessions.iter().map(|(gap, sessions)| ((gap << SHIFT) | sessions).to_string());
            write!(lines, "\t{{{}}}", elements.collect::<Vec<_>>().join(","))?;
        }
        lines.push('\n');
        Ok(())
    }
}

const NULL: &str = "\t\\N";

/// Writes the lines of all chunks. The next chunk is put together while the server reads the last.
pub(super) async fn write(conn: &mut PgConnection, mut chunks: impl Iterator<Item = String>) -> sqlx::Result<()> {
    let Some(first) = chunks.next() else { return Ok(()) };
    let measures = measures::ALL.map(|measure| format!("{}, ", measure.name)).concat();
    let into = format!(
        "COPY traceability.rollups (dimension, level, starts, first, second, {measures}durations, ttfts, new_sessions, \
         returning_sessions) FROM STDIN"
    );
    let mut copy = conn.copy_in_raw(&into).await?;
    copy.send(first.as_bytes()).await?;
    for chunk in chunks {
        copy.send(chunk.as_bytes()).await?;
    }
    copy.finish().await?;
    Ok(())
}
