//! The local runner: every function of the API in one server, over a LiteLLM database or, without one, over an embedded
//! PostgreSQL with LiteLLM's sample rows in it and as many more rows of the same shapes as wanted.
//!
//! - [`api`] is all routes and their document, [`server`] serves them, within [`limits`], to whoever [`host_guard`] lets in;
//!   [`settings`] says how.
//! - `embedded` starts PostgreSQL inside this process; nothing has to be installed. A build without the feature of that
//!   name has to be told a database.
//! - [`fixtures`] are tables and rows that LiteLLM itself wrote, in three of its releases, and how to load them.
//! - [`sample`] keeps one database filled with the newest of them, as if the last request had just ended.
//! - [`generate`] multiplies that sample, for a fuller picture and for measurements.
//!
//! The API only ever reads LiteLLM's tables; this crate is the one place that writes them, and therefore only does so
//! in databases that it has itself filled (see
//! [`sample::prepare`] and [`sample::fill`]).

pub mod api;
pub mod command;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod fixtures;
pub mod generate;
pub mod healthcheck;
pub mod host_guard;
pub mod limits;
pub mod sample;
pub mod server;
pub mod settings;

mod columns;
mod connection;
mod delivery;
mod error;
mod export;
mod export_command;
mod service_key;

pub use error::Error;
