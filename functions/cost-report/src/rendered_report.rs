//! A report as it is sent: made once, and the same for everybody who gets it, in whichever run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::money::{Money, thousands};
use traceability_report::{
    Against, BreakdownBy, CostReport, Coverage, Filters, Form, Period, RenderError, Share, Span, render,
};

/// All forms of a report, and what is said of it in a line or a few.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedReport {
    /// Whose figures it has.
    pub filters: Filters,
    /// The subject of a mail.
    pub title: String,
    /// What matters most.
    pub lines: Vec<String>,
    files: Vec<File>,
}

/// A form of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// `report.html`, for example.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub text: String,
}

impl RenderedReport {
    /// The forms of a report.
    ///
    /// # Errors
    /// [`RenderError`] where one cannot be written.
    pub fn of(report: &CostReport) -> Result<Self, RenderError> {
        let file = |form: Form| {
            let text = render(report, form)?;
            Ok(File { name: name(form), media_type: form.content_type().to_owned(), text })
        };
        let files = Form::ALL.into_iter().map(file).collect::<Result<_, RenderError>>()?;
        Ok(Self { filters: report.filters.clone(), title: title(report), lines: lines(report), files })
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The text of a form.
    #[must_use]
    pub fn form(&self, form: Form) -> Option<&str> {
        self.files.iter().find(|file| file.name == name(form)).map(|file| file.text.as_str())
    }
}

/// The name of a form's file.
#[must_use]
pub fn name(form: Form) -> String {
    format!("report.{}", form.extension())
}

/// The folder of a time: the same for the same time, whenever it is asked for.
#[must_use]
pub fn folder(span: &Span) -> String {
    let period = span.period.map_or("window", |period| match period {
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
    });
    let instant = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%S%.fZ").to_string();
    let (from, to) = span.whole_days().map_or_else(
        || (instant(span.window.start), instant(span.window.end)),
        |(first, end)| (first.to_string(), end.to_string()),
    );
    // The same days are another time in another zone.
    format!("reports/{period}/{from}_{to}/{}", span.zone.name().replace('/', "-"))
}

fn title(report: &CostReport) -> String {
    let whose = whose(report).map(|whose| format!(" of {whose}")).unwrap_or_default();
    format!("LLM cost{whose}, {}: {}", report.label, report.totals.spend.shown())
}

fn whose(report: &CostReport) -> Option<String> {
    let filters = &report.filters;
    let parts = [
        ("team", &filters.team_id),
        ("agent", &filters.agent_name),
        ("user", &filters.user_id),
        ("model", &filters.model),
    ];
    let parts: Vec<_> = parts.into_iter().filter_map(|(word, id)| Some(format!("{word} {}", id.as_deref()?))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Not more than fits on the screen of a telephone.
fn lines(report: &CostReport) -> Vec<String> {
    let totals = &report.totals;
    let mut lines = vec![format!(
        "{} for {} requests with {} tokens in {} sessions; {} failed",
        totals.spend.shown(),
        grouped(totals.requests),
        grouped(totals.total_tokens),
        grouped(totals.sessions),
        grouped(totals.failed_requests)
    )];
    for comparison in &report.comparisons {
        let Some(change) = comparison.spend_change_percent.filter(|_| comparison.coverage == Coverage::Whole) else {
            continue;
        };
        let against = match comparison.against {
            Against::Previous => "the period before",
            Against::MonthAgo => "a month ago",
            Against::YearAgo => "a year ago",
        };
        let before = comparison.totals.as_ref().map(|totals| totals.spend.shown()).unwrap_or_default();
        lines.push(format!("{change:+.1} % against {against} ({}: {before})", comparison.label));
    }
    for by in [BreakdownBy::Team, BreakdownBy::Agent, BreakdownBy::Model] {
        let breakdown = report.breakdowns.iter().find(|breakdown| breakdown.by == by);
        let word = match by {
            BreakdownBy::Team => "Teams",
            BreakdownBy::Agent => "Agents",
            _ => "Models",
        };
        let most_expensive: Vec<_> =
            breakdown.into_iter().flat_map(|it| &it.rows).filter(|row| row.id.is_some()).take(3).map(share).collect();
        if !most_expensive.is_empty() {
            lines.push(format!("{word}: {}", most_expensive.join(", ")));
        }
    }
    lines.extend(report.anomalies.found.iter().take(3).map(|anomaly| format!("Unusual: {}", anomaly.text)));
    let forecast = &report.forecast;
    if let (Some(expected), Some(low), Some(high)) = (&forecast.expected, &forecast.low, &forecast.high) {
        let [expected, low, high] = [expected, low, high].map(Money::shown);
        lines.push(format!("{} will end at about {expected} ({low} to {high})", forecast.month));
    }
    for used in &report.budgets {
        lines.push(crate::budgets::sentence(used));
    }
    lines
}

fn share(row: &Share) -> String {
    let name = row.label.as_deref().or(row.id.as_deref()).unwrap_or_default();
    format!("{name} {}", row.spend.shown())
}

/// A number with its thousands apart.
fn grouped(number: i64) -> String {
    thousands(&number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use traceability_core::time::TimeWindow;
    use traceability_report::Period;

    #[test]
    fn thousands_are_apart() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn a_time_has_one_folder() {
        let now = "2026-11-25T06:00:00Z".parse().expect("a time");
        let berlin: chrono_tz::Tz = "Europe/Berlin".parse().expect("a zone");
        let week = Span::last(Period::Week, berlin, now);
        assert_eq!(folder(&week), "reports/week/2026-11-16_2026-11-23/Europe-Berlin");
        assert_eq!(folder(&Span::between(week.window, berlin)), folder(&week));
        let utc = Span::last(Period::Week, chrono_tz::UTC, now);
        assert_eq!(folder(&utc), "reports/week/2026-11-16_2026-11-23/UTC");
        let window = TimeWindow { start: now, end: now + chrono::Duration::minutes(90) };
        let span = Span::between(window, chrono_tz::UTC);
        assert_eq!(folder(&span), "reports/window/20261125T060000Z_20261125T073000Z/UTC");
    }
}
