//! What is replaced in all that leaves the service.
//!
//! Patterns find what to replace in each text by itself, as it is written and as its readers see it ([`shadow`]). What is
//! spread over several texts is found only where this module knows how they belong together: the events of a stream or
//! of a realtime session ([`pieces`]), and the tokens of log probabilities.

mod cards;
mod phones;
mod pieces;
pub(super) mod secrets;
mod settings;
mod shadow;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Number, Value};

use self::shadow::{Shadow, Spaces};
use self::text::{Found, Text, joined};
use super::json;
use super::message::{Message, Part, ToolCall};

/// How often a text may turn out to be JSON whose texts are JSON again.
const NESTING: u8 = 4;
/// How often a text is looked through again, since what was beside a match may be one by itself.
const PASSES: u8 = 3;

static EMAIL: LazyLock<Regex> = LazyLock::new(|| builtin(r"[\w.%+-]+@(?:[\w-]+\.)+[^\W\d_]{2,}"));
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| builtin(r"\[redacted: [a-z0-9_-]{1,32}\]"));

/// The patterns whose matches do not leave the service: `[redacted: email]` and the like stand in their place.
///
/// What was replaced once is not replaced again. Of matches that overlap all is replaced, under the name of the first
/// pattern in this order: those of `REDACT_PATTERNS` by name, secrets, cards, email addresses, phone numbers.
#[derive(Clone, Default)]
pub struct Redaction {
    rules: Vec<Rule>,
    /// Whether a value is secret by the name it stands under.
    secret_names: bool,
}

#[derive(Clone)]
struct Rule {
    placeholder: String,
    finder: Finder,
}

#[derive(Clone)]
enum Finder {
    Pattern(Regex),
    Secret,
    Card,
    Email,
    Phone,
}

impl Redaction {
    /// Nothing is replaced.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What is replaced, by the names of the rules: words of `REDACT` and names of `REDACT_PATTERNS`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |rule: &Rule| rule.placeholder.trim_start_matches("[redacted: ").trim_end_matches(']').to_owned();
        self.rules.iter().map(name).collect()
    }

    pub(super) fn is_none(&self) -> bool {
        self.rules.is_empty()
    }

    /// Replaces in every text of the messages, their ids and names included.
    pub(super) fn messages(&self, messages: &mut [Message]) {
        let mut events: Vec<&mut Value> = messages.iter_mut().filter_map(|message| message.raw.as_mut()).collect();
        self.pieces(&mut events, NESTING);
        for message in messages {
            self.message(message);
        }
    }

    fn message(&self, message: &mut Message) {
        let Message {
            source: _,
            role,
            name,
            text,
            parts,
            tool_calls,
            tool_call_id,
            refusal,
            reasoning,
            choice: _,
            truncated: _,
            redacted: _,
            raw,
        } = message;
        self.text(role);
        for text in [name, text, tool_call_id, refusal, reasoning].into_iter().flatten() {
            self.text(text);
        }
        for Part { kind, url, media_type, name, left_out_characters: _, left_out_sha256: _, raw } in parts {
            self.text(kind);
            for text in [url, media_type, name].into_iter().flatten() {
                self.text(text);
            }
            self.value(raw);
        }
        for ToolCall { id, name, kind, arguments, arguments_text } in tool_calls {
            self.text(name);
            self.text(kind);
            for text in [id, arguments_text].into_iter().flatten() {
                self.text(text);
            }
            self.value(arguments);
        }
        if let Some(raw) = raw {
            self.value(raw);
        }
    }

    /// Replaces in all texts, keys and numbers of the value.
    pub(super) fn value(&self, value: &mut Value) {
        self.value_within(value, NESTING);
    }

    /// Replaces in all entries of an object.
    pub(super) fn map(&self, map: &mut Map<String, Value>) {
        self.map_within(map, NESTING);
    }

    /// Replaces in JSON as it is stored. It is written anew only if that changes it.
    pub(super) fn raw(&self, raw: Box<RawValue>) -> Option<Box<RawValue>> {
        if self.is_none() {
            return Some(raw);
        }
        let mut value = json::lenient(raw.get());
        if self.value_within(&mut value, NESTING) { to_raw_value(&value).ok() } else { Some(raw) }
    }

    fn text(&self, text: &mut String) {
        self.text_within(text, NESTING);
    }

    /// Whether anything was replaced.
    fn value_within(&self, value: &mut Value, depth: u8) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(number) => match self.number(number) {
                Some(placeholder) => {
                    *value = Value::String(placeholder);
                    true
                }
                None => false,
            },
            Value::String(text) => self.text_within(text, depth),
            Value::Array(items) => {
                let mut changed = false;
                if items.iter().filter(|item| pieces::is_piece(item)).nth(1).is_some() {
                    changed = !self.pieces(&mut items.iter_mut().collect::<Vec<_>>(), depth).is_empty();
                }
                for item in items {
                    changed |= self.value_within(item, depth);
                }
                changed
            }
            Value::Object(map) => self.map_within(map, depth),
        }
    }

    fn map_within(&self, map: &mut Map<String, Value>, depth: u8) -> bool {
        let mut changed = false;
        for (key, value) in map.iter_mut() {
            changed |= self.named_secret(key, value) || self.log_probabilities(key, value);
            changed |= self.value_within(value, depth);
        }
        if !map.keys().any(|key| self.replaced(key).is_some()) {
            return changed;
        }
        let mut counts: HashMap<String, usize> = HashMap::new();
        for (key, value) in std::mem::take(map) {
            let mut name = self.replaced(&key).unwrap_or(key);
            // No entry is lost because two names are replaced by the same.
            while map.contains_key(&name) {
                let count = counts.entry(name.clone()).or_insert(1);
                *count += 1;
                name = format!("{name} ({count})");
            }
            map.insert(name, value);
        }
        true
    }

    /// Replaces the value of `"password"` and the like, which is secret whatever it looks like.
    fn named_secret(&self, key: &str, value: &mut Value) -> bool {
        if !self.secret_names || !secrets::is_name(key) {
            return false;
        }
        let text = match &*value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return false,
        };
        if secrets::is_mask(&text) || self.is_placeholder(&text) {
            return false;
        }
        let rule = self.rules.iter().find(|rule| matches!(rule.finder, Finder::Secret));
        rule.is_some_and(|rule| {
            *value = Value::String(rule.placeholder.clone());
            true
        })
    }

    /// Log probabilities hold the answer once more, a token at a time: they are replaced by it if anything in it is.
    fn log_probabilities(&self, key: &str, value: &mut Value) -> bool {
        if key != "logprobs" {
            return false;
        }
        let tokens = value.get("content").or_else(|| value.get("tokens")).and_then(Value::as_array);
        let tokens = tokens.into_iter().flatten().filter_map(|item| item.get("token").unwrap_or(item).as_str());
        let said: String = tokens.collect();
        self.replaced(&said).is_some_and(|said| {
            *value = Value::String(said);
            true
        })
    }

    /// What stands for a number that is nothing but a match, such as a card's.
    fn number(&self, number: &Number) -> Option<String> {
        let text = number.to_string();
        // PostgreSQL keeps `.0`, and so does the number.
        let text = text.strip_suffix(".0").unwrap_or(&text);
        self.replaced(text).filter(|replaced| self.is_placeholder(replaced))
    }

    fn text_within(&self, text: &mut String, depth: u8) -> bool {
        let mut changed = false;
        if depth > 0
            && let Some(mut value) = json::structured(text)
        {
            // Read as JSON, it has no escapes that a match could hide behind.
            if self.value_within(&mut value, depth - 1) {
                *text = value.to_string();
                changed = true;
            }
        } else if let Some(rewritten) = self.stream(text, depth) {
            *text = rewritten;
            changed = true;
        }
        match self.replaced(text) {
            Some(replaced) => {
                *text = replaced;
                true
            }
            None => changed,
        }
    }

    /// Whether a text is what this puts in place of a match. Others that look so may have a match within.
    fn is_placeholder(&self, text: &str) -> bool {
        self.rules.iter().any(|rule| rule.placeholder == text)
    }

    /// The text with placeholders in it; `None` if nothing is to be replaced.
    fn replaced(&self, text: &str) -> Option<String> {
        let mut replaced = self.replaced_once(text)?;
        for _ in 0..PASSES {
            match self.replaced_once(&replaced) {
                Some(again) => replaced = again,
                None => break,
            }
        }
        Some(replaced)
    }

    fn replaced_once(&self, text: &str) -> Option<String> {
        if self.rules.is_empty() || text.is_empty() {
            return None;
        }
        let placeholders: Vec<Range<usize>> = if text.contains("[redacted: ") {
            PLACEHOLDER
                .find_iter(text)
                .filter(|found| self.is_placeholder(found.as_str()))
                .map(|found| found.range())
                .collect()
        } else {
            Vec::new()
        };
        let mut found: Vec<Found> = Vec::new();
        let plain = Shadow::of(text, Spaces::Plain);
        let spaced = plain.as_ref().is_some_and(|plain| plain.has_spaces);
        let dropped = if spaced { Shadow::of(text, Spaces::Dropped) } else { None };
        for shadow in plain.iter().chain(&dropped) {
            let placeholders = placeholders.iter().map(|place| shadow.place(place)).collect();
            let plain = self.find(&Text { text: &shadow.text, placeholders });
            found.extend(plain.into_iter().map(|(range, index)| (shadow.original(&range), index)));
        }
        found.extend(self.find(&Text { text, placeholders }));
        if found.is_empty() {
            return None;
        }
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for (range, index) in joined(found) {
            replaced.push_str(&text[end..range.start]);
            replaced.push_str(&self.rules[index].placeholder);
            end = range.end;
        }
        replaced.push_str(&text[end..]);
        Some(replaced)
    }

    /// What the rules find, outside of what was replaced before.
    fn find(&self, text: &Text<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            rule.finder.find(text, &mut |range| found.extend(text.outside(range).map(|range| (range, index))));
        }
        found
    }
}

impl Finder {
    fn find(&self, text: &Text<'_>, found: &mut dyn FnMut(Range<usize>)) {
        match self {
            Self::Pattern(pattern) => {
                pattern.find_iter(text.text).filter(|found| !found.is_empty()).for_each(|place| found(place.range()));
            }
            Self::Email => EMAIL.find_iter(text.text).for_each(|place| found(place.range())),
            Self::Secret => secrets::find(text, found),
            Self::Card => cards::find(text, found),
            Self::Phone => phones::find(text, found),
        }
    }
}

fn builtin(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this module is valid")
}
