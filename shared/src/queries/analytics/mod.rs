//! Questions about a window of requests.

mod agents;
mod breakdown;
mod models;
mod overview;
mod trends;

pub use agents::{AgentPerformance, agents};
pub use breakdown::{CostShare, Dimension, cost_breakdown};
pub use models::{ModelUsage, models};
pub use overview::{Overview, overview};
pub use trends::{TrendTotals, trends};

use sqlx::{Postgres, QueryBuilder};

use super::Source;
use super::filter::{RequestFilter, TimeWindow, union};
use crate::facts::{Fact, Rows};

/// What a question is about.
#[derive(Debug, Clone)]
pub struct Question {
    /// When the requests started.
    pub window: TimeWindow,
    /// What they must be.
    pub filter: RequestFilter,
}

/// The most groups that an answer lists.
pub const MOST_GROUPS: i64 = 1000;

impl Question {
    /// Appends ` FROM (…) AS f WHERE …`: the facts of the requests in question.
    fn push_from(&self, sql: &mut QueryBuilder<Postgres>, source: Source<'_>, facts: &[Fact]) {
        sql.push(" FROM ");
        let facts = union(&[&[Fact::StartedAt], facts, &self.filter.facts()]);
        source.push(sql, "f", &facts, Rows::Started(&self.window));
        self.push_where(sql);
    }

    fn push_where(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" WHERE true");
        self.filter.push(sql, "f");
    }
}

/// SQL of the percentage of `part` in `count(*)`, two decimals.
macro_rules! percentage_of_requests {
    ($part:literal) => {
        concat!("COALESCE(round(100.0 * ", $part, " / NULLIF(count(*), 0), 2), 0)::float8")
    };
}
use percentage_of_requests;
