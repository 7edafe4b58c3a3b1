//! Rows of answers: what an endpoint shows of each group, with what was asked for beside it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use traceability_core::dimension::Dimension;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_facts::measures::{DURATION_MS, FAILED_REQUESTS, Measure, SPEND, TOTAL_TOKENS};
use utoipa::ToSchema;

use super::comparison::{Change, RowFigures};
use super::details::{Details, Times};
use super::group::{Group, GroupQuery, Spec, groups, groups_by_bucket};
use super::grouping::{Bucket, Grouping};
use super::measure::{Figures, Groups};
use super::{MOST_GROUPS, Question};
use crate::Source;

/// What an endpoint shows of a group.
pub trait Report: Serialize + Sized {
    /// What its rows need.
    const SPEC: Spec;

    /// The group's row.
    fn of(group: &Group) -> Self;

    /// Its figures: the fields that do not say which group it is.
    fn figures(&self) -> RowFigures;

    /// What the row has beside that.
    fn extras(&mut self) -> &mut Extras;
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
pub struct Extras {
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
    pub previous: Option<RowFigures>,
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
    let question = &question.resolved(source);
    let buckets = view.series.as_deref().unwrap_or_default();
    let starts = if buckets.is_empty() { vec![question.window.start] } else { starts(buckets) };
    let grouping = Grouping { keys: keys.to_vec(), starts };
    let which = T::SPEC.top(view.top);
    let series: &[Measure] = if view.series.is_some() { &OF_SERIES } else { &[] };
    let found = groups(conn, source, question, &grouping, GroupQuery { spec: T::SPEC, which, series }).await?;
    let mut rows: Vec<T> = found.iter().map(|group| row(question, group)).collect();
    if view.series.is_some() {
        for (row, group) in rows.iter_mut().zip(&found) {
            row.extras().series = Some(points(buckets, group));
        }
    }
    if let Some(window) = view.previous {
        let question = Question { window, ..question.clone() };
        let grouping = Grouping { keys: keys.to_vec(), starts: vec![window.start] };
        let selection = Group::selection(&found);
        let same = GroupQuery { spec: T::SPEC, which: Groups::Selection(&selection), series: &[] };
        let before = groups(conn, source, &question, &grouping, same).await?;
        for (row, group) in rows.iter_mut().zip(&found) {
            let same = before.iter().find(|other| (other.other, &other.keys) == (group.other, &group.keys));
            compare(row, &question, same.unwrap_or(&Group::default()));
        }
    }
    Ok(rows)
}

/// All requests in question as one row.
///
/// # Errors
/// Whatever the database reports.
pub async fn report_total<T: Report>(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    view: &View,
) -> sqlx::Result<T> {
    let rows = report(conn, source, question, &[], view).await?;
    rows.into_iter().next().ok_or(sqlx::Error::RowNotFound)
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
    let question = &question.resolved(source);
    let found = groups_by_bucket(conn, source, question, &starts(buckets), T::SPEC).await?;
    let mut rows: Vec<T> = Vec::with_capacity(buckets.len());
    for (bucket, mut group) in buckets.iter().zip(found) {
        group.bucket = Some(bucket.clone());
        rows.push(row(question, &group));
    }
    if let Some((window, buckets)) = previous {
        let question = Question { window, ..question.clone() };
        let before = groups_by_bucket(conn, source, &question, &starts(buckets), T::SPEC).await?;
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
    row.extras().details = question.has_details().then(|| Details::of(group));
    row.extras().times = T::SPEC.passes(question).percentiles.then(|| Times::of(group));
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

/// The figures of a row, those that were asked for beside its own included.
fn figures<T: Report>(row: &mut T) -> RowFigures {
    let mut figures = row.figures();
    let extras = row.extras();
    figures.extend(extras.details.iter().flat_map(Details::figures));
    figures.extend(extras.times.iter().flat_map(Times::figures));
    figures
}

fn compare<T: Report>(current: &mut T, question: &Question, before: &Group) {
    let (now, before) = (figures(current), figures(&mut row::<T>(question, before)));
    let change = Change::of_all(&now, &before);
    let extras = current.extras();
    (extras.previous, extras.change) = (Some(before), Some(change));
}
