//! The only way for content to leave this module: as much of it as its reader may see.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Availability, Content, Message, Redaction, RowKeys, credentials, metadata, withheld};

/// How much of a request's content its reader gets.
#[derive(Clone, Copy)]
pub enum Disclosure<'a> {
    /// All of it, but what these patterns find.
    Content(&'a Redaction),
    /// Who spoke, which tools were called and how much was said, but not what.
    Withheld,
}

/// What a reader gets of a request's content.
#[derive(Debug)]
pub struct Disclosed {
    /// What was sent, its system prompt first.
    pub prompt: Vec<Message>,
    /// What came back: a message, or several alternatives (see [`Message::choice`]), or several in turn.
    pub response: Vec<Message>,
    /// The model parameters of the request, without the conversation and without credentials.
    pub parameters: Map<String, Value>,
    /// The prompt as the client sent it: the value of `messages`, `input` or whatever the call's parameter is. `None` if
    /// it was not stored, is withheld, or was not kept (see [`super::normalise_with_sent`]).
    pub sent: Option<Value>,
    /// The response as it is stored; `None` if LiteLLM stored an empty value, or if it is withheld.
    pub raw_response: Option<Box<RawValue>>,
    /// Whether prompt and response are there, and complete.
    pub availability: Availability,
}

impl Content {
    /// As much of the content as its reader may see.
    #[must_use]
    pub fn disclose(self, disclosure: Disclosure<'_>) -> Disclosed {
        let Self { prompt, response, parameters, sent, raw_response, availability, history: _, exchange: _ } = self;
        match disclosure {
            Disclosure::Content(redaction) => {
                let all = Disclosed { prompt, response, parameters, sent, raw_response, availability };
                if redaction.is_none() { all } else { all.redacted(redaction) }
            }
            Disclosure::Withheld => Disclosed {
                prompt: prompt.into_iter().map(withheld::message).collect(),
                response: response.into_iter().map(withheld::message).collect(),
                parameters: withheld::parameters(parameters),
                sent: None,
                raw_response: None,
                availability: Availability::WITHHELD,
            },
        }
    }
}

impl Disclosed {
    fn redacted(mut self, redaction: &Redaction) -> Self {
        redaction.messages(&mut self.prompt);
        redaction.messages(&mut self.response);
        redaction.map(&mut self.parameters);
        self.sent.iter_mut().for_each(|sent| redaction.value(sent));
        self.raw_response = self.raw_response.and_then(|raw| redaction.raw(raw));
        self
    }
}

impl Disclosure<'_> {
    /// As much of LiteLLM's own metadata of a request as its reader may see: for nobody its headers and credentials.
    /// Beside accounts and identities it holds what tools, guardrails and errors quote of the content, and whatever a
    /// client sent along. `keys` are the keys of the same row.
    #[must_use]
    pub fn metadata(self, metadata: Option<Box<RawValue>>, keys: &RowKeys) -> Option<Box<RawValue>> {
        let metadata = credentials::taken_out(metadata?, keys)?;
        match self {
            Self::Content(redaction) => redaction.raw(metadata),
            Self::Withheld => metadata::without_content(&metadata),
        }
    }
}
