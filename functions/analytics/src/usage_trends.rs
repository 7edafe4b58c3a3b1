//! `GET /api/v1/analytics/usage-trends`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Duration, Offset, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use traceability::api::params::Query3;
use traceability::api::window::{TimeWindow, WindowParams, day_of, next_day, start_of_day};
use traceability::api::{ApiResult, AppState, Caller, Problem};
use traceability::choice;
use traceability::queries::Source;
use traceability::queries::analytics::{self, Bucket, UsageTrend};
use utoipa::IntoParams;

use crate::params::{Filters, question};

choice! {
    /// How long a bucket is.
    Granularity {
        /// An hour.
        Hour = "hour",
        /// A day.
        Day = "day",
    }
}

/// How the window is cut.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// Hours or days, as they begin in `timezone`; `day` if not given.
    #[serde(default = "Params::default_granularity")]
    #[param(inline, required = false)]
    granularity: Granularity,
}

impl Params {
    const fn default_granularity() -> Granularity {
        Granularity::Day
    }
}

/// Follow usage over time
///
/// One row per hour or day of the window, in order; rows without requests are zeros. The rows sum to the overview, but
/// for `unique_sessions`: a session counts in each bucket in which it was active.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/usage-trends",
    tag = "analytics",
    params(WindowParams, Filters, Params),
    responses(
        (status = 200, description = "The answer", body = Vec<UsageTrend>),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_usage_trends(
    State(state): State<AppState>,
    caller: Caller,
    Query3(window, filters, params): Query3<WindowParams, Filters, Params>,
) -> ApiResult<Json<Vec<UsageTrend>>> {
    let question = question(&window, &filters, state.clock.now())?;
    let zone = window.timezone.0;
    let bucket = |start| Bucket { start, label: label(start, params.granularity, zone) };
    let buckets: Vec<_> = bucket_starts(&question.window, params.granularity, zone).into_iter().map(bucket).collect();
    let mut db = state.db.session().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    Ok(Json(analytics::trends(&mut db.conn, source, &question, &buckets, None).await?))
}

fn label(start: DateTime<Utc>, granularity: Granularity, zone: Tz) -> String {
    let format = match granularity {
        Granularity::Hour => "%Y-%m-%d %H:00:00",
        Granularity::Day => "%Y-%m-%d",
    };
    start.with_timezone(&zone).format(format).to_string()
}

/// Where the buckets that the window touches begin, in order.
fn bucket_starts(window: &TimeWindow, granularity: Granularity, zone: Tz) -> Vec<DateTime<Utc>> {
    let mut starts = Vec::new();
    match granularity {
        Granularity::Day => {
            let mut day = day_of(window.start, zone);
            while start_of_day(day, zone) < window.end && starts.len() < MOST_BUCKETS {
                starts.push(start_of_day(day, zone));
                day = next_day(day);
            }
        }
        Granularity::Hour => {
            let mut start = hour_start(window.start, zone);
            while start < window.end && starts.len() < MOST_BUCKETS {
                starts.push(start);
                start = next_hour(start, zone);
            }
        }
    }
    starts
}

/// More than the hours of the longest window.
const MOST_BUCKETS: usize = 10_000;

/// Seconds that the clocks of `zone` are ahead of UTC.
fn offset(instant: DateTime<Utc>, zone: Tz) -> i64 {
    instant.with_timezone(&zone).offset().fix().local_minus_utc().into()
}

/// Seconds since the last full hour on the clock of `zone`: some zones are not whole hours away from UTC.
fn since_full_hour(instant: DateTime<Utc>, zone: Tz) -> Duration {
    Duration::seconds((instant.timestamp() + offset(instant, zone)).rem_euclid(3600))
}

/// Where the hour on the clock of `zone` began: at its full hour, or later where the clocks changed in its middle.
fn hour_start(instant: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let whole = DateTime::from_timestamp(instant.timestamp(), 0).unwrap_or(instant);
    let start = whole - since_full_hour(whole, zone);
    minutes(start, whole).find(|minute| offset(*minute, zone) == offset(whole, zone)).unwrap_or(whole)
}

/// Where the next hour begins. Clocks change at full hours of their own, even where they change by half of one.
fn next_hour(start: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    start - since_full_hour(start, zone) + Duration::hours(1)
}

/// Every minute from `start` on, up to `end`.
fn minutes(start: DateTime<Utc>, end: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    std::iter::successors(Some(start), |minute| Some(*minute + Duration::minutes(1)))
        .take_while(move |minute| *minute < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(from: &str, to: &str, granularity: Granularity, zone: Tz) -> Vec<String> {
        let window = TimeWindow { start: from.parse().expect("a time"), end: to.parse().expect("a time") };
        bucket_starts(&window, granularity, zone).into_iter().map(|start| label(start, granularity, zone)).collect()
    }

    #[test]
    fn days_begin_at_local_midnight_across_clock_changes() {
        let days = starts("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", Granularity::Day, Tz::Europe__Berlin);
        assert_eq!(days, ["2026-10-24", "2026-10-25", "2026-10-26"]);
    }

    #[test]
    fn the_repeated_hour_is_two_buckets() {
        let hours = starts("2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z", Granularity::Hour, Tz::Europe__Berlin);
        assert_eq!(hours, ["2026-10-25 01:00:00", "2026-10-25 02:00:00", "2026-10-25 02:00:00", "2026-10-25 03:00:00"]);
    }

    #[test]
    fn the_missing_hour_is_no_bucket() {
        let hours = starts("2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", Granularity::Hour, Tz::Europe__Berlin);
        assert_eq!(hours, ["2026-03-29 01:00:00", "2026-03-29 03:00:00"]);
    }

    #[test]
    fn an_hour_of_which_half_is_repeated_is_two_buckets() {
        // At two o'clock the clocks go back to half past one.
        let (from, zone) = ("2026-04-04T13:30:00Z", Tz::Australia__Lord_Howe);
        let hours = starts(from, "2026-04-04T16:00:00Z", Granularity::Hour, zone);
        assert_eq!(hours, ["2026-04-05 00:00:00", "2026-04-05 01:00:00", "2026-04-05 01:00:00", "2026-04-05 02:00:00"]);
        let window =
            TimeWindow { start: from.parse().expect("a time"), end: "2026-04-04T16:00:00Z".parse().expect("a time") };
        let second = bucket_starts(&window, Granularity::Hour, zone)[2];
        assert_eq!(second.to_rfc3339(), "2026-04-04T15:00:00+00:00");
    }

    #[test]
    fn hours_follow_a_half_hour_zone() {
        let window = TimeWindow {
            start: "2026-11-01T00:10:00Z".parse().expect("a time"),
            end: "2026-11-01T01:10:00Z".parse().expect("a time"),
        };
        let starts = bucket_starts(&window, Granularity::Hour, Tz::Asia__Kolkata);
        assert_eq!(starts[0].to_rfc3339(), "2026-10-31T23:30:00+00:00");
        assert_eq!(starts.len(), 2);
    }
}
