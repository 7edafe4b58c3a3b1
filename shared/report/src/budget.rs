//! Budgets: what may be spent in a calendar month, in all or by one team, agent or user.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use traceability_core::dimension::Dimension;
use traceability_core::money::Money;
use traceability_core::report_settings::Budgets;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_queries::Source;
use traceability_queries::analytics::labels;
use traceability_queries::filter::RequestFilter;
use traceability_queries::reports::oldest_request;

use super::calendar::{Daily, days_before, parts};
use super::document::{BudgetOf, BudgetUse};
use super::forecast::MonthSoFar;

/// How much further back than what is needed it is looked for the begin of the log.
pub(super) const COVERAGE_DAYS: u32 = 31;

/// Those budgets that the requests of a report can tell of: all without a filter; with one, that of the filter's value.
#[must_use]
pub fn budgets_about(budgets: &Budgets, filter: &RequestFilter) -> Budgets {
    if filter.is_empty() {
        return budgets.clone();
    }
    let own = |budgets: &BTreeMap<String, Money>, ids: &[String]| {
        ids.iter().filter_map(|id| Some((id.clone(), budgets.get(id)?.clone()))).collect()
    };
    Budgets {
        total: None,
        team: own(&budgets.team, &filter.team_id),
        agent: own(&budgets.agent, &filter.agent_name),
        user: own(&budgets.user, &filter.user_id),
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
    let window = TimeWindow { start: days_before(month.first_needed(), COVERAGE_DAYS, zone), end: until };
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
        let filter = RequestFilter { team_id: vec!["b".into()], ..RequestFilter::default() };
        let own = budgets_about(&budgets, &filter);
        assert_eq!((own.total, own.team.len(), own.user.len()), (None, 1, 0));
        assert!(own.team.contains_key("b"));
        assert_eq!(budgets_about(&budgets, &RequestFilter::default()), budgets);
    }
}
