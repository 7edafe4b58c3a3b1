//! Dropping the index. It may hold the only copy of requests that LiteLLM's retention has deleted, so that is said and asked
//! for first.

use std::error::Error;
use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use traceability_db::config::DatabaseConfig;
use traceability_index as index;
use traceability_index::OnlyCopy;
use traceability_index::refresh::open_index;

/// How long the API may go on using an index that is to be dropped.
const RETIREMENT: Duration = Duration::from_secs(3);

/// What has to be typed.
const WORD: &str = "drop";

/// Whether the person at the terminal has agreed to a loss beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// By `--yes`.
    Given,
    /// To be given at the terminal.
    Prompt,
}

/// Drops the schema, if whoever asks for it agrees to what is lost with it.
///
/// # Errors
/// With a sentence for the person at the terminal.
pub(crate) async fn drop_schema(database: &DatabaseConfig, consent: Consent) -> Result<(), Box<dyn Error>> {
    let mut conn = open_index(database.of_index()).await?;
    if let Some(only_copy) = index::only_copy(&mut conn).await? {
        eprintln!("{}", warning(&only_copy));
        if consent == Consent::Prompt {
            let input = std::io::stdin();
            let is_terminal = input.is_terminal();
            ask(is_terminal.then(|| input.lock()), &mut std::io::stderr())?;
        }
    }
    index::stop_use(&mut conn).await?;
    tokio::time::sleep(RETIREMENT).await;
    index::undo(&mut conn).await?;
    println!("the schema {} is gone; the API answers from LiteLLM's log", index::SCHEMA);
    Ok(())
}

fn warning(only_copy: &OnlyCopy) -> String {
    format!(
        "warning: the index has {} requests, started from {} to {}, that LiteLLM's log no longer has. Dropping the index loses \
         them, and figures of that time change",
        only_copy.requests,
        only_copy.first.date(),
        only_copy.last.date()
    )
}

/// Asks at the terminal, if there is one.
fn ask(terminal: Option<impl BufRead>, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let Some(mut terminal) = terminal else {
        return Err("nothing was dropped: run it again with --yes to lose these requests".into());
    };
    write!(output, "Type '{WORD}' to drop the index: ")?;
    output.flush()?;
    let mut answer = String::new();
    terminal.read_line(&mut answer)?;
    if answer.trim() == WORD { Ok(()) } else { Err("nothing was dropped".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_itself_drops_an_index_that_has_the_only_copy() {
        let answer_to = |typed: Option<&'static str>| {
            let mut said = Vec::new();
            let answer = ask(typed.map(str::as_bytes), &mut said).map_err(|error| error.to_string());
            (answer, String::from_utf8(said).expect("text"))
        };
        for typed in ["drop\n", " drop \r\n", "drop"] {
            assert_eq!(answer_to(Some(typed)), (Ok(()), "Type 'drop' to drop the index: ".into()), "{typed:?}");
        }
        for typed in ["", "\n", "y\n", "yes\n", "Drop\n", "drop it\n"] {
            assert!(answer_to(Some(typed)).0.is_err_and(|error| error.contains("nothing was dropped")), "{typed:?}");
        }
        let (refused, said) = answer_to(None);
        assert!(refused.is_err_and(|error| error.contains("--yes")) && said.is_empty(), "without a terminal");
    }

    #[test]
    fn the_warning_tells_how_much_and_of_when() {
        let at = |text: &str| text.parse().expect("a time");
        let only_copy = OnlyCopy { requests: 12, first: at("2026-10-05T10:00:00"), last: at("2026-10-10T08:10:00") };
        let warning = warning(&only_copy);
        assert!(warning.contains("12 requests, started from 2026-10-05 to 2026-10-10"), "{warning}");
    }
}
