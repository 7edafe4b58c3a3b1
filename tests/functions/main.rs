//! The built functions, started as Lambda starts them: `make e2e`, and `make e2e-arm64` with what is deployed.

#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod cost_report;
mod delivery_aws;
mod gateway_events;
mod login;
mod secret;
mod start;
