//! The start of a function as Markdown, and whether the budgets are kept.

use std::time::Duration;

use super::{Subject, Times};
use crate::Arguments;
use crate::report::Judged;
use crate::tables;

/// The function without TLS.
pub(super) const FUNCTION: &str = "sessions function";
/// The function with TLS.
pub(super) const FUNCTION_OVER_TLS: &str = "sessions function, TLS";

/// To the first poll, in the median: what Lambda calls the init phase.
const FIRST_POLL_MS: f64 = 20.0;
/// To the first answer without TLS, in the median.
const FIRST_ANSWER_MS: f64 = 60.0;
/// Held at most, in megabytes.
const MEMORY_MB: f64 = 30.0;

/// The whole report.
pub(super) fn render(subjects: &[Subject], arguments: &Arguments) -> String {
    let rows: Vec<_> = subjects.iter().map(|subject| row(subject.name, &subject.times)).collect();
    let header = [
        "",
        "first poll p50",
        "p99",
        "first answer p50",
        "p99",
        "warm p50",
        "warm p99",
        "memory, one answer",
        "memory, all",
    ];
    format!(
        "## The start of a function, in milliseconds, and its memory, in MB\n\n{}\n{} starts each; warm, {} events one \
         after another. First poll and first answer count from the start of the process, with the connection to the \
         database.\n\n## Budgets\n\n{}",
        tables::table(&header, &rows),
        arguments.starts,
        arguments.warm,
        tables::budgets(judge(subjects)),
    )
}

fn row(name: &str, times: &Times) -> Vec<String> {
    let quantiles = [&times.first_poll, &times.first_answer, &times.warm]
        .into_iter()
        .flat_map(|durations| [0.5, 0.99].map(|quantile| format!("{:.1}", quantile_ms(durations, quantile))));
    let memory = [times.memory_cold, times.memory_warm].map(|bytes| format!("{:.1}", megabytes(bytes)));
    std::iter::once(name.to_owned()).chain(quantiles).chain(memory).collect()
}

fn judge(subjects: &[Subject]) -> Vec<Judged> {
    let judge = |name: &str, what: &str, unit: &str, measured: f64, most: f64| Judged {
        name: format!("{name}, {what}"),
        target: format!("< {most:.0} {unit}"),
        measured: format!("{measured:.1} {unit}"),
        met: measured < most,
    };
    let functions = subjects.iter().filter(|subject| [FUNCTION, FUNCTION_OVER_TLS].contains(&subject.name));
    functions
        .flat_map(|Subject { name, times, .. }| {
            let poll = judge(name, "first poll", "ms", quantile_ms(&times.first_poll, 0.5), FIRST_POLL_MS);
            let answer = judge(name, "first answer", "ms", quantile_ms(&times.first_answer, 0.5), FIRST_ANSWER_MS);
            let memory = judge(name, "memory", "MB", megabytes(times.memory_cold.max(times.memory_warm)), MEMORY_MB);
            // With TLS a server's certificate is checked, which nothing is promised of.
            let promised = *name == FUNCTION;
            [Some(poll).filter(|_| promised), Some(answer).filter(|_| promised), Some(memory)]
        })
        .flatten()
        .collect()
}

/// The nearest rank.
fn quantile_ms(durations: &[Duration], quantile: f64) -> f64 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a measurement has far fewer than 2^53 starts")]
    let rank = (sorted.len() as f64 * quantile).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a rank among them")]
    let rank = (rank as usize).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).map_or(f64::NAN, |duration| duration.as_secs_f64() * 1000.0)
}

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "memory is far less than 2^53 bytes")]
    let bytes = bytes as f64;
    bytes / 1e6
}
