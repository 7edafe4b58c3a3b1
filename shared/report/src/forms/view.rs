//! What people are shown of a report: its figures as texts.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use traceability_core::money::{Money, thousands};
use traceability_core::scalar::Origin;

use super::amounts::{apportion, decimals};
use super::chart::Chart;
use super::text::name;
use crate::{Against, Breakdown, Comparison, CostReport, Coverage, FirstSeenGroup, RequestsOfOrigin, Totals};

/// All of it. Texts of others in it are names, see [`name`], and are escaped by the templates.
#[derive(Serialize)]
pub(super) struct View {
    pub(super) label: String,
    pub(super) span: String,
    pub(super) timezone: String,
    pub(super) filters: Vec<[String; 2]>,
    pub(super) generated: Option<String>,
    pub(super) spend: String,
    pub(super) change: Option<String>,
    pub(super) figures: Vec<Figure>,
    pub(super) unknown: Vec<String>,
    pub(super) chart: Option<Chart>,
    pub(super) days_before: usize,
    pub(super) forecast: ForecastText,
    pub(super) budgets: Vec<Budget>,
    pub(super) anomalies: Vec<String>,
    pub(super) anomalies_method: String,
    pub(super) breakdowns: Vec<Table>,
    pub(super) sessions: Vec<Session>,
    pub(super) new: Vec<New>,
    pub(super) new_since: Option<String>,
    pub(super) quality: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Figure {
    name: &'static str,
    value: String,
    others: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ForecastText {
    month: String,
    spent: String,
    expected: Option<String>,
    low: String,
    high: String,
    is_over: bool,
    method: String,
}

#[derive(Serialize)]
pub(super) struct Budget {
    name: String,
    amount: String,
    spent: String,
    used: String,
    width: String,
    level: &'static str,
    projected: String,
    overrun: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Table {
    by: String,
    total: String,
    requests: String,
    /// Whether it is known what the rows cost before.
    has_previous: bool,
    rows: Vec<Row>,
}

#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    id: Option<String>,
    is_other: bool,
    spend: String,
    before: Option<String>,
    percent: String,
    width: String,
    requests: String,
}

#[derive(Serialize)]
pub(super) struct Session {
    id: String,
    link: Option<String>,
    agent: String,
    user: String,
    start: String,
    spend: String,
    requests: String,
}

#[derive(Serialize)]
pub(super) struct New {
    kind: &'static str,
    /// None where they are not looked for.
    names: Option<Vec<[String; 2]>>,
}

const NOT_KNOWN: &str = "not known";

impl View {
    pub(super) fn of(report: &CostReport) -> Self {
        let zone = report.timezone.parse().unwrap_or(Tz::UTC);
        let scale = decimals(&report.totals.spend);
        let others = others(report);
        let whole = others.iter().find(|one| one.against == Against::Previous);
        let change = whole.and_then(|one| {
            let change = percent_text(one.spend_change_percent?);
            Some(format!("{change} against {} ({})", one.label, one.totals.as_ref()?.spend.with_decimals(scale)))
        });
        Self {
            label: report.label.clone(),
            span: span_text(report, zone),
            timezone: report.timezone.clone(),
            filters: filters(report),
            generated: report.generated_at.map(|instant| time(instant, zone)),
            spend: report.totals.spend.with_decimals(scale),
            change,
            figures: figures(&report.totals, &others, scale),
            unknown: unknown(report, zone),
            chart: Chart::of(report),
            days_before: report.days_before.len(),
            forecast: forecast(report, scale),
            budgets: report.budgets.iter().map(budget).collect(),
            anomalies: report.anomalies.found.iter().map(|one| long_name(&one.text)).collect(),
            anomalies_method: report.anomalies.method.clone(),
            breakdowns: report.breakdowns.iter().map(|one| table(one, report, scale)).collect(),
            sessions: sessions(report, zone),
            new: new(report),
            new_since: report.first_seen.since.map(|since| since.with_timezone(&zone).format("%Y-%m-%d").to_string()),
            quality: quality(report),
        }
    }
}

/// A sentence with a name in it.
fn long_name(text: &str) -> String {
    text.split(' ').map(name).collect::<Vec<_>>().join(" ")
}

fn number(number: i64) -> String {
    thousands(&number.to_string())
}

fn percent_text(percent: f64) -> String {
    format!("{percent:+.1} %").replace('-', "−")
}

fn time(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// From when to when, the last day included where it is whole.
fn span_text(report: &CostReport, zone: Tz) -> String {
    let window = traceability_core::time::TimeWindow { start: report.start, end: report.end };
    let span = crate::Span { period: report.period, window, zone };
    match span.whole_days() {
        Some((first, end)) => {
            let last = end.pred_opt().unwrap_or(first);
            let (first, last) = (first.format("%-d %B %Y").to_string(), last.format("%-d %B %Y").to_string());
            if first == last { first } else { format!("{first} to {last}") }
        }
        None => format!("{} to {}", time(report.start, zone), time(report.end, zone)),
    }
}

fn filters(report: &CostReport) -> Vec<[String; 2]> {
    let filters = &report.filters;
    let all = [
        ("team", &filters.team_id),
        ("agent", &filters.agent_name),
        ("user", &filters.user_id),
        ("model", &filters.model),
    ];
    let named = all.into_iter().filter_map(|(kind, value)| Some([kind.to_owned(), name(value.as_ref()?)]));
    named.chain(filters.origin.map(|origin| ["origin".to_owned(), origin.as_str().to_owned()])).collect()
}

/// The comparisons, each time once: of a month, the one before is the one a month ago.
fn others(report: &CostReport) -> Vec<&Comparison> {
    let mut others: Vec<&Comparison> = Vec::new();
    for one in &report.comparisons {
        if others.iter().all(|other| (other.start, other.end) != (one.start, one.end)) {
            others.push(one);
        }
    }
    others
}

fn unknown(report: &CostReport, zone: Tz) -> Vec<String> {
    let since = report
        .data_since
        .map_or_else(|| "it is empty".to_owned(), |since| format!("it begins at {}", time(since, zone)));
    let text = |one: &&Comparison| match one.coverage {
        Coverage::Whole => None,
        Coverage::Partly => Some(format!("Of {} the log has a part only: {since}.", one.label)),
        Coverage::Unknown => Some(format!("{} is not known: the log does not reach back so far ({since}).", one.label)),
    };
    others(report).iter().filter_map(text).collect()
}

type Value = fn(&Totals) -> Option<f64>;
type Text = fn(&Totals, i64) -> String;

/// A count below 2^53.
#[expect(clippy::cast_precision_loss, reason = "for a percentage with one decimal")]
const fn as_f64(count: i64) -> f64 {
    count as f64
}

/// The figures with their names, as numbers to compare, and as texts.
const FIGURES: [(&str, Value, Text); 10] = [
    ("Spend", |t| Some(t.spend.as_f64()), |t, scale| t.spend.with_decimals(scale)),
    ("Requests", |t| Some(as_f64(t.requests)), |t, _| number(t.requests)),
    ("Sessions", |t| Some(as_f64(t.sessions)), |t, _| number(t.sessions)),
    ("Failed requests", |t| Some(as_f64(t.failed_requests)), |t, _| number(t.failed_requests)),
    ("Tokens", |t| Some(as_f64(t.total_tokens)), |t, _| number(t.total_tokens)),
    ("– of prompts", |t| Some(as_f64(t.prompt_tokens)), |t, _| number(t.prompt_tokens)),
    ("– of completions", |t| Some(as_f64(t.completion_tokens)), |t, _| number(t.completion_tokens)),
    (
        "– read from providers' caches",
        |t| t.cached_tokens.map(as_f64),
        |t, _| t.cached_tokens.map_or_else(|| NOT_KNOWN.into(), number),
    ),
    ("Answered from LiteLLM's cache", |t| Some(as_f64(t.cache_hits)), |t, _| number(t.cache_hits)),
    (
        "– saved by that, estimated",
        |t| t.cache_savings.as_ref().map(Money::as_f64),
        |t, scale| t.cache_savings.as_ref().map_or_else(|| NOT_KNOWN.into(), |saved| saved.with_decimals(scale)),
    ),
];

fn figures(totals: &Totals, others: &[&Comparison], scale: i64) -> Vec<Figure> {
    let figure = |(name, value, text): (&'static str, Value, Text)| {
        let other = |one: &&Comparison| {
            let before = one.totals.as_ref()?;
            let change = match (value(totals), value(before)) {
                (Some(now), Some(then)) if then != 0.0 && one.coverage == Coverage::Whole => {
                    format!(" ({})", percent_text(100.0 * (now - then) / then))
                }
                _ => String::new(),
            };
            Some(format!("{}: {}{change}", one.label, text(before, scale)))
        };
        Figure { name, value: text(totals, scale), others: others.iter().filter_map(other).collect() }
    };
    FIGURES.into_iter().map(figure).collect()
}

fn forecast(report: &CostReport, scale: i64) -> ForecastText {
    let forecast = &report.forecast;
    let text = |amount: &Option<Money>| amount.as_ref().map(|amount| amount.with_decimals(scale.min(4)));
    ForecastText {
        month: forecast.month.clone(),
        spent: forecast.spent.with_decimals(scale.min(4)),
        expected: text(&forecast.expected),
        low: text(&forecast.low).unwrap_or_default(),
        high: text(&forecast.high).unwrap_or_default(),
        is_over: forecast.low == forecast.high && forecast.expected.as_ref() == Some(&forecast.spent),
        method: forecast.method.clone(),
    }
}

fn budget(used: &crate::BudgetUse) -> Budget {
    let kind = match used.of {
        crate::BudgetOf::Total => "All",
        crate::BudgetOf::Team => "Team",
        crate::BudgetOf::Agent => "Agent",
        crate::BudgetOf::User => "User",
    };
    let id = used.label.as_ref().or(used.id.as_ref()).map(|id| format!(" {}", name(id))).unwrap_or_default();
    Budget {
        name: format!("{kind}{id}, {}", used.month),
        amount: used.amount.shown(),
        spent: used.spent.shown(),
        used: format!("{:.1} %", used.used_percent),
        width: format!("{:.0}", used.used_percent.clamp(0.0, 100.0)),
        level: match used.used_percent {
            percent if percent >= 100.0 => "over",
            percent if percent >= 80.0 => "near",
            _ => "within",
        },
        projected: used.projected.as_ref().map_or_else(|| NOT_KNOWN.into(), Money::shown),
        overrun: used.projected_overrun.as_ref().filter(|overrun| !overrun.is_zero()).map(Money::shown),
    }
}

fn table(breakdown: &Breakdown, report: &CostReport, scale: i64) -> Table {
    let spends: Vec<&Money> = breakdown.rows.iter().map(|row| &row.spend).collect();
    let shown = apportion(&spends, scale);
    let rows = breakdown.rows.iter().zip(shown).map(|(row, spend)| {
        let label = row.label.as_deref().or(row.id.as_deref()).map(name);
        Row {
            name: label.unwrap_or_else(|| "all others".into()),
            // The id tells apart what has the same name.
            id: row
                .label
                .as_ref()
                .and(row.id.as_ref())
                .map(|id| id.chars().take(24).collect::<String>())
                .map(|id| name(&id)),
            is_other: row.id.is_none(),
            spend: spend.with_decimals(scale),
            before: row.previous_spend.as_ref().map(|before| before.with_decimals(scale)),
            percent: format!("{:.1}", row.percent),
            width: format!("{:.0}", row.percent.clamp(0.0, 100.0)),
            requests: number(row.requests),
        }
    });
    Table {
        by: breakdown.by.noun().to_owned(),
        total: report.totals.spend.with_decimals(scale),
        requests: number(report.totals.requests),
        has_previous: breakdown.rows.iter().any(|row| row.previous_spend.is_some()),
        rows: rows.collect(),
    }
}

fn sessions(report: &CostReport, zone: Tz) -> Vec<Session> {
    let session = |session: &crate::ExpensiveSession| Session {
        id: name(&session.session_id),
        link: session.link.clone(),
        agent: name(&session.agent_name),
        user: name(&session.user_id),
        start: time(session.session_start, zone),
        spend: session.spend.shown(),
        requests: number(session.requests),
    };
    report.sessions.iter().map(session).collect()
}

fn new(report: &CostReport) -> Vec<New> {
    let seen = &report.first_seen;
    let kinds = [("models", Some(&seen.models)), ("agents", seen.agents.as_ref()), ("users", Some(&seen.users))];
    let named = |groups: &Vec<FirstSeenGroup>| groups.iter().map(|one| [name(&one.id), one.spend.shown()]).collect();
    kinds.into_iter().map(|(kind, groups)| New { kind, names: groups.map(named) }).collect()
}

fn quality(report: &CostReport) -> Vec<String> {
    let quality = &report.quality;
    let (Some(requests), Some(tokens), Some(models), Some(without)) = (
        quality.unpriced_requests,
        quality.unpriced_tokens,
        &quality.unpriced_models,
        quality.requests_without_session,
    ) else {
        return vec!["Not looked at: there are too many requests to look at each one.".into()];
    };
    let models = models.iter().map(|model| {
        format!("{} ({} requests, {} tokens)", name(&model.model), number(model.requests), number(model.total_tokens))
    });
    let models: Vec<String> = models.collect();
    let unbilled = match (quality.requests_with_lost_cost, &quality.lost_cost) {
        (Some(requests), Some(cost)) => format!(
            "Requests without spend whose cost_breakdown has a cost: {} ({}, in no other figure).",
            number(requests),
            cost.shown()
        ),
        _ => "Whether requests without spend have a cost in cost_breakdown is not known: the index has no copy of it."
            .into(),
    };
    let mut texts = vec![
        format!("Answered requests with tokens that cost nothing: {} ({} tokens).", number(requests), number(tokens)),
        format!("Models without a price: {}.", if models.is_empty() { "none".into() } else { models.join(", ") }),
        format!("Requests without a session of their caller's: {}.", number(without)),
        unbilled,
    ];
    texts
        .extend(quality.flags.iter().flatten().map(|flag| format!("{}: {}.", flag.description, number(flag.requests))));
    texts.push(match &quality.origins {
        Some(origins) => {
            let part = |one: &RequestsOfOrigin| {
                format!("{} {} ({})", number(one.requests), origin_name(one.origin), one.cost.shown())
            };
            format!("Requests by origin: {}.", origins.iter().map(part).collect::<Vec<_>>().join(", "))
        }
        None => {
            "Requests by origin are not counted: without an index that takes reading the metadata of too many.".into()
        }
    });
    texts
}

const fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::User => "of callers",
        Origin::Internal => "by LiteLLM itself",
        Origin::Read => "that only read",
        Origin::Unknown => "unknown",
    }
}
