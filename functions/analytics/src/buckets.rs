//! Where the buckets of a window begin, on the clock and in the calendar of a time zone.

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, Offset, Utc};
use chrono_tz::Tz;
use traceability_core::choice;
use traceability_core::time::{TimeWindow, day_of, next_day, start_of_day};
use traceability_http::error::ParameterProblem;
use traceability_queries::analytics::Bucket;

choice! {
    /// How long a bucket is.
    Granularity {
        /// A quarter of an hour.
        FifteenMinutes = "15m",
        /// An hour.
        Hour = "hour",
        /// A day.
        Day = "day",
        /// A week, from Monday on.
        Week = "week",
        /// A month.
        Month = "month",
    }
}

/// The longest window that is cut into quarters of an hour.
const MOST_DAYS_OF_FIFTEEN_MINUTES: i64 = 32;
/// More than the hours of the longest window.
const MOST_BUCKETS: usize = 10_000;

/// The buckets that the window touches, in order.
pub(crate) fn buckets(
    window: &TimeWindow,
    granularity: Granularity,
    zone: Tz,
) -> Result<Vec<Bucket>, ParameterProblem> {
    // In a zone whose clocks change, 32 days can be an hour longer.
    let longest = Duration::days(MOST_DAYS_OF_FIFTEEN_MINUTES) + Duration::hours(1);
    if granularity == Granularity::FifteenMinutes && window.end - window.start > longest {
        let detail = format!(
            "must be hour, day, week or month for a window of more than {MOST_DAYS_OF_FIFTEEN_MINUTES} days, or the window shorter"
        );
        return Err(ParameterProblem::new("granularity", detail));
    }
    let bucket = |start| Bucket { start, label: label(start, granularity, zone) };
    Ok(starts(window, granularity, zone).into_iter().map(bucket).collect())
}

fn label(start: DateTime<Utc>, granularity: Granularity, zone: Tz) -> String {
    let format = match granularity {
        Granularity::FifteenMinutes => "%Y-%m-%d %H:%M:00",
        Granularity::Hour => "%Y-%m-%d %H:00:00",
        Granularity::Day | Granularity::Week => "%Y-%m-%d",
        Granularity::Month => "%Y-%m",
    };
    start.with_timezone(&zone).format(format).to_string()
}

fn starts(window: &TimeWindow, granularity: Granularity, zone: Tz) -> Vec<DateTime<Utc>> {
    let first = day_of(window.start, zone);
    let monday = first.checked_sub_days(Days::new(first.weekday().num_days_from_monday().into())).unwrap_or(first);
    match granularity {
        Granularity::FifteenMinutes => of_clock(window, zone, Duration::minutes(15)),
        Granularity::Hour => of_clock(window, zone, Duration::hours(1)),
        Granularity::Day => of_calendar(window, zone, first, next_day),
        Granularity::Week => of_calendar(window, zone, monday, |day| day.checked_add_days(Days::new(7)).unwrap_or(day)),
        Granularity::Month => of_calendar(window, zone, first.with_day(1).unwrap_or(first), |day| {
            day.checked_add_months(Months::new(1)).unwrap_or(day)
        }),
    }
}

/// Where the days begin, from `first` on.
fn of_calendar(
    window: &TimeWindow,
    zone: Tz,
    first: NaiveDate,
    next: impl Fn(NaiveDate) -> NaiveDate,
) -> Vec<DateTime<Utc>> {
    let mut days = std::iter::successors(Some(first), |day| Some(next(*day)));
    let mut starts = Vec::new();
    while let Some(start) = days.next().map(|day| start_of_day(day, zone)) {
        if start >= window.end || starts.len() == MOST_BUCKETS {
            break;
        }
        // A zone can leave out a whole day: it would begin where the next one does.
        if starts.last() != Some(&start) {
            starts.push(start);
        }
    }
    starts
}

/// Where spans of the clock begin.
fn of_clock(window: &TimeWindow, zone: Tz, span: Duration) -> Vec<DateTime<Utc>> {
    let mut starts = Vec::new();
    let mut start = span_start(window.start, zone, span);
    while start < window.end && starts.len() < MOST_BUCKETS {
        starts.push(start);
        // Clocks change where spans of theirs end, even where they change by half an hour.
        start = start - since_full(start, zone, span) + span;
    }
    starts
}

/// Seconds that the clocks of `zone` are ahead of UTC.
fn offset(instant: DateTime<Utc>, zone: Tz) -> i64 {
    instant.with_timezone(&zone).offset().fix().local_minus_utc().into()
}

/// How long the span on the clock of `zone` has gone on: some zones are not whole hours away from UTC.
fn since_full(instant: DateTime<Utc>, zone: Tz, span: Duration) -> Duration {
    Duration::seconds((instant.timestamp() + offset(instant, zone)).rem_euclid(span.num_seconds()))
}

/// Where the span on the clock of `zone` began: where it is full, or later where the clocks changed in its middle.
fn span_start(instant: DateTime<Utc>, zone: Tz, span: Duration) -> DateTime<Utc> {
    let whole = DateTime::from_timestamp(instant.timestamp(), 0).unwrap_or(instant);
    let start = whole - since_full(whole, zone, span);
    minutes(start, whole).find(|minute| offset(*minute, zone) == offset(whole, zone)).unwrap_or(whole)
}

/// Every minute from `start` on, up to `end`.
fn minutes(start: DateTime<Utc>, end: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    std::iter::successors(Some(start), |minute| Some(*minute + Duration::minutes(1)))
        .take_while(move |minute| *minute < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> TimeWindow {
        TimeWindow { start: from.parse().expect("a time"), end: to.parse().expect("a time") }
    }

    fn labels(from: &str, to: &str, granularity: Granularity, zone: Tz) -> Vec<String> {
        let buckets = buckets(&window(from, to), granularity, zone).expect("a short window");
        buckets.into_iter().map(|bucket| bucket.label).collect()
    }

    #[test]
    fn days_begin_at_local_midnight_across_clock_changes() {
        let days = labels("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", Granularity::Day, Tz::Europe__Berlin);
        assert_eq!(days, ["2026-10-24", "2026-10-25", "2026-10-26"]);
    }

    #[test]
    fn the_repeated_hour_is_two_buckets() {
        let hours = labels("2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z", Granularity::Hour, Tz::Europe__Berlin);
        assert_eq!(hours, ["2026-10-25 01:00:00", "2026-10-25 02:00:00", "2026-10-25 02:00:00", "2026-10-25 03:00:00"]);
    }

    #[test]
    fn the_missing_hour_is_no_bucket() {
        let hours = labels("2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", Granularity::Hour, Tz::Europe__Berlin);
        assert_eq!(hours, ["2026-03-29 01:00:00", "2026-03-29 03:00:00"]);
    }

    #[test]
    fn an_hour_of_which_half_is_repeated_is_two_buckets() {
        // At two o'clock the clocks go back to half past one.
        let (from, zone) = ("2026-04-04T13:30:00Z", Tz::Australia__Lord_Howe);
        let hours = labels(from, "2026-04-04T16:00:00Z", Granularity::Hour, zone);
        assert_eq!(hours, ["2026-04-05 00:00:00", "2026-04-05 01:00:00", "2026-04-05 01:00:00", "2026-04-05 02:00:00"]);
        let second = starts(&window(from, "2026-04-04T16:00:00Z"), Granularity::Hour, zone)[2];
        assert_eq!(second.to_rfc3339(), "2026-04-04T15:00:00+00:00");
    }

    #[test]
    fn hours_follow_a_half_hour_zone() {
        let window = window("2026-11-01T00:10:00Z", "2026-11-01T01:10:00Z");
        let starts = starts(&window, Granularity::Hour, Tz::Asia__Kolkata);
        assert_eq!(starts[0].to_rfc3339(), "2026-10-31T23:30:00+00:00");
        assert_eq!(starts.len(), 2);
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_on_their_first() {
        let (from, to, zone) = ("2026-02-28T12:00:00Z", "2026-04-06T12:00:00Z", Tz::Europe__Berlin);
        let weeks = labels(from, to, Granularity::Week, zone);
        assert_eq!(
            weeks,
            ["2026-02-23", "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30", "2026-04-06"]
        );
        assert_eq!(labels(from, to, Granularity::Month, zone), ["2026-02", "2026-03", "2026-04"]);
        // The clocks have gone forward in between.
        let starts = starts(&window(from, to), Granularity::Month, zone);
        assert_eq!(starts[1].to_rfc3339(), "2026-02-28T23:00:00+00:00");
        assert_eq!(starts[2].to_rfc3339(), "2026-03-31T22:00:00+00:00");
    }

    #[test]
    fn quarters_of_an_hour_follow_the_clock() {
        let quarter_hours =
            labels("2026-10-25T00:40:00Z", "2026-10-25T01:20:00Z", Granularity::FifteenMinutes, Tz::Europe__Berlin);
        assert_eq!(
            quarter_hours,
            ["2026-10-25 02:30:00", "2026-10-25 02:45:00", "2026-10-25 02:00:00", "2026-10-25 02:15:00"]
        );
        let long = window("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z");
        let refused = buckets(&long, Granularity::FifteenMinutes, Tz::UTC).expect_err("too many");
        assert_eq!(refused.parameter, "granularity");
    }

    #[test]
    fn a_day_that_a_zone_left_out_is_no_bucket() {
        let days = labels("2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z", Granularity::Day, Tz::Pacific__Apia);
        assert_eq!(days, ["2011-12-29", "2011-12-31", "2012-01-01"]);
    }
}
