//! Within which time how many in a hundred requests were answered.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use super::Question;
use super::distinct::{cell, push_cell, push_cells};
use super::grouping::{Grouping, Shown};
use crate::db::Connection;
use crate::facts::Fact;
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

/// The times of the shown groups.
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
