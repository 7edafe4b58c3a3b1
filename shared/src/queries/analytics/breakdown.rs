//! Costs by a dimension.

use serde::Serialize;
use sqlx::{FromRow, QueryBuilder};
use utoipa::ToSchema;

use super::{MOST_GROUPS, Question};
use crate::choice;
use crate::db::Connection;
use crate::facts::Fact;
use crate::queries::Source;
use crate::queries::filter::{UNKNOWN, UNTAGGED};

choice! {
    /// What costs are grouped by.
    Dimension {
        /// The model's public name.
        Model = "model",
        /// The agent.
        Agent = "agent",
        /// The LiteLLM user who owns the key.
        User = "user",
        /// The end user that the caller named.
        EndUser = "end_user",
        /// The key's team.
        Team = "team",
        /// The virtual key.
        Key = "key",
        /// The provider.
        Provider = "provider",
        /// Each tag; a request with several counts in each of their groups.
        Tag = "tag",
    }
}

impl Dimension {
    const fn fact(self) -> Fact {
        match self {
            Self::Model => Fact::ModelGroup,
            Self::Agent => Fact::AgentName,
            Self::User => Fact::UserId,
            Self::EndUser => Fact::EndUser,
            Self::Team => Fact::TeamId,
            Self::Key => Fact::ApiKeyHash,
            Self::Provider => Fact::Provider,
            Self::Tag => Fact::Tags,
        }
    }

    /// What stands for the requests that have none.
    const fn none(self) -> &'static str {
        match self {
            Self::Tag => UNTAGGED,
            _ => UNKNOWN,
        }
    }
}

/// What one category cost.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct CostShare {
    /// The category's id, as the filters take it; `unknown` (`untagged` among tags) for requests that have none, `other`
    /// for all categories beyond the thousand dearest.
    pub category: String,
    /// Its name, where LiteLLM has one: a team's or a key's alias.
    pub label: Option<String>,
    /// Requests.
    pub total_requests: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// US dollars per request.
    pub avg_cost_per_request: f64,
    /// The category's share of the window's cost, 0 to 100. Shares of tags overlap.
    pub cost_percentage: f64,
}

/// The categories of the requests in question, the dearest first. They sum to the overview, except tags, which overlap.
///
/// # Errors
/// Whatever the database reports.
pub async fn cost_breakdown(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    dimension: Dimension,
) -> sqlx::Result<Vec<CostShare>> {
    let none = dimension.none();
    let category = match dimension {
        Dimension::Tag => "t.tag".to_owned(),
        dimension => format!("f.{}", dimension.fact().name()),
    };
    let label = match dimension {
        Dimension::Team => source.facts.team_label("r.id"),
        Dimension::Key => source.facts.key_label("r.id"),
        _ => "NULL::text".into(),
    };
    // Named before grouping: LiteLLM itself calls a model `unknown`, which must not become a second row of that name.
    let mut sql = QueryBuilder::new(format!(
        "WITH g AS (SELECT COALESCE({category}, '{none}') AS id, count(*) AS requests, sum(f.total_tokens) AS tokens, \
         sum(f.spend::numeric) AS cost"
    ));
    if dimension == Dimension::Tag {
        push_tagged(&mut sql, source, question);
    } else {
        question.push_from(&mut sql, source, &[dimension.fact(), Fact::TotalTokens, Fact::Spend]);
    }
    sql.push(" GROUP BY 1), total AS (SELECT ");
    if dimension == Dimension::Tag {
        sql.push("sum(f.spend::numeric) AS cost");
        question.push_from(&mut sql, source, &[Fact::Spend]);
    } else {
        sql.push("sum(g.cost) AS cost FROM g");
    }
    sql.push("), ranked AS (SELECT g.*, row_number() OVER (ORDER BY g.cost DESC, g.requests DESC, g.id) > ");
    sql.push_bind(MOST_GROUPS).push(
        " AS other FROM g), r AS (SELECT CASE WHEN other THEN NULL ELSE id END AS id, other, \
         sum(requests)::bigint AS requests, sum(tokens)::bigint AS tokens, sum(cost) AS cost FROM ranked GROUP BY 1, 2) ",
    );
    sql.push(format!(
        "SELECT COALESCE(r.id, 'other') AS category, {label} AS label, \
         r.requests AS total_requests, r.tokens AS total_tokens, r.cost::float8 AS total_cost, \
         (r.cost / r.requests)::float8 AS avg_cost_per_request, \
         COALESCE(round(100 * r.cost / NULLIF(total.cost, 0), 2), 0)::float8 AS cost_percentage \
         FROM r, total ORDER BY r.other, r.cost DESC, r.requests DESC, 1"
    ));
    sql.build_query_as().fetch_all(conn).await
}

/// Each request once per distinct tag, and once without a tag if it has none.
fn push_tagged(sql: &mut QueryBuilder<sqlx::Postgres>, source: Source<'_>, question: &Question) {
    sql.push(" FROM ");
    let facts =
        super::union(&[&[Fact::StartedAt, Fact::Tags, Fact::TotalTokens, Fact::Spend], &question.filter.facts()]);
    source.push(sql, "f", &facts, super::Rows::Started(&question.window));
    sql.push(
        " LEFT JOIN LATERAL (SELECT DISTINCT j.value #>> '{}' AS tag \
         FROM jsonb_array_elements(f.tags) AS j(value) WHERE jsonb_typeof(j.value) = 'string') AS t ON true",
    );
    question.push_where(sql);
}
