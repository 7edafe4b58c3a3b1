//! The entry: a Lambda function where Lambda starts it, else a command.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    if traceability_runtime::is_on_lambda() {
        return traceability_runtime::job::run::<cost_report::CostReporter>().await;
    }
    dotenvy::dotenv().ok();
    match cost_report::Command::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
