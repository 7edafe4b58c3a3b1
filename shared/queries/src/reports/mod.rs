//! What a cost report asks that the analytics do not answer.

mod charges;
mod data_quality;
mod oldest_request;

pub use charges::{MOST_CHARGES, SumOfDay, charges};
pub use data_quality::{DataQuality, OfOrigin, data_quality, of_origins, sharing_call_ids};
pub use oldest_request::oldest_request;
