//! The local runner's command line.

use std::process::ExitCode;

use clap::Parser;
use local::command::Command;

#[tokio::main]
async fn main() -> ExitCode {
    // Before anything reads the environment: what stands there already wins over the file.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        // Its text could quote the file, and with it a password.
        eprintln!("error: the file .env cannot be read: quote values that contain spaces or special characters");
        return ExitCode::FAILURE;
    }
    match Command::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
