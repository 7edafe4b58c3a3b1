//! What the runner does, by its command line and its environment.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clap::{Parser, Subcommand};
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;
use traceability_access::{ALLOW_ANONYMOUS, Access, Exposure};
use traceability_core::environment::Environment;
use traceability_core::scope::Scope;
use traceability_core::time::TimeWindow;
use traceability_db::DbStats;
use traceability_db::config::DatabaseConfig;
use traceability_http::id::as_segment;
use traceability_http::state::Dashboard;
use traceability_http::{ApiResult, AppState};
use traceability_queries::Source;
use traceability_queries::filter::RequestFilter;
use traceability_queries::sessions;
use traceability_queries::sessions::{SessionSearch, SessionSort, TotalsFilter};
use traceability_runtime::telemetry;
use traceability_runtime::telemetry::LogFormat;

#[cfg(feature = "embedded")]
use crate::embedded::Rows;
use crate::export_command::ExportCommand;
use crate::host_guard::LocalToken;
use crate::sample::{self, Filled};
use crate::server::Server;
use crate::service_key::ServiceKey;
use crate::settings::Settings;
use crate::{api, healthcheck};

/// Serve the LLM Traceability API on this machine.
///
/// With `DATABASE_URL` set, it serves that LiteLLM database and writes nothing to it. Without, it serves an embedded
/// PostgreSQL with rows that LiteLLM itself wrote, unless it was built without one. Settings come from the environment or
/// from a file `.env`.
///
/// Where `AUTH_MODE` asks nobody to log in, a database of yours is served to whoever has the token that is printed.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Command {
    /// Ask for no token where nobody has to log in. Whatever reaches the port can then read every prompt, also through a
    /// tunnel or a proxy.
    #[arg(long)]
    open: bool,

    #[cfg(feature = "embedded")]
    #[command(flatten)]
    embedded: crate::embedded::Arguments,

    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Print the API document (OpenAPI 3.1).
    Openapi,
    /// Fill the empty database of `DATABASE_URL` with rows that LiteLLM itself wrote.
    ///
    /// A database that this command has filled before is left as it is. Any other with tables of LiteLLM is refused.
    Sample,
    /// Make a key of this service's own, for a dashboard or another program.
    ServiceKey(ServiceKey),
    /// Fail unless the server with the same settings on this machine is alive.
    Healthcheck,
    Export(ExportCommand),
    /// Make a cost report, as the command cost-report does; without `DATABASE_URL` of the sample.
    Report(Box<cost_report::Command>),
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
        if let Some(Other::ServiceKey(key)) = &self.other {
            return Ok(key.print()?);
        }
        let environment = Environment::of_process();
        if matches!(self.other, Some(Other::Sample)) {
            return fill(environment.get("DATABASE_URL")).await;
        }
        if let Some(Other::Export(export)) = &self.other {
            #[cfg(feature = "embedded")]
            if let Some((_embedded, state, _)) = self.embedded.open(&environment, Exposure::ThisMachine).await? {
                return export.run(state).await;
            }
            let database = DatabaseConfig::from_environment(&environment)?;
            return export.run(AppState::new(&database, &environment, Exposure::ThisMachine)?).await;
        }
        if let Some(Other::Report(report)) = self.other {
            telemetry::start(LogFormat::Text, &environment);
            #[cfg(feature = "embedded")]
            return self.embedded.report(*report, &environment).await;
            #[cfg(not(feature = "embedded"))]
            return Box::pin(report.run_over(DatabaseConfig::from_environment(&environment)?, &environment)).await;
        }
        let settings = Settings::from_environment(&environment)?;
        let exposure = settings.exposure();
        if matches!(self.other, Some(Other::Healthcheck)) {
            return Ok(healthcheck::ask(settings.address)?);
        }
        settings.check_login(&environment)?;
        telemetry::start(LogFormat::Text, &environment);
        #[cfg(feature = "embedded")]
        if let Some((_embedded, state, rows)) = self.embedded.open(&environment, exposure).await? {
            let token = if rows == Rows::Sample { None } else { self.token(&state, &environment) };
            return serve(&settings, state, token, &environment).await;
        }
        let database = DatabaseConfig::from_environment(&environment)?.shared(&environment);
        let state = AppState::new(&database, &environment, exposure)?;
        let token = self.token(&state, &environment);
        serve(&settings, state, token, &environment).await
    }

    /// A token, where nobody has to log in and nobody has said that this is meant.
    fn token(&self, state: &AppState, environment: &Environment) -> Option<LocalToken> {
        let is_meant = self.open || environment.get(ALLOW_ANONYMOUS).is_some();
        (state.access.is_open() && !is_meant).then(LocalToken::random)
    }
}

/// Fills the database with the sample.
async fn fill(url: Option<&str>) -> Result<(), Box<dyn Error>> {
    let url = url.ok_or("set DATABASE_URL to the empty database to fill")?;
    let mut conn = PgConnection::connect(url)
        .await
        .map_err(|error| format!("the database of DATABASE_URL cannot be reached: {error}"))?;
    match sample::fill(&mut conn, Utc::now()).await? {
        Filled::Now(rows) => eprintln!("Loaded LiteLLM's tables with {rows} sample rows."),
        Filled::Before => {
            eprintln!("The database holds the sample already: it stays as it is, and its times grow old.");
        }
    }
    conn.close().await?;
    Ok(())
}

async fn serve(
    settings: &Settings,
    mut state: AppState,
    token: Option<LocalToken>,
    environment: &Environment,
) -> Result<(), Box<dyn Error>> {
    if let Some(token) = &token {
        let access = Access::from_environment(environment, settings.exposure())?;
        state.access = Arc::new(access.with_local_token(token.text()));
    }
    let database = state.db.clone();
    let server = Server::bind(settings, state.clone(), token.as_ref()).await.map_err(|error| {
        format!("cannot listen on {} ({error}): stop what does, or set API_PORT to another port", settings.address)
    })?;
    let address = server.address()?;
    if state.access.is_open() && settings.exposure() == Exposure::Network {
        tracing::warn!("serving {address} without any login: whoever reaches it reads every prompt in the log");
    }
    greet(address, &state, token.as_ref()).await;
    server.serve(stop()).await;
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

/// Prints where the server is, and three commands that work as they are. With a token, this is the only place where it is
/// shown.
async fn greet(address: SocketAddr, state: &AppState, token: Option<&LocalToken>) {
    // Nobody can ask for all addresses; from a container, this is the published one.
    let address =
        if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
    // The server starts all the same where this takes long or fails: the database may come up later.
    let session = match timeout(Duration::from_secs(2), DbStats::settled(example_session(state))).await {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => {
            error.log();
            None
        }
        Err(_) => None,
    };
    println!("\nLLM Traceability API   http://{address}");
    if state.dashboard == Dashboard::Served {
        println!("Dashboard              http://{address}/dashboard");
    }
    println!("Documentation          http://{address}/docs\n");
    let curl = if let Some(token) = token {
        let token = token.text();
        println!("Nobody has to log in, so the server asks for a token, which holds until it stops. Open this link:\n");
        let page = if state.dashboard == Dashboard::Served { "dashboard" } else { "docs" };
        println!("  http://{address}/{page}?token={token}\n");
        println!("or send the token:\n\n  TOKEN={token}");
        "curl -s -H \"Authorization: Bearer $TOKEN\""
    } else if state.access.is_open() {
        "curl -s"
    } else {
        println!("Callers have to log in: put a key or a token into KEY.\n");
        "curl -s -H \"Authorization: Bearer $KEY\""
    };
    println!("  {curl} 'http://{address}/api/v1/analytics/overview?days=30'");
    println!("  {curl} 'http://{address}/api/v1/sessions?limit=5'");
    if let Some(session) = session {
        let session = as_segment(&session);
        println!("  {curl} 'http://{address}/api/v1/sessions/{session}/messages'");
    } else {
        println!("  curl -s 'http://{address}/health'");
    }
    println!("\nStop with Ctrl-C.");
}

/// A recent session with some turns, for an example.
async fn example_session(state: &AppState) -> ApiResult<Option<String>> {
    let mut db = state.db.connect().await?;
    let source = Source { facts: &db.facts, scope: &Scope::AllRows };
    let now = state.clock.now();
    let search = SessionSearch {
        window: TimeWindow { start: now - chrono::Duration::days(30), end: now },
        filter: RequestFilter::default(),
        id_prefix: None,
        totals: TotalsFilter { min_requests: Some(4), has_tool_calls: Some(true), ..TotalsFilter::default() },
        sort: SessionSort::Start,
        descending: true,
        as_of: now,
    };
    let found = sessions::search(&mut db.conn, source, &search, None, 1, 0).await?;
    Ok(found.into_iter().next().map(|position| position.session_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_is_served_to_whoever_started_the_server_unless_others_are_meant() {
        let asks = |arguments: &[&str], settings: &[(&str, &str)]| {
            let settings = [&[("DATABASE_URL", "postgres://localhost/litellm")], settings].concat();
            let environment: Environment = settings.into_iter().collect();
            let config = DatabaseConfig::from_environment(&environment).expect("a complete environment");
            let exposure = Settings::from_environment(&environment).expect("settings").exposure();
            let state = AppState::new(&config, &environment, exposure).expect("settings");
            let command = Command::parse_from([&["local"], arguments].concat());
            command.token(&state, &environment).is_some()
        };
        let meant = ("ALLOW_ANONYMOUS", "yes-anyone-may-read-every-prompt");
        assert!(asks(&[], &[]));
        assert!(asks(&[], &[("AUTH_MODE", "none")]));
        assert!(!asks(&["--open"], &[]));
        assert!(!asks(&[], &[meant]));
        assert!(!asks(&[], &[meant, ("AUTH_MODE", "none"), ("API_HOST", "0.0.0.0")]));
        assert!(!asks(&[], &[("AUTH_MODE", "litellm")]));
    }
}
