//! The spend by each dimension, and who is new.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use traceability_core::dimension::Dimension;
use traceability_core::money::Money;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::absent::UNKNOWN;
use traceability_facts::measures::{CACHED_TOKENS, FAILED_REQUESTS, SPEND, TOTAL_TOKENS};
use traceability_queries::Source;
use traceability_queries::analytics::{
    GroupSelection, Grouping, Groups, MOST_GROUPS, MeasureSet, Measured, Order, Question, labels, measure,
};

use super::ReportQuery;
use super::calendar::days_before;
use super::document::{Breakdown, BreakdownBy, Coverage, FirstSeen, FirstSeenGroup, Share};
use super::totals::coverage;

/// How far back it is looked whether something is new.
const LOOK_BACK_DAYS: u32 = 90;
/// Without an index, agents are looked for in other times than the report's if there are no more requests than this in the
/// report's and the weeks before: each one's metadata has to be read, some 40,000 in a second.
pub(super) const MOST_READ: i64 = 50_000;
/// The most groups of a dimension that a report lists as seen for the first time.
const MOST_FIRST_SEEN: usize = 20;

impl BreakdownBy {
    /// All, in the order of a report.
    pub const ALL: [Self; 7] =
        [Self::Team, Self::Agent, Self::User, Self::Model, Self::Provider, Self::Key, Self::EndUser];

    /// What one is called.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Agent => "agent",
            Self::User => "user",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Key => "key",
            Self::EndUser => "end user",
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::EndUser => "end_user",
            other => other.noun(),
        }
    }

    pub(super) const fn dimension(self) -> Dimension {
        match self {
            Self::Team => Dimension::Team,
            Self::Agent => Dimension::Agent,
            Self::User => Dimension::User,
            Self::Model => Dimension::Model,
            Self::Provider => Dimension::Provider,
            Self::Key => Dimension::Key,
            Self::EndUser => Dimension::EndUser,
        }
    }
}

/// How other times are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct LookBack {
    /// The first known request.
    pub(super) since: Option<DateTime<Utc>>,
    /// Whether for agents, too.
    pub(super) agents: bool,
}

impl LookBack {
    /// Whether this dimension is looked for in other times.
    pub(super) const fn is_for(&self, by: BreakdownBy) -> bool {
        self.agents || !matches!(by, BreakdownBy::Agent)
    }
}

/// What a report says about one dimension.
pub(super) struct BreakdownParts {
    pub(super) breakdown: Breakdown,
    /// Its groups that were seen for the first time; `None` where a report does not list them, or cannot know them.
    pub(super) first_seen: Option<Vec<FirstSeenGroup>>,
    /// Of agents: the prompt tokens that providers read from their caches. It takes the same reading of metadata.
    pub(super) cached_tokens: Option<i64>,
}

/// The spend by a dimension, whose sum is `total`.
pub(super) async fn breakdown(
    conn: &mut Connection,
    source: Source<'_>,
    query: &ReportQuery,
    (by, total): (BreakdownBy, &Money),
    back: LookBack,
) -> sqlx::Result<BreakdownParts> {
    let all = Groups::TopN { order: Order::Cost, top: MOST_GROUPS, include_other: true };
    let found = groups(conn, source, query, &query.span.window, (by, all)).await?;
    let cached: Vec<i64> = found.iter().filter_map(|group| group.figures.cached_tokens).collect();
    let first_seen =
        if back.is_for(by) { first_seen(conn, source, query, by, (&found, back.since)).await? } else { None };
    let mut rows = shares(found, query.top as usize, total);
    let previous = query.span.previous().window;
    if coverage(&previous, back.since) == Coverage::Whole && back.is_for(by) && !rows.is_empty() {
        let keys = rows.iter().filter_map(|row| row.id.clone()).map(|id| vec![id]).collect();
        let selection = GroupSelection { keys, other: rows.iter().any(|row| row.id.is_none()) };
        let before = groups(conn, source, query, &previous, (by, Groups::Selection(&selection))).await?;
        for row in &mut rows {
            let same = before.iter().find(|group| group.keys.first() == row.id.as_ref());
            row.previous_spend = Some(same.map_or_else(Money::zero, |group| Money(group.figures.exact_spend.clone())));
        }
    }
    let ids = rows.iter().filter_map(|row| row.id.clone()).collect();
    let names = labels(conn, source, by.dimension(), ids).await?;
    for row in &mut rows {
        row.label = row.id.as_ref().and_then(|id| names.get(id).cloned());
    }
    let cached_tokens = (!cached.is_empty()).then(|| cached.iter().sum());
    Ok(BreakdownParts { breakdown: Breakdown { by, rows }, first_seen, cached_tokens })
}

async fn groups(
    conn: &mut Connection,
    source: Source<'_>,
    query: &ReportQuery,
    window: &TimeWindow,
    (by, which): (BreakdownBy, Groups<'_>),
) -> sqlx::Result<Vec<Measured>> {
    let question = Question::new(*window, query.filter.clone());
    let grouping = Grouping { keys: vec![by.dimension()], starts: vec![window.start] };
    let mut measures = vec![SPEND, TOTAL_TOKENS, FAILED_REQUESTS];
    measures.extend((by == BreakdownBy::Agent && *window == query.span.window).then_some(CACHED_TOKENS));
    measure(conn, source, &question, &grouping, MeasureSet { measures: &measures, which, cost_shares: false }).await
}

/// The first groups as rows, and all others as one.
fn shares(groups: Vec<Measured>, top: usize, total: &Money) -> Vec<Share> {
    let mut rows: Vec<Share> = Vec::new();
    let mut others: Option<Share> = None;
    for group in groups {
        let figures = group.figures;
        let is_shown = !group.other && rows.len() < top;
        let row = Share {
            id: group.keys.into_iter().next().filter(|_| is_shown),
            label: None,
            spend: Money(figures.exact_spend),
            percent: 0.0,
            requests: figures.requests,
            total_tokens: figures.total_tokens,
            failed_requests: figures.failed_requests,
            previous_spend: None,
        };
        if is_shown {
            rows.push(row);
        } else {
            others = Some(others.map_or(row.clone(), |others| sum(&others, &row)));
        }
    }
    rows.extend(others);
    for row in &mut rows {
        // With refunds, a row can have cost more than the total, or less than nothing.
        row.percent = row.spend.share_of(total).clamp(0.0, 100.0);
    }
    rows
}

fn sum(one: &Share, other: &Share) -> Share {
    Share {
        spend: &one.spend + &other.spend,
        requests: one.requests + other.requests,
        total_tokens: one.total_tokens + other.total_tokens,
        failed_requests: one.failed_requests + other.failed_requests,
        ..one.clone()
    }
}

/// From when on the log is looked through for what is new.
pub(super) fn looked_back_since(query: &ReportQuery, since: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let start = query.span.window.start;
    let first = days_before(start, LOOK_BACK_DAYS, query.span.zone).max(since?);
    (first < start).then_some(first)
}

/// Those of the groups that had no request in the time looked back over.
async fn first_seen(
    conn: &mut Connection,
    source: Source<'_>,
    query: &ReportQuery,
    by: BreakdownBy,
    (found, since): (&[Measured], Option<DateTime<Utc>>),
) -> sqlx::Result<Option<Vec<FirstSeenGroup>>> {
    let is_listed = matches!(by, BreakdownBy::Model | BreakdownBy::Agent | BreakdownBy::User);
    let Some(start) = looked_back_since(query, since).filter(|_| is_listed) else { return Ok(None) };
    let named: Vec<&Measured> = found.iter().filter(|group| group.keys.iter().any(|id| id != UNKNOWN)).collect();
    if named.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let selection = GroupSelection { keys: named.iter().map(|group| group.keys.clone()).collect(), other: false };
    let window = TimeWindow { start, end: query.span.window.start };
    let question = Question::new(window, query.filter.clone());
    let grouping = Grouping { keys: vec![by.dimension()], starts: vec![start] };
    let measure_set = MeasureSet { measures: &[], which: Groups::Selection(&selection), cost_shares: false };
    let seen = measure(conn, source, &question, &grouping, measure_set).await?;
    let seen: HashSet<Vec<String>> = seen.into_iter().map(|group| group.keys).collect();
    let new = named.into_iter().filter(|group| !seen.contains(&group.keys)).map(|group| FirstSeenGroup {
        id: group.keys.first().cloned().unwrap_or_default(),
        spend: Money(group.figures.exact_spend.clone()),
        requests: group.figures.requests,
    });
    Ok(Some(new.take(MOST_FIRST_SEEN).collect()))
}

impl FirstSeen {
    pub(super) fn set(&mut self, by: BreakdownBy, groups: Option<Vec<FirstSeenGroup>>) {
        match by {
            BreakdownBy::Model => self.models = groups.unwrap_or_default(),
            BreakdownBy::Agent => self.agents = groups,
            BreakdownBy::User => self.users = groups.unwrap_or_default(),
            _ => {}
        }
    }
}
