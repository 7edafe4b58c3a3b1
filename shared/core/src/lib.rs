//! What every layer shares. It does no I/O and knows no SQL.
//!
//! | module | holds |
//! |---|---|
//! | [`clock`] | the time, passed in so that a test can stop it |
//! | [`dimension`] | what requests are grouped by |
//! | [`environment`] | settings, and what is wrong with one |
//! | [`error`] | an error with its causes, as text |
//! | [`invisible`] | characters that take no room |
//! | [`key_hash`] | which names of virtual keys may be shown |
//! | [`moment`] | points in time and time zones, as a person writes them |
//! | [`money`] | exact US dollars |
//! | [`name_paths`] | where a deployment keeps names of agents and conversations |
//! | [`report_settings`] | budgets, and where the API is |
//! | [`scalar`] | one value of a query string or a JSON body |
//! | [`scope`] | the rows a caller may see |
//! | [`time`] | time windows, and days in a time zone |

pub mod clock;
pub mod dimension;
pub mod environment;
pub mod error;
pub mod invisible;
pub mod key_hash;
pub mod moment;
pub mod money;
pub mod name_paths;
pub mod report_settings;
pub mod scalar;
pub mod scope;
pub mod time;
