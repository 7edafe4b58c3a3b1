//! What is made of rows of every shape that LiteLLM, or anyone, stores.

#![expect(clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod cases_conversations;
mod cases_shapes;
mod column_types;
mod data_quality;
mod fact_hostile;
mod fact_names;
mod facts;
mod odd_ids;
mod odd_times;
mod poisoned_rows;
