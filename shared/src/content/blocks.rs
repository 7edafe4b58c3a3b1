//! The parts a message's content is made of, in the shapes of all APIs.
//!
//! Their names hardly collide, so one reader serves them all: what a gateway stores of one API is often in the words of
//! another (an Anthropic request with an `OpenAI` answer).

use serde_json::{Map, Value};

use super::json::{self, take_text};
use super::message::{Message, Part, Source, ToolCall};

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
}

impl Draft {
    pub fn new(source: Source) -> Self {
        Self::nested(source, 0)
    }

    fn nested(source: Source, nesting: u8) -> Self {
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
        }
    }

    /// Reads content: a text, a list of blocks, one block, or null.
    pub fn content(&mut self, content: Value) {
        match content {
            Value::Array(blocks) => blocks.into_iter().for_each(|block| self.block(block)),
            other => self.block(other),
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
            "tool_use" => self.tool_use("function", map),
            "server_tool_use" => self.tool_use("server_tool", map),
            "mcp_tool_use" => self.tool_use("mcp", map),
            "tool_result" | "mcp_tool_result" => self.tool_result(map),
            "" => self.gemini(map),
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

    fn tool_use(&mut self, kind: &str, mut map: Map<String, Value>) {
        let id = take_text(&mut map, "id");
        let name = take_text(&mut map, "name").unwrap_or_default();
        let input = map.remove("input").unwrap_or_default();
        self.tool_calls.push(ToolCall::new(kind, id, name, input));
    }

    fn tool_result(&mut self, mut map: Map<String, Value>) {
        let id = take_text(&mut map, "tool_use_id");
        let content = map.remove("content").unwrap_or_default();
        map.remove("type");
        map.remove("cache_control");
        self.result(id, None, content, map);
    }

    /// Adds the result of a tool as a message of its own.
    fn result(&mut self, id: Option<String>, name: Option<String>, content: Value, rest: Map<String, Value>) {
        if self.nesting >= NESTING {
            return self.parts.push(Part::new("tool_result", content));
        }
        let mut draft = Self::nested(self.source, self.nesting + 1);
        draft.content(content);
        let (mut message, inner) = draft.finish("tool");
        message.tool_call_id = id;
        message.name = name;
        message.keep(rest);
        message.read_marks();
        self.results.push(message);
        self.results.extend(inner);
    }

    /// Gemini's parts, which tell their kind by their only key, and A2A's of its later releases.
    fn gemini(&mut self, mut map: Map<String, Value>) {
        if let Some(text) = take_text(&mut map, "text") {
            match map.get("thought") {
                Some(Value::Bool(true)) => self.reasoning(text),
                _ => self.texts.push(text),
            }
            return;
        }
        for key in ["functionCall", "function_call"] {
            if let Some(Value::Object(mut call)) = map.remove(key) {
                let id = take_text(&mut call, "id");
                let name = take_text(&mut call, "name").unwrap_or_default();
                let arguments = call.remove("args").or_else(|| call.remove("arguments")).unwrap_or_default();
                return self.tool_calls.push(ToolCall::new("function", id, name, arguments));
            }
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
        let kind = if ["inlineData", "inline_data"].iter().any(|key| map.contains_key(*key)) {
            inline_kind(&map)
        } else if ["fileData", "file_data", "file", "file_id"].iter().any(|key| map.contains_key(*key)) {
            "file"
        } else {
            "data"
        };
        self.part(kind, map);
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
