//! What the runner serves without `DATABASE_URL`.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use cost_report::Command;
use sqlx::{Connection, PgConnection};
use traceability_access::Exposure;
use traceability_core::environment::Environment;
use traceability_db::config::{DatabaseConfig, IndexPlace};
use traceability_http::AppState;

use super::{DEFAULT_FOLDER, Embedded};
use crate::generate::{Generation, generate, progress_bar};
use crate::sample::{self, Prepared};

/// Whose rows are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// The sample's, which are public.
    Sample,
    /// Those of an index that the settings name beside the sample.
    Yours,
}

/// The part of the command line that is about the embedded database.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Have this many generated rows beside the sample, of the same shapes (embedded database only).
    #[arg(long, value_name = "N", default_value_t = 0)]
    rows: u64,
}

impl Arguments {
    /// Starts the embedded database, fills it, and says how to serve it, for as long as both values live, and whose rows
    /// these are. `None` where the settings name another database.
    ///
    /// # Errors
    /// With a sentence for the person at the terminal.
    pub async fn open(
        &self,
        environment: &Environment,
        exposure: Exposure,
    ) -> Result<Option<(Embedded, AppState, Rows)>, Box<dyn Error>> {
        let Some((embedded, config)) = self.start(environment).await? else { return Ok(None) };
        let mut state = AppState::new(&config, environment, exposure)?;
        state.deadline = Duration::from_mins(1);
        let rows = match config.index {
            IndexPlace::Elsewhere(_) => Rows::Yours,
            IndexPlace::Off | IndexPlace::Here => Rows::Sample,
        };
        Ok(Some((embedded, state, rows)))
    }

    /// Makes a cost report of the database that the settings name, or else of the embedded one.
    ///
    /// # Errors
    /// With a sentence for the person at the terminal.
    pub async fn report(&self, report: Command, environment: &Environment) -> Result<(), Box<dyn Error>> {
        match self.start(environment).await? {
            Some((_embedded, config)) => {
                // Its rows are those of the last weeks: the last whole month had none of them.
                eprintln!(
                    "The sample's rows are recent: this is the time that is under way, unless --from and --to say."
                );
                Box::pin(report.so_far().run_over(config, environment)).await
            }
            None => Box::pin(report.run_over(DatabaseConfig::from_environment(environment)?, environment)).await,
        }
    }

    /// The embedded database, filled, and how to connect to it. `None` where the settings name another.
    async fn start(&self, environment: &Environment) -> Result<Option<(Embedded, DatabaseConfig)>, Box<dyn Error>> {
        if DatabaseConfig::names_a_database(environment) {
            if self.rows > 0 {
                let reason =
                    "--rows writes rows, which is for the embedded database only: unset DATABASE_URL and its like";
                return Err(reason.into());
            }
            return Ok(None);
        }
        let embedded = self.fill().await?;
        let mut config = DatabaseConfig::with_url(embedded.url().to_owned(), environment)?;
        // The embedded server has one connection to give, and no way to end a statement: requests queue for it.
        config.max_connections = 1;
        config.acquire_timeout = Duration::from_secs(30);
        Ok(Some((embedded, config)))
    }

    async fn fill(&self) -> Result<Embedded, Box<dyn Error>> {
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
