//! Where the rows of a query come from.

mod database;
mod outage;
mod request_source;
mod source_connection;

pub use database::Database;
pub use request_source::RequestSource;
pub use source_connection::SourceConnection;
