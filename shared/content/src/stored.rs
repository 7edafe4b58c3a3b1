//! What LiteLLM stored of a request's content.

use serde_json::value::RawValue;

/// The parameters that hold a request's prompt, by API.
pub const PROMPTS: [&str; 7] = ["messages", "input", "prompt", "contents", "arguments", "params", "query"];

/// What LiteLLM stored of a request's content. Columns and keys that a release does not have are `None`.
/// To be read by [`normalise`] only: it holds what must not be shown to anyone.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is what a column says, and any may come with any other")]
pub struct StoredContent {
    /// The call's id, the same in both rows of a call that LiteLLM logged twice.
    pub call_id: Option<String>,
    /// The column `call_type`: which API the request was made to. Empty for failures of releases up to 1.80.
    pub call_type: String,
    /// Whether the request failed.
    pub failed: bool,
    /// Whether the log no longer has the request.
    pub deleted: bool,
    /// Whether LiteLLM's cache answered, with a response that it gave before.
    pub cached: bool,
    /// The tokens of the prompt, as the provider counted them.
    pub prompt_tokens: Option<u64>,
    /// The column `messages`: the prompt in 1.61, the events of a realtime session since 1.83, otherwise `{}`.
    pub messages: Option<Box<RawValue>>,
    /// The column `proxy_server_request`: the request's body since 1.72. The keys `metadata` and `litellm_metadata`
    /// are not needed.
    pub proxy_server_request: Option<Box<RawValue>>,
    /// Whether `proxy_server_request` has one of these two keys: LiteLLM stored the whole body then.
    pub has_request_metadata: bool,
    /// The column `response`.
    pub response: Option<Box<RawValue>>,
    /// `metadata->>'proxy_server_request'`: the request's body as a text of JSON, in 1.67.
    pub logged_request: Option<String>,
    /// `metadata->'mcp_tool_call_metadata'`: the call of an MCP tool, which is there even if prompts are not stored.
    pub mcp_tool_call: Option<Box<RawValue>>,
    /// `metadata->>'cold_storage_object_key'`: where LiteLLM put the content instead.
    pub cold_storage_object_key: Option<String>,
    /// `metadata->'error_information'`: why the request failed, or what went wrong with one that succeeded (the client
    /// went away). If there is no response, this is why.
    pub error: Option<Box<RawValue>>,
}
