//! The API, asked through its router, on real databases with the rows that LiteLLM wrote.

mod analytics;
mod analytics_sums;
mod analytics_time;
mod expected;
mod fact_hostile;
mod fact_names;
mod facts;
mod made;
mod requests_list;
mod session_search;
mod session_summary;
mod smoke;
mod tool_calls;
