//! What speaks against the figures.

use bigdecimal::BigDecimal;
use sqlx::{FromRow, QueryBuilder};

use crate::db::Connection;
use crate::facts::{Fact, Rows};
use crate::queries::Source;
use crate::queries::analytics::Question;
use crate::queries::filter::{UNKNOWN, union};

/// Of one model, or of all requests.
#[derive(Debug, Clone, Default, FromRow)]
pub struct Doubts {
    /// The model's public name; `None` for all requests.
    pub model: Option<String>,
    /// Requests that were answered, not from LiteLLM's cache, and have tokens but cost nothing.
    pub unpriced_requests: i64,
    /// Their tokens.
    pub unpriced_tokens: i64,
    /// Requests to which the caller gave no session.
    pub without_session: i64,
    /// Requests without a cost by `spend` but with one in `cost_breakdown`; `None` where that is not known.
    pub lost_requests: Option<i64>,
    /// What those cost.
    pub lost_cost: Option<BigDecimal>,
}

/// Requests that should cost something.
const PRICED: &str = "f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0";

/// Those of all requests in question, and then the models of which no such request cost anything, `most` at most.
///
/// # Errors
/// Whatever the database reports.
pub async fn doubts(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    most: u32,
) -> sqlx::Result<Vec<Doubts>> {
    let mut sql = QueryBuilder::new("");
    let own = [
        Fact::SessionIsGenerated,
        Fact::StartedAt,
        Fact::ModelGroup,
        Fact::Status,
        Fact::TotalTokens,
        Fact::Spend,
        Fact::CacheHit,
    ];
    let facts = union(&[&own, &question.filter.facts()]);
    let is_known = !source.facts.is_indexed();
    let lost = format!("FILTER (WHERE {PRICED} AND f.lost_cost > 0)");
    let (lost_requests, lost_cost) = if is_known {
        (format!("count(*) {lost}"), format!("COALESCE(sum(f.lost_cost) {lost}, 0)"))
    } else {
        ("NULL::bigint".into(), "NULL::numeric".into())
    };
    let unpriced = format!("FILTER (WHERE {PRICED} AND f.spend = 0)");
    sql.push(format!(
        "SELECT m.model, count(*) {unpriced} AS unpriced_requests, \
         COALESCE(sum(f.total_tokens) {unpriced}, 0)::bigint AS unpriced_tokens, \
         count(*) FILTER (WHERE f.session_is_generated) AS without_session, \
         {lost_requests} AS lost_requests, {lost_cost} AS lost_cost FROM "
    ));
    source.facts.push_with_lost_cost(&mut sql, "f", &facts, Rows::Started(&question.window), source.scope);
    sql.push(format!(" CROSS JOIN LATERAL (SELECT COALESCE(f.model_group, '{UNKNOWN}') AS model) AS m WHERE true"));
    question.filter.push(&mut sql, "f");
    sql.push(format!(
        " GROUP BY GROUPING SETS ((), (m.model)) HAVING GROUPING(m.model) = 1 OR \
         (count(*) {unpriced} > 0 AND count(*) FILTER (WHERE {PRICED} AND f.spend <> 0) = 0) \
         ORDER BY GROUPING(m.model) DESC, unpriced_requests DESC, m.model COLLATE \"C\" LIMIT "
    ));
    sql.push_bind(i64::from(most) + 1);
    sql.build_query_as().fetch_all(conn).await
}
