//! The parts a message's content is made of, in the shapes of all APIs.
//!
//! Their names hardly collide, so one reader serves them all: what a gateway stores of one API is often in the words of
//! another (an Anthropic request with an `OpenAI` answer).

use serde_json::{Map, Value};

use super::json::{self, take_text};
use super::message::{Message, Part, Source, ToolCall};
use crate::calls;

/// How deep tool results may hold content that again holds tool results.
const NESTING: u8 = 8;

/// A message in the making.
pub struct Draft {
    source: Source,
    texts: Vec<String>,
    reasoning: Vec<String>,
    refusals: Vec<String>,
    parts: Vec<Part>,
    tool_calls: Vec<ToolCall>,
    /// Tool results within the content; each becomes a message of its own.
    results: Vec<Message>,
    rest: Map<String, Value>,
    nesting: u8,
    calls: Calls,
}

/// Whether a block of content can be a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    Read,
    /// What looks like a call is kept as it is.
    Kept,
}

impl Draft {
    pub fn new(source: Source) -> Self {
        Self::nested(source, 0, Calls::Read)
    }

    /// For what calls no tools: their results, and the messages of APIs that keep the calls beside them.
    pub fn without_calls(source: Source) -> Self {
        Self::nested(source, 0, Calls::Kept)
    }

    /// Whether what it reads can call tools.
    pub fn reads_calls(&self) -> bool {
        self.calls == Calls::Read
    }

    /// Which half of a request it is of.
    pub fn source(&self) -> Source {
        self.source
    }

    fn nested(source: Source, nesting: u8, calls: Calls) -> Self {
        Self {
            source,
            texts: Vec::new(),
            reasoning: Vec::new(),
            refusals: Vec::new(),
            parts: Vec::new(),
            tool_calls: Vec::new(),
            results: Vec::new(),
            rest: Map::new(),
            nesting,
            calls,
        }
    }

    /// Reads content: a text, a list of blocks, one block, or null.
    pub fn content(&mut self, content: Value) {
        match content {
            Value::Array(blocks) => blocks.into_iter().for_each(|block| self.block(block)),
            // Calls are in lists; where they are looked for, the facts count them.
            other => {
                let calls = std::mem::replace(&mut self.calls, Calls::Kept);
                self.block(other);
                self.calls = calls;
            }
        }
    }

    /// Adds a tool call.
    pub fn tool_call(&mut self, call: ToolCall) {
        self.tool_calls.push(call);
    }

    /// Adds reasoning.
    pub fn reasoning(&mut self, text: String) {
        if !text.is_empty() {
            self.reasoning.push(text);
        }
    }

    fn block(&mut self, block: Value) {
        match block {
            Value::Null => {}
            Value::String(text) => self.texts.push(text),
            Value::Object(map) => self.typed(map),
            other => self.parts.push(Part::new("data", other)),
        }
    }

    fn typed(&mut self, mut map: Map<String, Value>) {
        if self.calls == Calls::Read
            && let Some(call) = call(&mut map)
        {
            return self.tool_calls.push(call);
        }
        let kind = json::text(&map, "type").or_else(|| json::text(&map, "kind")).unwrap_or_default().to_owned();
        match kind.as_str() {
            "text" | "input_text" | "output_text" | "summary_text" | "reasoning_text" => self.text_block(&kind, map),
            "thinking" => match take_text(&mut map, "thinking") {
                Some(text) => self.reasoning(text),
                None => self.part("thinking", map),
            },
            "refusal" => match take_text(&mut map, "refusal") {
                Some(text) => self.refusals.push(text),
                None => self.part("refusal", map),
            },
            "image_url" | "input_image" | "output_image" | "image" => self.part("image", map),
            "input_audio" | "output_audio" | "audio" | "audio_url" => {
                if let Some(transcript) = take_text(&mut map, "transcript") {
                    self.texts.push(transcript);
                }
                self.part("audio", map);
            }
            "video_url" | "input_video" | "video" => self.part("video", map),
            "file" | "input_file" | "document" | "container_upload" => self.part("file", map),
            "tool_result" | "mcp_tool_result" => self.tool_result(map, "tool_use_id"),
            "" => self.untyped(map),
            other => self.part(other, map),
        }
    }

    fn part(&mut self, kind: &str, map: Map<String, Value>) {
        self.parts.push(Part::new(kind, Value::Object(map)));
    }

    fn text_block(&mut self, kind: &str, mut map: Map<String, Value>) {
        match take_text(&mut map, "text") {
            Some(text) => self.texts.push(text),
            // An answer that only calls tools has a block of no text.
            None if !json::has(&map, "text") => {}
            None => return self.part(kind, map),
        }
        // How to cache the block is the request's affair; citations and the like belong to the message.
        for key in ["type", "kind", "cache_control"] {
            map.remove(key);
        }
        for (key, value) in json::prune_map(map) {
            let list = self.rest.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(value);
            }
        }
    }

    fn tool_result(&mut self, mut map: Map<String, Value>, id: &str) {
        let id = take_text(&mut map, id);
        let content = map.remove("content").unwrap_or_default();
        for key in ["type", "cache_control"] {
            map.remove(key);
        }
        if json::text(&map, "status") == Some("success") {
            map.remove("status");
        }
        self.result(id, None, content, map);
    }

    /// Adds the result of a tool as a message of its own.
    fn result(&mut self, id: Option<String>, name: Option<String>, content: Value, rest: Map<String, Value>) {
        if self.nesting >= NESTING {
            return self.parts.push(Part::new("tool_result", content));
        }
        let mut draft = Self::nested(self.source, self.nesting + 1, Calls::Kept);
        draft.content(content);
        let (mut message, inner) = draft.finish("tool");
        message.tool_call_id = id;
        message.name = name;
        message.keep(rest);
        message.read_marks();
        self.results.push(message);
        self.results.extend(inner);
    }

    /// Gemini's parts, Bedrock's blocks, which tell their kind by their only key, and A2A's parts of its later releases.
    fn untyped(&mut self, mut map: Map<String, Value>) {
        if let Some(text) = take_text(&mut map, "text") {
            match map.get("thought") {
                Some(Value::Bool(true)) => self.reasoning(text),
                _ => self.texts.push(text),
            }
            return;
        }
        for key in ["functionResponse", "function_response"] {
            if let Some(Value::Object(mut result)) = map.remove(key) {
                let id = take_text(&mut result, "id");
                let name = take_text(&mut result, "name");
                let response = result.remove("response").unwrap_or_default();
                let text = Value::String(response.to_string());
                return self.result(id, name, text, result);
            }
        }
        let Some(map) = self.converse(map) else { return };
        let kind = if ["inlineData", "inline_data"].iter().any(|key| map.contains_key(*key)) {
            inline_kind(&map)
        } else if ["fileData", "file_data", "file", "file_id"].iter().any(|key| map.contains_key(*key)) {
            "file"
        } else {
            "data"
        };
        self.part(kind, map);
    }

    /// A block of Bedrock's Converse API; given back if it is none.
    fn converse(&mut self, mut map: Map<String, Value>) -> Option<Map<String, Value>> {
        let only = (map.len() == 1).then(|| map.keys().next().cloned()).flatten()?;
        match (only.as_str(), map.remove(&only)?) {
            // How to cache the prompt is the request's affair.
            ("cachePoint", _) => {}
            ("toolResult", Value::Object(result)) => self.tool_result(result, "toolUseId"),
            ("json", value) => self.texts.push(value.to_string()),
            ("reasoningContent", Value::Object(reasoning)) => self.converse_reasoning(reasoning),
            ("guardContent", Value::Object(guarded)) => match guarded.get("text") {
                Some(Value::Object(text)) => self.typed(text.clone()),
                _ => self.typed(guarded),
            },
            ("citationsContent", Value::Object(mut cited)) => {
                self.content(cited.remove("content").unwrap_or_default());
                for (key, value) in json::prune_map(cited) {
                    self.rest.insert(key, value);
                }
            }
            (kind @ ("image" | "audio" | "video"), block @ Value::Object(_)) => self.parts.push(Part::new(kind, block)),
            ("document", block @ Value::Object(_)) => self.parts.push(Part::new("file", block)),
            ("searchResult", block @ Value::Object(_)) => self.parts.push(Part::new("search_result", block)),
            (_, other) => {
                map.insert(only, other);
                return Some(map);
            }
        }
        None
    }

    fn converse_reasoning(&mut self, mut reasoning: Map<String, Value>) {
        let text = match reasoning.get_mut("reasoningText") {
            Some(Value::Object(text)) => take_text(text, "text"),
            _ => None,
        };
        match text {
            Some(text) => self.reasoning(text),
            None => self.part("redacted_thinking", reasoning),
        }
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
            && self.reasoning.is_empty()
            && self.refusals.is_empty()
            && self.parts.is_empty()
            && self.tool_calls.is_empty()
            && self.rest.is_empty()
    }

    /// Whether tool results were read.
    pub fn has_results(&self) -> bool {
        !self.results.is_empty()
    }

    /// The message, and the tool results its content held.
    pub fn finish(self, role: &str) -> (Message, Vec<Message>) {
        let join = |texts: Vec<String>| (!texts.is_empty()).then(|| texts.join("\n"));
        let mut message = Message::new(self.source, role);
        message.text = join(self.texts);
        message.reasoning = join(self.reasoning);
        message.refusal = join(self.refusals);
        message.parts = self.parts;
        message.tool_calls = self.tool_calls;
        message.keep(self.rest);
        message.read_marks();
        (message, self.results)
    }
}

/// The call that a block is, by its type or by its key.
fn call(map: &mut Map<String, Value>) -> Option<ToolCall> {
    let name = calls::name_of(map);
    if let Some(kind) = json::text(map, "type").and_then(calls::is_call_block) {
        let id = take_text(map, "id");
        return Some(ToolCall::new(kind, id, name, map.remove("input").unwrap_or_default()));
    }
    let key = calls::BLOCK_KEYS.into_iter().find(|key| map.get(*key).is_some_and(Value::is_object))?;
    let call = map.get_mut(key)?.as_object_mut()?;
    let id = take_text(call, "id").or_else(|| take_text(call, "toolUseId"));
    let arguments = ["args", "arguments", "input"].iter().find_map(|key| call.remove(*key)).unwrap_or_default();
    Some(ToolCall::new("function", id, name, arguments))
}

fn inline_kind(map: &Map<String, Value>) -> &'static str {
    let media_type = ["inlineData", "inline_data"]
        .iter()
        .filter_map(|key| map.get(*key)?.as_object())
        .find_map(|data| json::text(data, "mimeType").or_else(|| json::text(data, "mime_type")))
        .unwrap_or_default();
    match media_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "file",
    }
}
