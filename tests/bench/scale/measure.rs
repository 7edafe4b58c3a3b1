//! Asking each question, one at a time, and taking the time.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::Write;
use std::io;
use std::time::{Duration, Instant};

use super::questions::{Ask, Group};
use crate::client::Connection;
use crate::load::{Measured, failure};
use crate::process::Server;

/// What came of the questions of one kind.
pub struct Answers {
    /// The times of those that were answered.
    pub times: Measured,
    /// How many the database did not answer in time.
    pub timeouts: u64,
    /// The bytes of all answers together.
    bytes: usize,
}

/// How many answers are enough: each question twice, and a half more.
const ENOUGH: u64 = 150;
/// The page that counts, where it is not the first.
const DEEP_PAGE: usize = 100;
/// So many pages before it count as well: a walk there is a hundred requests.
const LAST_PAGES: usize = 10;
/// Where a page takes more than this part of the time, a walk would not come to an end.
const PART_OF_A_PAGE: u32 = 20;
/// Who waits in vain twice need not wait a third time.
const MOST_TIMEOUTS: u64 = 2;

impl Answers {
    /// The milliseconds within which this share was answered; `None` where nothing was.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        (self.times.count() > 0).then(|| self.times.quantile_ms(quantile))
    }

    /// The bytes of an answer on average.
    #[expect(clippy::cast_precision_loss, reason = "all answers together have far fewer than 2^53 bytes")]
    pub fn mean_bytes(&self) -> f64 {
        self.bytes as f64 / (self.times.count().max(1) as f64)
    }
}

/// Asks all groups of a server. None takes much longer than `cap`.
pub async fn all(
    server: &Server,
    groups: &[Group],
    cap: Duration,
    named: &str,
) -> Result<Vec<(String, Answers)>, Box<dyn Error>> {
    let mut all = Vec::new();
    for group in groups {
        let mut asking = Asking {
            connection: Connection::open(server.address()).await?,
            answers: Answers { times: Measured::new(), timeouts: 0, bytes: 0 },
            begun: Instant::now(),
            cap,
        };
        let outcome = if group.deep { asking.walks(&group.asks).await } else { asking.each(&group.asks).await };
        outcome.map_err(|error| server.explain(&error))?;
        let answers = asking.answers;
        eprintln!("{named}: {}: {}", group.name, describe(&answers));
        all.push((group.name.clone(), answers));
    }
    Ok(all)
}

/// The answers in a few words.
pub fn describe(answers: &Answers) -> String {
    let number = |milliseconds: f64| match milliseconds {
        ..10.0 => format!("{milliseconds:.1}"),
        _ => format!("{milliseconds:.0}"),
    };
    let mut text = match (answers.quantile_ms(0.5), answers.quantile_ms(0.99)) {
        (Some(median), Some(most)) => format!("{} / {}", number(median), number(most)),
        _ => "–".into(),
    };
    // Writing to a string cannot fail.
    let count = answers.times.count();
    if (1..50).contains(&count) {
        let _ = write!(text, " (n={count})");
    }
    if answers.timeouts > 0 {
        let _ = write!(text, " ({} timed out)", answers.timeouts);
    }
    if answers.times.failed > answers.timeouts {
        let _ = write!(text, " ({} failed)", answers.times.failed - answers.timeouts);
    }
    text
}

struct Asking {
    connection: Connection,
    answers: Answers,
    begun: Instant,
    cap: Duration,
}

impl Asking {
    /// Each question once for nothing, so that what it needs is in memory, and then again and again.
    async fn each(&mut self, asks: &[Ask]) -> io::Result<()> {
        for ask in asks {
            // What is that slow is not quicker the second time.
            if self.begun.elapsed() > self.cap / 4 {
                break;
            }
            let reply = self.ask(ask).await?;
            if reply.failure.is_some() {
                self.record(reply);
                return Ok(());
            }
        }
        let mut asks = asks.iter().cycle();
        while self.has_time() && self.answers.times.count() < ENOUGH {
            let Some(ask) = asks.next() else { break };
            let reply = self.ask(ask).await?;
            self.record(reply);
        }
        Ok(())
    }

    /// From page to page up to the hundredth, or to the last one if there are fewer. The last pages of the way count.
    async fn walks(&mut self, asks: &[Ask]) -> io::Result<()> {
        for ask in asks {
            if self.answers.times.count() >= ENOUGH {
                break;
            }
            let mut page = Some(ask.clone());
            let mut last = VecDeque::new();
            for _ in 0..DEEP_PAGE {
                let Some(ask) = page else { break };
                if !self.has_time() {
                    return Ok(());
                }
                let mut reply = self.ask(&ask).await?;
                page = reply.next.take().map(|next| ask.at(next));
                if page.is_some() && reply.took > self.cap / PART_OF_A_PAGE {
                    return Ok(());
                }
                if last.len() == LAST_PAGES {
                    last.pop_front();
                }
                last.push_back(reply);
            }
            for reply in last {
                self.record(reply);
            }
        }
        Ok(())
    }

    fn has_time(&self) -> bool {
        self.begun.elapsed() < self.cap && self.answers.timeouts < MOST_TIMEOUTS
    }

    async fn ask(&mut self, ask: &Ask) -> io::Result<Reply> {
        let request = ask.request();
        let started = Instant::now();
        let answer = self.connection.send(&request).await?;
        let took = started.elapsed();
        Ok(Reply { took, failure: failure(&request, &answer), bytes: answer.body.len(), next: answer.next })
    }

    fn record(&mut self, reply: Reply) {
        if reply.failure.as_ref().is_some_and(|failure| failure.starts_with("504 ")) {
            self.answers.timeouts += 1;
        }
        if reply.failure.is_none() {
            self.answers.bytes += reply.bytes;
        }
        self.answers.times.add_time(reply.took, reply.failure);
    }
}

/// One answer.
struct Reply {
    took: Duration,
    /// What was answered instead of what was asked for.
    failure: Option<String>,
    bytes: usize,
    /// Where the next page is.
    next: Option<String>,
}
