//! The rows themselves, as JSON: what the tests compute their own answers from, without SQL.

use chrono::{DateTime, NaiveDateTime, Utc};
use local::fixtures::Release;
use serde_json::Value;

/// The rows of a table of a release, as LiteLLM wrote them.
#[must_use]
pub fn of_table(release: Release, table: &str) -> Vec<Value> {
    let table = release.tables().iter().find(|candidate| candidate.name == table).expect("the release has the table");
    let lines = table.rows().expect("the fixture is readable");
    lines.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
}

/// The log of a release.
#[must_use]
pub fn log(release: Release) -> Vec<Value> {
    of_table(release, "LiteLLM_SpendLogs")
}

/// A column's text; absent, null and empty are the same: none.
#[must_use]
pub fn text<'a>(row: &'a Value, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The key of a row's session.
#[must_use]
pub fn session(row: &Value) -> &str {
    text(row, "session_id").or_else(|| text(row, "request_id")).expect("a row has an id")
}

/// A timestamp column, which is in UTC.
#[must_use]
pub fn time(row: &Value, column: &str) -> DateTime<Utc> {
    let text = row[column].as_str().expect("a timestamp");
    text.parse::<NaiveDateTime>().expect("a timestamp").and_utc()
}
