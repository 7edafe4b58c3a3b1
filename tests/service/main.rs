//! The service as a whole: what is served, faults, upgrades, and what is deployed.

mod answers;
mod compression;
mod exports;
mod faults;
mod hang_ups;
mod local_server;
mod long_session;
mod pooler;
mod sample;
mod schema_upgrade;
mod template;
mod tls;
