//! A cost report, and its amounts.

use serde_json::Value;

use super::log::path;
use super::{Filter, Money};
use crate::App;

/// A report.
pub async fn report(app: &App, filter: &Filter, more: &[(&str, &str)]) -> Value {
    let mut parameters: Vec<(&str, String)> = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    parameters.extend(filter.parameters());
    app.get(&path("/api/v1/reports/cost", &parameters)).await.ok()
}

/// An exact amount.
pub fn money(value: &Value) -> Money {
    Money::parse(value.as_str().expect("an amount is a text"))
}
