//! The API, asked through its router, on real databases with the rows that LiteLLM wrote.

mod smoke;
