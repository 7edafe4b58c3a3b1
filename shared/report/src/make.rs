//! Making a report, from questions to the document.

use chrono::{DateTime, Utc};
use traceability_core::money::Money;
use traceability_core::scope::Scope;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_queries::Source;
use traceability_queries::analytics::Question;
use traceability_queries::reports::oldest_request;

use super::anomalies::{Subject, anomalies};
use super::breakdowns::{LookBack, MOST_READ, breakdown, looked_back_since};
use super::calendar::{BASELINE_DAYS, Daily, days_before, parts};
use super::forecast::MonthSoFar;

use super::document::{Anomalies, Breakdown, BreakdownBy, CostReport, DaySpend, Filters, FirstSeen, Share};
use super::query::ReportQuery;
use super::{budget, charges, details, totals};

/// The report.
///
/// # Errors
/// Whatever the database reports.
pub async fn cost_report(conn: &mut Connection, source: Source<'_>, query: &ReportQuery) -> sqlx::Result<CostReport> {
    let (span, filter) = (&query.span, &query.filter);
    let question = Question::new(span.window, filter.clone());
    let since = known_since(conn, source, query).await?;
    let until = span.window.end.min(query.now.max(span.window.start));
    let month = MonthSoFar::of(until, span.zone);
    let start = days_before(span.window.start, BASELINE_DAYS, span.zone).min(month.first_needed());
    let parts = parts(&TimeWindow { start, end: span.window.end }, span.zone, &[span.window.start, until]);

    let mut totals = totals::totals(conn, source, &question).await?;
    let daily = Daily::of_all(conn, source, filter, &parts).await?;
    let comparisons = totals::comparisons(conn, source, query, (&totals, since)).await?;
    let mut first_seen = FirstSeen { since: looked_back_since(query, since), ..FirstSeen::default() };
    let read: i64 = daily.figures.iter().map(|figures| figures.requests).sum();
    let back = LookBack { since, agents: !source.facts.has_stored_content() || read <= MOST_READ };
    let mut breakdowns = Vec::with_capacity(BreakdownBy::ALL.len());
    for by in BreakdownBy::ALL {
        let found = breakdown(conn, source, query, (by, &totals.spend), back).await?;
        first_seen.set(by, found.first_seen);
        totals.cached_tokens = totals.cached_tokens.or(found.cached_tokens);
        breakdowns.push(found.breakdown);
    }
    let budgets = match source.scope {
        Scope::AllRows => {
            budget::used(conn, source, &budget::budgets_about(&query.budgets, filter), &month, since).await?
        }
        // Of somebody else's spend they know nothing.
        Scope::Own(_) => Vec::new(),
    };
    let mut report = CostReport {
        label: span.label(),
        period: span.period,
        start: span.window.start,
        end: span.window.end,
        timezone: span.zone.name().to_owned(),
        filters: Filters::of(filter),
        generated_at: Some(query.now),
        data_since: since,
        days: days(&daily, &span.window),
        days_before: since.map_or_else(Vec::new, |since| {
            let start = days_before(span.window.start, BASELINE_DAYS, span.zone).max(days_before(since, 0, span.zone));
            days(&daily, &TimeWindow { start, end: days_before(span.window.start, 0, span.zone) })
        }),
        anomalies: unusual(conn, source, query, (&daily, &breakdowns, back)).await?,
        forecast: month.forecast(&daily, since),
        sessions: details::sessions(conn, source, query).await?,
        quality: details::quality(conn, source, &question, totals.requests).await?,
        charges: Vec::new(),
        totals,
        comparisons,
        breakdowns,
        first_seen,
        budgets,
    };
    if query.charges {
        report.charges = charges::charges(conn, source, &question, &daily, &span.window).await?;
    }
    Ok(report)
}

/// The first request that matters to the report.
async fn known_since(
    conn: &mut Connection,
    source: Source<'_>,
    query: &ReportQuery,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let earliest = query.span.year_ago().window.start;
    let window =
        TimeWindow { start: days_before(earliest, budget::COVERAGE_DAYS, query.span.zone), end: query.span.window.end };
    oldest_request(conn, source, &window).await
}

/// The days of the report's time.
fn days(daily: &Daily, window: &TimeWindow) -> Vec<DaySpend> {
    let mut days: Vec<DaySpend> = Vec::new();
    for (part, figures) in daily.within(window) {
        let spend = Money(figures.exact_spend.clone());
        if let Some(day) = days.last_mut().filter(|last| last.day == part.day) {
            day.spend = &day.spend + &spend;
            day.requests += figures.requests;
            day.failed_requests += figures.failed_requests;
            day.total_tokens += figures.total_tokens;
        } else {
            days.push(DaySpend {
                day: part.day,
                spend,
                requests: figures.requests,
                failed_requests: figures.failed_requests,
                total_tokens: figures.total_tokens,
            });
        }
    }
    days
}

/// By what days are looked at, beside all requests.
const LOOKED_AT: [BreakdownBy; 4] = [BreakdownBy::Team, BreakdownBy::Agent, BreakdownBy::User, BreakdownBy::Model];
/// How many of each have their days looked at.
const MOST_EXPENSIVE: usize = 10;

/// The unusual days of all requests, and of the most expensive of each kind.
async fn unusual(
    conn: &mut Connection,
    source: Source<'_>,
    query: &ReportQuery,
    (all, breakdowns, back): (&Daily, &[Breakdown], LookBack),
) -> sqlx::Result<Anomalies> {
    let (window, zone) = (query.span.window, query.span.zone);
    let start = days_before(window.start, BASELINE_DAYS, zone);
    let parts = parts(&TimeWindow { start, end: window.end }, zone, &[window.start]);
    let mut each: Vec<(BreakdownBy, &Share, Daily)> = Vec::new();
    for breakdown in breakdowns.iter().filter(|one| LOOKED_AT.contains(&one.by) && back.is_for(one.by)) {
        let named = breakdown.rows.iter().filter(|row| row.id.is_some()).take(MOST_EXPENSIVE);
        let ids = named.clone().filter_map(|row| row.id.clone()).collect();
        let key = (breakdown.by.dimension(), ids);
        let mut found = Daily::of_each(conn, source, &query.filter, &parts, key).await?;
        for row in named {
            if let Some(place) = found.iter().position(|(id, _)| row.id.as_ref() == Some(id)) {
                each.push((breakdown.by, row, found.swap_remove(place).1));
            }
        }
    }
    let total = Subject { by: None, id: None, label: None, daily: all };
    let some = each.iter().map(|(by, row, daily)| Subject {
        by: Some(*by),
        id: row.id.as_deref(),
        label: row.label.as_deref(),
        daily,
    });
    let subjects: Vec<Subject<'_>> = std::iter::once(total).chain(some).collect();
    let mut anomalies = anomalies(&window, zone, back.since, query.now, &subjects);
    if !back.agents {
        anomalies.method +=
            " Agents are not looked at: without an index that takes reading the metadata of too many requests.";
    }
    Ok(anomalies)
}
