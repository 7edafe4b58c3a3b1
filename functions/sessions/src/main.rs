//! The Lambda entry of the sessions function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    traceability::lambda::run(sessions::router()).await
}
