//! What speaks against the figures.

use bigdecimal::BigDecimal;
use sqlx::FromRow;
use traceability_db::Connection;
use traceability_facts::absent::UNKNOWN;
use traceability_facts::{Beside, Conditions, Fact, RowSelector};
use traceability_litellm::{FLAGS, Flag};

use crate::Source;
use crate::analytics::Question;
use crate::filter::union;

/// Of one model, or of all requests.
#[derive(Debug, Clone, Default, FromRow)]
pub struct DataQuality {
    /// The model's public name; `None` for all requests.
    pub model: Option<String>,
    /// Requests that were answered, not from LiteLLM's cache, and have tokens but cost nothing.
    pub unpriced_requests: i64,
    /// Their tokens.
    pub unpriced_tokens: i64,
    /// Requests to which the caller gave no session.
    pub without_session: i64,
    /// Requests without a cost by `spend` but with one in `cost_breakdown`; `None` where that is not known.
    pub unbilled_requests: Option<i64>,
    /// What those cost.
    pub unbilled_cost: Option<BigDecimal>,
    /// Requests that raise each of [`FLAGS`].
    pub flags: Vec<i64>,
}

/// The requests of one origin.
#[derive(Debug, Clone, FromRow)]
pub struct OfOrigin {
    /// The word; `None` where that is not known.
    pub origin: Option<String>,
    /// Requests.
    pub requests: i64,
    /// US dollars.
    pub cost: BigDecimal,
}

/// Requests that should cost something.
const PRICED: &str = "f.status = 'success' AND NOT f.cache_hit AND f.total_tokens > 0";

/// Those of all requests in question, and then the models of which no such request cost anything, `most` at most.
///
/// # Errors
/// Whatever the database reports.
pub async fn data_quality(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    most: u32,
) -> sqlx::Result<Vec<DataQuality>> {
    let own = [
        Fact::SessionIsGenerated,
        Fact::StartedAt,
        Fact::ModelGroup,
        Fact::Status,
        Fact::TotalTokens,
        Fact::Spend,
        Fact::CacheHit,
        Fact::DataQuality,
    ];
    let facts = union(&[&own, &question.filter.facts()]);
    let is_known = source.facts.has_stored_content();
    let unbilled = format!("FILTER (WHERE {PRICED} AND f.unbilled_cost > 0)");
    let (unbilled_requests, unbilled_cost, or_zero) = if is_known {
        (format!("count(*) {unbilled}"), format!("sum(f.unbilled_cost) {unbilled}"), "0")
    } else {
        ("NULL::bigint".into(), "NULL::numeric".into(), "NULL")
    };
    let unpriced = format!("FILTER (WHERE {PRICED} AND f.spend = 0)");
    let flag = |(place, flag): (usize, &Flag)| {
        format!(", count(*) FILTER (WHERE '{}' = ANY(f.data_quality)) AS flag_{place}", flag.name)
    };
    let flags = FLAGS.iter().enumerate().map(flag).collect::<String>();
    let sums: Vec<String> = (0..FLAGS.len()).map(|place| format!("COALESCE(sum(m.flag_{place}), 0)::bigint")).collect();
    // First by model, then all of them: a cluster makes several groupings of few rows only.
    let mut sql = source.requests_with(&facts, Beside::UnbilledCost, RowSelector::Started(&question.window));
    sql.push(format!(
        ", models AS MATERIALIZED (SELECT COALESCE(f.model_group, '{UNKNOWN}') AS model, \
         count(*) {unpriced} AS unpriced_requests, sum(f.total_tokens) {unpriced} AS unpriced_tokens, \
         count(*) FILTER (WHERE {PRICED} AND f.spend <> 0) AS priced_requests, \
         count(*) FILTER (WHERE f.session_is_generated) AS without_session, \
         {unbilled_requests} AS unbilled_requests, {unbilled_cost} AS unbilled_cost{flags} FROM requests AS f"
    ));
    question.filter.push(&mut Conditions::new(&mut sql), "f");
    sql.push(format!(
        " GROUP BY 1) SELECT m.model, COALESCE(sum(m.unpriced_requests), 0)::bigint AS unpriced_requests, \
         COALESCE(sum(m.unpriced_tokens), 0)::bigint AS unpriced_tokens, \
         COALESCE(sum(m.without_session), 0)::bigint AS without_session, \
         COALESCE(sum(m.unbilled_requests), {or_zero})::bigint AS unbilled_requests, \
         COALESCE(sum(m.unbilled_cost), {or_zero})::numeric AS unbilled_cost, ARRAY[{}] AS flags FROM models AS m \
         GROUP BY GROUPING SETS ((), (m.model)) HAVING GROUPING(m.model) = 1 OR \
         (sum(m.unpriced_requests) > 0 AND sum(m.priced_requests) = 0) \
         ORDER BY GROUPING(m.model) DESC, unpriced_requests DESC, m.model COLLATE \"C\" LIMIT ",
        sums.join(", ")
    ));
    sql.push_bind(i64::from(most) + 1);
    sql.build_query_as().fetch_all(conn).await
}

/// The requests in question by their origin. Without an index this reads the metadata of each.
///
/// # Errors
/// Whatever the database reports.
pub async fn of_origins(conn: &mut Connection, source: Source<'_>, question: &Question) -> sqlx::Result<Vec<OfOrigin>> {
    let facts = union(&[&[Fact::StartedAt, Fact::Origin, Fact::Spend], &question.filter.facts()]);
    let mut sql = source.requests(&facts, RowSelector::Started(&question.window));
    sql.push(" SELECT f.origin, count(*) AS requests, COALESCE(sum(f.spend::numeric), 0) AS cost FROM requests AS f");
    question.filter.push(&mut Conditions::new(&mut sql), "f");
    sql.push(" GROUP BY f.origin");
    sql.build_query_as().fetch_all(conn).await
}

/// The requests in question that have a call id in common with another of them.
///
/// # Errors
/// Whatever the database reports.
pub async fn sharing_call_ids(conn: &mut Connection, source: Source<'_>, question: &Question) -> sqlx::Result<i64> {
    let facts = union(&[&[Fact::StartedAt, Fact::CallId], &question.filter.facts()]);
    let mut sql = source.requests(&facts, RowSelector::Started(&question.window));
    sql.push(" SELECT COALESCE(sum(c.requests), 0)::bigint FROM (SELECT count(*) AS requests FROM requests AS f");
    let mut conditions = Conditions::new(&mut sql);
    conditions.and().push("f.call_id IS NOT NULL");
    question.filter.push(&mut conditions, "f");
    sql.push(" GROUP BY f.call_id HAVING count(*) > 1) AS c");
    sql.build_query_scalar().fetch_one(conn).await
}
