//! Measures the service: how long its endpoints take over a large log, and how much of that is the service's own.
//!
//! It needs a server of its own that it may fill (`tests/native-postgres.sh`) and the release build of the runner:
//!
//! ```text
//! cargo build --release -p local -p bench
//! tests/native-postgres.sh --keep /var/tmp/traceability-bench target/release/bench --rows 1000000 --markdown bench.md
//! ```
//!
//! Each endpoint is asked over HTTP, one request at a time; between any two requests the same question is put to the
//! database directly, by the same functions that the service calls. The difference is what the service costs. Then
//! each endpoint is asked by 16 connections at once, and then the summaries alone. A session of 20,000 requests is read
//! page by page (`long_session.rs`). Last, servers that ask callers who they are get the same questions in turn with one
//! that does not (`logins.rs`; `--only login` measures only that).
//!
//! With `--cold` it measures instead how a Lambda function starts (`cold/`), with `--scale` how much longer the answers
//! take over larger logs, without the index and with it (`scale/`).

mod ask;
mod budgets;
mod client;
mod cold;
mod data;
mod endpoints;
mod keys;
mod load;
mod logins;
mod long_session;
mod process;
mod report;
mod scale;
mod tables;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::data::Data;
use crate::endpoints::Endpoint;
use crate::load::Bounds;
use crate::long_session::LONG_SESSION;
use crate::process::{Login, Server, cpu_seconds};
use crate::report::{Outcome, Throughput};

/// Measure the service over a log of generated rows.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// How many generated rows the log has at least. Rows are only ever added.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How long each measurement may take, 5 if not given, or 20 with --scale; what is under way then is waited for.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// How many requests a measurement may make.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    requests: usize,
    /// Measure only that whose name contains this: of an endpoint, or `login`.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Write the report to this file, too.
    #[arg(long, value_name = "PATH")]
    markdown: Option<PathBuf>,
    /// The server to measure; if not given, the runner beside this program.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Measure how the sessions function starts, over the sample's rows, instead of all that.
    #[arg(long)]
    cold: bool,
    /// How often each process is started, with --cold.
    #[arg(long, value_name = "N", default_value_t = 50)]
    starts: usize,
    /// How many events the last process of each gets after its first, with --cold.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    warm: usize,
    /// The function to start, with --cold; if not given, the one beside this program.
    #[arg(long, value_name = "PATH")]
    function: Option<PathBuf>,
    /// A Python with awslambdaric and asyncpg, for a handler to measure beside it, with --cold.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Measure logs of these sizes instead, each without the index and with it.
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    scale: Vec<u64>,
    /// Measure only these, with --scale.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "direct,indexed")]
    mode: Vec<scale::Mode>,
    /// Build the index anew where an earlier run has left one, with --scale.
    #[arg(long)]
    reindex: bool,
    /// The program that builds the index, with --scale; if not given, the one beside this program.
    #[arg(long, value_name = "PATH")]
    indexer: Option<PathBuf>,
    /// A PostgreSQL server that this program may create a database on.
    #[arg(long, env = "TEST_DATABASE_URL", hide_env_values = true)]
    database_url: url::Url,
}

/// How long a measurement may take, if not told otherwise.
const SECONDS: u64 = 5;
/// Requests at a time, where they are many.
const CONNECTIONS: usize = 16;
/// How long the summaries alone are asked for.
const THROUGHPUT_SECONDS: u64 = 10;

/// One thread: the generator shares the machine with what it measures.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = if arguments.cold {
        start(&arguments).await
    } else if arguments.scale.is_empty() {
        run(&arguments).await
    } else {
        scale::run(&arguments).await
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: requests failed, or a budget does not hold; see the report");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures how a function starts. Nothing may fail in this.
async fn start(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    report(arguments, &cold::run(arguments).await?)?;
    Ok(true)
}

fn report(arguments: &Arguments, text: &str) -> std::io::Result<()> {
    println!("\n{text}");
    arguments.markdown.as_ref().map_or(Ok(()), |path| std::fs::write(path, text))
}

/// Measures all endpoints, and returns whether every request was answered.
async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let program = arguments.server.as_deref();
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| name.contains(only));
    let mut data = Data::prepare(&arguments.database_url, arguments.rows).await?;
    let bounds =
        Bounds { time: Duration::from_secs(arguments.seconds.unwrap_or(SECONDS)), requests: arguments.requests };
    let endpoints = endpoints::all(&mut data).await?;
    let selected: Vec<&Endpoint> = endpoints.iter().filter(|endpoint| wanted(endpoint.name)).collect();
    let mut outcome = Outcome::default();
    if !selected.is_empty() {
        let server = Server::start(program, data.url(), CONNECTIONS, Login::None)?;
        let measured = measure(&mut outcome, &mut data, &server, &selected, bounds).await;
        measured.map_err(|error| server.explain(&*error))?;
    }
    if wanted(LONG_SESSION) {
        outcome.long_session = Some(long_session::measure(&arguments.database_url, program).await?);
    }
    outcome.logins = logins::measure(&mut data, program, &endpoints, bounds, wanted).await?;
    report(arguments, &tables::render(&data.facts, &outcome))?;
    Ok(outcome.failed_requests() == 0)
}

async fn measure(
    outcome: &mut Outcome,
    data: &mut Data,
    server: &Server,
    endpoints: &[&Endpoint],
    bounds: Bounds,
) -> Result<(), Box<dyn Error>> {
    let memory_at_start = server.memory()?;
    // First those alone, as long as the service has only one connection to the database open and nothing else to do.
    for endpoint in endpoints {
        eprintln!("{}, one at a time", endpoint.name);
        let alone = load::alternately(server.address(), data.connection(), &endpoint.asks, bounds).await?;
        outcome.alone.push((endpoint.name, alone));
    }
    for endpoint in endpoints {
        eprintln!("{}, {CONNECTIONS} at a time", endpoint.name);
        let together = load::together(server.address(), &endpoint.asks, CONNECTIONS, bounds).await?;
        outcome.together.push((endpoint.name, together));
    }
    if let Some(summaries) = endpoints.iter().find(|endpoint| endpoint.name == endpoints::SUMMARY) {
        eprintln!("{} alone, for {THROUGHPUT_SECONDS} s", summaries.name);
        let backends = data.backends().await?;
        let before = [server.cpu_seconds()?, cpu_seconds(&backends)?, cpu_seconds(&[std::process::id()])?];
        let bounds = Bounds { time: Duration::from_secs(THROUGHPUT_SECONDS), requests: usize::MAX };
        let measured = load::together(server.address(), &summaries.asks, CONNECTIONS, bounds).await?;
        let after = [server.cpu_seconds()?, cpu_seconds(&backends)?, cpu_seconds(&[std::process::id()])?];
        let [service, database, generator] = std::array::from_fn(|index| after[index] - before[index]);
        outcome.throughput = Some(Throughput { measured, service, database, generator });
    }
    outcome.memory = Some((memory_at_start, server.memory()?));
    Ok(())
}
