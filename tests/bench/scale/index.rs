//! Building the index, by the program that does it elsewhere, and what that takes.

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use super::log::Log;
use crate::process::{Memory, beside, last_lines};

/// How the index was built, as the database remembers it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Built {
    /// Seconds from start to end.
    pub seconds: f64,
    /// The most memory that the program held, in MiB.
    pub peak_mib: f64,
}

/// Builds the index of a log, or completes the one that it has. The times are those of the first build.
pub async fn build(program: Option<&Path>, log: &Log, anew: bool) -> Result<Built, Box<dyn Error>> {
    let mut conn = PgConnection::connect(log.url.as_str()).await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS bench.built (seconds float8 NOT NULL, peak_mib float8 NOT NULL)")
        .execute(&mut conn)
        .await?;
    let mut before: Option<Built> = sqlx::query_as("SELECT * FROM bench.built").fetch_optional(&mut conn).await?;
    if anew || before.is_none() {
        sqlx::raw_sql("DROP SCHEMA IF EXISTS traceability CASCADE; TRUNCATE bench.built").execute(&mut conn).await?;
        before = None;
    }
    let program = program.map_or_else(|| beside("indexer"), |program| Ok(program.to_owned()))?;
    eprintln!("{} rows: the index", log.rows);
    run(&program, log, "migrate").await?;
    let built = run(&program, log, "--backfill").await?;
    // What the server does by itself within some minutes.
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut conn).await?;
    sqlx::raw_sql("CHECKPOINT").execute(&mut conn).await?;
    if let Some(before) = before {
        return Ok(before);
    }
    sqlx::query("INSERT INTO bench.built VALUES ($1, $2)")
        .bind(built.seconds)
        .bind(built.peak_mib)
        .execute(&mut conn)
        .await?;
    Ok(built)
}

/// How often the memory is looked at. Linux keeps its peak, but not beyond the end of the process.
const LOOK: Duration = Duration::from_millis(50);

async fn run(program: &Path, log: &Log, argument: &str) -> Result<Built, Box<dyn Error>> {
    let output = tempfile::NamedTempFile::new()?;
    let started = Instant::now();
    let mut process = Command::new(program)
        .arg(argument)
        .env("DATABASE_URL", log.url.as_str())
        .env("INDEX_DATABASE_URL", "")
        .stdin(Stdio::null())
        .stdout(output.reopen()?)
        .stderr(output.reopen()?)
        .spawn()
        .map_err(|error| {
            format!("cannot start {} ({error}): build it with `cargo build --release -p indexer`", program.display())
        })?;
    let mut peak_mib: f64 = 0.0;
    let status: ExitStatus = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        peak_mib = peak_mib.max(Memory::of(process.id()).map_or(0.0, |memory| memory.peak));
        tokio::time::sleep(LOOK).await;
    };
    if !status.success() {
        return Err(format!("`indexer {argument}` failed:\n{}", last_lines(output.path())).into());
    }
    Ok(Built { seconds: started.elapsed().as_secs_f64(), peak_mib })
}
