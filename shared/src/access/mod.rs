//! Who is calling, and which rows they may see.

mod scope;

pub(crate) use scope::Owners;
pub use scope::{OwnRows, Scope};
