//! The built functions, started as Lambda starts them: `make e2e`, and `make e2e-arm64` with what is deployed.

mod cost_report;
mod delivery_aws;
mod gateway_events;
mod login;
mod secret;
mod start;
