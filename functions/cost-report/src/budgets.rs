//! Telling that a budget runs out, once for each threshold that is crossed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use traceability_core::money::Money;
use traceability_core::report_settings::Budgets;
use traceability_report::{BudgetOf, BudgetUse};

use crate::settings::RequestedFilter;

/// How many in 100 of a budget are worth a word.
const THRESHOLDS: [u32; 3] = [50, 80, 100];

/// A threshold that was crossed.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing<'a> {
    /// The budget.
    pub used: &'a BudgetUse,
    /// How many in 100.
    pub threshold: u32,
}

impl Crossing<'_> {
    /// What tells it from all others of its month. A budget that was raised is another one.
    #[must_use]
    pub fn id(&self) -> String {
        let BudgetUse { of, id, amount, .. } = self.used;
        format!("{} {} of {amount}: {}", word(*of), id.as_deref().unwrap_or("-"), self.threshold)
    }
}

/// What was crossed of these budgets.
#[must_use]
pub fn crossed(budgets: &[BudgetUse]) -> Vec<Crossing<'_>> {
    let crossed = |used| move |threshold| Crossing { used, threshold };
    let of = |used| THRESHOLDS.into_iter().map(crossed(used)).filter(|it| has_reached(it.used, it.threshold));
    budgets.iter().flat_map(of).collect()
}

/// Exactly: a rounded share may be 100 a cent too early.
fn has_reached(used: &BudgetUse, threshold: u32) -> bool {
    let parts: Money = std::iter::repeat_n(&used.spent, 100).sum();
    let whole: Money = std::iter::repeat_n(&used.amount, usize::try_from(threshold).unwrap_or(100)).sum();
    parts >= whole && !used.spent.is_zero()
}

/// Those budgets that whoever gets these figures may hear of: all, or those of the one team, agent or user.
#[must_use]
pub fn visible(budgets: &Budgets, filter: &RequestedFilter) -> Budgets {
    if filter.is_empty() {
        return budgets.clone();
    }
    let none = Budgets::default();
    let one = |all: &BTreeMap<String, Money>, id: &str| {
        all.get(id).map(|amount| (id.to_owned(), amount.clone())).into_iter().collect()
    };
    match (&filter.team_id, &filter.agent_name, &filter.user_id, &filter.model) {
        (Some(team), None, None, None) => Budgets { team: one(&budgets.team, &team.0), ..none },
        (None, Some(agent), None, None) => Budgets { agent: one(&budgets.agent, &agent.0), ..none },
        (None, None, Some(user), None) => Budgets { user: one(&budgets.user, &user.0), ..none },
        _ => none,
    }
}

const fn word(of: BudgetOf) -> &'static str {
    match of {
        BudgetOf::Total => "total",
        BudgetOf::Team => "team",
        BudgetOf::Agent => "agent",
        BudgetOf::User => "user",
    }
}

fn whose(used: &BudgetUse) -> String {
    let name = used.label.as_deref().or(used.id.as_deref()).unwrap_or_default();
    match used.of {
        BudgetOf::Total => "the total".into(),
        of => format!("{} {name}", word(of)),
    }
}

/// What was used of a budget, in words.
#[must_use]
pub fn sentence(used: &BudgetUse) -> String {
    let (spent, amount) = (used.spent.shown(), used.amount.shown());
    let mut text =
        format!("Budget of {} for {}: {spent} of {amount} used ({} %)", whose(used), used.month, used.used_percent);
    if let (Some(projected), Some(overrun)) = (&used.projected, &used.projected_overrun) {
        let _ = write!(text, "; the month will end at about {}", projected.shown());
        if !overrun.is_zero() {
            let _ = write!(text, ", {} too much", overrun.shown());
        }
    }
    text
}

/// The subject of a message about these crossings, the highest threshold of each budget counting.
#[must_use]
pub fn title(crossings: &[&Crossing<'_>]) -> String {
    match highest(crossings).as_slice() {
        [one] => format!("LLM budget of {} for {}: {} % used", whose(one.used), one.used.month, one.threshold),
        several => {
            let month = several.first().map(|it| it.used.month.as_str()).unwrap_or_default();
            format!("LLM budgets for {month}: {} crossed a threshold", several.len())
        }
    }
}

/// A line for each budget.
#[must_use]
pub fn lines(crossings: &[&Crossing<'_>]) -> Vec<String> {
    highest(crossings).iter().map(|it| format!("{} % reached. {}", it.threshold, sentence(it.used))).collect()
}

/// For programs, every threshold.
#[must_use]
pub fn data(crossings: &[&Crossing<'_>]) -> Value {
    let one = |it: &&Crossing<'_>| json!({"threshold_percent": it.threshold, "budget": it.used});
    json!({"crossed": crossings.iter().map(one).collect::<Vec<_>>()})
}

/// Of each budget the last: they come in order.
fn highest<'c, 'a>(crossings: &[&'c Crossing<'a>]) -> Vec<&'c Crossing<'a>> {
    let is_last = |index: usize| crossings.get(index + 1).is_none_or(|next| next.used != crossings[index].used);
    crossings.iter().enumerate().filter(|(index, _)| is_last(*index)).map(|(_, it)| *it).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(of: BudgetOf, id: Option<&str>, spent: &str) -> BudgetUse {
        let amount: Money = "200".parse().expect("money");
        let spent: Money = spent.parse().expect("money");
        BudgetUse {
            of,
            id: id.map(str::to_owned),
            label: None,
            month: "2026-11".into(),
            until: "2026-11-20T00:00:00Z".parse().expect("a time"),
            used_percent: spent.share_of(&amount),
            amount,
            spent,
            projected: None,
            projected_overrun: None,
        }
    }

    #[test]
    fn a_threshold_is_crossed_when_it_is_reached() {
        for (spent, expected) in [
            ("0", &[][..]),
            ("99.99999", &[]),
            ("100", &[50]),
            ("160", &[50, 80]),
            ("199.999999", &[50, 80]),
            ("200", &[50, 80, 100]),
            ("1000", &[50, 80, 100]),
        ] {
            let budgets = [used(BudgetOf::Total, None, spent)];
            let found: Vec<_> = crossed(&budgets).iter().map(|it| it.threshold).collect();
            assert_eq!(found, expected, "{spent}");
        }
    }

    #[test]
    fn crossings_are_told_apart() {
        let budgets = [used(BudgetOf::Total, None, "170"), used(BudgetOf::Team, Some("a"), "170")];
        let mut raised = budgets[1].clone();
        raised.amount = "210".parse().expect("money");
        let all: Vec<_> = budgets.iter().chain([&raised]).cloned().collect();
        let mut ids: Vec<_> = crossed(&all).iter().map(Crossing::id).collect();
        assert_eq!(ids.len(), 6);
        ids.dedup();
        assert_eq!(ids.len(), 6, "{ids:?}");
    }

    #[test]
    fn a_message_has_a_line_for_each_budget() {
        let budgets = [used(BudgetOf::Total, None, "170"), used(BudgetOf::Team, Some("support"), "200")];
        let crossings = crossed(&budgets);
        let all: Vec<_> = crossings.iter().collect();
        assert_eq!(title(&all), "LLM budgets for 2026-11: 2 crossed a threshold");
        assert_eq!(title(&all[..2]), "LLM budget of the total for 2026-11: 80 % used");
        assert_eq!(
            lines(&all)[1],
            "100 % reached. Budget of team support for 2026-11: $200.00 of $200.00 used (100 %)"
        );
        assert_eq!(data(&all)["crossed"].as_array().map(Vec::len), Some(5));
    }

    #[test]
    fn a_team_hears_of_its_own_budget_only() {
        let budgets: Budgets =
            r#"{"total": 1000, "team": {"a": 1, "b": 2}, "user": {"a": 3}}"#.parse().expect("budgets");
        let filter = |text: &str| serde_json::from_str::<RequestedFilter>(text).expect("a filter");
        assert_eq!(visible(&budgets, &filter("{}")), budgets);
        let own = visible(&budgets, &filter(r#"{"team_id": "a"}"#));
        assert_eq!((own.total, own.team.len(), own.user.len()), (None, 1, 0));
        assert!(visible(&budgets, &filter(r#"{"team_id": "a", "model": "gpt"}"#)).is_empty());
        assert!(visible(&budgets, &filter(r#"{"team_id": "c"}"#)).is_empty());
    }
}
