//! Whether a request's content can be shown, and if not, why.

use serde::Serialize;
use utoipa::ToSchema;

use super::message::Message;

/// Why content is missing or incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// LiteLLM was not configured to store it (`store_prompts_in_spend_logs`), or there was none.
    NotStored,
    /// LiteLLM replaced it by a mark, since logging of it was turned off.
    Redacted,
    /// LiteLLM shortened a text of it; the rest is there.
    Truncated,
    /// LiteLLM stored the last user message of the prompt only, as text (`spend_logs_prompt_storage: latest_turn`): its
    /// system prompt, tools, media and earlier messages are missing. The log does not say so. The prompt is taken for
    /// partial if it is one user message of text without any parameters, and has more tokens than half of its bytes and 32
    /// more, or a placeholder for media.
    Partial,
    /// LiteLLM deleted the request from its log, by its retention or otherwise; what is known of it is in the index.
    Deleted,
    /// LiteLLM put it into an object store, which this API does not read.
    ColdStorage,
    /// The request failed, so that there is no response.
    FailedRequest,
    /// The caller may not read content; whether there is any is not told.
    NotPermitted,
}

/// Whether one half of a request's content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SideAvailability {
    /// Whether there is any content.
    pub content_available: bool,
    /// Why there is none, or why it is incomplete (`truncated`, `partial`, or partly `redacted`); null if it is all there.
    #[schema(required = true)]
    pub content_unavailable_reason: Option<Reason>,
}

/// Whether a request's content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Availability {
    /// Whether there is any content of the prompt or of the response.
    pub content_available: bool,
    /// The first reason of the prompt's and the response's; null if both are complete.
    #[schema(required = true)]
    pub content_unavailable_reason: Option<Reason>,
    /// What was sent to the model.
    pub prompt: SideAvailability,
    /// What came back.
    pub response: SideAvailability,
}

impl Availability {
    /// What a reader is told who may not see the content, whatever there is of it.
    pub(super) const WITHHELD: Self = {
        let (content_available, content_unavailable_reason) = (false, Some(Reason::NotPermitted));
        let side = SideAvailability { content_available, content_unavailable_reason };
        Self { content_available, content_unavailable_reason, prompt: side, response: side }
    };

    pub(super) fn new(prompt: SideAvailability, response: SideAvailability) -> Self {
        Self {
            content_available: prompt.content_available || response.content_available,
            content_unavailable_reason: prompt.content_unavailable_reason.or(response.content_unavailable_reason),
            prompt,
            response,
        }
    }
}

/// What is known of one half of a request beside its messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// The reason if there are no messages.
    pub missing: Reason,
    /// Even the JSON around the messages was cut off.
    pub cut: bool,
    /// A redaction mark stood beside the messages.
    pub redacted: bool,
    /// Only the last of the messages was stored.
    pub partial: bool,
}

impl Stored {
    /// Nothing but why there would be no messages.
    pub(super) fn or(missing: Reason) -> Self {
        Self { missing, cut: false, redacted: false, partial: false }
    }
}

impl SideAvailability {
    /// Reads the messages' marks.
    pub(super) fn of(messages: &[Message], stored: Stored) -> Self {
        let content_available = messages.iter().any(Message::has_content);
        let reason = if stored.redacted || messages.iter().any(|message| message.redacted) {
            Some(Reason::Redacted)
        } else if messages.is_empty() {
            Some(stored.missing)
        } else if stored.partial {
            Some(Reason::Partial)
        } else if stored.cut || messages.iter().any(|message| message.truncated.is_some()) {
            Some(Reason::Truncated)
        } else {
            None
        };
        Self { content_available, content_unavailable_reason: reason }
    }
}
