//! The Lambda entry of the analytics function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    traceability_http::lambda::run(analytics::router()).await
}
