//! Logging to standard output or, for people, to the terminal.

use tracing_subscriber::EnvFilter;

/// How the log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for log services.
    Json,
    /// Text on standard error, for a terminal.
    Text,
}

/// Starts logging at `RUST_LOG`, or else at `default_level` for this project and `warn` for its libraries.
pub fn start(format: LogFormat, default_level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        // sqlx logs the text of slow statements; a statement is ours, but its log line is not worth a terminal.
        EnvFilter::new(format!("warn,sqlx=error,traceability={default_level},local={default_level}"))
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    // A second start, in a test, keeps the first.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
        LogFormat::Text => builder.compact().with_writer(std::io::stderr).try_init(),
    };
}
