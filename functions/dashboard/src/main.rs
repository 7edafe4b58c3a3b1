//! The Lambda entry of the dashboard function.

use std::process::ExitCode;

use dashboard::Dashboard;

#[tokio::main]
async fn main() -> ExitCode {
    traceability_http::lambda::run_files(|environment| {
        Dashboard::from_environment(environment).map(|dashboard| dashboard::router(&dashboard))
    })
    .await
}
