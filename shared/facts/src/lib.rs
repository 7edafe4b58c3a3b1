//! The request fact: one narrow, typed row for each request, of whatever release of LiteLLM, and SQL over it.
//!
//! LiteLLM's log is read as facts, and the index stores them. What is written over facts does not know which of the two
//! answers.
//!
//! | module | holds |
//! |---|---|
//! | [`absent`] | what stands for a name that a request does not have |
//! | [`dimension`] | what requests are grouped by |
//! | [`measures`] | what is measured of a group of requests |
//! | [`scope`] | which rows a caller may see |
//! | [`session`] | a session's figures, and the names in its row |

pub mod absent;
mod beside;
mod column;
mod conditions;
pub mod dimension;
pub mod measures;
mod row_selector;
pub mod scope;
pub mod session;

pub use beside::{Beside, CONTENT_COLUMNS};
pub use column::Fact;
pub use conditions::Conditions;
pub use row_selector::RowSelector;
