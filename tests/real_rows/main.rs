//! The API over the rows that LiteLLM itself wrote. These tests run against each form of it: in this process, over an
//! index (`make test-indexed`), and as Lambda functions behind a gateway (`make e2e`).

#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod analytics;
mod analytics_compare;
mod analytics_details;
mod analytics_rows;
mod analytics_series;
mod analytics_top;
mod any_input;
mod audit;
mod bad_body;
mod bad_cursors;
mod bad_input;
mod call_counts;
mod delivery_by_hand;
mod facets;
mod keys;
mod openapi;
mod read_only;
mod report_figures;
mod request_detail;
mod requests_list;
mod secrets;
mod session_diff;
mod session_messages;
mod session_search;
mod session_summary;
mod session_timeline;
mod smoke;
mod sql_snapshots;
mod telemetry;
mod tool_calls;
