//! The Lambda entry of the health function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    traceability_http::lambda::run_uncompressed(health::router()).await
}
