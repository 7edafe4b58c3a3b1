//! What the tests share: databases with LiteLLM's rows, the API over them, and answers to look into.

pub mod answer;
pub mod app;
pub mod database;
pub mod endpoints;
pub mod faults;
pub mod logs;
pub mod rows;

pub use answer::Answer;
pub use app::App;
pub use database::Database;
pub use endpoints::encode;
pub use logs::Logs;
