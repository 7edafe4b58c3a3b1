//! Log lines as JSON, the lines of requests as records of CloudWatch's embedded metric format as well.
//!
//! CloudWatch makes metrics of such lines by itself, so that a function neither calls an API nor waits for one.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The target of the one event a request.
pub(super) const REQUEST_TARGET: &str = "traceability::request";
const NAMESPACE: &str = "LLMTraceability";

/// Writes events as JSON objects.
pub(super) struct JsonLines {
    pub(super) service: String,
    pub(super) metrics: bool,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let now = Utc::now();
        let metadata = event.metadata();
        let mut line = Line::default();
        line.set("timestamp", now.to_rfc3339_opts(SecondsFormat::Millis, true));
        line.set("level", metadata.level().as_str());
        line.set("service", self.service.as_str());
        event.record(&mut line);
        if metadata.target() == REQUEST_TARGET && self.metrics {
            let faults = line.0.get("status").and_then(Value::as_u64).is_some_and(|status| status >= 500);
            line.set("faults", u8::from(faults));
            line.set("_aws", metrics(now.timestamp_millis()));
        }
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

/// Which of a line's fields are metrics, by route and in sum.
fn metrics(timestamp_ms: i64) -> Value {
    json!({
        "Timestamp": timestamp_ms,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": [["service", "route"]],
            "Metrics": [
                {"Name": "latency_ms", "Unit": "Milliseconds"},
                {"Name": "db_ms", "Unit": "Milliseconds"},
                {"Name": "faults", "Unit": "Count"},
            ],
        }],
    })
}

#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}
