//! The report with the columns of FOCUS 1.2, the open specification of bills: those that it demands, and those
//! of its others that a log of requests can fill.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use traceability_core::time::day_of;

use super::RenderError;
use super::text::cell;
use crate::{Charge, CostReport, Period, Span};

const COLUMNS: [&str; 36] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
];

/// What stands where a provider or a model is not known, and nothing may not stand.
const UNKNOWN: &str = "unknown";

pub(super) fn render(report: &CostReport) -> Result<String, RenderError> {
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    lines.write_record(COLUMNS)?;
    let zone = report.timezone.parse().unwrap_or(Tz::UTC);
    for charge in &report.charges {
        lines.write_record(line(charge, zone))?;
    }
    let bytes = lines.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn line(charge: &Charge, zone: Tz) -> [String; 36] {
    let month = Span::of(Period::Month, zone, day_of(charge.start, zone)).window;
    let text = |value: &Option<String>| cell(value.as_deref().unwrap_or_default());
    let or_unknown = |value: &Option<String>| cell(value.as_deref().unwrap_or(UNKNOWN));
    // LiteLLM knows one price: what it reckons the provider will bill.
    let cost = charge.spend.to_string();
    let provider = or_unknown(&charge.provider);
    let tokens = charge.total_tokens.to_string();
    let has = |value: &Option<String>, word: &str| if value.is_some() { word.to_owned() } else { String::new() };
    [
        cost.clone(),
        "litellm".into(),
        "LiteLLM".into(),
        "Proxy".into(),
        "USD".into(),
        time(month.end),
        time(month.start),
        "Usage".into(),
        String::new(),
        description(charge),
        "Usage-Based".into(),
        time(charge.end),
        time(charge.start),
        tokens.clone(),
        "Tokens".into(),
        cost.clone(),
        cost.clone(),
        provider.clone(),
        cost,
        "Standard".into(),
        tokens,
        "Tokens".into(),
        provider.clone(),
        provider,
        String::new(),
        text(&charge.key),
        text(&charge.key_label),
        has(&charge.key, "Virtual key"),
        "AI and Machine Learning".into(),
        or_unknown(&charge.model),
        "Generative AI".into(),
        text(&charge.model),
        text(&charge.team_id),
        text(&charge.team_label),
        has(&charge.team_id, "Team"),
        tags(charge),
    ]
}

fn time(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn description(charge: &Charge) -> String {
    let what = if charge.other { "All other requests of the day" } else { "Requests to a model" };
    format!("{what}: {}", charge.requests)
}

/// What a bill is divided by beside its columns, as JSON; the keys are ours.
fn tags(charge: &Charge) -> String {
    let tags = [
        ("agent", &charge.agent_name),
        ("end_user", &charge.end_user),
        ("session", &charge.session_id),
        ("user", &charge.user_id),
    ];
    let tags = tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value.clone()?))));
    Value::Object(tags.collect::<Map<_, _>>()).to_string()
}
