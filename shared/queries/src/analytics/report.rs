//! Rows of answers: what an endpoint shows of each group, with what was asked for beside it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use traceability_core::dimension::Dimension;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::measures::{DURATION_MS, FAILED_REQUESTS, Measure, SPEND, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::details::{Details, Times};
use super::group::{Group, Spec, groups, groups_by_bucket};
use super::grouping::{Bucket, Grouping};
use super::measure::{Figures, Pick};
use super::{MOST_GROUPS, Question, hundredths};
use crate::Source;

/// What an endpoint shows of a group.
pub trait Report: Serialize + Sized {
    /// The fields that say which group it is. The others are its figures.
    const NAMES: &'static [&'static str];
    /// What the figures need.
    const WANTS: Spec;

    /// The group's row.
    fn of(group: &Group) -> Self;

    /// What the row has beside that.
    fn more(&mut self) -> &mut More;
}

/// How a question's answer is shown.
#[derive(Debug, Clone)]
pub struct View {
    /// How many groups.
    pub top: u32,
    /// Where each row's series is cut; without, there is none.
    pub series: Option<Vec<Bucket>>,
    /// The window to compare with.
    pub previous: Option<TimeWindow>,
}

impl Default for View {
    fn default() -> Self {
        Self { top: MOST_GROUPS, series: None, previous: None }
    }
}

/// What a row has if it was asked for.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct More {
    /// With `details`.
    #[serde(flatten)]
    #[schema(value_type = Details)]
    pub details: Option<Details>,
    /// With `details`.
    #[serde(flatten)]
    #[schema(value_type = Times)]
    pub times: Option<Times>,
    /// With `granularity`: one point per bucket of the window, in order; zeros where nothing happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<SeriesPoint>>,
    /// With `compare`: the same figures of the previous window, zeros and nulls where it has no such group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Option<f64>>>)]
    pub previous: Option<Map<String, Value>>,
    /// With `compare`: how each figure that both windows have differs from that of the previous one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<BTreeMap<String, Change>>,
}

/// The totals of a row's group in one bucket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SeriesPoint {
    /// The bucket as the clock in `timezone` shows it.
    #[schema(example = "2026-11-23")]
    pub time_period: String,
    /// When the bucket begins. The first one begins before the window where that starts in its middle.
    pub period_start: DateTime<Utc>,
    /// Requests.
    pub total_requests: i64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub total_cost: f64,
    /// Seconds a request took on average; 0 without requests.
    pub avg_response_time: f64,
}

/// How a figure differs from the previous window's.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// By how much.
    #[schema(value_type = f64)]
    pub absolute: Number,
    /// By how many in 100 of the previous figure; null where that is 0.
    pub percent: Option<f64>,
}

/// What a [`SeriesPoint`] needs.
const OF_SERIES: [Measure; 4] = [FAILED_REQUESTS, TOTAL_TOKENS, SPEND, DURATION_MS];

/// One row per group of the requests in question, in the report's order. Without keys it is one row, whatever there is.
///
/// # Errors
/// Whatever the database reports.
pub async fn report<T: Report>(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    keys: &[Dimension],
    view: &View,
) -> sqlx::Result<Vec<T>> {
    let question = &question.stored(source);
    let buckets = view.series.as_deref().unwrap_or_default();
    let starts = if buckets.is_empty() { vec![question.window.start] } else { starts(buckets) };
    let grouping = Grouping { keys: keys.to_vec(), starts };
    let pick = Pick::Top { order: T::WANTS.order, top: view.top, include_other: T::WANTS.include_other };
    let series: &[Measure] = if view.series.is_some() { &OF_SERIES } else { &[] };
    let found = groups(conn, source, question, &grouping, (T::WANTS, pick, series)).await?;
    let mut rows: Vec<T> = found.iter().map(|group| row(question, group)).collect();
    if view.series.is_some() {
        for (row, group) in rows.iter_mut().zip(&found) {
            row.more().series = Some(points(buckets, group));
        }
    }
    if let Some(window) = view.previous {
        let question = Question { window, ..question.clone() };
        let grouping = Grouping { keys: keys.to_vec(), starts: vec![window.start] };
        let shown = Group::shown(&found);
        let before = groups(conn, source, &question, &grouping, (T::WANTS, Pick::Selection(&shown), &[])).await?;
        for (row, group) in rows.iter_mut().zip(&found) {
            let same = before.iter().find(|other| (other.other, &other.keys) == (group.other, &group.keys));
            compare(row, &question, same.unwrap_or(&Group::default()));
        }
    }
    Ok(rows)
}

/// One row per bucket, of all requests in question; zeros where nothing happened. The previous window's buckets are
/// compared one by one.
///
/// # Errors
/// Whatever the database reports.
pub async fn report_over_time<T: Report>(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    buckets: &[Bucket],
    previous: Option<(TimeWindow, &[Bucket])>,
) -> sqlx::Result<Vec<T>> {
    let question = &question.stored(source);
    let found = groups_by_bucket(conn, source, question, &starts(buckets), T::WANTS).await?;
    let mut rows: Vec<T> = Vec::with_capacity(buckets.len());
    for (bucket, mut group) in buckets.iter().zip(found) {
        group.bucket = Some(bucket.clone());
        rows.push(row(question, &group));
    }
    if let Some((window, buckets)) = previous {
        let question = Question { window, ..question.clone() };
        let before = groups_by_bucket(conn, source, &question, &starts(buckets), T::WANTS).await?;
        for (place, row) in rows.iter_mut().enumerate() {
            compare(row, &question, before.get(place).unwrap_or(&Group::default()));
        }
    }
    Ok(rows)
}

fn starts(buckets: &[Bucket]) -> Vec<DateTime<Utc>> {
    buckets.iter().map(|bucket| bucket.start).collect()
}

fn row<T: Report>(question: &Question, group: &Group) -> T {
    let mut row = T::of(group);
    row.more().details = question.details.then(|| Details::of(group));
    row.more().times = (question.details || T::WANTS.percentiles).then(|| Times::of(group));
    row
}

fn points(buckets: &[Bucket], group: &Group) -> Vec<SeriesPoint> {
    let nothing = Figures::default();
    let point = |(place, bucket): (usize, &Bucket)| {
        let figures = group.buckets.get(&place).unwrap_or(&nothing);
        SeriesPoint {
            time_period: bucket.label.clone(),
            period_start: bucket.start,
            total_requests: figures.requests,
            failed_requests: figures.failed_requests,
            total_tokens: figures.total_tokens,
            total_cost: figures.spend,
            avg_response_time: figures.avg_duration,
        }
    };
    buckets.iter().enumerate().map(point).collect()
}

/// The figures of a row: what of it is no name.
fn figures<T: Report>(row: &T) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(row) else { return Map::new() };
    fields.retain(|name, _| !T::NAMES.contains(&name.as_str()) && name != "series");
    fields
}

fn compare<T: Report>(current: &mut T, question: &Question, before: &Group) {
    let (now, before) = (figures(current), figures(&row::<T>(question, before)));
    let change = |(name, value): (&String, &Value)| {
        let (Value::Number(now), Value::Number(before)) = (value, before.get(name)?) else { return None };
        Some((name.clone(), Change::between(now, before)?))
    };
    let changes = now.iter().filter_map(change).collect();
    let more = current.more();
    (more.previous, more.change) = (Some(before), Some(changes));
}

impl Change {
    fn between(now: &Number, before: &Number) -> Option<Self> {
        let absolute = match (now.as_i64(), before.as_i64()) {
            (Some(now), Some(before)) => Number::from(now - before),
            _ => Number::from_f64(now.as_f64()? - before.as_f64()?)?,
        };
        let before = before.as_f64().filter(|before| *before != 0.0);
        let percent = before.and_then(|before| Some(hundredths(100.0 * absolute.as_f64()? / before)));
        Some(Self { absolute, percent })
    }
}
