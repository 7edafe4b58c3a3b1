//! The Lambda entry of the health function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    traceability::lambda::run(health::router()).await
}
