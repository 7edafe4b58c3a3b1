//! What the service tells of itself: a line a request, and what goes wrong. Never a prompt, a key or a query's value.

mod json;

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use traceability_core::environment::{ConfigError, Environment};
use tracing_subscriber::EnvFilter;

use json::{JsonLines, REQUEST_TARGET};

/// How the log lines look.
#[derive(Debug, Clone)]
pub enum LogFormat {
    /// One JSON object a line, for log services. A request's line is a record of CloudWatch's embedded metric format.
    Json {
        /// The function's name, which metrics are told apart by.
        service: String,
        /// `METRICS`: whether CloudWatch is to make metrics of the lines.
        metrics: bool,
    },
    /// Text on standard error, for a terminal.
    Text,
}

impl LogFormat {
    /// The format of a Lambda function. A setting that it cannot have is for [`wants_metrics`] to name, in this format.
    #[must_use]
    pub fn json(environment: &Environment) -> Self {
        Self::Json {
            service: environment.get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or("llm-traceability-api").to_owned(),
            metrics: wants_metrics(environment).unwrap_or(true),
        }
    }
}

/// `METRICS`: whether log lines are to become metrics.
///
/// # Errors
/// [`ConfigError`] for another word than `emf` and `off`.
pub fn wants_metrics(environment: &Environment) -> Result<bool, ConfigError> {
    match environment.get("METRICS") {
        None | Some("emf") => Ok(true),
        Some("off") => Ok(false),
        Some(_) => Err(ConfigError { name: "METRICS", reason: "must be emf or off".into() }),
    }
}

/// Starts logging at `RUST_LOG`, or else at the level that `LOG_LEVEL`, Lambda (`AWS_LAMBDA_LOG_LEVEL`) or `DEBUG` asks for:
/// `debug` adds every statement, without its values. Lambda drops lines below its own level, those of the audit included,
/// so that a deployment leaves that at the lowest and sets the other.
pub fn start(format: LogFormat, environment: &Environment) {
    let debug = environment.flag("DEBUG").unwrap_or_default();
    let log_level = environment.get("LOG_LEVEL").or_else(|| environment.get("AWS_LAMBDA_LOG_LEVEL"));
    let level = log_level.map_or(if debug { "debug" } else { "info" }, level);
    let statements = if matches!(level, "debug" | "trace") { "debug" } else { "error" };
    let default = format!("{level},{QUIET},sqlx={statements}");
    // What keeps libraries quiet holds under any level; who wants to hear one of them names it.
    let rust_log =
        environment.get("RUST_LOG").map(|rust_log| EnvFilter::try_new(format!("{QUIET},sqlx={statements},{rust_log}")));
    let is_wrong = matches!(rust_log, Some(Err(_)));
    let filter = rust_log.and_then(Result::ok).unwrap_or_else(|| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    // A second start, in a test, keeps the first.
    let _ = match format {
        LogFormat::Json { service, metrics } => builder.event_format(JsonLines { service, metrics }).try_init(),
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            builder.compact().with_ansi(colours).with_writer(std::io::stderr).try_init()
        }
    };
    if is_wrong {
        tracing::warn!(
            setting = "RUST_LOG",
            "RUST_LOG is no filter, such as info or traceability=debug: it is ignored"
        );
    }
    // The text of a panic may quote what it failed on.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, advice = "a fault of this service: report it", "panic");
    }));
}

/// Libraries that tell of what they carry: events with their headers and bodies, secrets.
const QUIET: &str = "aws_config=warn,aws_runtime=warn,aws_sdk_s3=warn,aws_sdk_secretsmanager=warn,\
                     aws_sdk_sesv2=warn,aws_sdk_sns=warn,aws_smithy_runtime=warn,aws_smithy_runtime_api=warn,aws_sigv4=warn,hyper=warn,hyper_util=warn,lambda_runtime=warn,h2=warn,\
                     rustls=warn";

/// Lambda's words for levels.
fn level(word: &str) -> &'static str {
    match word.to_ascii_uppercase().as_str() {
        "TRACE" => "trace",
        "DEBUG" => "debug",
        "WARN" => "warn",
        "ERROR" | "FATAL" => "error",
        _ => "info",
    }
}

/// A request that was answered.
#[derive(Debug)]
pub struct Answered<'a> {
    /// The method.
    pub method: &'a str,
    /// The route that matched, with its parameters in braces: ids are no part of it.
    pub route: &'a str,
    /// The answer's status.
    pub status: StatusCode,
    /// From the request's arrival to its answer.
    pub latency: Duration,
    /// How much of that was spent waiting for the database.
    pub database: Duration,
    /// How many rows the database returned for it.
    pub rows: u64,
    /// The request's id, which the client has, too.
    pub request_id: &'a str,
}

/// Writes the line of a request.
pub fn log_request(answered: &Answered<'_>) {
    static COLD: AtomicBool = AtomicBool::new(true);
    let ms = |time: Duration| (time.as_secs_f64() * 1_000_000.0).round() / 1000.0;
    tracing::info!(
        target: REQUEST_TARGET,
        method = answered.method,
        route = answered.route,
        status = answered.status.as_u16(),
        latency_ms = ms(answered.latency),
        db_ms = ms(answered.database),
        rows = answered.rows,
        request_id = answered.request_id,
        cold_start = COLD.swap(false, Ordering::Relaxed),
        "request"
    );
}
