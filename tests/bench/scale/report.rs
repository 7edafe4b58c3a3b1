//! The report, and whether the budgets hold.

use std::fmt::Write;

use super::measure::{Answers, describe};
use super::questions::Group;
use super::{Mode, Size};
use crate::report::Judged;
use crate::tables::{budgets, table};

/// A log of ten times the size takes less than so many times as long.
const MOST_GROWTH: f64 = 1.5;
/// Where the answers themselves are larger by more than this, since a smaller log does not fill a page, the times do not
/// compare.
const MOST_BYTES: f64 = 1.25;
/// Growth by less than so many milliseconds is none.
const NO_GROWTH_MS: f64 = 1.0;

/// The whole report, as Markdown.
pub fn render(machine: &str, groups: &[Group], sizes: &[Size]) -> String {
    let mut text = format!("# Logs of several sizes\n\n{machine}\n\n");
    let mut section = |title: &str, body: String| {
        // Writing to a string cannot fail.
        let _ = write!(text, "## {title}\n\n{body}\n");
    };
    section("The logs", logs(sizes));
    section("Questions, p50 / p99 in milliseconds", answers(groups, sizes));
    let missed: Vec<Judged> = judge(groups, sizes).into_iter().filter(|judged| !judged.met).collect();
    section(
        "Budgets",
        if missed.is_empty() { "All of what was measured over the index hold.\n".into() } else { budgets(missed) },
    );
    section("The index", built(sizes));
    for size in sizes {
        section(&format!("Tables with {} requests", count(size.log.rows)), tables(size));
    }
    let failures = failures(sizes);
    if !failures.is_empty() {
        section("Failures", failures);
    }
    text
}

/// Every budget of what was measured over the index.
pub fn judge(groups: &[Group], sizes: &[Size]) -> Vec<Judged> {
    let budgeted = groups.iter().filter_map(|group| Some((group, group.budget?)));
    let mut judged = Vec::new();
    for (group, budget) in budgeted {
        for size in sizes {
            let Some(answers) = size.of(Mode::Indexed, &group.name) else { continue };
            let most = answers.quantile_ms(0.99);
            judged.push(Judged {
                name: format!("{}, {} requests, p99", group.name, count(size.log.rows)),
                target: format!("< {budget} ms"),
                measured: most.map_or_else(|| describe(answers), |most| format!("{most:.1} ms")),
                met: answers.times.failed == 0 && most.is_some_and(|most| most < budget),
            });
        }
        let growths = growths(&group.name, sizes).into_iter().filter(|growth| growth.compares);
        judged.extend(growths.map(|growth| Judged {
            name: format!("{}, growth to {} requests, p50", group.name, count(growth.rows)),
            target: format!("< {MOST_GROWTH}"),
            measured: format!("{:.2}", growth.factor),
            met: growth.factor < MOST_GROWTH || growth.by_ms < NO_GROWTH_MS,
        }));
    }
    judged
}

struct Growth {
    rows: u64,
    factor: f64,
    by_ms: f64,
    compares: bool,
}

/// From each size to the one ten times as large, over the index.
fn growths(name: &str, sizes: &[Size]) -> Vec<Growth> {
    let measured = |size: &Size| {
        let answers = size.of(Mode::Indexed, name)?;
        Some((answers.quantile_ms(0.5)?, answers.mean_bytes()))
    };
    let growth = |large: &Size| {
        let small = sizes.iter().find(|small| small.log.rows * 10 == large.log.rows)?;
        let ((from, few), (to, many)) = (measured(small)?, measured(large)?);
        let compares = many < few * MOST_BYTES;
        Some(Growth { rows: large.log.rows, factor: to / from, by_ms: to - from, compares })
    };
    sizes.iter().filter_map(growth).collect()
}

fn describe_growth(growth: &Growth) -> String {
    let factor = growth.factor;
    if growth.compares { format!("{factor:.2}") } else { format!("({factor:.2})") }
}

impl Size {
    fn of(&self, mode: Mode, name: &str) -> Option<&Answers> {
        let (_, groups) = self.answers.iter().find(|(of, _)| *of == mode)?;
        groups.iter().find(|(of, _)| of == name).map(|(_, answers)| answers)
    }
}

fn logs(sizes: &[Size]) -> String {
    let rows: Vec<_> = sizes
        .iter()
        .map(|size| {
            let (rows, filled) = (size.log.rows, &size.log.filled);
            let of = |name: &str| size.tables.iter().find(|table| table.name == name);
            let total = of("LiteLLM_SpendLogs").map_or(0.0, |table| float(table.total));
            let rate = float(rows.cast_signed()) / filled.copy_seconds;
            vec![
                count(rows),
                count(filled.sessions.unsigned_abs()),
                mib(total),
                format!("{:.0}", total / float(rows.cast_signed())),
                format!("{rate:.0}"),
                format!("{:.0}", filled.index_seconds),
            ]
        })
        .collect();
    let header = ["requests", "sessions", "MiB", "bytes each", "loaded per second", "seconds for indexes"];
    format!(
        "Requests of a year in the shapes of LiteLLM's newest release. They are light, some 1.5 KB with their indexes \
         where the sample's are ten times that: prompts are not stored, which is LiteLLM's default, but for the newest \
         20,000 requests, and the metadata is without the model's prices.\n\n{}",
        table(&header, &rows),
    )
}

fn answers(groups: &[Group], sizes: &[Size]) -> String {
    let columns: Vec<(&Size, Mode)> =
        sizes.iter().flat_map(|size| size.answers.iter().map(move |(mode, _)| (size, *mode))).collect();
    let mut header = vec![String::new()];
    header.extend(columns.iter().map(|(size, mode)| format!("{}, {}", count(size.log.rows), mode.name())));
    header.extend(["budget", "growth", ""].map(str::to_owned));
    let rows: Vec<_> = groups
        .iter()
        .map(|group| {
            let cell = |(size, mode): &(&Size, Mode)| size.of(*mode, &group.name).map_or_else(String::new, describe);
            let growths = growths(&group.name, sizes);
            let growths: Vec<_> = growths.iter().map(describe_growth).collect();
            let judged = judge(std::slice::from_ref(group), sizes);
            let verdict = match judged.iter().all(|judged| judged.met) {
                _ if judged.is_empty() => "",
                true => "met",
                false => "MISSED",
            };
            let mut row = vec![group.name.clone()];
            row.extend(columns.iter().map(cell));
            row.push(group.budget.map_or_else(String::new, |budget| format!("{budget}")));
            row.extend([growths.join(", "), verdict.to_owned()]);
            row
        })
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    format!(
        "One request at a time. `n` is the number of answers where it is below 50; what took longer than 28 seconds has \
         timed out. The budget is for p99 over the index, growth is p50's from one size to ten times that, \
         in parentheses where the answers are larger there, since the smaller log did not fill them.\n\n{}",
        table(&header, &rows),
    )
}

fn built(sizes: &[Size]) -> String {
    let rows: Vec<_> = sizes
        .iter()
        .filter_map(|size| {
            let built = size.built.as_ref()?;
            let of_index = size.tables.iter().filter(|table| table.name.starts_with("traceability."));
            let rate = float(size.log.rows.cast_signed()) / built.seconds;
            Some(vec![
                count(size.log.rows),
                format!("{:.1}", built.seconds),
                format!("{rate:.0}"),
                format!("{:.1}", built.peak_mib),
                mib(of_index.map(|table| float(table.total)).sum()),
            ])
        })
        .collect();
    if rows.is_empty() {
        return "It was not built.\n".into();
    }
    table(&["requests", "seconds", "requests per second", "program's memory at its peak, MiB", "MiB"], &rows)
}

fn tables(size: &Size) -> String {
    let row = |table: &super::Table| {
        vec![table.name.clone(), count(table.rows.unsigned_abs()), mib(float(table.total)), mib(float(table.indexes))]
    };
    table(&["table", "rows", "MiB", "of which indexes"], &size.tables.iter().map(row).collect::<Vec<_>>())
}

fn failures(sizes: &[Size]) -> String {
    let all = sizes.iter().flat_map(|size| size.answers.iter().map(move |(mode, groups)| (size, mode, groups)));
    all.flat_map(|(size, mode, groups)| {
        groups.iter().filter_map(move |(name, answers)| {
            let failure: String = answers.times.failure.as_ref()?.chars().take(300).collect();
            Some(format!("- {} requests, {}, {name}: {failure}\n", count(size.log.rows), mode.name()))
        })
    })
    .collect()
}

/// A number with commas.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn mib(bytes: f64) -> String {
    format!("{:.1}", bytes / 1_048_576.0)
}

#[expect(clippy::cast_precision_loss, reason = "nothing here comes near 2^53")]
const fn float(number: i64) -> f64 {
    number as f64
}
