//! How the service does with logs of ten and a hundred times the size.

mod log;

use std::error::Error;

use crate::Arguments;
use log::Log;

/// Measures each size.
pub async fn run(arguments: &Arguments) -> Result<u64, Box<dyn Error>> {
    for rows in &arguments.scale {
        let log = Log::prepare(&arguments.database_url, *rows).await?;
        eprintln!("{log:?}");
    }
    Ok(0)
}
