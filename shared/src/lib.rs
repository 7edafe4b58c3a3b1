//! The query library over LiteLLM's spend logs, shared by every function of the API.
//!
//! `api` → `queries` → `facts`, with `content` and `access` beside `queries`; nothing points the other way.

pub mod access;
pub mod api;
mod calls;
pub mod config;
pub mod content;
pub mod db;
pub mod facts;
pub mod index;
mod invisible;
pub mod lambda;
pub mod money;
pub mod queries;
pub mod report;
pub mod scalar;
pub mod telemetry;
