//! What a person does by hand.

use std::error::Error;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Parser, Subcommand};
use traceability_core::environment::Environment;
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::time::TimeWindow;
use traceability_db::config::DatabaseConfig;
use traceability_index as index;
use traceability_index::Migration;
use traceability_index::refresh::{OnMissing, Outcome, Refresh, RefreshConfig, open_index};

use crate::down::{self, Consent};
use crate::progress::Bar;

/// Keep the index of LiteLLM's log up to date.
///
/// `DATABASE_URL` names LiteLLM's database; the index lies beside it, or in the database of `INDEX_DATABASE_URL`. LiteLLM's
/// tables are only read. Settings come from the environment or from a file `.env`.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Command {
    #[command(flatten)]
    work: Work,

    #[command(subcommand)]
    schema: Option<Schema>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the command line, and clap lets one through")]
#[command(group = ArgGroup::new("work").multiple(false))]
struct Work {
    /// Copy what is new, as the scheduled function does every minute.
    #[arg(long, group = "work")]
    once: bool,
    /// Copy all that is missing, however long it takes. From then on the API uses the index.
    #[arg(long, group = "work")]
    backfill: bool,
    /// Copy what is new, again after so many seconds, until it is stopped.
    #[arg(long, group = "work", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: Option<u64>,
    /// Compare all of the log with the index, hour by hour, and repair what differs.
    #[arg(long, group = "work")]
    reconcile: bool,
    /// Copy the time between --from and --to anew.
    #[arg(long, group = "work", requires_all = ["from", "to"])]
    rebuild: bool,
    /// The start of what is rebuilt: a date or an RFC 3339 time, UTC without an offset.
    #[arg(long, requires = "rebuild", value_parser = instant)]
    from: Option<DateTime<Utc>>,
    /// Its end, which does not belong to it.
    #[arg(long, requires = "rebuild", value_parser = instant)]
    to: Option<DateTime<Utc>>,
    /// While rebuilding, also take out of the index what LiteLLM's log no longer has.
    #[arg(long, requires = "rebuild")]
    forget_deleted: bool,
}

#[derive(Debug, Subcommand)]
enum Schema {
    /// Make the schema of the index, or bring that of an earlier version up to date with all it holds.
    Migrate {
        /// Distribute its tables over the servers of a Citus cluster.
        #[arg(long)]
        citus: bool,
        /// Drop it: the API answers from LiteLLM's log then. Asks first if that loses requests that the log no longer has.
        #[arg(long, conflicts_with = "citus")]
        down: bool,
        /// Do not ask: whatever only the index has may be lost.
        #[arg(long, requires = "down")]
        yes: bool,
    },
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let moment: Moment = text.parse().map_err(str::to_owned)?;
    Ok(moment.instant(TimeZone::default().0))
}

/// How long a single run may take by itself.
const ONCE: Duration = Duration::from_secs(55);

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// With a sentence for the person at the terminal.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        let environment = Environment::of_process();
        let database = DatabaseConfig::from_environment(&environment)?;
        match self.schema {
            Some(Schema::Migrate { down: true, yes, .. }) => {
                return down::drop_schema(&database, if yes { Consent::Given } else { Consent::Prompt }).await;
            }
            Some(Schema::Migrate { citus, .. }) => {
                return migrate(&database, if citus { Migration::Citus } else { Migration::Single }).await;
            }
            None => {}
        }
        let config = RefreshConfig::from_environment(&environment)?;
        let work = self.work;
        if let Some(seconds) = work.every {
            return repeat(&database, &config, Duration::from_secs(seconds)).await;
        }
        let deadline = work.once.then(|| Instant::now() + ONCE);
        let began = Instant::now();
        let mut bar = Bar::new();
        let mut refresh = Refresh::open(&database, database.of_index(), config, deadline, &mut bar).await?;
        let outcome = if work.reconcile {
            refresh.reconcile().await?
        } else if let (true, Some(start), Some(end)) = (work.rebuild, work.from, work.to) {
            if start >= end {
                return Err("--to must be after --from".into());
            }
            let on_missing = if work.forget_deleted { OnMissing::Forget } else { OnMissing::Keep };
            refresh.rebuild(TimeWindow { start, end }, on_missing).await?
        } else {
            refresh.run().await?
        };
        drop(refresh);
        drop(bar);
        report(outcome, began);
        if outcome.complete || work.once {
            Ok(())
        } else {
            Err("another indexer is at work: try again when it is done".into())
        }
    }
}

fn report(outcome: Outcome, began: Instant) {
    let Outcome { copied, changed, rolled, complete, lag } = outcome;
    let lag = lag.map_or_else(String::new, |lag| format!(", {} s behind the log", lag.num_seconds().max(0)));
    let rest = if complete { "" } else { "; there is more to do, run it again" };
    println!(
        "{copied} rows read, {changed} added or altered, {rolled} rolled up in {:.1} s{lag}{rest}",
        began.elapsed().as_secs_f64()
    );
}

async fn migrate(database: &DatabaseConfig, migration: Migration) -> Result<(), Box<dyn Error>> {
    let mut conn = open_index(database.of_index()).await?;
    index::migrate(&mut conn, migration).await?;
    println!("the schema {} is up to date; fill it with --backfill, if it is new", index::SCHEMA);
    Ok(())
}

/// Until a signal ends it. What goes wrong is said, and tried again.
async fn repeat(database: &DatabaseConfig, config: &RefreshConfig, pause: Duration) -> Result<(), Box<dyn Error>> {
    loop {
        let began = Instant::now();
        let mut nobody = ();
        let deadline = began + ONCE.max(pause);
        let refreshed = async {
            Refresh::open(database, database.of_index(), config.clone(), Some(deadline), &mut nobody).await?.run().await
        };
        tokio::select! {
            refreshed = refreshed => match refreshed {
                Ok(outcome) => report(outcome, began),
                Err(error) => eprintln!("error: {error}"),
            },
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
        tokio::select! {
            () = tokio::time::sleep(pause.saturating_sub(began.elapsed())) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}
