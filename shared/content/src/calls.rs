//! What a tool call is, in each shape that LiteLLM stores a response in.
//!
//! The reader of messages and the SQL of the facts both follow these tables, so that the number of calls of a request is
//! the number of calls that its messages show.

use serde_json::{Map, Value};

/// The shapes of a stored response that can hold tool calls, in the order of [`SHAPES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `choices`: chat completions, and what LiteLLM converts to them.
    Choices,
    /// `output`: the Responses API.
    Output,
    /// `candidates`: Gemini.
    Candidates,
    /// A list of events: realtime sessions, and the Responses API over a websocket.
    Events,
    /// `output.message`: Bedrock Converse.
    Converse,
    /// `steps`, earlier `outputs`: Gemini interactions.
    Steps,
    /// `message`: Ollama and Cohere, passed through.
    Message,
    /// A message by itself: Anthropic, passed through.
    Bare,
}

/// What a key of a shape holds.
#[derive(Debug, Clone, Copy)]
pub enum Test {
    /// A list that is not empty.
    List(&'static [&'static str]),
    /// An object.
    Object(&'static [&'static str]),
    /// A text that is not empty.
    Text(&'static [&'static str]),
    /// A list with at least one event.
    Events(&'static str),
}

/// The lists of events, in the order in which PostgreSQL keeps them in an object.
pub const EVENT_LISTS: [&str; 3] = ["events", "results", "response"];

/// A response has the first of these shapes of which any test holds.
pub const SHAPES: [(Shape, &[Test]); 8] = [
    (Shape::Choices, &[Test::List(&["choices"])]),
    (Shape::Output, &[Test::List(&["output"])]),
    (Shape::Candidates, &[Test::List(&["candidates"])]),
    (Shape::Events, &[Test::Events(EVENT_LISTS[0]), Test::Events(EVENT_LISTS[1]), Test::Events(EVENT_LISTS[2])]),
    (Shape::Converse, &[Test::Object(&["output", "message"])]),
    (Shape::Steps, &[Test::List(&["steps"]), Test::List(&["outputs"])]),
    (Shape::Message, &[Test::Object(&["message"])]),
    (
        Shape::Bare,
        &[
            Test::List(&["content"]),
            Test::Object(&["content"]),
            Test::Text(&["content"]),
            Test::List(&["tool_calls"]),
            Test::Object(&["function_call"]),
        ],
    ),
];

/// A step from a value to a value within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The object under a key.
    Object(&'static str),
    /// The items of the list under a key.
    List(&'static str),
}

/// How a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{id, function: {name, arguments}}` or `{id, custom: {name, input}}`.
    Tool,
    /// `{name, arguments}`: the predecessor of tools.
    Function,
    /// A block of a message's content: Anthropic's [`is_call_block`] types, or Gemini's and Bedrock's [`BLOCK_KEYS`].
    Block,
    /// An item whose type ends in [`ITEM_SUFFIX`].
    Item,
    /// As [`Self::Tool`], unless a call with the same id is in an earlier place.
    Copy,
}

/// A place where a shape has calls.
pub type Place = (&'static [Step], Form);

const SERVER_TOOLS: &str = "server_tool_calls";
const WEB_SEARCHES: &str = "web_search_calls";
/// Where LiteLLM 1.110 keeps the calls of tools that Anthropic runs. Some releases also have them among the `tool_calls`,
/// and a search is in both lists.
pub const PROVIDER_FIELDS: &str = "provider_specific_fields";
/// The lists within [`PROVIDER_FIELDS`].
pub const SERVER_LISTS: [&str; 2] = [SERVER_TOOLS, WEB_SEARCHES];

impl Shape {
    /// The shapes of nearly all responses.
    pub const COMMON: [Self; 2] = [Self::Choices, Self::Output];
    /// The others.
    pub const RARE: [Self; 6] =
        [Self::Candidates, Self::Events, Self::Converse, Self::Steps, Self::Message, Self::Bare];

    /// The shape of a response that is an object.
    #[must_use]
    pub fn of(map: &Map<String, Value>) -> Option<Self> {
        SHAPES.iter().find(|(_, tests)| tests.iter().any(|test| test.holds(map))).map(|(shape, _)| *shape)
    }

    /// Where the shape has calls. Those of [`Self::Events`] are the items of its events, see [`EventClass`].
    #[must_use]
    pub const fn places(self) -> &'static [Place] {
        use Step::{List, Object};
        match self {
            Self::Choices => &[
                (&[List("choices"), Object("message"), List("tool_calls")], Form::Tool),
                (&[List("choices"), Object("message"), Object(PROVIDER_FIELDS), List(SERVER_TOOLS)], Form::Copy),
                (&[List("choices"), Object("message"), Object(PROVIDER_FIELDS), List(WEB_SEARCHES)], Form::Copy),
                (&[List("choices"), Object("message"), Object("function_call")], Form::Function),
                (&[List("choices"), Object("message"), List("content")], Form::Block),
            ],
            Self::Output => &[(&[List("output")], Form::Item)],
            Self::Candidates => &[(&[List("candidates"), Object("content"), List("parts")], Form::Block)],
            Self::Events => &[],
            Self::Converse => &[(&[Object("output"), Object("message"), List("content")], Form::Block)],
            Self::Steps => &[(&[List("steps")], Form::Item), (&[List("outputs")], Form::Item)],
            Self::Message => &[
                (&[Object("message"), List("tool_calls")], Form::Tool),
                (&[Object("message"), Object("function_call")], Form::Function),
                (&[Object("message"), List("content")], Form::Block),
            ],
            Self::Bare => &[
                (&[List("tool_calls")], Form::Tool),
                (&[Object("function_call")], Form::Function),
                (&[List("content")], Form::Block),
            ],
        }
    }
}

impl Test {
    fn holds(self, map: &Map<String, Value>) -> bool {
        let at = |path: &[&str]| {
            let (first, rest) = path.split_first()?;
            rest.iter().try_fold(map.get(*first)?, |value, key| value.get(*key))
        };
        match self {
            Self::List(path) => at(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty()),
            Self::Object(path) => at(path).is_some_and(Value::is_object),
            Self::Text(path) => at(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
            Self::Events(key) => map.get(key).is_some_and(has_events),
        }
    }
}

/// The keys under which a response may be a text, in the order in which PostgreSQL keeps them in an object.
pub const TEXT_KEYS: [&str; 4] = ["text", "output", "result", "response"];

/// The types of content blocks that are calls, as a pattern; see [`is_call_block`].
pub const BLOCK_TYPES: &str = "^(mcp_|server_)?tool_use$";
/// The keys that make a block of content a call, where its type does not: Gemini's and Bedrock's.
pub const BLOCK_KEYS: [&str; 3] = ["functionCall", "function_call", "toolUse"];
/// What the types of items end in that are calls: `function_call`, `web_search_call` and many more.
pub const ITEM_SUFFIX: &str = "_call";

/// The kind of call that a content block of this type is.
#[must_use]
pub fn is_call_block(block_type: &str) -> Option<&'static str> {
    match block_type {
        "tool_use" => Some("function"),
        "server_tool_use" => Some("server_tool"),
        "mcp_tool_use" => Some("mcp"),
        _ => None,
    }
}

/// Where the name of a call is, whatever its form; the first of these that is a text.
pub const NAMES: [&[&str]; 6] = [
    &["function", "name"],
    &["custom", "name"],
    &["name"],
    &["functionCall", "name"],
    &["function_call", "name"],
    &["toolUse", "name"],
];

/// The name of a call. One without has that of its type: `local_shell` for a `local_shell_call`. Empty where nothing names it.
#[must_use]
pub fn name_of(call: &Map<String, Value>) -> String {
    let text = |path: &&[&str]| {
        let (first, rest) = path.split_first()?;
        let value = rest.iter().try_fold(call.get(*first)?, |value, key| value.get(*key))?;
        value.as_str().filter(|text| !text.is_empty())
    };
    let of_type = || call.get("type")?.as_str()?.strip_suffix(ITEM_SUFFIX);
    NAMES.iter().find_map(text).or_else(of_type).unwrap_or_default().to_owned()
}

/// Whether items of this type are calls.
#[must_use]
pub fn is_call_item(item_type: &str) -> bool {
    item_type.ends_with(ITEM_SUFFIX)
}

/// What an event tells of items. An item is taken from the first class that has it, since it is logged as added, as done
/// and as part of a finished response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventClass {
    /// A response is finished: its output is in `response.output`.
    Finished,
    /// An item is finished: `item`.
    Done,
    /// An item was added: `item`.
    Added,
}

/// The types of events, as patterns, by class.
pub const EVENT_CLASSES: [(EventClass, &str); 3] = [
    (EventClass::Finished, "^response[.](done|completed|incomplete|failed|cancelled)$"),
    (EventClass::Done, "^(response[.]output_item|conversation[.]item)[.]done$"),
    (EventClass::Added, "^(response[.]output_item|conversation[.]item)[.](added|created|create)$"),
];

/// The type of an event, as a pattern; see [`is_event`].
pub const EVENT_TYPE: &str = "^[a-z_]+[.][a-z_.]+$";

impl EventClass {
    /// The class of an event of this type; `None` where it tells of no item.
    #[must_use]
    pub fn of(event_type: &str) -> Option<Self> {
        let item = || {
            let rest =
                ["response.output_item", "conversation.item"].iter().find_map(|of| event_type.strip_prefix(of))?;
            match rest {
                ".done" => Some(Self::Done),
                ".added" | ".created" | ".create" => Some(Self::Added),
                _ => None,
            }
        };
        match event_type {
            "response.done"
            | "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => Some(Self::Finished),
            _ => item(),
        }
    }
}

/// Whether a value is a list with an event.
#[must_use]
pub fn has_events(list: &Value) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(is_event))
}

/// Whether a value is an event: an object whose type is words joined by dots.
fn is_event(value: &Value) -> bool {
    let letters = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || more.contains(c));
    value
        .get("type")
        .and_then(Value::as_str)
        .and_then(|name| name.split_once('.'))
        .is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty() && letters(first, "") && letters(rest, "."))
}

/// Whether requests of this call type answer with vectors only, which are too large to be looked at.
#[must_use]
pub fn is_embedding(call_type: &str) -> bool {
    EMBEDDINGS.contains(&call_type)
}

/// The call types of embeddings.
pub const EMBEDDINGS: [&str; 2] = ["aembedding", "embedding"];

#[cfg(test)]
mod tests {
    use regex::Regex;
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_and_functions_agree() {
        let classes = EVENT_CLASSES.map(|(class, pattern)| (class, Regex::new(pattern).expect("a pattern")));
        let (event, block) = (Regex::new(EVENT_TYPE).expect("a pattern"), Regex::new(BLOCK_TYPES).expect("a pattern"));
        for start in ["response", "response.output_item", "conversation.item", "session", "", "Response", "tool_use"] {
            for end in
                ["", ".done", ".completed", ".added", ".created", ".create", ".failed", ".", ".item.done", "_1.x"]
            {
                let name = format!("{start}{end}");
                let matched = classes.iter().find(|(_, pattern)| pattern.is_match(&name)).map(|(class, _)| *class);
                assert_eq!(EventClass::of(&name), matched, "{name}");
                assert_eq!(has_events(&json!([{"type": name}])), event.is_match(&name), "{name}");
            }
        }
        for name in ["tool_use", "server_tool_use", "mcp_tool_use", "my_tool_use", "tool_use_2", ""] {
            assert_eq!(is_call_block(name).is_some(), block.is_match(name), "{name}");
        }
    }

    #[test]
    fn tables_are_in_order() {
        let shapes: Vec<Shape> = SHAPES.iter().map(|(shape, _)| *shape).collect();
        assert_eq!(shapes, [&Shape::COMMON[..], &Shape::RARE].concat());
        assert!(shapes.iter().enumerate().all(|(place, shape)| *shape as usize == place));
        // PostgreSQL keeps shorter keys before longer ones.
        for keys in [&TEXT_KEYS[..], &EVENT_LISTS] {
            assert!(keys.is_sorted_by_key(|key| (key.len(), *key)), "{keys:?}");
        }
    }
}
