//! Cost reports: their forms, and that each target gets one, once.

#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod delivery_budgets;
mod delivery_events;
mod delivery_once;
mod delivery_targets;
mod report_forms;
mod report_time;
