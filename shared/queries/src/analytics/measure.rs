//! Sums, least and greatest values per group and bucket.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use sqlx::{FromRow, Postgres, QueryBuilder};
use traceability_db::Connection;
use traceability_facts::measures;
use traceability_facts::measures::{Measure, needed};

use super::Question;
use super::grouping::{GroupSelection, Grouping};
use super::partials::push_partials;
use crate::Source;

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The busiest.
    Requests,
    /// The most expensive.
    Cost,
}

/// Which groups are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Groups<'a> {
    /// The first ones.
    TopN {
        /// By this, and by their keys where that is the same.
        order: Order,
        /// So many.
        top: u32,
        /// Whether the rest is one group more, or left out.
        include_other: bool,
    },
    /// Those of another answer, in its order.
    Selection(&'a GroupSelection),
}

impl Groups<'_> {
    /// The one group that there is without keys.
    pub const ONLY: Self = Self::TopN { order: Order::Requests, top: 1, include_other: false };
}

/// What is asked of each group.
#[derive(Debug, Clone, Copy)]
pub struct MeasureSet<'a> {
    /// Nothing else is read. With [`SESSIONS`](measures::SESSIONS), sessions are told apart in the same pass: only of groups
    /// that are made of one part.
    pub measures: &'a [Measure],
    /// Which groups.
    pub which: Groups<'a>,
    /// Whether the shares of the window's cost are needed.
    pub cost_shares: bool,
}

/// The measures of one group.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The group's keys; none if it is made of all others.
    pub keys: Vec<String>,
    /// Whether it is made of all others.
    pub other: bool,
    /// What was measured over the whole window.
    pub figures: Figures,
    /// The same of each bucket in which the group has a request, by the bucket's place, from 0. A window that is not cut is
    /// its only bucket.
    pub buckets: BTreeMap<usize, Figures>,
}

/// The measures. Those that were not asked for are zero or `None`.
#[derive(Debug, Clone, Default, FromRow)]
#[sqlx(default)]
pub struct Figures {
    /// Requests.
    pub requests: i64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// Requests that LiteLLM's own response cache answered.
    pub cache_hits: i64,
    /// Tokens of the prompts.
    pub prompt_tokens: i64,
    /// Tokens of the completions.
    pub completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub spend: f64,
    /// The same, not rounded.
    pub exact_spend: BigDecimal,
    /// Milliseconds from start to end.
    pub duration_ms: i64,
    /// The same of the quickest request.
    pub min_duration_ms: i64,
    /// The same of the slowest request.
    pub max_duration_ms: i64,
    /// Milliseconds to the first token, of streamed responses.
    pub ttft_ms: i64,
    /// Requests whose response was streamed.
    pub streamed: i64,
    /// Tool calls.
    pub tool_calls: i64,
    /// Prompt tokens that providers read from their caches; `None` where LiteLLM kept no usage.
    pub cached_tokens: Option<i64>,
    /// The prompt tokens of the requests of which that is known.
    pub cached_tokens_of: Option<i64>,
    /// Seconds a request took on average.
    pub avg_duration: f64,
    /// Seconds to the first token on average; `None` where nothing was streamed.
    pub avg_ttft: Option<f64>,
    /// US dollars per request.
    pub avg_spend: f64,
    /// How many in 100 dollars of the window.
    pub share_of_spend: f64,
    /// Sessions with a request in the group.
    pub sessions: i64,
}

#[derive(FromRow)]
struct Row {
    keys: Vec<String>,
    other: bool,
    bucket: Option<i32>,
    #[sqlx(flatten)]
    figures: Figures,
}

/// The groups in order, each over the whole window and in each of its buckets.
///
/// # Errors
/// Whatever the database reports.
pub async fn measure(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    measure_set: MeasureSet<'_>,
) -> sqlx::Result<Vec<Measured>> {
    let by_cost = measure_set.cost_shares || matches!(measure_set.which, Groups::TopN { order: Order::Cost, .. });
    let spend = if by_cost { &[measures::SPEND][..] } else { &[] };
    let mut columns = needed(&[&[measures::REQUESTS], spend, measure_set.measures]);
    columns.extend(measure_set.measures.contains(&measures::SESSIONS).then_some(measures::SESSIONS));

    let mut sql = QueryBuilder::new("");
    push_partials(&mut sql, source, question, grouping, &columns);
    if measure_set.cost_shares {
        push_whole(&mut sql, source, question, grouping);
    }
    let join = push_ranked(&mut sql, measure_set.which);
    push_select(&mut sql, grouping, &columns, measure_set.cost_shares);
    sql.push(join);
    let groups = "r.place, r.k1, r.k2";
    sql.push(" AS r ON r.k1 = p.k1 AND r.k2 = p.k2 GROUP BY ");
    if grouping.has_buckets() {
        sql.push(format!("GROUPING SETS (({groups}), ({groups}, p.bucket))"));
    } else {
        sql.push(groups);
    }
    sql.push(" ORDER BY r.place NULLS LAST, bucket NULLS FIRST");
    let rows: Vec<Row> = sql.build_query_as().fetch_all(conn).await?;
    Ok(Measured::of(rows, grouping))
}

impl Measured {
    /// The groups of these rows: of each its whole window, then its buckets.
    fn of(rows: Vec<Row>, grouping: &Grouping) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for row in rows {
            let bucket = row.bucket.and_then(|bucket| usize::try_from(bucket).ok());
            match (bucket, groups.last_mut()) {
                (Some(bucket), Some(group)) => drop(group.buckets.insert(bucket, row.figures)),
                _ => groups.push(Self {
                    keys: row.keys,
                    other: row.other,
                    figures: row.figures,
                    buckets: BTreeMap::new(),
                }),
            }
        }
        if !grouping.has_buckets() {
            // The statement does not cut the window: its one bucket is the window.
            for group in &mut groups {
                group.buckets.insert(0, group.figures.clone());
            }
        }
        groups
    }
}

/// What the window cost: the sum of its groups, where each request is in one of them.
fn push_whole(sql: &mut QueryBuilder<Postgres>, source: Source<'_>, question: &Question, grouping: &Grouping) {
    const WHOLE: &str = "SELECT sum(p.spend) AS spend FROM partials AS p";
    if grouping.is_partition() {
        sql.push(format!(", whole AS ({WHOLE})"));
        return;
    }
    let ungrouped = Grouping { keys: Vec::new(), ..grouping.without_buckets() };
    sql.push(", whole AS (");
    push_partials(sql, source, question, &ungrouped, &[measures::SPEND]);
    sql.push(format!(" {WHOLE})"));
}

/// The groups with their places, and how the parts are joined with them.
fn push_ranked(sql: &mut QueryBuilder<Postgres>, which: Groups<'_>) -> &'static str {
    sql.push(", ranked AS (SELECT ");
    match which {
        Groups::TopN { order, top, include_other } => {
            let first = match order {
                Order::Requests => "sum(p.requests) DESC",
                Order::Cost => "sum(p.spend) DESC, sum(p.requests) DESC",
            };
            // Ties are told apart byte by byte, whatever the database's collation.
            sql.push(format!(
                "p.k1, p.k2, row_number() OVER (ORDER BY {first}, p.k1 COLLATE \"C\", p.k2 COLLATE \"C\") AS place \
                 FROM partials AS p GROUP BY p.k1, p.k2 ORDER BY place LIMIT "
            ));
            sql.push_bind(i64::from(top)).push(")");
            if include_other { " LEFT JOIN ranked" } else { " JOIN ranked" }
        }
        Groups::Selection(selection) => {
            sql.push("r.k1, r.k2, r.place FROM ");
            selection.push(sql);
            sql.push(")");
            if selection.other { " LEFT JOIN ranked" } else { " JOIN ranked" }
        }
    }
}

/// The merged measures, and what follows from them while they are exact.
fn push_select(sql: &mut QueryBuilder<Postgres>, grouping: &Grouping, columns: &[Measure], shares: bool) {
    let keys = ["'{}'::text[]", "ARRAY[r.k1]", "ARRAY[r.k1, r.k2]"][grouping.keys.len().min(2)];
    let bucket = if grouping.has_buckets() { "p.bucket - 1" } else { "NULL::integer" };
    sql.push(format!(
        " SELECT CASE WHEN r.place IS NULL THEN '{{}}'::text[] ELSE {keys} END AS keys, r.place IS NULL AS other, \
         {bucket} AS bucket"
    ));
    for (name, value) in figures(columns, shares) {
        sql.push(format!(", {value} AS {name}"));
    }
    sql.push(" FROM partials AS p");
}

/// The columns of [`Figures`] that a statement with these measures has, and SQL of each over the parts `p`.
fn figures(columns: &[Measure], shares: bool) -> Vec<(&'static str, String)> {
    let has = |measure: &Measure| columns.contains(measure);
    let column = |measure: &Measure| {
        let whole = measure.of_parts();
        let at_the_edge = if *measure == measures::SPEND { "float8" } else { "bigint" };
        let value = if measure.is_nullable { whole } else { format!("COALESCE({whole}, 0)") };
        (measure.name, format!("({value})::{at_the_edge}"))
    };
    let quotient = |part: &Measure, whole: &Measure, unit: &str| {
        format!("({} / NULLIF({}, 0){unit})::float8", part.of_parts(), whole.of_parts())
    };
    let mut figures: Vec<_> = columns.iter().map(column).collect();
    if has(&measures::SPEND) {
        let average = quotient(&measures::SPEND, &measures::REQUESTS, "");
        figures.push(("exact_spend", format!("COALESCE({}, 0)", measures::SPEND.of_parts())));
        figures.push(("avg_spend", format!("COALESCE({average}, 0)")));
    }
    if has(&measures::DURATION_MS) {
        let average = quotient(&measures::DURATION_MS, &measures::REQUESTS, " / 1000");
        figures.push(("avg_duration", format!("COALESCE({average}, 0)")));
    }
    if has(&measures::TTFT_MS) && has(&measures::STREAMED) {
        figures.push(("avg_ttft", quotient(&measures::TTFT_MS, &measures::STREAMED, " / 1000")));
    }
    if shares {
        // Of a window with refunds, a group can have cost more than the whole, or less than nothing.
        let share = "COALESCE(LEAST(GREATEST(round(100 * sum(p.spend) / NULLIF((SELECT whole.spend FROM whole), 0), 2), 0), 100), 0)\
                     ::float8";
        figures.push(("share_of_spend", share.into()));
    }
    figures
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A field without a column would be 0 in every answer, since [`Figures`] has defaults.
    #[test]
    fn each_field_of_figures_has_a_column_and_each_column_a_field() {
        let all = [&measures::ALL[..], &[measures::SESSIONS]].concat();
        let columns: Vec<_> = figures(&all, true).into_iter().map(|(name, _)| name.to_owned()).collect();
        let names: BTreeSet<String> = columns.iter().cloned().collect();
        assert_eq!(names.len(), columns.len(), "a column is there twice: {columns:?}");
        assert_eq!(names, fields(&Figures::default()));
    }

    /// The names of the fields, of which each one has a line.
    fn fields(figures: &Figures) -> BTreeSet<String> {
        let debug = format!("{figures:#?}");
        let own = debug.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.starts_with(' '));
        own.filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect()
    }
}
