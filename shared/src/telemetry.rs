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

/// Starts logging at `RUST_LOG`, or else at `info`; `debug` adds every statement, without its values.
pub fn start(format: LogFormat, debug: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(if debug { "info,sqlx=debug,traceability=debug" } else { "info,sqlx=error" })
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    // A second start, in a test, keeps the first.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
        LogFormat::Text => builder.compact().with_writer(std::io::stderr).try_init(),
    };
    // The text of a panic may quote what it failed on.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, advice = "a fault of this service: report it", "panic");
    }));
}
