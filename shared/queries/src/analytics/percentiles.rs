//! Within which time how many in a hundred requests were answered.

use std::collections::HashMap;

use futures::TryStreamExt;
use sqlx::QueryBuilder;
use traceability_db::Connection;
use traceability_facts::Fact;
use traceability_index::histogram;
use traceability_index::histogram::Histogram;

use super::Question;
use super::distinct::{Counts, NEWLY_ACTIVE, add_sessions_of_edges, cell, push_cell, push_cells, sessions};
use super::grouping::{GroupSelection, Grouping};
use super::rollup_plan::RollupPlan;
use crate::Source;

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
    selection: &GroupSelection,
) -> sqlx::Result<Times> {
    if let Some(plan) = RollupPlan::of(source, question, grouping).filter(|_| !question.exact) {
        return estimate(conn, source, question, grouping, selection, &plan, None).await;
    }
    let selection = &GroupSelection { other: false, ..selection.clone() };
    let mut sql = grouping.requests(source, question, &[Fact::DurationMs, Fact::TtftMs]);
    sql.push(" SELECT ");
    push_cell(&mut sql, grouping);
    for fact in [Fact::DurationMs, Fact::TtftMs] {
        let name = fact.name();
        sql.push(format!(", percentile_cont(ARRAY[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.{name})"));
    }
    push_cells(&mut sql, question, grouping, selection);
    sql.push(" GROUP BY 1, 2");
    let rows: Vec<Row> = sql.build_query_as().fetch_all(conn).await?;
    let times = |(place, bucket, response, first_token)| {
        let percentiles = Percentiles { response: seconds(response), first_token: seconds(first_token) };
        (cell(selection, place, bucket), percentiles)
    };
    Ok(rows.into_iter().map(times).collect())
}

fn seconds(milliseconds: Option<Vec<f64>>) -> Option<Quantiles> {
    let quantiles = Quantiles::try_from(milliseconds?).ok()?;
    Some(quantiles.map(|value| value / 1000.0))
}

/// What is looked for apart from the sums.
#[derive(Debug, Clone, Copy)]
pub struct Passes {
    /// The sessions.
    pub sessions: bool,
    /// The times.
    pub percentiles: bool,
}

/// The sessions and the times, or one of them: in one pass over the roll-ups where these tell both.
///
/// # Errors
/// Whatever the database reports.
pub async fn sessions_and_percentiles(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    selection: &GroupSelection,
    passes: Passes,
) -> sqlx::Result<(Counts, Times)> {
    let (mut counts, mut times) = (Counts::new(), Times::new());
    let plan = RollupPlan::of(source, question, grouping).filter(|plan| !question.exact && plan.tells_sessions());
    if let Some(plan) = plan.filter(|_| passes.sessions && passes.percentiles) {
        times = estimate(conn, source, question, grouping, selection, &plan, Some(&mut counts)).await?;
        add_sessions_of_edges(conn, source, question, grouping, &plan, &mut counts).await?;
        return Ok((counts, times));
    }
    if passes.sessions {
        counts = sessions(conn, source, question, grouping, selection).await?;
    }
    if passes.percentiles {
        times = percentiles(conn, source, question, grouping, selection).await?;
    }
    Ok((counts, times))
}

/// The times from histograms: those of the roll-ups, and of the facts at the edges. With `counts`, the sessions that
/// roll-ups tell as well.
async fn estimate(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    selection: &GroupSelection,
    plan: &RollupPlan,
    counts: Option<&mut Counts>,
) -> sqlx::Result<Times> {
    let mut cells: HashMap<(usize, i32), Cell> = HashMap::new();
    let place = if grouping.keys.is_empty() { "1::bigint" } else { "r.place" };
    let newly_active = if counts.is_some() { NEWLY_ACTIVE } else { "0" };
    let mut sql =
        QueryBuilder::new(format!("SELECT {place}, p.bucket, p.durations, p.ttfts, ({newly_active})::bigint"));
    plan.push_from(&mut sql, Some(selection));
    let mut rows = sql.build_query_as::<(i64, i32, Histogram, Option<Histogram>, i64)>().fetch(&mut *conn);
    while let Some((place, bucket, durations, ttfts, newly_active)) = rows.try_next().await? {
        let cell = cells.entry((usize::try_from(place - 1).unwrap_or_default(), bucket)).or_default();
        cell.durations.merge(&durations);
        if let Some(ttfts) = ttfts {
            cell.ttfts.merge(&ttfts);
        }
        cell.sessions += newly_active;
    }
    drop(rows);
    add_edges(conn, source, question, grouping, selection, plan, &mut cells).await?;
    let key = |(place, bucket): (usize, i32)| {
        let keys = selection.keys.get(place).cloned().unwrap_or_default();
        (keys, usize::try_from(bucket - 1).unwrap_or_default())
    };
    if let Some(counts) = counts {
        counts.extend(cells.iter().map(|(place, cell)| (key(*place), cell.sessions)));
    }
    Ok(cells.into_iter().map(|(place, cell)| (key(place), cell.percentiles())).collect())
}

/// A group in a bucket, in the making.
#[derive(Default)]
struct Cell {
    durations: Histogram,
    ttfts: Histogram,
    sessions: i64,
}

impl Cell {
    fn percentiles(&self) -> Percentiles {
        let seconds = |histogram: &Histogram| histogram.quantiles(QUANTILES).map(|values| values.map(|ms| ms / 1000.0));
        Percentiles { response: seconds(&self.durations), first_token: seconds(&self.ttfts) }
    }
}

/// Adds the requests that no roll-up has.
async fn add_edges(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    selection: &GroupSelection,
    plan: &RollupPlan,
    cells: &mut HashMap<(usize, i32), Cell>,
) -> sqlx::Result<()> {
    let edges = plan.edges();
    if edges.is_empty() {
        return Ok(());
    }
    let mut sql = QueryBuilder::new("WITH ");
    edges.push_requests(&mut sql, source, &grouping.facts(question, &[Fact::DurationMs, Fact::TtftMs]));
    let [first, second] = grouping.keys();
    sql.push(format!(
        " SELECT d.k1, d.k2, d.bucket, h.histogram, h.bin, count(*) AS requests FROM \
         (SELECT {first} AS k1, {second} AS k2, f.bucket, f.duration_ms, f.ttft_ms"
    ));
    grouping.push_from_requests(&mut sql, question);
    let bin = |value: &str| format!("CASE WHEN {value} IS NOT NULL THEN {} END", histogram::bin(value));
    sql.push(format!(
        ") AS d CROSS JOIN LATERAL (VALUES (0, {}), (1, {})) AS h(histogram, bin) WHERE h.bin IS NOT NULL \
         GROUP BY d.k1, d.k2, d.bucket, h.histogram, h.bin",
        bin("d.duration_ms"),
        bin("d.ttft_ms")
    ));
    let places: HashMap<Vec<String>, usize> = selection.keys.iter().cloned().zip(0..).collect();
    let mut rows = sql.build_query_as::<(String, String, i32, i32, i64, i64)>().fetch(conn);
    while let Some((first, second, bucket, histogram, bin, requests)) = rows.try_next().await? {
        let keys: Vec<String> = [first, second].into_iter().take(grouping.keys.len()).collect();
        let place = if keys.is_empty() { Some(0) } else { places.get(&keys).copied() };
        let Some(place) = place else { continue };
        let cell = cells.entry((place, bucket)).or_default();
        let histogram = if histogram == 0 { &mut cell.durations } else { &mut cell.ttfts };
        histogram.add(bin, requests);
    }
    Ok(())
}

/// Which quantiles there are.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];
