//! The report as Markdown whose tables are aligned, to be read in a terminal as well.

use std::fmt::Write;

use crate::data::Facts;
use crate::load::Measured;
use crate::logins::{Logins, Unknown};
use crate::long_session::LongSession;
use crate::report::{Judged, Outcome, Throughput};

/// The whole report.
pub fn render(facts: &Facts, outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut section = |title: &str, body: &str| {
        // Writing to a string cannot fail.
        let _ = write!(text, "## {title}\n\n{body}\n");
    };
    section("The log", &log(facts));
    section("Budgets", &budgets(outcome.judge()));
    if !outcome.alone.is_empty() {
        section("One request at a time, in milliseconds", &alone(outcome));
        section("Sixteen connections, in milliseconds", &together(outcome));
    }
    if let Some(measured) = &outcome.throughput {
        section("Session summaries alone, sixteen connections", &throughput(measured));
    }
    if let Some(measured) = &outcome.long_session {
        section("A session of 20,000 requests", &long_session(measured));
    }
    if let Some((before, after)) = &outcome.memory {
        let rows = [("before the first request", before), ("after the last", after)].map(|(when, memory)| {
            vec![when.to_owned(), format!("{:.1}", memory.resident), format!("{:.1}", memory.peak)]
        });
        section("The server's memory, in MiB", &table(&["", "resident", "peak"], &rows));
    }
    if !outcome.logins.known.is_empty() {
        section("The login of a caller who is known, in milliseconds", &known(&outcome.logins));
    }
    if let Some(measured) = &outcome.logins.unknown {
        section("The login of a caller who is not known yet, in milliseconds", &unknown(measured));
    }
    let failures = outcome.failures();
    if !failures.is_empty() {
        section("Failures", &failures.iter().fold(String::new(), |text, failure| format!("{text}- {failure}\n")));
    }
    text
}

fn log(facts: &Facts) -> String {
    format!(
        "PostgreSQL {}, shared_buffers {}. {} requests in {} sessions: {} in the median session, {} in the 99th \
         percentile, {} in the largest. Table with all {}, of which rows {} and indexes {}.\n",
        facts.server,
        facts.shared_buffers,
        facts.rows,
        facts.sessions,
        facts.median_session,
        facts.p99_session,
        facts.largest_session,
        facts.total_size,
        facts.heap_size,
        facts.index_size,
    )
}

/// Each budget, and whether it is kept.
pub fn budgets(judged: Vec<Judged>) -> String {
    let rows: Vec<_> = judged
        .into_iter()
        .map(|judged| {
            let verdict = if judged.met { "met" } else { "MISSED" };
            vec![judged.name, judged.target, judged.measured, verdict.to_owned()]
        })
        .collect();
    table(&["", "budget", "measured", ""], &rows)
}

/// The columns of [`quantiles`].
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

fn quantiles(measured: Option<&Measured>) -> impl Iterator<Item = String> {
    QUANTILES.into_iter().map(move |quantile| {
        let time = measured.filter(|measured| measured.count() > 0).map(|measured| measured.quantile_ms(quantile));
        time.map_or_else(String::new, |time| format!("{time:.2}"))
    })
}

fn alone(outcome: &Outcome) -> String {
    let rows: Vec<_> = outcome
        .alone
        .iter()
        .map(|(name, alone)| {
            let overhead =
                |quantile| alone.overhead_ms(quantile).map_or_else(String::new, |time| format!("{time:+.2}"));
            let mut row = vec![(*name).to_owned(), alone.http.count().to_string()];
            row.extend(quantiles(Some(&alone.http)));
            row.extend(quantiles(alone.sql.as_ref()));
            row.extend([overhead(0.5), overhead(0.99), alone.http.failed.to_string()]);
            row
        })
        .collect();
    table(
        &["", "requests", "p50", "p95", "p99", "SQL p50", "SQL p95", "SQL p99", "service p50", "service p99", "failed"],
        &rows,
    )
}

fn together(outcome: &Outcome) -> String {
    let rows: Vec<_> = outcome
        .together
        .iter()
        .map(|(name, measured)| {
            let mut row =
                vec![(*name).to_owned(), measured.count().to_string(), format!("{:.1}", measured.per_second())];
            row.extend(quantiles(Some(measured)));
            row.push(measured.failed.to_string());
            row
        })
        .collect();
    table(&["", "requests", "per second", "p50", "p95", "p99", "failed"], &rows)
}

fn throughput(throughput: &Throughput) -> String {
    let Throughput { measured, service, database, generator } = throughput;
    let seconds = measured.elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a measurement has far fewer than 2^53 requests")]
    let count = measured.count().max(1) as f64;
    let rows = [("service", service), ("database", database), ("generator", generator)].map(|(name, cpu)| {
        vec![name.to_owned(), format!("{cpu:.2}"), format!("{:.2}", cpu / seconds), format!("{:.0}", cpu / count * 1e6)]
    });
    format!(
        "{:.0} a second over {seconds:.1} s.\n\n{}",
        measured.per_second(),
        table(&["processor time", "seconds", "processors", "µs per summary"], &rows)
    )
}

fn long_session(measured: &LongSession) -> String {
    let LongSession { pages, memory: (before, after) } = measured;
    format!(
        "{} pages in {:.2} s: p50 {:.0} ms, the slowest {:.0} ms. The server's memory: {:.1} MiB before, {:.1} MiB at its peak.\n",
        pages.count(),
        pages.elapsed.as_secs_f64(),
        pages.quantile_ms(0.5),
        pages.quantile_ms(1.0),
        before.resident,
        after.peak,
    )
}

fn known(logins: &Logins) -> String {
    let mut rows = Vec::new();
    for (name, in_turn) in &logins.known {
        let row = |caller: &str, measured: &Measured, added: [String; 2]| {
            let mut row = vec![format!("{name}: {caller}"), measured.count().to_string()];
            row.extend(quantiles(Some(measured)));
            row.extend(added);
            row.push(measured.failed.to_string());
            row
        };
        rows.push(row("open", &in_turn.open, Default::default()));
        rows.extend(in_turn.others.iter().map(|(caller, measured)| {
            row(caller, measured, [0.5, 0.99].map(|quantile| format!("{:+.3}", in_turn.added_ms(measured, quantile))))
        }));
    }
    table(&["", "requests", "p50", "p95", "p99", "added p50", "added p99", "failed"], &rows)
}

fn unknown(unknown: &Unknown) -> String {
    let Unknown { first, second, look_up } = unknown;
    let rows = [("first request of a key", first), ("second request", second), ("look-up in the database", look_up)];
    let rows = rows.map(|(name, measured)| {
        let mut row = vec![name.to_owned(), measured.count().to_string()];
        row.extend(quantiles(Some(measured)));
        row.push(measured.failed.to_string());
        row
    });
    table(&["", "requests", "p50", "p95", "p99", "failed"], &rows)
}

/// The first column is text, the others are numbers.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&header).chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default().max(3)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(column, width)| if column == 0 { "-".repeat(*width) } else { format!("{}:", "-".repeat(width - 1)) })
        .collect();
    let mut text = line(&header) + &line(&rule);
    text.extend(rows.iter().map(|row| line(row)));
    text
}
