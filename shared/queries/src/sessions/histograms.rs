//! How sessions are distributed by their totals.

use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use traceability_core::scope::Scope;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::session_duration;
use traceability_facts::{Conditions, Fact, RowSelector};
use utoipa::ToSchema;

use super::search_indexed;
use crate::Source;
use crate::filter::{RequestFilter, union, utc};

/// The sessions that began in a window, by the totals of whole sessions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Histograms {
    /// Sessions whose first request started in the window.
    pub sessions: i64,
    /// US dollars per session.
    pub cost: Distribution,
    /// Seconds from the start of a session's first request to the end of its last response, idle time included.
    pub duration_seconds: Distribution,
    /// Requests per session.
    pub requests: Distribution,
}

/// How a total is distributed among sessions. Without sessions, all but the numbers of sessions is null.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Distribution {
    /// The average.
    pub avg: Option<f64>,
    /// What half of the sessions do not exceed.
    pub p50: Option<f64>,
    /// What 95 of 100 sessions do not exceed.
    pub p95: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// All ranges, in order; each session is in exactly one.
    pub buckets: Vec<Range>,
}

/// The sessions whose total lies in a range.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = HistogramRange)]
pub struct Range {
    /// Where the range begins, which belongs to it. The range from 0 to 0 is that of sessions with a total of 0, which the
    /// next one does not have.
    pub from: f64,
    /// Where it ends, which does not belong to it; null for the last range, which has no end.
    pub to: Option<f64>,
    /// Sessions.
    pub sessions: i64,
}

/// One histogram: its column in the totals of a session, and its borders, 1, 2 and 5 in each of these powers of ten.
struct Axis {
    column: &'static str,
    powers: std::ops::RangeInclusive<i32>,
    /// Whether a total can be less than the first border.
    has_small: bool,
}

const AXES: [Axis; 3] = [
    Axis { column: "cost", powers: -4..=3, has_small: true },
    Axis { column: "duration", powers: -1..=6, has_small: true },
    Axis { column: "requests", powers: 0..=4, has_small: false },
];

impl Axis {
    /// The borders, as decimal numbers.
    fn borders(&self) -> Vec<String> {
        self.powers.clone().flat_map(|power| [1, 2, 5].map(|digit| format!("{digit}e{power}"))).collect()
    }

    /// SQL of the number of a total's range: 0 for none, 1 below the first border.
    fn range(&self) -> String {
        let (column, borders) = (self.column, self.borders().join(", "));
        format!("CASE WHEN s.{column} <= 0 THEN 0 ELSE 1 + width_bucket(s.{column}, ARRAY[{borders}]::numeric[]) END")
    }

    /// All ranges, without sessions, by their numbers.
    fn ranges(&self) -> Vec<Range> {
        let borders = self.borders().into_iter().map(|border| border.parse::<f64>().unwrap_or_default());
        let borders: Vec<f64> = [0.0, 0.0].into_iter().chain(borders).collect();
        let range =
            |(number, from): (usize, &f64)| Range { from: *from, to: borders.get(number + 1).copied(), sessions: 0 };
        borders.iter().enumerate().map(range).collect()
    }
}

#[derive(FromRow)]
struct Row {
    /// The ranges that the row is about; none in that of all sessions.
    ranges: [Option<i32>; 3],
    sessions: i64,
    avg: Vec<Option<f64>>,
    max: Vec<Option<f64>>,
    cost: Option<Vec<f64>>,
    duration: Option<Vec<f64>>,
    requests: Option<Vec<f64>>,
}

/// The sessions that began in the window and have a request there that passes the filter.
///
/// # Errors
/// Whatever the database reports.
pub async fn histograms(
    conn: &mut Connection,
    source: Source<'_>,
    window: &TimeWindow,
    filter: &RequestFilter,
) -> sqlx::Result<Histograms> {
    let columns = |sql: &dyn Fn(&Axis) -> String| AXES.iter().map(sql).collect::<Vec<_>>().join(", ");
    let ranges = columns(&|axis| format!("{} AS {}_range", axis.range(), axis.column));
    let averages = columns(&|axis| format!("avg(s.{})::float8", axis.column));
    let greatest = columns(&|axis| format!("max(s.{})::float8", axis.column));
    let percentiles = columns(&|axis| {
        format!("percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.{0}::float8) AS {0}", axis.column)
    });
    let mut sql = sessions(source, window, &filter.stored(source.facts));
    // Apart, since percentiles, which sort, are not wanted of each range.
    sql.push(format!(
        " SELECT ARRAY[NULL, NULL, NULL]::integer[] AS ranges, count(*) AS sessions, ARRAY[{averages}] AS avg, \
         ARRAY[{greatest}] AS max, {percentiles} FROM s UNION ALL \
         SELECT ARRAY[b.cost_range, b.duration_range, b.requests_range], count(*), '{{}}', '{{}}', NULL, NULL, NULL \
         FROM (SELECT {ranges} FROM s) AS b GROUP BY GROUPING SETS ((b.cost_range), (b.duration_range), (b.requests_range))"
    ));
    let rows: Vec<Row> = sql.build_query_as().fetch_all(conn).await?;
    Ok(Histograms::of(&rows))
}

/// Begins a statement with `WITH … s AS (…)`, one row per session: its `cost`, `duration` in seconds and `requests`.
fn sessions(source: Source<'_>, window: &TimeWindow, filter: &RequestFilter) -> QueryBuilder<Postgres> {
    // The rows of the index are those of whole sessions.
    if source.facts.has_session_rows() && *source.scope == Scope::AllRows {
        let mut sql = QueryBuilder::new("WITH s AS MATERIALIZED ");
        sql.push("(SELECT o.cost, o.duration, o.requests FROM traceability.sessions o WHERE o.session_start >= ");
        sql.push_bind(utc(window.start)).push(" AND o.session_start < ").push_bind(utc(window.end));
        if !filter.is_empty() {
            search_indexed::push_matching(&mut sql, source, window, filter);
        }
        sql.push(")");
        return sql;
    }
    let facts = union(&[&[Fact::SessionId, Fact::StartedAt], &filter.facts()]);
    let mut sql = source.requests(&facts, filter.rows(window));
    sql.push(
        ", s AS MATERIALIZED (SELECT t.cost, t.duration, t.requests FROM (SELECT DISTINCT f.session_id FROM requests AS f",
    );
    filter.push(&mut Conditions::new(&mut sql), "f");
    sql.push(concat!(
        ") AS c CROSS JOIN LATERAL (SELECT COALESCE(sum(e.spend::numeric), 0) AS cost, count(*)::numeric AS requests, ",
        session_duration!(),
        "::numeric AS duration, min(e.started_at) AS started_at FROM "
    ));
    let totals = [Fact::StartedAt, Fact::EndedAt, Fact::Spend];
    source.push(&mut sql, "e", &totals, RowSelector::SessionOf("c.session_id"));
    sql.push(") AS t WHERE t.started_at >= ").push_bind(utc(window.start));
    sql.push(" AND t.started_at < ").push_bind(utc(window.end)).push(")");
    sql
}

impl Histograms {
    fn of(rows: &[Row]) -> Self {
        let mut distributions = AXES.map(|axis| Distribution { buckets: axis.ranges(), ..Distribution::default() });
        let mut sessions = 0;
        for row in rows {
            if let Some((axis, range)) = row.ranges.iter().enumerate().find_map(|(axis, range)| Some((axis, (*range)?)))
            {
                if let Some(range) =
                    usize::try_from(range).ok().and_then(|range| distributions[axis].buckets.get_mut(range))
                {
                    range.sessions = row.sessions;
                }
                continue;
            }
            sessions = row.sessions;
            for (place, percentiles) in [&row.cost, &row.duration, &row.requests].into_iter().enumerate() {
                let percentile = |which: usize| percentiles.as_ref().and_then(|values| values.get(which).copied());
                let distribution = &mut distributions[place];
                (distribution.avg, distribution.max) = (row.avg[place], row.max[place]);
                (distribution.p50, distribution.p95) = (percentile(0), percentile(1));
            }
        }
        for (axis, distribution) in AXES.iter().zip(&mut distributions) {
            if !axis.has_small {
                distribution.buckets.drain(..2);
            }
        }
        let [cost, duration_seconds, requests] = distributions;
        Self { sessions, cost, duration_seconds, requests }
    }
}
