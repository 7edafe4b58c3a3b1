//! Figures over rows made by hand: sums, zones, windows, and how the database finds them.

#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod analytics_sums;
mod analytics_time;
mod many_tools;
mod plans;
mod series_sums;
