//! The Lambda entry of the requests function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    traceability_http::lambda::run(requests::router()).await
}
