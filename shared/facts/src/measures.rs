//! What is measured of a group of requests: each measure with how it is made of facts, and how parts of it become one.

use crate::Fact;

/// How the measure of a whole comes from those of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// They add up.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// One measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Its column.
    pub name: &'static str,
    /// The column's type.
    pub sql_type: &'static str,
    /// What it is made of.
    pub facts: &'static [Fact],
    /// SQL of it over the facts `f`.
    pub aggregate: &'static str,
    /// How parts become one.
    pub merge: Merge,
    /// NULL, and not zero, where nothing is known.
    pub is_nullable: bool,
}

impl Measure {
    const fn sum(name: &'static str, facts: &'static [Fact], aggregate: &'static str) -> Self {
        Self { name, sql_type: "bigint", facts, aggregate, merge: Merge::Sum, is_nullable: false }
    }

    /// Whether the index stores nothing where it is 0.
    #[must_use]
    pub fn is_stored_without_zero(&self) -> bool {
        self.merge == Merge::Sum && !self.is_nullable && *self != REQUESTS && *self != SPEND
    }

    /// SQL of its column of a part.
    #[must_use]
    pub fn of_facts(&self) -> String {
        format!("({})::{} AS {}", self.aggregate, self.sql_type, self.name)
    }

    /// As [`Self::of_parts`], over the roll-ups `p` of the index.
    #[must_use]
    pub fn of_rollups(&self) -> String {
        let whole = self.of_parts();
        if self.is_stored_without_zero() { format!("COALESCE({whole}, 0)") } else { whole }
    }

    /// SQL of the whole over the parts `p`.
    #[must_use]
    pub fn of_parts(&self) -> String {
        let function = match self.merge {
            Merge::Sum => "sum",
            Merge::Min => "min",
            Merge::Max => "max",
        };
        format!("{function}(p.{})", self.name)
    }
}

/// Requests.
pub const REQUESTS: Measure = Measure::sum("requests", &[], "count(*)");
/// Requests that failed.
pub const FAILED_REQUESTS: Measure =
    Measure::sum("failed_requests", &[Fact::Status], "count(*) FILTER (WHERE f.status = 'failure')");
/// Requests that LiteLLM's own response cache answered.
pub const CACHE_HITS: Measure = Measure::sum("cache_hits", &[Fact::CacheHit], "count(*) FILTER (WHERE f.cache_hit)");
/// Tokens of the prompts.
pub const PROMPT_TOKENS: Measure =
    Measure::sum("prompt_tokens", &[Fact::PromptTokens], "COALESCE(sum(f.prompt_tokens), 0)");
/// Tokens of the completions.
pub const COMPLETION_TOKENS: Measure =
    Measure::sum("completion_tokens", &[Fact::CompletionTokens], "COALESCE(sum(f.completion_tokens), 0)");
/// All tokens.
pub const TOTAL_TOKENS: Measure =
    Measure::sum("total_tokens", &[Fact::TotalTokens], "COALESCE(sum(f.total_tokens), 0)");
/// US dollars.
pub const SPEND: Measure =
    Measure { sql_type: "numeric", ..Measure::sum("spend", &[Fact::Spend], "COALESCE(sum(f.spend::numeric), 0)") };
/// Milliseconds from start to end.
pub const DURATION_MS: Measure = Measure::sum("duration_ms", &[Fact::DurationMs], "COALESCE(sum(f.duration_ms), 0)");
/// The same of the quickest request.
pub const MIN_DURATION_MS: Measure = Measure {
    merge: Merge::Min,
    ..Measure::sum("min_duration_ms", &[Fact::DurationMs], "COALESCE(min(f.duration_ms), 0)")
};
/// The same of the slowest request.
pub const MAX_DURATION_MS: Measure = Measure {
    merge: Merge::Max,
    ..Measure::sum("max_duration_ms", &[Fact::DurationMs], "COALESCE(max(f.duration_ms), 0)")
};
/// Milliseconds to the first token, of streamed responses.
pub const TTFT_MS: Measure = Measure::sum("ttft_ms", &[Fact::TtftMs], "COALESCE(sum(f.ttft_ms), 0)");
/// Requests whose response was streamed.
pub const STREAMED: Measure = Measure::sum("streamed", &[Fact::TtftMs], "count(f.ttft_ms)");
/// Tool calls. Reads responses.
pub const TOOL_CALLS: Measure = Measure::sum("tool_calls", &[Fact::ToolCalls], "COALESCE(sum(f.tool_calls), 0)");
/// Prompt tokens that providers read from their caches; NULL where LiteLLM kept no usage. Reads payload.
pub const CACHED_TOKENS: Measure =
    Measure { is_nullable: true, ..Measure::sum("cached_tokens", &[Fact::CachedTokens], "sum(f.cached_tokens)") };
/// The prompt tokens of the requests of which that is known. Reads payload.
///
/// Most providers, and LiteLLM where it converts a usage, count cached tokens as a part of the prompt's. Anthropic's own
/// usage counts them beside: then there can be more of them, and the whole is the sum of both.
pub const CACHED_TOKENS_OF: Measure = Measure {
    is_nullable: true,
    ..Measure::sum(
        "cached_tokens_of",
        &[Fact::CachedTokens, Fact::PromptTokens],
        "sum(CASE WHEN f.cached_tokens > f.prompt_tokens THEN GREATEST(f.prompt_tokens, 0) + f.cached_tokens \
         ELSE f.prompt_tokens END) FILTER (WHERE f.cached_tokens IS NOT NULL)",
    )
};

/// Sessions: no measure of a part, since parts have some in common. Only for groups that are each one part.
pub const SESSIONS: Measure = Measure::sum("sessions", &[Fact::SessionId], "count(DISTINCT f.session_id)");

/// All measures, in the order of their columns.
pub const ALL: [Measure; 15] = [
    REQUESTS,
    FAILED_REQUESTS,
    CACHE_HITS,
    PROMPT_TOKENS,
    COMPLETION_TOKENS,
    TOTAL_TOKENS,
    SPEND,
    DURATION_MS,
    MIN_DURATION_MS,
    MAX_DURATION_MS,
    TTFT_MS,
    STREAMED,
    TOOL_CALLS,
    CACHED_TOKENS,
    CACHED_TOKENS_OF,
];

/// Those of the measures in `all` that are in `needs`: each once, in the order of the columns.
#[must_use]
pub fn needed(needs: &[&[Measure]]) -> Vec<Measure> {
    ALL.into_iter().filter(|measure| needs.iter().any(|some| some.contains(measure))).collect()
}
