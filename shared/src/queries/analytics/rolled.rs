//! Answering from roll-ups: which of them a question needs, and the facts for what they do not cover.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::Question;
use super::dimension::Dimension;
use super::grouping::Grouping;
use super::measures::Measure;
use crate::access::{OwnRows, Scope};
use crate::facts::{Fact, Rows, TimeWindow};
use crate::index::{Cover, dimensions};
use crate::queries::Source;
use crate::queries::filter::{UNKNOWN, utc};

/// How the index answers a question.
pub(super) struct Rolled {
    /// The roll-ups' name.
    name: String,
    /// The columns of the grouping's keys.
    keys: Vec<&'static str>,
    /// What the other columns, or the same, have to be.
    conditions: Vec<(&'static str, String)>,
    /// How each bucket is made.
    covers: Vec<Cover>,
}

/// Columns of the parts of buckets that are asked of the facts: where they start and end, the number of the bucket, and the
/// part of it that roll-ups cover.
const REST: &str = "g(start_at, end_at, bucket, rolled_from, rolled_until)";

impl Rolled {
    /// `None` where no roll-ups answer: without an index, for callers who see some rows only, and for conditions that
    /// nothing is rolled up by.
    pub(super) fn of(source: Source<'_>, question: &Question, grouping: &Grouping) -> Option<Self> {
        let index = source.facts.index()?;
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
        let covers: Vec<Cover> =
            buckets(&question.window, &grouping.starts).iter().map(|bucket| Cover::of(bucket, index)).collect();
        Some(Self {
            name: dimensions::name(rolled_up),
            keys: grouping.keys.iter().map(|key| column(*key)).collect(),
            conditions: fixed.into_iter().map(|(dimension, value)| (column(dimension), value)).collect(),
            covers,
        })
    }

    /// SQL of the two keys over the roll-ups `p`.
    pub(super) fn keys(&self) -> [&'static str; 2] {
        [0, 1].map(|place| self.keys.get(place).copied().unwrap_or("''::text"))
    }

    /// Appends ` FROM … WHERE …`: the roll-ups `p` of the spans `g`, with the number of their bucket and the start of what
    /// roll-ups cover of it.
    pub(super) fn push_from(&self, sql: &mut QueryBuilder<Postgres>) {
        let (mut levels, mut from, mut until, mut buckets, mut since) = (vec![], vec![], vec![], vec![], vec![]);
        for (bucket, cover) in (1..).zip(&self.covers) {
            for span in &cover.spans {
                levels.push(span.level as i16);
                from.push(span.from.0);
                until.push(span.until.0);
                buckets.push(bucket);
                since.push(cover.spans[0].from.0);
            }
        }
        sql.push(" FROM unnest(").push_bind(levels).push("::smallint[], ").push_bind(from).push("::integer[], ");
        sql.push_bind(until).push("::integer[], ").push_bind::<Vec<i32>>(buckets).push("::integer[], ");
        sql.push_bind(since).push("::integer[]) AS g(level, from_quarter, until_quarter, bucket, since) ");
        // The name is one of ours: as a literal, the planner knows how many rows it has.
        sql.push(format!(
            "JOIN traceability.rollups AS p ON p.dimension = '{}' AND p.level = g.level \
             AND p.starts >= g.from_quarter AND p.starts < g.until_quarter",
            self.name
        ));
        for (column, value) in &self.conditions {
            sql.push(format!(" AND {column} = ")).push_bind(value.clone());
        }
    }

    /// Whether facts have a part in the answer.
    pub(super) fn has_rest(&self) -> bool {
        self.covers.iter().any(|cover| !cover.rest.is_empty())
    }

    /// Whether roll-ups tell all of the sessions of each bucket that has any; else that bucket is asked of the facts as a
    /// whole.
    pub(super) fn for_sessions(mut self, question: &Question, grouping: &Grouping) -> Self {
        for (cover, bucket) in self.covers.iter_mut().zip(buckets(&question.window, &grouping.starts)) {
            if cover.whole.is_none() {
                *cover = Cover { rest: vec![bucket], ..Cover::default() };
            }
        }
        self
    }

    /// Appends ` FROM … WHERE …`: the facts `f` of what roll-ups do not cover, part by part.
    pub(super) fn push_rest(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        source: Source<'_>,
        question: &Question,
        grouping: &Grouping,
        facts: &[Fact],
    ) {
        let (mut starts, mut ends, mut buckets, mut from, mut until) = (vec![], vec![], vec![], vec![], vec![]);
        for (bucket, cover) in (1..).zip(&self.covers) {
            for rest in &cover.rest {
                starts.push(utc(rest.start));
                ends.push(utc(rest.end));
                buckets.push(bucket);
                let rolled = cover.whole.map(|(from, until)| (utc(from.start()), utc(until.start())));
                let (rolled_from, rolled_until) = rolled.unwrap_or((utc(rest.start), utc(rest.start)));
                from.push(rolled_from);
                until.push(rolled_until);
            }
        }
        sql.push(" FROM unnest(").push_bind(starts).push("::timestamp[], ").push_bind(ends).push("::timestamp[], ");
        sql.push_bind::<Vec<i32>>(buckets).push("::integer[], ").push_bind(from).push("::timestamp[], ");
        sql.push_bind(until).push(format!("::timestamp[]) AS {REST} CROSS JOIN LATERAL "));
        grouping.push_facts(sql, source, question, Rows::Between("g.start_at", "g.end_at"), facts);
        grouping.push_where(sql, question);
    }

    /// Appends a `SELECT` of `k1, k2, bucket` and the measures.
    pub(super) fn push_partials(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        source: Source<'_>,
        question: &Question,
        grouping: &Grouping,
        needs: &[Measure],
    ) {
        let [first, second] = self.keys();
        sql.push(format!("SELECT {first} AS k1, {second} AS k2, g.bucket"));
        for measure in needs {
            sql.push(format!(", {} AS {}", measure.of_parts(), measure.name));
        }
        self.push_from(sql);
        sql.push(" GROUP BY 1, 2, 3");
        if self.has_rest() {
            let [first, second] = grouping.keys();
            sql.push(format!(" UNION ALL SELECT {first} AS k1, {second} AS k2, g.bucket"));
            for measure in needs {
                sql.push(", ").push(measure.of_facts());
            }
            let facts: Vec<Fact> = needs.iter().flat_map(|measure| measure.facts).copied().collect();
            self.push_rest(sql, source, question, grouping, &facts);
            sql.push(" GROUP BY 1, 2, 3");
        }
    }
}

/// The values that the question's conditions fix; `None` for conditions without roll-ups.
fn fixed(question: &Question) -> Option<Vec<(Dimension, String)>> {
    let filter = &question.filter;
    // A model is asked for by its public name or as LiteLLM wrote it, which is no dimension.
    // A request with a tag is in the groups of its other tags as well.
    let without = [&filter.model, &filter.conversation_name, &filter.tag];
    if without.iter().any(|condition| condition.is_some()) || filter.status.is_some() {
        return None;
    }
    let conditions = [
        (Dimension::Agent, &filter.agent_name),
        (Dimension::User, &filter.user_id),
        (Dimension::EndUser, &filter.end_user),
        (Dimension::Team, &filter.team_id),
    ];
    Some(conditions.into_iter().filter_map(|(dimension, value)| Some((dimension, value.clone()?))).collect())
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
