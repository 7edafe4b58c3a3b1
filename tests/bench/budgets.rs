//! What is promised.

use crate::endpoints::{
    COST_REPORT, MESSAGES, MODELS, NEWEST_SESSIONS, OVERVIEW, REQUEST, SUMMARY, TRENDS, WEEK_OF_SESSIONS,
};
use crate::logins::{LITELLM_KEY, LOGIN_LIST, LOGIN_SUMMARY, OWN_KEY};

/// What must stay below or above a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// 99 in 100 requests to the endpoint, one at a time, take less than this many milliseconds.
    Latency(&'static str, f64),
    /// Of that, less than this many milliseconds are the service's own: p99 over HTTP less p99 of the SQL alone.
    Overhead(&'static str, f64),
    /// More than this many summaries a second.
    SummariesPerSecond(f64),
    /// No page of the long session takes more than this many milliseconds.
    LongSessionPage(f64),
    /// All pages of the long session together take less than this many milliseconds.
    LongSession(f64),
    /// The server's memory never exceeds this many MiB.
    ResidentMib(f64),
    /// At the endpoint, the login of a caller who is known adds less than this many milliseconds: p99 with the login less
    /// p99 of a server that asks for none.
    Login(&'static str, &'static str, f64),
    /// A caller's first request takes longer than the second by less than this many look-ups of a key.
    FirstLogin(f64),
}

/// Every budget. The overhead is judged where the database is quick: beside a question of a second, a millisecond is
/// lost in the noise. A first request is one look-up more, and what the service does for it; with a second query it
/// would be more than two.
pub const BUDGETS: [Budget; 21] = [
    Budget::Latency(SUMMARY, 10.0),
    Budget::Latency(MESSAGES, 10.0),
    Budget::Latency(REQUEST, 5.0),
    Budget::Latency(NEWEST_SESSIONS, 50.0),
    Budget::Latency(WEEK_OF_SESSIONS, 300.0),
    Budget::Latency(OVERVIEW, 1_500.0),
    Budget::Latency(MODELS, 1_500.0),
    Budget::Latency(TRENDS, 1_500.0),
    Budget::Latency(COST_REPORT, 10_000.0),
    Budget::Overhead(SUMMARY, 1.0),
    Budget::Overhead(MESSAGES, 1.0),
    Budget::Overhead(REQUEST, 1.0),
    Budget::SummariesPerSecond(5_000.0),
    Budget::LongSessionPage(500.0),
    Budget::LongSession(10_000.0),
    Budget::ResidentMib(64.0),
    Budget::Login(LOGIN_SUMMARY, LITELLM_KEY, 0.2),
    Budget::Login(LOGIN_SUMMARY, OWN_KEY, 0.2),
    Budget::Login(LOGIN_LIST, LITELLM_KEY, 0.2),
    Budget::Login(LOGIN_LIST, OWN_KEY, 0.2),
    Budget::FirstLogin(2.0),
];
