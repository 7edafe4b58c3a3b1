//! What every HTTP function shares: state, extractors, errors and the layers around a router.

pub mod body;
pub mod caching;
pub mod caller;
pub mod cursor;
pub mod error;
pub mod filters;
pub mod id;
pub mod layers;
pub mod openapi;
pub mod page;
pub mod params;
pub mod state;
pub mod window;

pub use body::JsonBody;
pub use caller::{Caller, Reader};
pub use cursor::Cursor;
pub(crate) use error::safe_text;
pub use error::{ApiError, ApiResult, Problem, Unauthorized};
pub use id::PathId;
pub use page::{Page, PageSize};
pub use params::Query;
pub use state::{AppState, Clock};
pub use window::{Moment, TimeWindow, TimeZone};
