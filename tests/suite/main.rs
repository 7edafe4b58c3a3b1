//! The API, asked through its router, on real databases with the rows that LiteLLM wrote.

#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod access_matrix;
mod analytics;
mod analytics_sums;
mod analytics_time;
mod any_input;
mod audit;
mod bad_body;
mod bad_cursors;
mod bad_input;
mod discretion;
mod expected;
mod fact_hostile;
mod fact_names;
mod facts;
mod faults;
mod function_login;
mod function_secret;
mod function_start;
mod gateway_events;
mod index_equality;
mod index_refresh;
mod keys;
mod login;
mod long_session;
mod made;
mod openapi;
mod plans;
mod pooler;
mod read_only;
mod request_detail;
mod requests_list;
mod sample;
mod secrets;
mod session_messages;
mod session_search;
mod session_summary;
mod smoke;
mod telemetry;
mod template;
mod tls;
mod tokens;
mod tool_calls;
