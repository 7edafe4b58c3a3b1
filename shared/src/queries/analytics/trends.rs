//! Over time.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, QueryBuilder};

use super::Question;
use crate::db::Connection;
use crate::facts::Fact;
use crate::queries::Source;
use crate::queries::filter::utc;

/// Totals of one bucket; zeros where nothing happened.
#[derive(Debug, Clone, Default, FromRow)]
pub struct TrendTotals {
    /// The bucket's number, from 1.
    bucket: i32,
    /// Requests.
    pub total_requests: i64,
    /// Sessions with a request in the bucket.
    pub unique_sessions: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average.
    pub avg_response_time: f64,
    /// Tool calls.
    pub function_calls: i64,
    /// Requests that failed.
    pub failed_requests: i64,
}

const SUMMED: [Fact; 5] = [Fact::TotalTokens, Fact::Spend, Fact::DurationMs, Fact::ToolCalls, Fact::Status];

/// The totals of the buckets that begin at `starts`, which ascend and begin with the window. The borders come from the
/// caller, so that one time zone database decides where days begin.
///
/// # Errors
/// Whatever the database reports.
pub async fn trends(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    starts: &[DateTime<Utc>],
) -> sqlx::Result<Vec<TrendTotals>> {
    let borders: Vec<_> = starts.iter().copied().map(utc).collect();
    // Two passes, as in the overview.
    let mut sql = QueryBuilder::new("SELECT t.*, d.unique_sessions FROM (SELECT width_bucket(f.started_at, ");
    sql.push_bind(borders.clone());
    sql.push(
        "::timestamp[]) AS bucket, count(*) AS total_requests, sum(f.total_tokens)::bigint AS total_tokens, \
         sum(f.spend::numeric)::float8 AS total_cost, (avg(f.duration_ms) / 1000)::float8 AS avg_response_time, \
         sum(f.tool_calls)::bigint AS function_calls, count(*) FILTER (WHERE f.status = 'failure') AS failed_requests",
    );
    question.push_from(&mut sql, source, &SUMMED);
    sql.push(
        " GROUP BY 1) AS t JOIN (SELECT g.bucket, count(*) AS unique_sessions \
         FROM (SELECT DISTINCT width_bucket(f.started_at, ",
    );
    sql.push_bind(borders).push("::timestamp[]) AS bucket, f.session_id");
    question.push_from(&mut sql, source, &[Fact::SessionId]);
    sql.push(") AS g GROUP BY g.bucket) AS d USING (bucket)");
    let filled: Vec<TrendTotals> = sql.build_query_as().fetch_all(conn).await?;

    let mut buckets = vec![TrendTotals::default(); starts.len()];
    for totals in filled {
        let index = usize::try_from(totals.bucket - 1).unwrap_or_default();
        if let Some(bucket) = buckets.get_mut(index) {
            *bucket = totals;
        }
    }
    Ok(buckets)
}
