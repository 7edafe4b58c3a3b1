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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::telemetry::{Answered, log_request};

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("the output").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(metrics: bool, events: impl FnOnce()) -> Vec<Value> {
        let output = Output::default();
        let writer = output.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLines { service: "stack-sessions".into(), metrics })
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, events);
        let text = String::from_utf8(output.0.lock().expect("the output").clone()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    fn request(status: u16) {
        log_request(&Answered {
            method: "GET",
            route: "/api/v1/requests/{request_id}",
            status: http::StatusCode::from_u16(status).expect("a status"),
            latency: std::time::Duration::from_micros(12_345),
            database: std::time::Duration::from_micros(2_500),
            rows: 3,
            request_id: "abc",
        });
    }

    #[test]
    fn a_request_is_a_record_of_metrics() {
        let lines = lines(true, || {
            request(200);
            request(503);
            tracing::error!(status = 503, "with \"quotes\"\nand lines");
        });
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[0]["latency_ms"], &lines[0]["db_ms"]), (&json!(12.345), &json!(2.5)));
        assert_eq!((&lines[0]["faults"], &lines[1]["faults"]), (&json!(0), &json!(1)));
        for line in &lines[..2] {
            let record = &line["_aws"]["CloudWatchMetrics"][0];
            assert!(line["_aws"]["Timestamp"].is_i64() && record["Namespace"] == NAMESPACE, "{line}");
            // What a record names has to be in the line itself.
            for name in record["Dimensions"][0].as_array().expect("dimensions") {
                assert!(line[name.as_str().expect("a name")].is_string(), "{name}: {line}");
            }
            for metric in record["Metrics"].as_array().expect("metrics") {
                assert!(line[metric["Name"].as_str().expect("a name")].is_number(), "{metric}: {line}");
            }
        }
        assert!(lines[2].get("_aws").is_none() && lines[2]["level"] == "ERROR", "{}", lines[2]);
        assert_eq!(lines[2]["message"], "with \"quotes\"\nand lines");
    }

    #[test]
    fn without_metrics_a_request_is_a_line() {
        let lines = lines(false, || request(200));
        assert!(lines[0].get("_aws").is_none() && lines[0]["message"] == "request", "{}", lines[0]);
    }
}
