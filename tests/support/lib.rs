//! What the tests share: databases with LiteLLM's rows, the API over them, and answers to look into.

#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking, and so does what it stands on")]
#![expect(clippy::must_use_candidate, reason = "what a test computes it compares")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

pub mod answer;
pub mod any_rows;
pub mod app;
pub mod audit;
pub mod bucket;
pub mod clock;
pub mod cluster;
pub mod database;
pub mod emulator;
pub mod endpoints;
#[expect(missing_docs, reason = "fields and functions are named as what they stand for in the API")]
pub mod expected;
pub mod faults;
pub mod function;
pub mod gateway;
pub mod http;
pub mod index;
pub mod issuer;
pub mod logs;
pub mod made;
pub mod moto;
pub mod pair;
pub mod pgbouncer;
pub mod receiver;
pub mod reporting;
pub mod rows;
pub mod runtime_api;
pub mod server;
pub mod sound;
pub mod template;
pub mod wire;

pub use answer::Answer;
pub use app::App;
pub use audit::AuditLog;
pub use database::Database;
pub use endpoints::encode;
pub use function::{Function, Program};
pub use gateway::{Gateway, Question};
pub use logs::Logs;
pub use pair::Pair;
pub use runtime_api::Outcome;
