//! What was charged, by all that a bill can be divided by.

use bigdecimal::BigDecimal;
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use traceability_db::Connection;
use traceability_facts::{Conditions, Fact, RowSelector};

use crate::Source;
use crate::analytics::Question;
use crate::filter::{union, utc};

/// The most sums that are told apart.
pub const MOST_CHARGES: u32 = 10_000;

/// What requests of one day, model, provider, agent, user, team and key cost together.
#[derive(Debug, Clone, FromRow)]
pub struct SumOfDay {
    /// The place of the day, from 0.
    pub bucket: i32,
    /// The model's public name.
    pub model: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The agent.
    pub agent_name: Option<String>,
    /// The LiteLLM user.
    pub user_id: Option<String>,
    /// The team.
    pub team_id: Option<String>,
    /// The key's hash.
    pub key: Option<String>,
    /// The end user, if it is the same of all these requests.
    pub end_user: Option<String>,
    /// The session, if it is the same of all these requests.
    pub session_id: Option<String>,
    /// Requests.
    pub requests: i64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub spend: BigDecimal,
}

/// The most expensive sums of the requests in question, [`MOST_CHARGES`] at most. `starts` is where the days begin.
///
/// # Errors
/// Whatever the database reports.
pub async fn charges(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    starts: &[DateTime<Utc>],
) -> sqlx::Result<Vec<SumOfDay>> {
    let own = [
        Fact::StartedAt,
        Fact::SessionId,
        Fact::AgentName,
        Fact::UserId,
        Fact::EndUser,
        Fact::TeamId,
        Fact::ApiKeyHash,
        Fact::ModelGroup,
        Fact::Provider,
        Fact::Status,
        Fact::TotalTokens,
        Fact::Spend,
    ];
    let facts = union(&[&own, &question.filter.facts()]);
    let borders: Vec<_> = starts.iter().copied().map(utc).collect();
    let mut sql = source.requests(&facts, RowSelector::Started(&question.window));
    sql.push(" SELECT width_bucket(f.started_at, ");
    sql.push_bind(borders).push(
        "::timestamp[]) - 1 AS bucket, f.model_group AS model, f.provider, f.agent_name, f.user_id, f.team_id, \
         f.api_key_hash AS key, \
         CASE WHEN min(f.end_user) = max(f.end_user) AND count(f.end_user) = count(*) THEN min(f.end_user) END AS end_user, \
         CASE WHEN min(f.session_id) = max(f.session_id) THEN min(f.session_id) END AS session_id, \
         count(*) AS requests, count(*) FILTER (WHERE f.status = 'failure') AS failed_requests, \
         COALESCE(sum(f.total_tokens), 0)::bigint AS total_tokens, COALESCE(sum(f.spend::numeric), 0) AS spend FROM requests AS f",
    );
    question.filter.push(&mut Conditions::new(&mut sql), "f");
    // Told apart by all that they are grouped by, so that the same ones come first whatever the plan is.
    sql.push(" GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY spend DESC, requests DESC, 1");
    for column in ["f.model_group", "f.provider", "f.agent_name", "f.user_id", "f.team_id", "f.api_key_hash"] {
        sql.push(format!(", {column} COLLATE \"C\""));
    }
    sql.push(" LIMIT ").push_bind(i64::from(MOST_CHARGES));
    sql.build_query_as().fetch_all(conn).await
}
