//! Within which time how many in a hundred requests were answered.

use std::collections::HashMap;

use futures::TryStreamExt;
use sqlx::QueryBuilder;

use super::Question;
use super::distinct::{cell, push_cell, push_cells};
use super::grouping::{Grouping, Shown};
use super::rolled::Rolled;
use crate::db::Connection;
use crate::facts::Fact;
use crate::index::histogram::{self, Histogram};
use crate::queries::Source;

/// Seconds within which 50, 90, 95 and 99 of 100 requests are through.
pub type Quantiles = [f64; 4];

/// The times of a group in a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Percentiles {
    /// To the end of the response.
    pub response: Option<Quantiles>,
    /// To the first token; `None` where nothing was streamed.
    pub first_token: Option<Quantiles>,
}

/// The times by the keys of the group and the place of the bucket, from 0.
pub type Times = HashMap<(Vec<String>, usize), Percentiles>;

type Row = (Option<i64>, i32, Option<Vec<f64>>, Option<Vec<f64>>);

/// The times of the shown groups, not of the one that is made of all others: from all requests, or from the histograms of the
/// index, within 1 %.
///
/// # Errors
/// Whatever the database reports.
pub async fn percentiles(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &Shown,
) -> sqlx::Result<Times> {
    let shown = &Shown { other: false, ..shown.clone() };
    if let Some(rolled) = Rolled::of(source, question, grouping).filter(|_| !question.exact) {
        return estimate(conn, source, question, grouping, shown, &rolled).await;
    }
    let mut sql = QueryBuilder::new("SELECT ");
    push_cell(&mut sql, grouping);
    for fact in [Fact::DurationMs, Fact::TtftMs] {
        let name = fact.name();
        sql.push(format!(", percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.{name})"));
    }
    push_cells(&mut sql, source, question, grouping, shown, &[Fact::DurationMs, Fact::TtftMs]);
    sql.push(" GROUP BY 1, 2");
    let rows: Vec<Row> = sql.build_query_as().fetch_all(conn).await?;
    let times = |(place, bucket, response, first_token)| {
        let percentiles = Percentiles { response: seconds(response), first_token: seconds(first_token) };
        (cell(shown, place, bucket), percentiles)
    };
    Ok(rows.into_iter().map(times).collect())
}

fn seconds(milliseconds: Option<Vec<f64>>) -> Option<Quantiles> {
    let quantiles = Quantiles::try_from(milliseconds?).ok()?;
    Some(quantiles.map(|value| value / 1000.0))
}

/// The times from histograms: those of the roll-ups, and of the facts of the rest.
async fn estimate(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    shown: &Shown,
    rolled: &Rolled,
) -> sqlx::Result<Times> {
    let places: HashMap<Vec<String>, usize> = shown.keys.iter().cloned().zip(0..).collect();
    let [first, second] = rolled.keys();
    let mut sql = QueryBuilder::new(format!("SELECT {first} AS k1, {second} AS k2, g.bucket, p.durations, p.ttfts"));
    rolled.push_from(&mut sql);
    let [first, second] = grouping.keys();
    for rest in rolled.rests() {
        for (fact, columns) in [
            (Fact::DurationMs, "ARRAY[(d.bin << 40) | count(*)], NULL::bigint[]"),
            (Fact::TtftMs, "NULL::bigint[], ARRAY[(d.bin << 40) | count(*)]"),
        ] {
            let value = format!("f.{}", fact.name());
            sql.push(format!(
                " UNION ALL SELECT d.k1, d.k2, d.bucket, {columns} FROM (SELECT {first} AS k1, {second} AS k2, g.bucket, \
                 CASE WHEN {value} IS NOT NULL THEN {} END AS bin",
                histogram::bin(&value)
            ));
            rest.push_from(&mut sql, source, question, grouping, &[fact]);
            sql.push(") AS d WHERE d.bin IS NOT NULL GROUP BY d.k1, d.k2, d.bucket, d.bin");
        }
    }
    let mut rows = sql.build_query_as::<(String, String, i32, Option<Vec<i64>>, Option<Vec<i64>>)>().fetch(conn);
    let mut cells: HashMap<(usize, i32), [Histogram; 2]> = HashMap::new();
    while let Some((first, second, bucket, durations, ttfts)) = rows.try_next().await? {
        let keys: Vec<String> = [first, second].into_iter().take(grouping.keys.len()).collect();
        let place = if keys.is_empty() { Some(0) } else { places.get(&keys).copied() };
        let Some(place) = place else { continue };
        let cell = cells.entry((place, bucket)).or_default();
        cell[0].add(durations.as_deref().unwrap_or_default());
        cell[1].add(ttfts.as_deref().unwrap_or_default());
    }
    let times = |((place, bucket), [durations, ttfts]): ((usize, i32), [Histogram; 2])| {
        let keys = shown.keys.get(place).cloned().unwrap_or_default();
        let seconds = |histogram: &Histogram| histogram.quantiles(QUANTILES).map(|values| values.map(|ms| ms / 1000.0));
        let percentiles = Percentiles { response: seconds(&durations), first_token: seconds(&ttfts) };
        ((keys, usize::try_from(bucket - 1).unwrap_or_default()), percentiles)
    };
    Ok(cells.into_iter().map(times).collect())
}

/// Which quantiles there are.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];
