//! What was measured, and whether the budgets are kept.

use crate::budgets::{BUDGETS, Budget};
use crate::load::{Alone, Measured};
use crate::logins::{InTurn, Logins};
use crate::long_session::{LONG_SESSION, LongSession};
use crate::process::Memory;

/// Everything that was measured.
#[derive(Default)]
pub struct Outcome {
    /// Each endpoint, one request at a time.
    pub alone: Vec<(&'static str, Alone)>,
    /// Each endpoint, from many connections.
    pub together: Vec<(&'static str, Measured)>,
    /// The summaries alone, from many connections.
    pub throughput: Option<Throughput>,
    /// The server's memory before the first request and after the last.
    pub memory: Option<(Memory, Memory)>,
    /// The long session, page by page.
    pub long_session: Option<LongSession>,
    /// What logins cost.
    pub logins: Logins,
}

/// The summaries alone, and the processor time that they took, in seconds.
pub struct Throughput {
    /// The requests.
    pub measured: Measured,
    /// Of the service.
    pub service: f64,
    /// Of the database's processes; 0 if it is on another machine.
    pub database: f64,
    /// Of this program.
    pub generator: f64,
}

impl Alone {
    /// What the service adds to its SQL, in milliseconds.
    pub fn overhead_ms(&self, quantile: f64) -> Option<f64> {
        self.sql.as_ref().map(|sql| self.http.quantile_ms(quantile) - sql.quantile_ms(quantile))
    }
}

/// A budget, and what was measured of it.
pub struct Judged {
    /// What it is about.
    pub name: String,
    /// What is promised.
    pub target: String,
    /// What was measured.
    pub measured: String,
    /// Whether that is as promised.
    pub met: bool,
}

impl Outcome {
    /// Everything measured.
    fn measurements(&self) -> impl Iterator<Item = (&'static str, &Measured)> {
        let alone = self.alone.iter().map(|(name, alone)| (*name, &alone.http));
        let together = self.together.iter().map(|(name, measured)| (*name, measured));
        let throughput = self.throughput.iter().map(|throughput| (crate::endpoints::SUMMARY, &throughput.measured));
        let long = self.long_session.iter().map(|long| (LONG_SESSION, &long.pages));
        alone.chain(together).chain(throughput).chain(long).chain(self.logins.measurements())
    }

    /// How many requests were not answered with a 200.
    pub fn failed_requests(&self) -> u64 {
        self.measurements().map(|(_, measured)| measured.failed).sum()
    }

    /// One failure of each measurement that had any.
    pub fn failures(&self) -> Vec<String> {
        let failed = self.measurements().filter(|(_, measured)| measured.failed > 0);
        failed
            .map(|(name, measured)| {
                format!(
                    "{name}: {} failed, the first with {}",
                    measured.failed,
                    measured.failure.as_deref().unwrap_or("?")
                )
            })
            .collect()
    }

    /// The budgets of what was measured.
    pub fn judge(&self) -> Vec<Judged> {
        BUDGETS.iter().filter_map(|budget| self.judge_one(*budget)).collect()
    }

    fn judge_one(&self, budget: Budget) -> Option<Judged> {
        let alone = |wanted: &str| self.alone.iter().find(|(name, _)| *name == wanted).map(|(_, alone)| alone);
        let login = |wanted: &str, caller| -> Option<(&InTurn, &Measured)> {
            let (_, in_turn) = self.logins.known.iter().find(|(name, _)| *name == wanted)?;
            Some((in_turn, in_turn.of(caller)?))
        };
        let (name, unit, limit, measured) = match budget {
            Budget::Latency(name, limit) => (format!("{name}, p99"), "ms", limit, alone(name)?.http.quantile_ms(0.99)),
            Budget::Overhead(name, limit) => {
                (format!("{name}, p99 beyond the SQL's"), "ms", limit, alone(name)?.overhead_ms(0.99)?)
            }
            Budget::SummariesPerSecond(limit) => {
                ("session summaries".into(), "/s", limit, self.throughput.as_ref()?.measured.per_second())
            }
            Budget::LongSessionPage(limit) => {
                let slowest = self.long_session.as_ref()?.pages.quantile_ms(1.0);
                (format!("{LONG_SESSION}, the slowest"), "ms", limit, slowest)
            }
            Budget::LongSession(limit) => {
                let whole = self.long_session.as_ref()?.pages.elapsed.as_secs_f64() * 1e3;
                (format!("{LONG_SESSION}, together"), "ms", limit, whole)
            }
            Budget::ResidentMib(limit) => {
                ("server's memory at its peak".into(), "MiB", limit, self.memory.as_ref()?.1.peak)
            }
            Budget::Login(name, caller, limit) => {
                let (in_turn, measured) = login(name, caller)?;
                (format!("{name}, p99 with a {caller} beyond open"), "ms", limit, in_turn.added_ms(measured, 0.99))
            }
            Budget::FirstLogin(limit) => {
                let name = "login, first request of a key beyond its second, p50";
                (name.into(), "look-ups", limit, self.logins.unknown.as_ref()?.look_ups())
            }
        };
        let at_least = matches!(budget, Budget::SummariesPerSecond(_));
        let answered = match budget {
            Budget::Latency(name, _) | Budget::Overhead(name, _) => alone(name)?.http.failed == 0,
            Budget::SummariesPerSecond(_) => self.throughput.as_ref()?.measured.failed == 0,
            Budget::LongSessionPage(_) | Budget::LongSession(_) => self.long_session.as_ref()?.pages.failed == 0,
            Budget::ResidentMib(_) => true,
            Budget::Login(name, caller, _) => {
                let (in_turn, measured) = login(name, caller)?;
                in_turn.open.failed + measured.failed == 0
            }
            Budget::FirstLogin(_) => {
                let unknown = self.logins.unknown.as_ref()?;
                unknown.first.failed + unknown.second.failed == 0
            }
        };
        Some(Judged {
            name,
            target: format!("{} {limit} {unit}", if at_least { ">" } else { "<" }),
            measured: format!("{measured:.2} {unit}"),
            // What was not answered took no time.
            met: answered && if at_least { measured > limit } else { measured < limit },
        })
    }
}
