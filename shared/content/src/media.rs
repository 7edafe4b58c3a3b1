//! Embeddings, images, speech, transcription, moderation, reranking and text completions.

use serde_json::{Map, Value, json};

use super::blocks::Draft;
use super::chat;
use super::json::{self, take};
use super::message::{Message, Part, Source};

/// Inputs that are not a conversation: a text, several, token ids, or parts.
pub fn inputs(value: Value) -> Vec<Message> {
    match value {
        Value::Array(items) if is_token_ids(&items) => vec![token_ids(items)],
        Value::Array(items) if items.iter().any(json::has_role) => chat::messages(Value::Array(items), Source::Prompt),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_array()) => {
            items.into_iter().flat_map(inputs).collect()
        }
        other => {
            let mut draft = Draft::new(Source::Prompt);
            draft.content(other);
            vec![draft.finish("user").0]
        }
    }
}

fn is_token_ids(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(Value::is_number)
}

fn token_ids(ids: Vec<Value>) -> Message {
    let mut message = Message::new(Source::Prompt, "user");
    message.parts.push(Part::new("token_ids", Value::Array(ids)));
    message
}

/// A `data` list: embeddings or images.
pub fn data(items: Vec<Value>) -> Vec<Message> {
    let mut message = Message::new(Source::Response, "assistant");
    if items.iter().any(|item| item.get("embedding").is_some()) {
        message.parts.push(Part::new("embeddings", embeddings(&items)));
    } else {
        for item in items {
            let is_image = ["url", "b64_json", "revised_prompt"].iter().any(|key| item.get(*key).is_some());
            message
                .parts
                .push(Part::new(if is_image { "image" } else { "data" }, json::prune(item).unwrap_or_default()));
        }
    }
    message.read_marks();
    vec![message]
}

/// How many vectors of how many dimensions; the vectors themselves are of no use to a reader.
fn embeddings(items: &[Value]) -> Value {
    let dimensions = items.iter().find_map(|item| match item.get("embedding")? {
        Value::Array(vector) => Some(vector.len()),
        // Base64 of 32-bit floats.
        Value::String(text) => Some(text.trim_end_matches('=').len() * 3 / 4 / 4),
        _ => None,
    });
    json!({"count": items.len(), "dimensions": dimensions})
}

/// Spoken audio, of which LiteLLM stores the length only.
pub fn binary(map: Map<String, Value>) -> Vec<Message> {
    let mut message = Message::new(Source::Response, "assistant");
    message.parts.push(Part::new("audio", Value::Object(map)));
    vec![message]
}

/// The `results` of moderation, of reranking, or of a search.
pub fn results(mut map: Map<String, Value>) -> Vec<Message> {
    let results = take(&mut map, "results").unwrap_or_default();
    let kind = match results.get(0) {
        Some(first) if first.get("flagged").is_some() => "moderation",
        Some(first) if first.get("relevance_score").is_some() => "rerank",
        _ => "results",
    };
    let mut message = Message::new(Source::Response, "assistant");
    message.parts.push(Part::new(kind, json::prune(results).unwrap_or_default()));
    message.read_marks();
    vec![message]
}

/// A search or a reranking: what was asked, and the documents.
pub fn query(map: &Map<String, Value>) -> Vec<Message> {
    let mut draft = Draft::new(Source::Prompt);
    draft.content(map.get("query").cloned().unwrap_or_default());
    let mut message = draft.finish("user").0;
    if let Some(documents) = map.get("documents").filter(|documents| !json::is_blank(documents)) {
        message.parts.push(Part::new("documents", documents.clone()));
    }
    message.read_marks();
    vec![message]
}
