//! Over time.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, QueryBuilder};

use super::Question;
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

const FACTS: [Fact; 6] =
    [Fact::SessionId, Fact::TotalTokens, Fact::Spend, Fact::DurationMs, Fact::ToolCalls, Fact::Status];

/// The totals of the buckets that begin at `starts`, which ascend and begin with the window. The borders come from the
/// caller, so that one time zone database decides where days begin.
///
/// # Errors
/// Whatever the database reports.
pub async fn trends(
    conn: &mut PgConnection,
    source: Source<'_>,
    question: &Question,
    starts: &[DateTime<Utc>],
) -> sqlx::Result<Vec<TrendTotals>> {
    let borders: Vec<_> = starts.iter().copied().map(utc).collect();
    // By session first, as in the overview.
    let mut sql = QueryBuilder::new(
        "SELECT g.bucket, sum(g.requests)::bigint AS total_requests, count(*) AS unique_sessions, \
         sum(g.tokens)::bigint AS total_tokens, sum(g.cost)::float8 AS total_cost, \
         (sum(g.duration_ms) / sum(g.requests) / 1000)::float8 AS avg_response_time, \
         sum(g.tool_calls)::bigint AS function_calls, sum(g.failures)::bigint AS failed_requests \
         FROM (SELECT width_bucket(f.started_at, ",
    );
    sql.push_bind(borders);
    sql.push(
        "::timestamp[]) AS bucket, f.session_id, count(*) AS requests, sum(f.total_tokens) AS tokens, \
         sum(f.spend::numeric) AS cost, sum(f.duration_ms)::numeric AS duration_ms, sum(f.tool_calls) AS tool_calls, \
         count(*) FILTER (WHERE f.status = 'failure') AS failures",
    );
    question.push_from(&mut sql, source, &FACTS);
    sql.push(" GROUP BY 1, 2) AS g GROUP BY g.bucket");
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
