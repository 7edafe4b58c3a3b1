//! The one shape every stored message is given.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{json, marks};

/// The role of what the log does not say who said it.
pub const UNKNOWN_ROLE: &str = "unknown";

/// Which half of a request a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MessageSource)]
pub enum Source {
    /// It was sent to the model.
    Prompt,
    /// The model answered it.
    Response,
}

/// One message of a conversation, the same for every API it may have been sent through: chat completions, Responses,
/// Anthropic messages, Gemini, text completions, MCP, A2A and others.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ChatMessage)]
pub struct Message {
    /// Whether the message was sent to the model (`prompt`) or came back from it (`response`).
    pub source: Source,
    /// Who speaks: `system`, `developer`, `user`, `assistant`, `tool` or `function`; otherwise what was stored.
    /// Gemini's `model` and A2A's `agent` are `assistant`. `event` is a realtime event that is not a message, and
    /// `unknown` something the log does not attribute.
    pub role: String,
    /// The speaker's name, or the name of the tool whose result this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The message's text, several text parts joined by a line break; null if it has none, as an assistant message
    /// that only calls tools.
    #[schema(required = true)]
    pub text: Option<String>,
    /// What is not text, in order: images, audio, files, and parts of a kind that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// The tools the model called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// For a tool's result, the id of the call it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// What the model said when it refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The model's reasoning, as far as the provider shows it: reasoning content, thinking blocks or the summaries of
    /// the Responses API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// With several choices (`n` > 1) the index of the one this message is; the others are alternatives to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<u64>,
    /// Present if LiteLLM shortened any text of this message when it stored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncation>,
    /// Whether LiteLLM replaced content of this message, since logging of it was turned off.
    pub redacted: bool,
    /// What was stored with the message and has no field here, as it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

/// How much of a text LiteLLM left out when it stored it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Truncation {
    /// The characters left out, over all texts of the message.
    pub skipped_characters: u64,
}

/// A call of a tool by the model.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ToolCall {
    /// The call's id; a tool message with this `tool_call_id` has its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// What kind of tool: `function`, `custom`, `mcp`, `server_tool` (run by the provider), `function_call` (the older
    /// form of `function`), or the provider's own name for it.
    pub kind: String,
    /// The arguments as JSON; null where there are none or where they are not valid JSON.
    pub arguments: Value,
    /// The arguments as the model wrote them, only where they are not valid JSON: broken, truncated or redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments_text: Option<String>,
}

/// A part of a message that is not text.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = MessagePart)]
pub struct Part {
    /// `image`, `audio`, `video`, `file`, `embeddings`, `data`, or the stored name of another kind.
    pub kind: String,
    /// Where the content can be fetched, if it is not inline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The media type, or the format's name where only that is given (`wav`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The length of inline data that was left out of `raw` because it is longer than 65,536 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out_characters: Option<u64>,
    /// SHA-256 (hex) of the stored text of the data that was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out_sha256: Option<String>,
    /// The part as it was stored.
    pub raw: Value,
}

impl Message {
    /// A message without content.
    #[must_use]
    pub fn new(source: Source, role: &str) -> Self {
        Self {
            source,
            role: canonical_role(role).to_owned(),
            name: None,
            text: None,
            parts: Vec::new(),
            tool_calls: Vec::new(),
            tool_call_id: None,
            refusal: None,
            reasoning: None,
            choice: None,
            truncated: None,
            redacted: false,
            raw: None,
        }
    }

    /// A message that is only a text.
    #[must_use]
    pub fn with_text(source: Source, role: &str, text: String) -> Self {
        let mut message = Self::new(source, role);
        message.text = Some(text);
        message
    }

    /// A message that is only JSON of a shape that is not known.
    #[must_use]
    pub fn with_raw(source: Source, role: &str, raw: Value) -> Self {
        let mut message = Self::new(source, role);
        message.raw = Some(raw);
        message
    }

    /// Keeps what has no field.
    pub(super) fn keep(&mut self, rest: Map<String, Value>) {
        let rest = json::prune_map(rest);
        if rest.is_empty() {
            return;
        }
        match &mut self.raw {
            Some(Value::Object(raw)) => raw.extend(rest),
            raw => *raw = Some(Value::Object(rest)),
        }
    }

    /// Notes the marks of LiteLLM in the message's texts.
    pub(super) fn read_marks(&mut self) {
        let mut skipped = None;
        let mut redacted = false;
        let mut add = |text: &str| {
            if let Some(more) = marks::skipped(text) {
                skipped = Some(skipped.unwrap_or(0_u64).saturating_add(more));
            }
        };
        for text in self.texts() {
            add(text);
            // Parts of a text are joined by line breaks, and each may have been replaced.
            redacted |= text.lines().any(marks::is_redacted);
        }
        self.each_text_within(&mut |text| {
            add(text);
            redacted |= marks::is_redacted_content(text);
        });
        self.truncated = skipped.map(|skipped_characters| Truncation { skipped_characters });
        self.redacted = redacted;
    }

    /// What is text by itself.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let arguments = self.tool_calls.iter().map(|call| &call.arguments_text);
        [&self.text, &self.refusal, &self.reasoning].into_iter().chain(arguments).filter_map(|text| text.as_deref())
    }

    /// The texts within JSON.
    fn each_text_within<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        for call in &self.tool_calls {
            json::each_text(&call.arguments, visit);
        }
        for part in &self.parts {
            json::each_text(&part.raw, visit);
        }
        if let Some(raw) = &self.raw {
            json::each_text(raw, visit);
        }
    }

    /// Whether the message holds anything that was not replaced by a redaction mark.
    pub(super) fn has_content(&self) -> bool {
        let says = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.lines().all(marks::is_redacted));
        if !self.redacted {
            return true;
        }
        says(&self.text)
            || says(&self.refusal)
            || says(&self.reasoning)
            || self.tool_calls.iter().any(|call| !call.arguments.is_null() && !is_mark(&call.arguments))
            || self.parts.iter().any(|part| !all_marks(&part.raw))
    }
}

fn is_mark(value: &Value) -> bool {
    value.as_str().is_some_and(marks::is_redacted)
}

/// Whether a part has a mark where its content was.
fn all_marks(raw: &Value) -> bool {
    let mut found = false;
    json::each_text(raw, &mut |text| found |= marks::is_redacted_content(text));
    found
}

impl ToolCall {
    /// A call whose arguments are JSON or a text of it.
    #[must_use]
    pub fn new(kind: &str, id: Option<String>, name: String, arguments: Value) -> Self {
        let (arguments, arguments_text) = match arguments {
            Value::String(text) if text.trim().is_empty() => (Value::Null, None),
            Value::String(text) => match serde_json::from_str::<&serde_json::value::RawValue>(&text) {
                Ok(raw) => (json::lenient(raw.get()), None),
                Err(_) => (Value::Null, Some(text)),
            },
            other => (other, None),
        };
        Self { id: id.filter(|id| !id.is_empty()), name, kind: kind.to_owned(), arguments, arguments_text }
    }
}

/// One name per role, where providers have their own.
fn canonical_role(role: &str) -> &str {
    match role {
        "model" | "agent" => "assistant",
        "" => UNKNOWN_ROLE,
        other => other,
    }
}
