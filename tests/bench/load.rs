//! Asking, and taking the time: alone beside the database, and from many connections at once.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use traceability_queries::source::SourceConnection;

use crate::ask::Ask;
use crate::client::{Answer, Connection, get};

/// When to stop, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// No request begins later than this.
    pub time: Duration,
    /// The most requests.
    pub requests: usize,
}

/// What came of a measurement.
pub struct Measured {
    times: Histogram<u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Answers that were not a 200.
    pub failed: u64,
    /// The first of those.
    pub failure: Option<String>,
}

impl Measured {
    /// Of nothing yet.
    pub fn new() -> Self {
        let hour = 3_600_000_000_000;
        let times = Histogram::new_with_max(hour, 3).expect("three digits are allowed");
        Self { times, elapsed: Duration::ZERO, failed: 0, failure: None }
    }

    /// The number of requests that succeeded.
    pub fn count(&self) -> u64 {
        self.times.len()
    }

    /// The milliseconds within which this share of the requests was answered.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        Duration::from_nanos(self.times.value_at_quantile(quantile)).as_secs_f64() * 1e3
    }

    /// Requests that succeeded, per second.
    pub fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a measurement has far fewer than 2^53 requests")]
        let count = self.count() as f64;
        count / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Adds what was begun then and has just ended.
    pub fn record(&mut self, started: Instant, failure: Option<String>) {
        self.add_time(started.elapsed(), failure);
    }

    /// Adds what took so long.
    pub fn add_time(&mut self, took: Duration, failure: Option<String>) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        match failure {
            None => self.times.saturating_record(nanoseconds),
            Some(failure) => {
                self.failed += 1;
                self.failure.get_or_insert(failure);
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.times.add(&other.times).expect("both have the same digits");
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
    }
}

/// The same questions over HTTP and of the database alone.
pub struct Alone {
    /// Over HTTP.
    pub http: Measured,
    /// Of the database; `None` where the service does not ask it.
    pub sql: Option<Measured>,
}

/// What is prepared only once (the statement, a plan, the caches of a connection) is prepared by this many rounds, which
/// are not counted. PostgreSQL settles for a plan after five.
pub const WARM_UP: usize = 6;

/// Asks one thing at a time, over HTTP and of the database in turn. Each question is put to both, once to the one first
/// and once to the other, since the first may have to read from the disk what the second then finds in memory; and
/// whatever else the machine does, it does to both.
pub async fn alternately(
    address: SocketAddr,
    db: &mut SourceConnection,
    asks: &[Ask],
    bounds: Bounds,
) -> Result<Alone, Box<dyn std::error::Error>> {
    let mut connection = Connection::open(address).await?;
    let mut http = Measured::new();
    let mut sql = asks.first().is_some_and(Ask::needs_database).then(Measured::new);
    // The warm-up takes the questions that come last, and no longer than a measurement.
    let begun = Instant::now();
    for ask in asks.iter().rev().cycle().take(WARM_UP) {
        connection.send(&get(&ask.target())).await?;
        ask.of_database(db).await?;
        if begun.elapsed() > bounds.time {
            break;
        }
    }
    let begun = Instant::now();
    // Both take part of the time.
    let time = if sql.is_some() { bounds.time * 2 } else { bounds.time };
    for (index, ask) in asks.iter().cycle().take(bounds.requests).enumerate() {
        if begun.elapsed() >= time {
            break;
        }
        let request = get(&ask.target());
        for turn in [index % 2, (index + 1) % 2] {
            if turn == 0 {
                send(&mut connection, &request, &mut http).await?;
            } else if let Some(sql) = &mut sql {
                let started = Instant::now();
                ask.of_database(db).await?;
                sql.record(started, None);
            }
        }
    }
    http.elapsed = begun.elapsed();
    Ok(Alone { http, sql })
}

/// Sends a request, and takes the time until the whole answer is there. Returns where the next page is, if there is one.
pub async fn send(connection: &mut Connection, request: &[u8], measured: &mut Measured) -> io::Result<Option<String>> {
    let started = Instant::now();
    let answer = connection.send(request).await?;
    measured.record(started, failure(request, &answer));
    Ok(answer.next)
}

/// What was answered instead of a 200.
pub fn failure(request: &[u8], answer: &Answer<'_>) -> Option<String> {
    (answer.status != 200).then(|| {
        let target = request.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let [target, body] = [target, answer.body].map(String::from_utf8_lossy);
        format!("{} from {target}: {body}", answer.status)
    })
}

/// Asks from several connections at once, each of which asks again as soon as it is answered.
pub async fn together(
    address: SocketAddr,
    asks: &[Ask],
    connections: usize,
    bounds: Bounds,
) -> Result<Measured, Box<dyn std::error::Error>> {
    let requests: Arc<[Vec<u8>]> = asks.iter().map(|ask| get(&ask.target())).collect();
    // One round of each connection opens the service's own connections and is not counted.
    let warm_up = Bounds { time: bounds.time, requests: connections };
    ask_together(address, &requests, connections, warm_up).await?;
    ask_together(address, &requests, connections, bounds).await
}

async fn ask_together(
    address: SocketAddr,
    requests: &Arc<[Vec<u8>]>,
    connections: usize,
    bounds: Bounds,
) -> Result<Measured, Box<dyn std::error::Error>> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for mut connection in opened {
        let (next, requests) = (Arc::clone(&next), Arc::clone(requests));
        workers.spawn(async move {
            let mut measured = Measured::new();
            while begun.elapsed() < bounds.time {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= bounds.requests {
                    break;
                }
                send(&mut connection, &requests[number % requests.len()], &mut measured).await?;
            }
            io::Result::Ok(measured)
        });
    }
    let mut all = Measured::new();
    while let Some(worker) = workers.join_next().await {
        all.add(worker??);
    }
    all.elapsed = begun.elapsed();
    Ok(all)
}
