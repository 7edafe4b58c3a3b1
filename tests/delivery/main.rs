//! Cost reports: their forms, and that each target gets one, once.

mod delivery_budgets;
mod delivery_events;
mod delivery_once;
mod delivery_targets;
mod report_forms;
mod report_time;
