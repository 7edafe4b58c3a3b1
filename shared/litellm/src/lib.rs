//! LiteLLM's tables, of whatever release: nothing else knows them. It uses `core`, `content`, `db` and `facts`.
//!
//! The [projection](Log) turns a row of the log into a request fact, see [`traceability_facts`]. It is inlined over the log; a
//! column that a release lacks becomes NULL or is derived. Facts are free of content; what a request said is read by
//! [`content`] for single requests, and whose a virtual key is by [`keys`].
//!
//! | files | hold |
//! |---|---|
//! | `probe`, `types`, `tables` | which of LiteLLM's tables and columns there are |
//! | `log`, `projection` | the log as facts |
//! | `bounds`, `spend`, `names`, `key_hash`, `model_map`, `quality`, `tool_calls`, `call_paths`, `unpacked` | SQL of single facts |
//! | `content`, `unbilled` | what is read of single requests beside their facts |
//! | `keys` | virtual keys |

pub mod bounds;
mod call_paths;
mod content;
mod error;
mod key_hash;
pub mod keys;
mod log;
mod model_map;
mod names;
mod probe;
mod projection;
mod quality;
mod spend;
mod tables;
mod tool_calls;
mod types;
mod unbilled;
mod unpacked;

pub use error::SchemaError;
pub use log::Log;
pub use projection::PROJECTION;
pub use quality::{FLAGS, Flag, SHARES_CALL_ID};
