//! Connections to LiteLLM's database and to that of the index: logins, TLS, poolers, the pool, and how long a request waits
//! for them. It knows none of their tables, and uses `core` only.
//!
//! A [`Server`] is one of the two: its pool, and what a [`Probe`] has learnt of its tables.
//!
//! | files | hold |
//! |---|---|
//! | `config` | the settings |
//! | `login`, `target`, `aws`, `iam`, `rds` | where a login comes from: a URL, a secret, a token of IAM |
//! | `server`, `probe_result` | the pool of a server, and what is known of its tables |
//! | `pool`, `pooled_connection`, `places`, `backend`, `settings` | making connections, sharing them, cancelling statements |
//! | `connection`, `db_stats` | running statements, and what a request does in the database |
//! | `error`, `fault`, `kind` | errors, and what to do about them |

mod aws;
mod backend;
pub mod config;
mod connection;
mod db_stats;
mod error;
mod fault;
mod iam;
mod kind;
mod login;
mod login_error;
mod places;
mod pool;
mod pooled_connection;
mod probe_result;
mod rds;
mod server;
mod settings;
mod target;

pub use connection::Connection;
pub use db_stats::DbStats;
pub use error::DbError;
pub use fault::{Fault, FaultKind, SLOW_ADVICE};
pub use kind::DatabaseKind;
pub use login::connect;
pub use login_error::LoginError;
pub use places::urgently;
pub use probe_result::ProbeResult;
pub use server::{Probe, Server};
