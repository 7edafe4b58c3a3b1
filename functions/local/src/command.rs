//! What the runner does, by its command line and its environment.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use clap::{Parser, Subcommand};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;
use traceability::api::{ApiResult, AppState};
use traceability::config::{DatabaseConfig, Environment};
use traceability::queries::Source;
use traceability::queries::filter::{RequestFilter, TimeWindow};
use traceability::queries::sessions::{self, SessionSearch, SessionSort, TotalsFilter};
use traceability::telemetry::{self, LogFormat};

use crate::api;
use crate::embedded::{DEFAULT_FOLDER, Embedded};
use crate::generate::{Generation, generate, progress_bar};
use crate::sample::{self, Prepared};
use crate::server::Server;
use crate::settings::Settings;

/// Serve the LLM Traceability API on this machine.
///
/// With `DATABASE_URL` set, it serves that LiteLLM database and writes nothing to it. Without, it serves an embedded
/// PostgreSQL with rows that LiteLLM itself wrote. Settings come from the environment or from a file `.env`.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Command {
    /// Have this many generated rows beside the sample, of the same shapes (embedded database only).
    #[arg(long, value_name = "N", default_value_t = 0)]
    rows: u64,

    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Print the API document (OpenAPI 3.1).
    Openapi,
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// With a sentence for the person at the terminal.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        if matches!(self.other, Some(Other::Openapi)) {
            print!("{}", api::document()?);
            return Ok(());
        }
        let environment = Environment::of_process();
        let settings = Settings::from_environment(&environment)?;
        telemetry::start(LogFormat::Text, &environment);
        if environment.get("DATABASE_URL").is_some() {
            if self.rows > 0 {
                return Err("--rows writes rows, which is for the embedded database only: unset DATABASE_URL".into());
            }
            let state = AppState::new(&DatabaseConfig::from_environment(&environment)?)?;
            return serve(&settings, state).await;
        }
        let embedded = self.prepare().await?;
        let mut config = DatabaseConfig::with_url(embedded.url().to_owned(), &environment)?;
        // The embedded server has one connection to give, and no way to end a statement: requests queue for it.
        config.max_connections = 1;
        config.acquire_timeout = Duration::from_secs(30);
        let mut state = AppState::new(&config)?;
        state.deadline = Duration::from_mins(1);
        serve(&settings, state).await
    }

    /// Starts the embedded database and fills it.
    async fn prepare(&self) -> Result<Embedded, Box<dyn Error>> {
        eprintln!("Starting the embedded PostgreSQL in {DEFAULT_FOLDER} …");
        let embedded = Embedded::start(Path::new(DEFAULT_FOLDER)).await?;
        let mut conn = PgConnection::connect(embedded.url()).await?;
        match sample::prepare(&mut conn, Utc::now()).await? {
            Prepared::Loaded(rows) => eprintln!("Loaded LiteLLM's tables with {rows} sample rows."),
            Prepared::Moved(_) => eprintln!("Moved the sample rows' times up to now."),
            Prepared::Recent => {}
        }
        if self.rows > 0 {
            let progress = progress_bar();
            let added = generate(&mut conn, &Generation::new(self.rows, Utc::now()), &progress).await?;
            progress.finish_and_clear();
            eprintln!("Generated {added} further rows.");
        }
        // The only connection must be free for the server.
        conn.close().await?;
        Ok(embedded)
    }
}

async fn serve(settings: &Settings, state: AppState) -> Result<(), Box<dyn Error>> {
    let database = state.db.clone();
    let server = Server::bind(settings, state.clone()).await.map_err(|error| {
        format!("cannot listen on {} ({error}): stop what does, or set API_PORT to another port", settings.address)
    })?;
    let address = server.address()?;
    if !address.ip().is_loopback() {
        tracing::warn!("serving {address} without any login: whoever reaches it reads every prompt in the log");
    }
    greet(address, &state).await;
    server.serve(stop()).await?;
    database.close().await;
    Ok(())
}

/// Until the terminal or the service manager says so.
async fn stop() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

/// Prints where the server is, and three commands that work as they are.
async fn greet(address: SocketAddr, state: &AppState) {
    // The server starts all the same where this takes long or fails: the database may come up later.
    let session = match timeout(Duration::from_secs(2), example_session(state)).await {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => {
            error.log();
            None
        }
        Err(_) => None,
    };
    println!("\nLLM Traceability API   http://{address}");
    println!("Documentation          http://{address}/docs\n");
    println!("  curl -s 'http://{address}/api/v1/analytics/overview?days=30'");
    println!("  curl -s 'http://{address}/api/v1/sessions?limit=5'");
    if let Some(session) = session {
        let session = utf8_percent_encode(&session, SEGMENT);
        println!("  curl -s 'http://{address}/api/v1/sessions/{session}/messages'");
    } else {
        println!("  curl -s 'http://{address}/health'");
    }
    println!("\nStop with Ctrl-C.");
}

/// What a path segment keeps as it is (RFC 3986: unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A recent session with some turns, for an example.
async fn example_session(state: &AppState) -> ApiResult<Option<String>> {
    let scope = state.scope();
    let mut db = state.db.session().await?;
    let source = Source { facts: &db.facts, scope: &scope };
    let now = state.clock.now();
    let search = SessionSearch {
        window: TimeWindow { start: now - chrono::Duration::days(30), end: now },
        filter: RequestFilter::default(),
        totals: TotalsFilter { min_requests: Some(4), has_tool_calls: Some(true), ..TotalsFilter::default() },
        sort: SessionSort::Start,
        descending: true,
        as_of: now,
    };
    let found = sessions::search(&mut db.conn, source, &search, None, 1, 0).await?;
    Ok(found.into_iter().next().map(|position| position.session_id))
}
