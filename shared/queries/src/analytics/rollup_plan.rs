//! Answering from roll-ups: which of them a question needs, and the facts for what they do not cover.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};
use traceability_core::dimension::Dimension;
use traceability_core::scope::{OwnRows, Scope};
use traceability_core::time::TimeWindow;
use traceability_facts::absent::UNKNOWN;
use traceability_facts::measures::Measure;
use traceability_facts::{Fact, RowSelector};
use traceability_index::{Span, WindowPlan, dimensions};

use super::Question;
use super::grouping::{GroupSelection, Grouping};
use crate::Source;
use crate::filter::{RequestFilter, utc};

/// How the index answers a question.
pub(super) struct RollupPlan {
    /// The roll-ups' name.
    name: String,
    /// The columns of the grouping's keys.
    keys: Vec<&'static str>,
    /// What the other columns, or the same, have to be.
    conditions: Vec<(&'static str, String)>,
    /// How the index answers each bucket.
    plans: Vec<WindowPlan>,
}

/// The parts of buckets that roll-ups do not cover: the facts have them.
#[derive(Default)]
pub(super) struct Edges(Vec<Edge>);

struct Edge {
    /// When it starts and ends.
    window: TimeWindow,
    /// The number of its bucket.
    bucket: i32,
    /// What roll-ups cover of that.
    rolled: TimeWindow,
}

/// So many parts are asked for one by one. The planner then knows how little each is; of a list of parts it assumes that each
/// is a large share of the log.
const FEW: usize = 8;

/// To plan for more windows apart would take longer than to read what lies between them.
const MANY: usize = 400;

impl RollupPlan {
    /// `None` where no roll-ups answer: without an index, for callers who see some rows only, and for conditions that
    /// nothing is rolled up by.
    pub(super) fn of(source: Source<'_>, question: &Question, grouping: &Grouping) -> Option<Self> {
        let index = source.facts.rollups()?;
        let mut fixed = fixed(question)?;
        match source.scope {
            Scope::AllRows => {}
            Scope::Own(own) => fixed.push(only_owner(own)?),
        }
        let mut needed = grouping.keys.clone();
        for (dimension, _) in &fixed {
            if !needed.contains(dimension) {
                needed.push(*dimension);
            }
        }
        let rolled_up = dimensions::with(&needed)?;
        let column = |dimension: Dimension| {
            let place = rolled_up.iter().position(|one| *one == dimension);
            if place == Some(0) { "p.first" } else { "p.second" }
        };
        let name = dimensions::name(rolled_up);
        let buckets = buckets(&question.window, &grouping.starts);
        let plans = buckets.iter().map(|bucket| WindowPlan::of(bucket, index, &name)).collect();
        Some(Self {
            name,
            keys: grouping.keys.iter().map(|key| column(*key)).collect(),
            conditions: fixed.into_iter().map(|(dimension, value)| (column(dimension), value)).collect(),
            plans,
        })
    }

    /// The roll-ups' name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A query for the last roll-up of each of these values, of the level of its span and within it: the place of the value,
    /// from 1, and where the roll-up's span begins.
    pub(super) fn last_spans(&self, spans: &[(String, Span)]) -> QueryBuilder<Postgres> {
        let [key, _] = self.keys();
        let mut sql = QueryBuilder::new("SELECT v.place, p.starts FROM unnest(");
        sql.push_bind(spans.iter().map(|(value, _)| value.clone()).collect::<Vec<_>>()).push("::text[], ");
        sql.push_bind(spans.iter().map(|(_, span)| span.level as i16).collect::<Vec<_>>()).push("::smallint[], ");
        sql.push_bind(spans.iter().map(|(_, span)| span.from.0).collect::<Vec<_>>()).push("::integer[], ");
        sql.push_bind(spans.iter().map(|(_, span)| span.until.0).collect::<Vec<_>>())
            .push("::integer[]) WITH ORDINALITY");
        sql.push(format!(
            " AS v(value, level, from_slot, until_slot, place) CROSS JOIN LATERAL (SELECT max(p.starts) AS starts \
             FROM traceability.rollups AS p WHERE p.dimension = '{}' AND p.level = v.level AND p.starts >= v.from_slot \
             AND p.starts < v.until_slot AND {key} = v.value",
            self.name
        ));
        for (column, value) in &self.conditions {
            sql.push(format!(" AND {column} = ")).push_bind(value.clone());
        }
        sql.push(") AS p");
        sql
    }

    /// SQL of the two keys over the roll-ups `p`.
    pub(super) fn keys(&self) -> [&'static str; 2] {
        [0, 1].map(|place| self.keys.get(place).copied().unwrap_or("''::text"))
    }

    /// Appends ` FROM …`: the roll-ups `p` of all spans, with the number of their bucket, `p.bucket`, and the start of what
    /// roll-ups cover of it, `p.since`. With `selection` only those of these groups `r`, if there are groups.
    pub(super) fn push_from(&self, sql: &mut QueryBuilder<Postgres>, selection: Option<&GroupSelection>) {
        let (mut levels, mut from, mut until, mut buckets, mut since) = (vec![], vec![], vec![], vec![], vec![]);
        for (bucket, plan) in (1..).zip(&self.plans) {
            for span in &plan.spans {
                levels.push(span.level as i16);
                from.push(span.from.0);
                until.push(span.until.0);
                buckets.push(bucket);
                since.push(plan.spans[0].from.0);
            }
        }
        sql.push(" FROM (SELECT g.bucket, g.since, p.* FROM (SELECT * FROM unnest(")
            .push_bind(levels)
            .push("::smallint[], ");
        sql.push_bind(from).push("::integer[], ").push_bind(until).push("::integer[], ");
        sql.push_bind::<Vec<i32>>(buckets).push("::integer[], ").push_bind(since).push("::integer[]) ");
        // LATERAL with OFFSET: each span is looked up once. The planner would rather compare all with all where spans are many,
        // and, without the second OFFSET, look them up for each of the groups. The name is one of ours: as a literal, the
        // planner knows how many rows it has.
        sql.push(format!(
            "AS g(level, from_quarter, until_quarter, bucket, since)) AS g CROSS JOIN LATERAL (SELECT p.* \
             FROM traceability.rollups AS p WHERE p.dimension = '{}' AND p.level = g.level \
             AND p.starts >= g.from_quarter AND p.starts < g.until_quarter",
            self.name
        ));
        for (column, value) in &self.conditions {
            sql.push(format!(" AND {column} = ")).push_bind(value.clone());
        }
        sql.push(" OFFSET 0) AS p");
        let selection = selection.filter(|_| !self.keys.is_empty());
        sql.push(if selection.is_some() { " OFFSET 0) AS p" } else { ") AS p" });
        if let Some(selection) = selection {
            let [first, second] = self.keys();
            sql.push(" JOIN ");
            selection.push(sql);
            sql.push(format!(" ON r.k1 = {first} AND r.k2 = {second}"));
        }
    }

    /// What facts have to answer.
    pub(super) fn edges(&self) -> Edges {
        let mut edges = Vec::new();
        for (bucket, plan) in (1..).zip(&self.plans) {
            for edge in &plan.edges {
                let rolled = plan.whole.map(|(from, until)| TimeWindow { start: from.start(), end: until.start() });
                let rolled = rolled.unwrap_or(TimeWindow { start: edge.start, end: edge.start });
                edges.push(Edge { window: *edge, bucket, rolled });
            }
        }
        Edges(edges)
    }

    /// Whether roll-ups and the edges tell the sessions of all buckets: they do but for gaps in what is rolled up.
    pub(super) fn tells_sessions(&self) -> bool {
        self.plans.iter().all(|plan| plan.whole.is_some() || plan.spans.is_empty())
    }

    /// For counting sessions: buckets of which roll-ups do not tell them are asked of the facts as a whole.
    pub(super) fn for_sessions(mut self, question: &Question, grouping: &Grouping) -> Self {
        for (plan, bucket) in self.plans.iter_mut().zip(buckets(&question.window, &grouping.starts)) {
            if plan.whole.is_none() {
                *plan = WindowPlan { edges: vec![bucket], ..WindowPlan::default() };
            }
        }
        self
    }

    /// Appends a `SELECT` of the sums of the roll-ups: `k1, k2, bucket` and the measures.
    pub(super) fn push_sums(&self, sql: &mut QueryBuilder<Postgres>, measures: &[Measure]) {
        let [first, second] = self.keys();
        sql.push(format!("SELECT {first} AS k1, {second} AS k2, p.bucket"));
        for measure in measures {
            // Of its own type again: sums of big integers are numeric, which takes longer to add up once more.
            sql.push(format!(", ({})::{} AS {}", measure.of_rollups(), measure.sql_type, measure.name));
        }
        self.push_from(sql, None);
        sql.push(" GROUP BY 1, 2, 3");
    }
}

impl Edges {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends `requests AS (…)`: the facts of the edges, with the columns `bucket, rolled_from, rolled_until`.
    pub(super) fn push_requests(&self, sql: &mut QueryBuilder<Postgres>, source: Source<'_>, facts: &[Fact]) {
        sql.push("requests AS (");
        if self.0.len() > FEW {
            self.push_at_once(sql, source, facts);
        } else {
            for (place, edge) in self.0.iter().enumerate() {
                sql.push(if place > 0 { " UNION ALL " } else { "" });
                edge.push(sql, source, facts);
            }
        }
        sql.push(")");
    }

    /// Reads the requests of all edges once, and finds the edge of each.
    fn push_at_once(&self, sql: &mut QueryBuilder<Postgres>, source: Source<'_>, facts: &[Fact]) {
        let column = |time: fn(&Edge) -> DateTime<Utc>| self.0.iter().map(time).map(utc).collect::<Vec<_>>();
        sql.push("SELECT g.bucket, g.rolled_from, g.rolled_until, e.* FROM ");
        source.push(sql, "e", facts, RowSelector::StartedIn(&self.windows()));
        sql.push(" JOIN (SELECT * FROM unnest(").push_bind(column(|edge| edge.window.end)).push("::timestamp[], ");
        sql.push_bind(self.0.iter().map(|edge| edge.bucket).collect::<Vec<_>>()).push("::integer[], ");
        sql.push_bind(column(|edge| edge.rolled.start)).push("::timestamp[], ");
        sql.push_bind(column(|edge| edge.rolled.end)).push("::timestamp[]) WITH ORDINALITY");
        sql.push(
            " AS g(end_at, bucket, rolled_from, rolled_until, place)) AS g ON g.place = width_bucket(e.started_at, ",
        );
        sql.push_bind(column(|edge| edge.window.start)).push("::timestamp[]) AND e.started_at < g.end_at");
    }

    /// When the edges are: neighbours as one. Where they are very many, all of the time from the first to the last.
    fn windows(&self) -> Vec<TimeWindow> {
        let mut windows: Vec<TimeWindow> = Vec::new();
        for edge in &self.0 {
            match windows.last_mut() {
                Some(last) if last.end == edge.window.start => last.end = edge.window.end,
                _ => windows.push(edge.window),
            }
        }
        match (windows.first(), windows.last()) {
            (Some(first), Some(last)) if windows.len() > MANY => vec![TimeWindow { start: first.start, end: last.end }],
            _ => windows,
        }
    }
}

impl Edge {
    fn push(&self, sql: &mut QueryBuilder<Postgres>, source: Source<'_>, facts: &[Fact]) {
        sql.push("SELECT ").push_bind(self.bucket).push("::integer AS bucket, ").push_bind(utc(self.rolled.start));
        sql.push("::timestamp AS rolled_from, ").push_bind(utc(self.rolled.end));
        sql.push("::timestamp AS rolled_until, e.* FROM ");
        source.push(sql, "e", facts, RowSelector::Started(&self.window));
    }
}

/// The values that the question's conditions fix; `None` for conditions without roll-ups.
fn fixed(question: &Question) -> Option<Vec<(Dimension, String)>> {
    let filter = &question.filter;
    // A model is asked for by its public name or as LiteLLM wrote it, which is no dimension. A request with a tag or a tool is
    // in the groups of its others as well. By the rest nothing is rolled up.
    let rest = RequestFilter {
        agent_name: vec![],
        user_id: vec![],
        end_user: vec![],
        team_id: vec![],
        key: vec![],
        provider: vec![],
        ..filter.clone()
    };
    if !rest.is_empty() {
        return None;
    }
    let conditions = [
        (Dimension::Agent, &filter.agent_name),
        (Dimension::User, &filter.user_id),
        (Dimension::EndUser, &filter.end_user),
        (Dimension::Team, &filter.team_id),
        (Dimension::Key, &filter.key),
        (Dimension::Provider, &filter.provider),
    ];
    let asked = conditions.into_iter().filter(|(_, names)| !names.is_empty());
    // A session can have been active with several values, which roll-ups of each do not tell.
    asked
        .map(|(dimension, names)| match names.as_slice() {
            [name] => Some((dimension, name.clone())),
            _ => None,
        })
        .collect()
}

/// The owner whose rows the caller sees, if it is one: that is a condition like any other.
fn only_owner(own: &OwnRows) -> Option<(Dimension, String)> {
    // Roll-ups have that name for the requests of nobody, too.
    own.only().filter(|(_, name)| *name != UNKNOWN).map(|(dimension, name)| (dimension, name.to_owned()))
}

/// The parts of the window that fall into each bucket.
fn buckets(window: &TimeWindow, starts: &[DateTime<Utc>]) -> Vec<TimeWindow> {
    let ends = starts.iter().skip(1).copied().chain([window.end]);
    let bucket = |(start, end): (&DateTime<Utc>, DateTime<Utc>)| TimeWindow {
        start: (*start).max(window.start),
        end: end.min(window.end),
    };
    starts.iter().zip(ends).map(bucket).collect()
}
