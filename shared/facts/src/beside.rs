//! What is read of requests beside their facts.

/// What is read beside facts. Never in a list or an aggregate, but for costs: it is most of a row's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// [`CONTENT_COLUMNS`]: the stored prompt and response.
    Content,
    /// The content, and what only the page of one request shows: `completion_started_at`, `cache_hit_text`, `cache_key`,
    /// `api_base`, `metadata` and `row_keys`: the keys that the row itself holds, perhaps in clear, which whoever shows the
    /// metadata has to take out of its texts.
    Record,
    /// `unbilled_cost`: what a request cost that has no `spend`; NULL for all others.
    UnbilledCost,
}

/// The columns of [`Beside::Content`]. Where a source has no content, they are NULL.
pub const CONTENT_COLUMNS: &str = "messages, proxy_server_request, has_request_metadata, response, logged_request, mcp_tool_call, \
                                   cold_storage_object_key, error_information, logged_length, deleted";
