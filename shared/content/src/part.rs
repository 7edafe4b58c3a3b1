//! Images, audio and files within a message.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::message::Part;

/// The longest inline data that is passed on; a page of messages would otherwise be mostly pictures.
const LONGEST_INLINE: usize = 64 * 1024;
/// How deep the properties of a part are looked for.
const PROPERTY_DEPTH: usize = 3;

impl Part {
    /// A part of media, or of a kind that is not known, from its JSON in any API's shape.
    #[must_use]
    pub fn new(kind: &str, mut raw: Value) -> Self {
        let mut part = Self {
            kind: kind.to_owned(),
            url: None,
            media_type: None,
            name: None,
            left_out_characters: None,
            left_out_sha256: None,
            raw: Value::Null,
        };
        part.read_properties(&raw, PROPERTY_DEPTH);
        part.leave_out_blobs(&mut raw);
        part.raw = raw;
        part
    }

    fn read_properties(&mut self, value: &Value, depth: usize) {
        let (Some(map), true) = (value.as_object(), depth > 0) else {
            return;
        };
        for (key, value) in map {
            match (key.as_str(), value) {
                (
                    "url" | "image_url" | "video_url" | "file_url" | "uri" | "fileUri" | "file_uri" | "file_data"
                    | "data",
                    Value::String(text),
                ) => self.read_location(key, text),
                ("media_type" | "mimeType" | "mime_type" | "content_type" | "format", Value::String(text)) => {
                    self.media_type.get_or_insert_with(|| text.clone());
                }
                ("filename" | "file_name" | "name" | "title", Value::String(text)) => {
                    self.name.get_or_insert_with(|| text.clone());
                }
                (_, Value::Object(_)) => self.read_properties(value, depth - 1),
                _ => {}
            }
        }
    }

    fn read_location(&mut self, key: &str, text: &str) {
        if let Some(data) = text.strip_prefix("data:") {
            let media_type = data.split([';', ',']).next().unwrap_or_default();
            if !media_type.is_empty() && media_type.len() < 128 {
                self.media_type.get_or_insert_with(|| media_type.to_owned());
            }
        } else if !matches!(key, "data" | "file_data") && !text.is_empty() && text.len() <= LONGEST_INLINE {
            self.url.get_or_insert_with(|| text.to_owned());
        }
    }

    fn leave_out_blobs(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if text.len() > LONGEST_INLINE => {
                let characters = text.chars().count() as u64;
                self.left_out_sha256 = Some(format!("{:x}", Sha256::digest(text.as_bytes())));
                self.left_out_characters = Some(self.left_out_characters.unwrap_or(0) + characters);
                *text = format!("({characters} characters of data left out)");
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.leave_out_blobs(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.leave_out_blobs(item)),
            _ => {}
        }
    }
}
