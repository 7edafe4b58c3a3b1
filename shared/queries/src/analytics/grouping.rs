//! How the requests in question are divided.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};
use traceability_core::dimension::Dimension;
use traceability_core::time::TimeWindow;
use traceability_facts::dimension::DimensionSql;
use traceability_facts::{Conditions, Fact};

use super::Question;
use crate::Source;
use crate::filter::{union, utc};

/// A span of time on the clock of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// How the clock shows that.
    pub label: String,
}

/// By what the requests are grouped, and where time is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// None, one or two.
    pub keys: Vec<Dimension>,
    /// Where the buckets begin, ascending; the first begins no later than the window. With one there are no buckets. The
    /// borders come from the caller, so that one time zone database decides where days begin.
    pub starts: Vec<DateTime<Utc>>,
}

/// The groups that an answer has already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSelection {
    /// Their keys.
    pub keys: Vec<Vec<String>>,
    /// Whether all others are one more group.
    pub other: bool,
}

impl Grouping {
    /// The window in one piece.
    #[must_use]
    pub fn none(window: &TimeWindow) -> Self {
        Self { keys: Vec::new(), starts: vec![window.start] }
    }

    /// The same groups over the whole window.
    #[must_use]
    pub fn without_buckets(&self) -> Self {
        Self { keys: self.keys.clone(), starts: self.starts.iter().take(1).copied().collect() }
    }

    /// Whether time is cut.
    #[must_use]
    pub const fn has_buckets(&self) -> bool {
        self.starts.len() > 1
    }

    /// Whether each request is in exactly one group.
    #[must_use]
    pub fn is_partition(&self) -> bool {
        self.keys.iter().all(|key| key.is_partition())
    }

    /// Whether a request may be in many groups: once per tag or called tool.
    pub(super) fn has_several_keys_per_request(&self) -> bool {
        self.keys.iter().any(|key| !key.join().is_empty())
    }

    /// SQL of the two keys.
    pub(super) fn keys(&self) -> [String; 2] {
        Dimension::two_keys(&self.keys)
    }

    /// Appends SQL of the bucket's number, from 1.
    pub(super) fn push_bucket(&self, sql: &mut QueryBuilder<Postgres>) {
        if self.has_buckets() {
            let borders: Vec<_> = self.starts.iter().copied().map(utc).collect();
            sql.push("width_bucket(f.started_at, ").push_bind(borders).push("::timestamp[])");
        } else {
            sql.push("1");
        }
    }

    /// Begins a statement with the requests of the window: `WITH requests AS (…)`.
    pub(super) fn requests(&self, source: Source<'_>, question: &Question, facts: &[Fact]) -> QueryBuilder<Postgres> {
        source.requests(&self.facts(question, facts), question.filter.rows(&question.window))
    }

    /// These facts, and those that the keys and the conditions of the question need.
    pub(super) fn facts(&self, question: &Question, facts: &[Fact]) -> Vec<Fact> {
        let of_keys: Vec<Fact> = self.keys.iter().flat_map(|key| key.facts()).copied().collect();
        union(&[&[Fact::StartedAt], facts, &of_keys, &question.filter.facts()])
    }

    /// Appends what has to be joined with the requests `f` for the keys.
    pub(super) fn push_joins(&self, sql: &mut QueryBuilder<Postgres>) {
        for key in &self.keys {
            sql.push(key.join());
        }
    }

    /// Appends which of the requests `f` are in question, and in a group.
    pub(super) fn push_conditions(&self, conditions: &mut Conditions<'_>, question: &Question) {
        question.filter.push(conditions, "f");
        for condition in self.keys.iter().filter_map(|key| key.condition()) {
            conditions.and().push(condition);
        }
    }

    /// Appends ` FROM requests AS f … WHERE …`: those in question, and in a group.
    pub(super) fn push_from_requests(&self, sql: &mut QueryBuilder<Postgres>, question: &Question) {
        sql.push(" FROM requests AS f");
        self.push_joins(sql);
        self.push_conditions(&mut Conditions::new(sql), question);
    }
}

impl GroupSelection {
    /// Appends `… AS r(k1, k2, place)`.
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        let column = |place: usize| -> Vec<String> {
            self.keys.iter().map(|keys| keys.get(place).cloned().unwrap_or_default()).collect()
        };
        sql.push("unnest(").push_bind(column(0)).push("::text[], ").push_bind(column(1));
        sql.push("::text[]) WITH ORDINALITY AS r(k1, k2, place)");
    }

    /// How what is grouped is joined with the shown groups.
    pub(super) const fn join(&self) -> &'static str {
        if self.other { " LEFT JOIN " } else { " JOIN " }
    }

    /// The keys of the group at a place, from 1; none for the others.
    pub(super) fn keys_at(&self, place: Option<i64>) -> Vec<String> {
        let index = place.and_then(|place| usize::try_from(place - 1).ok());
        index.and_then(|index| self.keys.get(index)).cloned().unwrap_or_default()
    }
}
