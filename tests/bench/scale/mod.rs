//! How the service does with logs of ten and a hundred times the size, without the index and with it.
//!
//! For each size a database of its own is filled, the index is built by its own program, and the same questions are put
//! to a server that does not use it and to one that does. They come one at a time over HTTP, with parameters that differ:
//! half of the windows end with the log, half anywhere in the year before.

mod drawn;
mod index;
mod log;
mod measure;
mod questions;
mod report;
mod sizes;

use std::error::Error;
use std::fs;
use std::time::Duration;

use self::drawn::Drawn;
use self::index::Built;
use self::log::Log;
use self::measure::Answers;
use self::sizes::Table;
use crate::Arguments;
use crate::process::{Login, Server};

/// How the service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// From LiteLLM's own table.
    Direct,
    /// From the index.
    Indexed,
}

/// What there is to say about a log of one size.
pub struct Size {
    /// The log.
    log: Log,
    /// Its tables.
    tables: Vec<Table>,
    /// How the index was built, if it was.
    built: Option<Built>,
    /// The answers to each group of questions.
    answers: Vec<(Mode, Vec<(String, Answers)>)>,
}

/// Seconds that the questions of one group may take, if not told otherwise.
const SECONDS: u64 = 20;

/// Measures each size, and returns whether all budgets hold.
pub async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut wanted = arguments.scale.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let machine = sizes::machine(&arguments.database_url).await?;
    let mut measured: Vec<Size> = Vec::new();
    let mut groups = Vec::new();
    for rows in wanted {
        let log = Log::prepare(&arguments.database_url, rows).await?;
        groups = questions::all(&Drawn::from(&log).await?);
        groups.retain(|group| arguments.only.as_ref().is_none_or(|only| group.name.contains(only)));
        let mut size = Size { log, tables: Vec::new(), built: None, answers: Vec::new() };
        for mode in &arguments.mode {
            if *mode == Mode::Indexed {
                size.built = Some(index::build(arguments.indexer.as_deref(), &size.log, arguments.reindex).await?);
            }
            let server = mode.server(arguments, &size.log)?;
            let cap = Duration::from_secs(arguments.seconds.unwrap_or(SECONDS));
            let named = format!("{rows} rows, {}", mode.name());
            size.answers.push((*mode, measure::all(&server, &groups, cap, &named).await?));
        }
        size.tables = sizes::tables(&size.log.url).await?;
        measured.push(size);
        // The next size may take an hour; what is known is kept.
        if let Some(path) = &arguments.markdown {
            fs::write(path, report::render(&machine, &groups, &measured))?;
        }
    }
    println!("\n{}", report::render(&machine, &groups, &measured));
    Ok(report::judge(&groups, &measured).iter().all(|judged| judged.met))
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Indexed => "indexed",
        }
    }

    fn server(self, arguments: &Arguments, log: &Log) -> Result<Server, Box<dyn Error>> {
        let index = match self {
            Self::Direct => "off",
            Self::Indexed => "",
        };
        // What takes longer than the service usually allows is still to be measured.
        let settings = [("INDEX", index), ("INDEX_DATABASE_URL", ""), ("STATEMENT_TIMEOUT_MS", "28000")];
        Server::start_with(arguments.server.as_deref(), &log.url, 2, Login::None, &settings)
    }
}
