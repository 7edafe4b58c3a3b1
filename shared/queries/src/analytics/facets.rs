//! The values of a dimension, with how often and when last they came: what a filter can be set to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use traceability_core::dimension::Dimension;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::{Beside, Conditions, Fact, RowSelector};
use traceability_index::{Index, Level, Slot, Span};
use utoipa::ToSchema;

use super::Question;
use super::group::label_of;
use super::grouping::Grouping;
use super::rollup_plan::RollupPlan;
use crate::Source;

/// A value of a dimension.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Facet {
    /// The value, as the filters take it; `unknown` (`untagged` among tags) for requests that have none.
    pub value: String,
    /// Its name, where LiteLLM has one: a team's or a key's alias.
    pub label: Option<String>,
    /// Requests with it in the window.
    pub total_requests: i64,
    /// When the last of them started.
    pub last_seen: DateTime<Utc>,
}

/// Which values are asked for.
#[derive(Debug, Clone, Copy)]
pub struct FacetQuery<'a> {
    /// Of what.
    pub dimension: Dimension,
    /// What they, or their names, begin with, in whatever case.
    pub prefix: Option<&'a str>,
    /// How many, at most.
    pub limit: u32,
}

/// What is known of a value from one statement.
#[derive(Debug, FromRow)]
struct Found {
    value: String,
    label: Option<String>,
    requests: i64,
    /// The start of the last request that was looked at itself.
    last_seen: Option<DateTime<Utc>>,
    /// The last span of time with a roll-up of it: where it begins, times eight, and its level.
    last_span: Option<i32>,
}

/// The values of the requests in question, the most frequent first.
///
/// # Errors
/// Whatever the database reports.
pub async fn facets(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    query: FacetQuery<'_>,
) -> sqlx::Result<Vec<Facet>> {
    let question = &question.resolved(source);
    let facet = FacetPlan::of(source, question, query.dimension);
    let found = facet.find(conn, source, question, query).await?;
    let last_seen = match (&facet.rollups, source.facts.rollups()) {
        (Some(plan), Some(index)) => {
            let unseen = found.iter().filter_map(Found::last_span_unseen).collect();
            let spans = narrowed(conn, plan, index, unseen).await?;
            facet.last_seen(conn, source, question, spans).await?
        }
        _ => HashMap::new(),
    };
    let facet = |found: Found| {
        let last_seen = found.last_seen.max(last_seen.get(&found.value).copied())?;
        Some(Facet { value: found.value, label: found.label, total_requests: found.requests, last_seen })
    };
    // One without is gone since it was found.
    Ok(found.into_iter().filter_map(facet).collect())
}

/// How the values of a dimension are found.
struct FacetPlan {
    dimension: Dimension,
    grouping: Grouping,
    /// The roll-ups by the dimension, or by it and another one.
    rollups: Option<RollupPlan>,
}

impl FacetPlan {
    fn of(source: Source<'_>, question: &Question, dimension: Dimension) -> Self {
        let by = |keys: Vec<Dimension>| Grouping { keys, ..Grouping::none(&question.window) };
        let pair = (dimension == Dimension::ErrorClass).then_some(Dimension::Model);
        let rollups = RollupPlan::of(source, question, &by([dimension].into_iter().chain(pair).collect()));
        Self { dimension, grouping: by(vec![dimension]), rollups }
    }

    /// The values, with what one statement tells of them.
    async fn find(
        &self,
        conn: &mut Connection,
        source: Source<'_>,
        question: &Question,
        query: FacetQuery<'_>,
    ) -> sqlx::Result<Vec<Found>> {
        let mut sql = QueryBuilder::new("WITH ");
        self.push_found(&mut sql, source, question);
        let label = label_of(self.dimension, source.facts, "g.value").unwrap_or_else(|| "NULL::text".into());
        sql.push(format!(
            " SELECT g.value, {label} AS label, g.requests, g.last_seen AT TIME ZONE 'UTC' AS last_seen, g.last_span \
             FROM found AS g"
        ));
        if let Some(prefix) = query.prefix {
            // In the database's own collation: that of roll-ups knows the case of ASCII only.
            let begins = |text: &str| format!(r#"starts_with(lower({text} COLLATE "default"), lower("#);
            sql.push(format!(" WHERE ({}", begins("g.value"))).push_bind(prefix.to_owned());
            sql.push(format!(")) OR {}", begins(&label))).push_bind(prefix.to_owned()).push(")))");
        }
        sql.push(r#" ORDER BY g.requests DESC, g.value COLLATE "C" LIMIT "#).push_bind(i64::from(query.limit));
        sql.build_query_as().fetch_all(conn).await
    }

    /// Appends `found AS (…)`: `value, requests, last_seen, last_span`.
    fn push_found(&self, sql: &mut QueryBuilder<Postgres>, source: Source<'_>, question: &Question) {
        let facts = self.grouping.facts(question, &[]);
        let [key, _] = self.grouping.keys();
        let push_requests = |sql: &mut QueryBuilder<Postgres>| {
            sql.push(format!(
                "SELECT {key} AS value, count(*) AS requests, max(f.started_at) AS last_seen, NULL::integer AS last_span"
            ));
            self.grouping.push_from_requests(sql, question);
            sql.push(" GROUP BY 1");
        };
        let Some(plan) = &self.rollups else {
            source.push_requests(sql, &facts, Beside::Nothing, question.filter.rows(&question.window));
            sql.push(", found AS (");
            push_requests(sql);
            sql.push(")");
            return;
        };
        let edges = plan.edges();
        if !edges.is_empty() {
            edges.push_requests(sql, source, &facts);
            sql.push(", ");
        }
        // Spans do not overlap: the last one begins last.
        let [key, _] = plan.keys();
        sql.push(format!(
            "found AS (SELECT p.value, sum(p.requests)::bigint AS requests, max(p.last_seen) AS last_seen, \
             max(p.last_span) AS last_span FROM (SELECT {key} AS value, sum(p.requests) AS requests, \
             NULL::timestamp AS last_seen, max(p.starts * 8 + p.level) AS last_span"
        ));
        plan.push_from(sql, None);
        sql.push(" GROUP BY 1");
        if !edges.is_empty() {
            sql.push(" UNION ALL ");
            push_requests(sql);
        }
        sql.push(") AS p GROUP BY 1)");
    }

    /// The starts of the last requests with these values, each of which has its last one in its span.
    async fn last_seen(
        &self,
        conn: &mut Connection,
        source: Source<'_>,
        question: &Question,
        spans: Vec<(String, Span)>,
    ) -> sqlx::Result<HashMap<String, DateTime<Utc>>> {
        if spans.is_empty() {
            return Ok(HashMap::new());
        }
        let windows = windows(&spans);
        let values: Vec<String> = spans.into_iter().map(|(value, _)| value).collect();
        let facts = self.grouping.facts(question, &[Fact::StartedAt]);
        let [key, _] = self.grouping.keys();
        let mut sql = source.requests(&facts, RowSelector::StartedIn(&windows));
        sql.push(format!(" SELECT {key} AS value, max(f.started_at) AT TIME ZONE 'UTC' FROM requests AS f"));
        self.grouping.push_joins(&mut sql);
        let mut conditions = Conditions::new(&mut sql);
        conditions.and().push(format!("{key} = ANY(")).push_bind(values).push(")");
        self.grouping.push_conditions(&mut conditions, question);
        sql.push(" GROUP BY 1");
        let rows: Vec<(String, DateTime<Utc>)> = sql.build_query_as().fetch_all(conn).await?;
        Ok(rows.into_iter().collect())
    }
}

impl Found {
    /// The span with its last request, where that is none of those that were looked at.
    fn last_span_unseen(&self) -> Option<(String, Span)> {
        let last_span = self.last_span?;
        let level = Level::ALL.into_iter().find(|one| *one as i32 == last_span % 8)?;
        let from = Slot(last_span / 8);
        let span = Span { level, from, until: level.next(from) };
        let is_before = self.last_seen.is_none_or(|seen| seen < span.until.start());
        is_before.then(|| (self.value.clone(), span))
    }
}

/// The shortest spans with the last requests of these values, from longer ones, level by level.
async fn narrowed(
    conn: &mut Connection,
    plan: &RollupPlan,
    index: &Index,
    spans: Vec<(String, Span)>,
) -> sqlx::Result<Vec<(String, Span)>> {
    let (mut open, mut narrow) = (spans, Vec::new());
    while !open.is_empty() {
        let mut below = Vec::new();
        for (value, span) in open {
            match index.levels.at(plan.name(), span.from).below(span.level) {
                Some(level) => below.push((value, Span { level, ..span })),
                None => narrow.push((value, span)),
            }
        }
        if below.is_empty() {
            break;
        }
        let mut sql = plan.last_spans(&below);
        let last: Vec<(i64, Option<i32>)> = sql.build_query_as().fetch_all(&mut *conn).await?;
        let last: HashMap<usize, i32> =
            last.into_iter().filter_map(|(place, start)| Some((usize::try_from(place - 1).ok()?, start?))).collect();
        open = Vec::new();
        for (place, (value, span)) in below.into_iter().enumerate() {
            match last.get(&place) {
                Some(start) => {
                    let from = Slot(*start);
                    open.push((value, Span { from, until: span.level.next(from), ..span }));
                }
                // Gone since it was found: the facts have what there is.
                None => narrow.push((value, span)),
            }
        }
    }
    Ok(narrow)
}

/// When the spans are, ascending and without overlap.
fn windows(spans: &[(String, Span)]) -> Vec<TimeWindow> {
    let mut spans: Vec<Span> = spans.iter().map(|(_, span)| *span).collect();
    spans.sort_unstable_by_key(|span| span.from);
    let mut windows: Vec<TimeWindow> = Vec::new();
    for span in spans {
        let (start, end) = (span.from.start(), span.until.start());
        match windows.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => windows.push(TimeWindow { start, end }),
        }
    }
    windows
}
