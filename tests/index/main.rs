//! The index says what the log says, whatever happens to either.

#![expect(clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod index_away;
mod index_equality;
mod index_faults;
mod index_health;
mod index_hostile;
mod index_http;
mod index_levels;
mod index_refresh;
mod index_upgrade;
mod report_index;
