//! What every HTTP function shares: state, extractors, errors and the layers around a router.
//!
//! | modules | hold |
//! |---|---|
//! | [`state`] | what every handler is given |
//! | [`body`], [`params`], [`id`], [`filters`], [`window`], [`page`], [`cursor`], [`caller`], [`formats`] | extractors and parameters |
//! | [`error`] | problem documents |
//! | [`layers`], [`caching`], [`compression`], [`audit`] | what is done around each request |
//! | [`openapi`] | the base of the API document |
//! | [`lambda`] | from a gateway's event to a request |

pub mod audit;
pub mod body;
pub mod caching;
pub mod caller;
pub mod compression;
pub mod cursor;
pub mod error;
pub mod filters;
pub mod formats;
pub mod id;
pub mod lambda;
pub mod layers;
pub mod openapi;
pub mod page;
pub mod params;
mod request_context;
pub mod state;
pub mod window;

pub use body::JsonBody;
pub use caching::CachePolicy;
pub use caller::{Caller, ContentReader, MayRead};
pub use cursor::Cursor;
pub use error::{ApiError, ApiResult, Problem, Unauthorized};
pub use id::PathId;
pub use page::{Page, PageSize};
pub use params::Query;
pub use state::AppState;

/// The version of this service.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
