//! The report as one table: a line for the total, for each day, and for each row of each breakdown.

use traceability_core::money::Money;

use super::RenderError;
use super::text::cell;
use crate::{Against, CostReport, Coverage, Share};

const COLUMNS: [&str; 13] = [
    "period",
    "start",
    "end",
    "timezone",
    "dimension",
    "id",
    "label",
    "spend_usd",
    "percent",
    "requests",
    "failed_requests",
    "total_tokens",
    "previous_spend_usd",
];

/// What `dimension` says of all other values as one; their `id` is empty.
const OTHERS: &str = "all others";

pub(super) fn render(report: &CostReport) -> Result<String, RenderError> {
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    lines.write_record(COLUMNS)?;
    let line = |dimension: &str, id: &str, label: &str, figures: [String; 6]| {
        let [spend, percent, requests, failed, tokens, previous] = figures;
        let [start, end] =
            [report.start, report.end].map(|edge| edge.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
        [
            report.label.clone(),
            start,
            end,
            report.timezone.clone(),
            dimension.to_owned(),
            cell(id),
            cell(label),
            spend,
            percent,
            requests,
            failed,
            tokens,
            previous,
        ]
    };
    let totals = &report.totals;
    let whole =
        report.comparisons.iter().find(|one| one.against == Against::Previous && one.coverage == Coverage::Whole);
    let previous = whole.and_then(|one| one.totals.as_ref()).map(|totals| totals.spend.to_string());
    let hundred = if totals.spend.is_zero() { "0" } else { "100" };
    lines.write_record(line(
        "total",
        "",
        "",
        [
            totals.spend.to_string(),
            hundred.into(),
            totals.requests.to_string(),
            totals.failed_requests.to_string(),
            totals.total_tokens.to_string(),
            previous.unwrap_or_default(),
        ],
    ))?;
    for day in &report.days {
        lines.write_record(line(
            "day",
            &day.day.to_string(),
            "",
            [
                day.spend.to_string(),
                day.spend.share_of(&totals.spend).to_string(),
                day.requests.to_string(),
                day.failed_requests.to_string(),
                day.total_tokens.to_string(),
                String::new(),
            ],
        ))?;
    }
    for breakdown in &report.breakdowns {
        for row in &breakdown.rows {
            let label = if row.id.is_some() { row.label.as_deref().unwrap_or_default() } else { OTHERS };
            let dimension = breakdown.by.word();
            lines.write_record(line(dimension, row.id.as_deref().unwrap_or_default(), label, figures(row)))?;
        }
    }
    // It writes UTF-8 where it is given UTF-8.
    let bytes = lines.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn figures(row: &Share) -> [String; 6] {
    [
        row.spend.to_string(),
        row.percent.to_string(),
        row.requests.to_string(),
        row.failed_requests.to_string(),
        row.total_tokens.to_string(),
        row.previous_spend.as_ref().map(Money::to_string).unwrap_or_default(),
    ]
}
