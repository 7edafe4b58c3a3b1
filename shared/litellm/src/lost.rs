//! Costs that LiteLLM noted beside `spend` and not in it: those of some streamed responses, in several releases.

use sqlx::{Postgres, QueryBuilder};
use traceability_core::scope::Scope;
use traceability_facts::{Fact, RowSelector};

/// The whole cost in `metadata.cost_breakdown` of a request that cost nothing by `spend`. Only then is the metadata read.
const LOST_COST: &str = "CASE WHEN s.spend = 0 AND \
     jsonb_typeof(s.metadata #> '{cost_breakdown,total_cost}') = 'number' \
     THEN LEAST(GREATEST((s.metadata #>> '{cost_breakdown,total_cost}')::numeric, 0), 1e12) END AS lost_cost";

use super::Log;

impl Log {
    /// Appends a `FROM` item `(…) AS alias` with the named facts and the column `lost_cost`: what a request cost that has no
    /// `spend`; NULL for all others.
    pub fn push_with_lost_cost(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        alias: &str,
        facts: &[Fact],
        rows: RowSelector<'_>,
        scope: &Scope,
    ) {
        self.push_with(sql, alias, facts, LOST_COST, rows, scope);
    }
}
