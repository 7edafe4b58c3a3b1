//! Where the rows of a query come from.

mod database;
mod outage;
mod request_source;
mod session;

pub use database::Database;
pub use request_source::RequestSource;
pub use session::Session;
