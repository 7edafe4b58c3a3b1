//! The Lambda entry of the sessions function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    traceability_http::lambda::run(sessions::router()).await
}
