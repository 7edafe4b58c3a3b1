//! What was said in one request.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::availability::Availability;
use super::call_kind::History;
use super::message::Message;

/// A request's content, of which [`Self::disclose`] gives its reader as much as they may see.
#[derive(Debug)]
pub struct Content {
    /// What was sent, its system prompt first.
    pub(crate) prompt: Vec<Message>,
    /// What came back: a message, or several alternatives (see [`Message::choice`]), or several in turn.
    pub(crate) response: Vec<Message>,
    /// The model parameters of the request, without the conversation and without credentials.
    pub(crate) parameters: Map<String, Value>,
    /// The prompt as the client sent it, where [`super::normalise_with_sent`] kept it.
    pub(crate) sent: Option<Value>,
    /// The response as it is stored.
    pub(crate) raw_response: Option<Box<RawValue>>,
    /// Whether prompt and response are there, and complete.
    pub(crate) availability: Availability,
    /// How the prompt relates to the requests before it.
    pub(crate) history: History,
    /// What another row of the same exchange has as well.
    pub(crate) exchange: ExchangeIds,
}

/// The ids of a call and of its response, by which two rows are known for one exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExchangeIds {
    pub(crate) call: Option<String>,
    /// The provider's; none if LiteLLM's cache answered, whose response has the id of the first one.
    pub(crate) response: Option<String>,
}

impl Content {
    /// Only what the request adds to its session: of the prompt the messages that are `new` (see
    /// [`super::Conversation::add`]), and the response's messages. All that is left out costs nothing to disclose.
    #[must_use]
    pub fn added(mut self, new: &[bool]) -> Self {
        let mut new = new.iter();
        self.prompt.retain(|_| new.next().copied().unwrap_or(true));
        Self { parameters: Map::new(), sent: None, raw_response: None, ..self }
    }

    /// As [`Self::added`] for a request that [`super::Conversation::repeats`]: it adds nothing.
    #[must_use]
    pub fn nothing_added(mut self) -> Self {
        self.response.clear();
        self.prompt.clear();
        self.added(&[])
    }
}
