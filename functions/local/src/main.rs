//! The local runner's command line.

use std::process::ExitCode;

use clap::Parser;
use local::command::Command;

#[tokio::main]
async fn main() -> ExitCode {
    // Before anything reads the environment: what stands there already wins over the file.
    let _ = dotenvy::dotenv();
    match Command::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
