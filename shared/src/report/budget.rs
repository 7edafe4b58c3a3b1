//! Budgets: what may be spent in a calendar month, in all or by one team, agent or user.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calendar::{Daily, days_before, parts};
use super::forecast::MonthSoFar;
use crate::choice;
use crate::db::Connection;
use crate::facts::TimeWindow;
use crate::money::Money;
use crate::queries::Source;
use crate::queries::analytics::{Dimension, labels};
use crate::queries::filter::RequestFilter;
use crate::queries::reports::oldest_request;

/// How much further back than what is needed it is looked for the begin of the log.
pub(super) const REACH_DAYS: u32 = 31;

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
pub struct InvalidBudgets(pub(super) String);

/// What was used of a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetUse {
    /// Whose it is.
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
        const ALLOWED: &str = "must be a JSON object of US dollars a month, such as \
                               {\"total\": 1000, \"team\": {\"a team's id\": 200}, \"agent\": {\"a name\": 50}, \
                               \"user\": {\"an id\": 20}}";
        // A list would be taken for the values of the fields in their order.
        if text.trim_start().starts_with('[') {
            return Err(InvalidBudgets(ALLOWED.into()));
        }
        let budgets: Self =
            serde_json::from_str(text).map_err(|error| InvalidBudgets(format!("{ALLOWED}: {error}")))?;
        let named = [&budgets.team, &budgets.agent, &budgets.user].into_iter().flat_map(BTreeMap::values);
        if budgets.total.iter().chain(named).any(|amount| *amount <= Money::zero()) {
            return Err(InvalidBudgets(format!("{ALLOWED}; each more than 0")));
        }
        Ok(budgets)
    }
}

impl Budgets {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// Those that the requests of a report can tell of: all without a filter; with one, that of the filter's value.
    #[must_use]
    pub fn about(&self, filter: &RequestFilter) -> Self {
        if filter.is_empty() {
            return self.clone();
        }
        let own = |budgets: &BTreeMap<String, Money>, id: Option<&String>| {
            let one = id.and_then(|id| Some((id.clone(), budgets.get(id)?.clone())));
            one.into_iter().collect()
        };
        Self {
            total: None,
            team: own(&self.team, filter.team_id.as_ref()),
            agent: own(&self.agent, filter.agent_name.as_ref()),
            user: own(&self.user, filter.user_id.as_ref()),
        }
    }
}

/// What was used of each budget in the calendar month of the last instant before `until`, by all requests of the caller's.
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
    let month = MonthSoFar::of(until, zone);
    let window = TimeWindow { start: days_before(month.first_needed(), REACH_DAYS, zone), end: until };
    let since = oldest_request(conn, source, &window).await?;
    used(conn, source, budgets, &month, since).await
}

/// The same, the first known request being that of `since`.
pub(super) async fn used(
    conn: &mut Connection,
    source: Source<'_>,
    budgets: &Budgets,
    month: &MonthSoFar,
    since: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<BudgetUse>> {
    let window = TimeWindow { start: month.first_needed(), end: month.until };
    let parts = parts(&window, month.month.zone, &[]);
    let everything = RequestFilter::default();
    let nothing = Daily::nothing(&parts);
    let mut uses = Vec::new();
    if let Some(amount) = &budgets.total {
        let daily = Daily::of_all(conn, source, &everything, &parts).await?;
        uses.push(BudgetUse::of(BudgetOf::Total, None, amount, month, &daily, since));
    }
    for (of, by, amounts) in [
        (BudgetOf::Team, Dimension::Team, &budgets.team),
        (BudgetOf::Agent, Dimension::Agent, &budgets.agent),
        (BudgetOf::User, Dimension::User, &budgets.user),
    ] {
        let ids: Vec<String> = amounts.keys().cloned().collect();
        let found = Daily::of_each(conn, source, &everything, &parts, (by, ids.clone())).await?;
        let names = if ids.is_empty() { HashMap::new() } else { labels(conn, source, by, ids).await? };
        for (id, amount) in amounts {
            let daily = found.iter().find(|(one, _)| one == id).map_or(&nothing, |(_, daily)| daily);
            let budget = BudgetUse::of(of, Some(id), amount, month, daily, since);
            uses.push(BudgetUse { label: names.get(id).cloned(), ..budget });
        }
    }
    Ok(uses)
}

impl BudgetUse {
    fn of(
        of: BudgetOf,
        id: Option<&String>,
        amount: &Money,
        month: &MonthSoFar,
        daily: &Daily,
        since: Option<DateTime<Utc>>,
    ) -> Self {
        let spent = daily.spend(&month.window());
        let projected = month.project(&spent, daily, since).amounts.map(|[expected, _, _]| expected);
        let overrun = projected.as_ref().map(|projected| (projected - amount).max(Money::zero()));
        Self {
            of,
            id: id.cloned(),
            label: None,
            month: month.month.label(),
            until: month.until,
            amount: amount.clone(),
            used_percent: spent.share_of(amount),
            spent,
            projected,
            projected_overrun: overrun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_numbers_or_decimal_texts() {
        let budgets: Budgets =
            r#"{"total": 1000, "team": {"a": "200.50"}, "user": {"=x": 1}}"#.parse().expect("budgets");
        assert_eq!(budgets.total.expect("a total").to_string(), "1000");
        assert_eq!(budgets.team["a"].to_string(), "200.5");
        assert!("{}".parse::<Budgets>().expect("none").is_empty());
    }

    #[test]
    fn what_is_wrong_with_budgets_is_said() {
        for bad in ["", "[]", r#"{"teams": {}}"#, r#"{"total": -1}"#, r#"{"total": 0}"#, r#"{"team": {"a": "much"}}"#] {
            let error = bad.parse::<Budgets>().expect_err(bad).to_string();
            assert!(error.starts_with("BUDGETS must be a JSON object of US dollars a month"), "{error}");
        }
        let error = r#"{"teams": {}}"#.parse::<Budgets>().expect_err("unknown").to_string();
        assert!(error.contains("`total`, `team`, `agent`, `user`"), "{error}");
    }

    #[test]
    fn a_filtered_report_tells_of_its_own_budget_only() {
        let budgets: Budgets = r#"{"total": 9, "team": {"a": 1, "b": 2}, "user": {"u": 3}}"#.parse().expect("budgets");
        let filter = RequestFilter { team_id: Some("b".into()), ..RequestFilter::default() };
        let own = budgets.about(&filter);
        assert_eq!((own.total, own.team.len(), own.user.len()), (None, 1, 0));
        assert!(own.team.contains_key("b"));
        assert_eq!(budgets.about(&RequestFilter::default()), budgets);
    }
}
