//! What the tests share: databases with LiteLLM's rows, the API over them, and answers to look into.

pub mod answer;
pub mod app;
pub mod database;
pub mod rows;

pub use answer::Answer;
pub use app::App;
pub use database::Database;
