//! What a cost report asks that the analytics do not answer.

mod charges;
mod doubts;
mod reach;

pub use charges::{MOST_CHARGES, SumOfDay, charges};
pub use doubts::{Doubts, doubts};
pub use reach::oldest_request;
