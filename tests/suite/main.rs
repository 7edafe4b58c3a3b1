//! The API, asked through its router, on real databases with the rows that LiteLLM wrote.

mod analytics;
mod analytics_sums;
mod analytics_time;
mod bad_body;
mod bad_cursors;
mod bad_input;
mod expected;
mod fact_hostile;
mod fact_names;
mod facts;
mod faults;
mod made;
mod openapi;
mod read_only;
mod requests_list;
mod session_search;
mod session_summary;
mod smoke;
mod tool_calls;
