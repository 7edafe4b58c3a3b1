//! The Lambda entry of the reports function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    traceability_http::lambda::run(reports::router()).await
}
