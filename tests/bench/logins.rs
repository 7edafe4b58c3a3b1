//! What a login costs: the same questions of servers that ask who is calling and of one that does not, and the first
//! request of callers who are not known yet.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use chrono::Utc;
use traceability_access::litellm;
use traceability_litellm::keys::KeyRecord;
use traceability_queries::source::SourceConnection;
use url::Url;

use crate::ask::Ask;
use crate::client::{Connection, get_with};
use crate::data::Data;
use crate::endpoints::{Endpoint, MESSAGES, SUMMARY};
use crate::keys::{self, KEYS, SERVICE_KEY, litellm_key};
use crate::load::{Bounds, Measured, WARM_UP, send};
use crate::process::{Login, Server};

/// The totals of a session.
pub const LOGIN_SUMMARY: &str = "login, session summary";
/// A list of one request.
pub const LOGIN_LIST: &str = "login, newest request";
/// The first page of a session's messages. All servers write an audit line for each.
const LOGIN_MESSAGES: &str = "login, session messages";
/// Of every key the first request, and the second.
const FIRST_REQUESTS: &str = "login, first request of a key";

/// A caller who brings a LiteLLM key, which the service knows but for one request in half a minute.
pub const LITELLM_KEY: &str = "LiteLLM key";
/// A caller who brings a key of the service's own.
pub const OWN_KEY: &str = "service key";

/// How many sessions are asked about, again and again: so few that the database finds all of them in memory, since what
/// it reads from the disk would hide what a login costs.
const SESSIONS: usize = 200;

/// What was measured of logins.
#[derive(Default)]
pub struct Logins {
    /// Each endpoint.
    pub known: Vec<(&'static str, InTurn)>,
    /// Callers who are not known yet.
    pub unknown: Option<Unknown>,
}

/// The same questions, asked in turn by callers who log in and by those who need not.
pub struct InTurn {
    /// Of a server that does not ask who is calling.
    pub open: Measured,
    /// The others, by name. The first is one more open server, which tells how much of a difference is chance.
    pub others: Vec<(&'static str, Measured)>,
}

/// The requests of callers whom the service does not know yet.
pub struct Unknown {
    /// The first of each.
    pub first: Measured,
    /// The same question again.
    pub second: Measured,
    /// The statement that looks a key up, asked of the database alone.
    pub look_up: Measured,
}

impl InTurn {
    /// What a caller's login adds, in milliseconds.
    pub fn added_ms(&self, measured: &Measured, quantile: f64) -> f64 {
        measured.quantile_ms(quantile) - self.open.quantile_ms(quantile)
    }

    /// The caller of this name.
    pub fn of(&self, caller: &str) -> Option<&Measured> {
        self.others.iter().find(|(name, _)| *name == caller).map(|(_, measured)| measured)
    }
}

impl Unknown {
    /// How many look-ups a first request takes longer than a second.
    pub fn look_ups(&self) -> f64 {
        (self.first.quantile_ms(0.5) - self.second.quantile_ms(0.5)) / self.look_up.quantile_ms(0.5)
    }
}

impl Logins {
    /// Everything measured.
    pub fn measurements(&self) -> impl Iterator<Item = (&'static str, &Measured)> {
        let known = self.known.iter().flat_map(|(name, in_turn)| {
            let others = in_turn.others.iter().map(|(_, measured)| measured);
            std::iter::once(&in_turn.open).chain(others).map(|measured| (*name, measured))
        });
        let unknown = self.unknown.iter().flat_map(|unknown| [&unknown.first, &unknown.second]);
        known.chain(unknown.map(|measured| (FIRST_REQUESTS, measured)))
    }
}

/// One who asks, of a server of its own.
struct Caller {
    name: &'static str,
    server: Server,
    connection: Connection,
    key: Option<String>,
}

impl Caller {
    async fn new(
        name: &'static str,
        program: Option<&Path>,
        database: &Url,
        login: Login<'_>,
        key: Option<String>,
    ) -> Result<Self, Box<dyn Error>> {
        // One request at a time needs one connection, so that each is as used as any other.
        let server = Server::start(program, database, 1, login)?;
        let connection = Connection::open(server.address()).await?;
        Ok(Self { name, server, connection, key })
    }

    fn request(&self, ask: &Ask) -> Vec<u8> {
        get_with(&ask.target(), self.key.as_deref())
    }

    /// Asks, and adds the time to what was measured.
    async fn send(&mut self, request: &[u8], measured: &mut Measured) -> Result<(), Box<dyn Error>> {
        let sent = send(&mut self.connection, request, measured).await;
        sent.map(drop).map_err(|error| self.server.explain(&error).into())
    }
}

/// Measures those of which the name is wanted. The endpoints lend their questions.
pub async fn measure(
    data: &mut Data,
    program: Option<&Path>,
    endpoints: &[Endpoint],
    bounds: Bounds,
    wanted: impl Fn(&str) -> bool,
) -> Result<Logins, Box<dyn Error>> {
    let few = |name: &str| {
        let asks = endpoints.iter().filter(|endpoint| endpoint.name == name).flat_map(|endpoint| &endpoint.asks);
        asks.take(SESSIONS).cloned().collect::<Vec<_>>()
    };
    let summaries = few(SUMMARY);
    let mut questions =
        vec![(LOGIN_SUMMARY, summaries.clone()), (LOGIN_LIST, vec![Ask::Requests(1)]), (LOGIN_MESSAGES, few(MESSAGES))];
    questions.retain(|(name, _)| wanted(name));
    let mut logins = Logins::default();
    if questions.is_empty() && !wanted(FIRST_REQUESTS) {
        return Ok(logins);
    }
    data.add_keys().await?;
    let database = data.url();
    let service_keys = keys::service_keys();
    let mut callers = [
        Caller::new("open", program, database, Login::None, None).await?,
        Caller::new("open, another server", program, database, Login::None, None).await?,
        Caller::new(LITELLM_KEY, program, database, Login::Litellm, Some(litellm_key(0))).await?,
        Caller::new(OWN_KEY, program, database, Login::Keys(&service_keys), Some(SERVICE_KEY.into())).await?,
    ];
    for (name, asks) in questions {
        eprintln!("{name}, in turn with and without");
        logins.known.push((name, in_turn(&mut callers, &asks, bounds).await?));
    }
    if wanted(FIRST_REQUESTS) {
        eprintln!("{FIRST_REQUESTS}");
        let [_, _, caller, _] = &mut callers;
        logins.unknown = Some(unknown(caller, data.connection(), &summaries, bounds).await?);
    }
    Ok(logins)
}

/// Puts each question to all servers, one after the other and to another one first each time: whatever else the machine
/// does, it does to all of them.
async fn in_turn(callers: &mut [Caller], asks: &[Ask], bounds: Bounds) -> Result<InTurn, Box<dyn Error>> {
    // All of the questions, so that none has to be read from the disk later.
    for ask in asks.iter().cycle().take(asks.len().max(WARM_UP)) {
        for caller in &mut *callers {
            let request = caller.request(ask);
            caller.send(&request, &mut Measured::new()).await?;
        }
    }
    let mut all: Vec<_> = callers.iter().map(|caller| (caller.name, Measured::new())).collect();
    let begun = Instant::now();
    // Each takes part of the time.
    let time = bounds.time * u32::try_from(callers.len())?;
    for (index, ask) in asks.iter().cycle().take(bounds.requests).enumerate() {
        if begun.elapsed() >= time {
            break;
        }
        for turn in 0..callers.len() {
            let number = (index + turn) % callers.len();
            let request = callers[number].request(ask);
            callers[number].send(&request, &mut all[number].1).await?;
        }
    }
    let elapsed = begun.elapsed();
    for (_, measured) in &mut all {
        measured.elapsed = elapsed;
    }
    let others = all.split_off(1);
    let (_, open) = all.pop().ok_or("there is no open server")?;
    Ok(InTurn { open, others })
}

/// Asks twice with each of the keys. What the question needs of the log is in memory by then: the caller who is known
/// has asked it before. The look-up comes before both or after both in turn, since the first to ask for a key may have
/// to read it from the disk.
async fn unknown(
    caller: &mut Caller,
    db: &mut SourceConnection,
    asks: &[Ask],
    bounds: Bounds,
) -> Result<Unknown, Box<dyn Error>> {
    let mut measured = Unknown { first: Measured::new(), second: Measured::new(), look_up: Measured::new() };
    let warm_up = u32::try_from(WARM_UP)?;
    for (number, ask) in (1..=KEYS).zip(asks.iter().cycle()).take(bounds.requests) {
        if number == warm_up {
            measured = Unknown { first: Measured::new(), second: Measured::new(), look_up: Measured::new() };
        }
        let key = litellm_key(number);
        let known = caller.request(ask);
        caller.send(&known, &mut Measured::new()).await?;
        let request = get_with(&ask.target(), Some(&key));
        if number % 2 == 0 {
            look_up(db, &key, &mut measured.look_up).await?;
        }
        caller.send(&request, &mut measured.first).await?;
        caller.send(&request, &mut measured.second).await?;
        if number % 2 == 1 {
            look_up(db, &key, &mut measured.look_up).await?;
        }
    }
    Ok(measured)
}

/// Looks a key up as the service does.
async fn look_up(db: &mut SourceConnection, key: &str, measured: &mut Measured) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let query = db.facts.key_query(&litellm::hash(key), Utc::now().naive_utc());
    let mut query = query.ok_or("the key table cannot be read")?;
    let found: Option<KeyRecord> = query.build_query_as().fetch_optional(&mut db.conn).await?;
    measured.record(started, None);
    found.map(drop).ok_or_else(|| "a key is missing".into())
}
