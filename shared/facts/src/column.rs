//! The names of the fact columns.

/// One column of the facts projection. A query names the facts it needs, and nothing else is read.
///
/// The cost of a fact is what it makes PostgreSQL unpack per row: *free* facts lie in the row itself, *payload* facts
/// need one of LiteLLM's fat JSON columns, which are compressed and mostly stored out of line. Lists and aggregates
/// keep to the free ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// `text`: LiteLLM's primary key; the provider's response id, up to 505 characters.
    RequestId,
    /// `text`: `x-litellm-call-id`, NULL before the release that stores it.
    CallId,
    /// `text`: the session's key; the request's own id where LiteLLM stored none.
    SessionId,
    /// `boolean`: LiteLLM stored no session, the key is the request's own id.
    SessionIsGenerated,
    /// `timestamp`, UTC: when the proxy received the request.
    StartedAt,
    /// `timestamp`, UTC: when the response was complete; before the start where a clock was wrong.
    EndedAt,
    /// `bigint`: milliseconds from start to end, 0 or more.
    DurationMs,
    /// `bigint`: milliseconds to the first token; NULL where the response was not streamed.
    TtftMs,
    /// `text`, payload: who asked, see the `names` module for the order of its carriers.
    AgentName,
    /// `text`, payload: the conversation's title, from the same carriers.
    ConversationName,
    /// `text`: the LiteLLM user who owns the key.
    UserId,
    /// `text`: the end user that the caller named.
    EndUser,
    /// `text`: the key's team.
    TeamId,
    /// `text`: the key's organization.
    OrganizationId,
    /// `text`: SHA-256 of the virtual key.
    ApiKeyHash,
    /// `text`, payload where LiteLLM's key table is not readable: the key's alias.
    KeyAlias,
    /// `text`: the deployed model, as LiteLLM wrote it in that release.
    Model,
    /// `text`: the model's public name, the same in every release.
    ModelGroup,
    /// `text`: the provider, such as `openai`.
    Provider,
    /// `text`: LiteLLM's call type, such as `acompletion`.
    CallType,
    /// `text`: `success` or `failure`.
    Status,
    /// `text`, payload: the class of the error of a failed request.
    ErrorClass,
    /// `integer`.
    PromptTokens,
    /// `integer`.
    CompletionTokens,
    /// `bigint`, payload: prompt tokens that the provider read from its cache; NULL where LiteLLM kept no usage.
    CachedTokens,
    /// `bigint`, payload: completion tokens spent on reasoning; NULL where LiteLLM kept no usage.
    ReasoningTokens,
    /// `integer`.
    TotalTokens,
    /// `double precision`: US dollars.
    Spend,
    /// `boolean`: answered by LiteLLM's own response cache.
    CacheHit,
    /// `bigint`, reads `response`: tool calls, see the `tool_calls` module.
    ToolCalls,
    /// `boolean`, reads `response`: the calls were counted, not inferred from the names of the called tools.
    ToolCallsExact,
    /// `jsonb`: an array, whose strings are the tags.
    Tags,
    /// `text[]`, reads `response`: the distinct names of the called tools, see the `tool_calls` module; NULL where none is
    /// known.
    Tools,
    /// `text`, reads `metadata`: who made the request, see the `quality` module; in the index NULL where that is not known.
    Origin,
    /// `text[]`, reads `response` of a few: the doubts about the request, by the names of [`super::FLAGS`]; NULL where there
    /// is none.
    DataQuality,
    /// `bigint`, payload: prompt tokens that the provider wrote to its cache; NULL where LiteLLM kept no usage.
    CacheWriteTokens,
    /// `text`: the MCP server that was asked, for calls of MCP tools.
    McpServer,
    /// `boolean`: a prompt or an answer was stored, though perhaps redacted.
    HasContent,
    /// `bigint`, payload: the most prompt tokens that the model took at the time, by LiteLLM's table of models; NULL where the row
    /// has no such table.
    ContextWindow,
    /// `double precision`, payload: US dollars for a prompt token at the time, by the same table.
    InputPrice,
    /// `double precision`, payload: US dollars for a prompt token that came from the provider's cache, by the same table.
    CacheReadPrice,
}

impl Fact {
    /// The column's name in the projection.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "request_id",
            Self::CallId => "call_id",
            Self::SessionId => "session_id",
            Self::SessionIsGenerated => "session_is_generated",
            Self::StartedAt => "started_at",
            Self::EndedAt => "ended_at",
            Self::DurationMs => "duration_ms",
            Self::TtftMs => "ttft_ms",
            Self::AgentName => "agent_name",
            Self::ConversationName => "conversation_name",
            Self::UserId => "user_id",
            Self::EndUser => "end_user",
            Self::TeamId => "team_id",
            Self::OrganizationId => "organization_id",
            Self::ApiKeyHash => "api_key_hash",
            Self::KeyAlias => "key_alias",
            Self::Model => "model",
            Self::ModelGroup => "model_group",
            Self::Provider => "provider",
            Self::CallType => "call_type",
            Self::Status => "status",
            Self::ErrorClass => "error_class",
            Self::PromptTokens => "prompt_tokens",
            Self::CompletionTokens => "completion_tokens",
            Self::CachedTokens => "cached_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::TotalTokens => "total_tokens",
            Self::Spend => "spend",
            Self::CacheHit => "cache_hit",
            Self::ToolCalls => "tool_calls",
            Self::ToolCallsExact => "tool_calls_exact",
            Self::Tags => "tags",
            Self::Tools => "tools",
            Self::Origin => "origin",
            Self::DataQuality => "data_quality",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::McpServer => "mcp_server",
            Self::HasContent => "has_content",
            Self::ContextWindow => "context_window",
            Self::InputPrice => "input_price",
            Self::CacheReadPrice => "cache_read_price",
        }
    }

    /// The column's type.
    #[must_use]
    pub const fn sql_type(self) -> &'static str {
        match self {
            Self::SessionIsGenerated | Self::CacheHit | Self::ToolCallsExact | Self::HasContent => "boolean",
            Self::StartedAt | Self::EndedAt => "timestamp",
            Self::DurationMs
            | Self::TtftMs
            | Self::CachedTokens
            | Self::ReasoningTokens
            | Self::ToolCalls
            | Self::CacheWriteTokens
            | Self::ContextWindow => "bigint",
            Self::PromptTokens | Self::CompletionTokens | Self::TotalTokens => "integer",
            Self::Spend | Self::InputPrice | Self::CacheReadPrice => "double precision",
            Self::Tags => "jsonb",
            Self::Tools | Self::DataQuality => "text[]",
            _ => "text",
        }
    }

    /// Every fact, in the order of the projection.
    pub const ALL: [Self; 41] = [
        Self::RequestId,
        Self::CallId,
        Self::SessionId,
        Self::SessionIsGenerated,
        Self::StartedAt,
        Self::EndedAt,
        Self::DurationMs,
        Self::TtftMs,
        Self::AgentName,
        Self::ConversationName,
        Self::UserId,
        Self::EndUser,
        Self::TeamId,
        Self::OrganizationId,
        Self::ApiKeyHash,
        Self::KeyAlias,
        Self::Model,
        Self::ModelGroup,
        Self::Provider,
        Self::CallType,
        Self::Status,
        Self::ErrorClass,
        Self::PromptTokens,
        Self::CompletionTokens,
        Self::CachedTokens,
        Self::ReasoningTokens,
        Self::TotalTokens,
        Self::Spend,
        Self::CacheHit,
        Self::ToolCalls,
        Self::ToolCallsExact,
        Self::Tags,
        Self::Tools,
        Self::Origin,
        Self::DataQuality,
        Self::CacheWriteTokens,
        Self::McpServer,
        Self::HasContent,
        Self::ContextWindow,
        Self::InputPrice,
        Self::CacheReadPrice,
    ];
}
