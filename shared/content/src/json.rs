//! Reading JSON that may be anything.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// How deep [`lenient`] goes into JSON that serde cannot hold before it passes the rest on as text.
const LENIENT_DEPTH: usize = 48;

/// The JSON as a value, whatever it holds.
///
/// PostgreSQL stores what `serde_json` refuses: nesting of more than 128 levels, and numbers beyond an `f64`. Those
/// places become strings of their JSON text, so that one of them does not cost the whole document. A text of JSON may also
/// have half of a character that takes two escapes, where a text was cut: it is read as U+FFFD.
pub fn lenient(json: &str) -> Value {
    lenient_at(&with_whole_characters(json), LENIENT_DEPTH)
}

/// The JSON with `\ufffd` for each escape that is half of a pair.
fn with_whole_characters(json: &str) -> Cow<'_, str> {
    let mut whole = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let start = at + found;
        // The escaped character may be of several bytes; what follows it is of no concern here.
        at = start + 1 + json[start + 1..].chars().next().map_or(0, char::len_utf8);
        let Some(half) = surrogate(&json[start..]) else { continue };
        let next = json.get(start + ESCAPE..).and_then(surrogate);
        if half == Surrogate::High && next == Some(Surrogate::Low) {
            at = start + 2 * ESCAPE;
            continue;
        }
        whole.push_str(&json[copied..start]);
        whole.push_str("\\ufffd");
        copied = start + ESCAPE;
        at = copied;
    }
    if copied == 0 { Cow::Borrowed(json) } else { Cow::Owned(whole + &json[copied..]) }
}

/// The length of `\ud83d`.
const ESCAPE: usize = 6;

#[derive(PartialEq, Eq)]
enum Surrogate {
    High,
    Low,
}

/// Which half of a pair a text begins with.
fn surrogate(text: &str) -> Option<Surrogate> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Surrogate::High),
        0xDC00..=0xDFFF => Some(Surrogate::Low),
        _ => None,
    }
}

fn lenient_at(json: &str, depth: usize) -> Value {
    if let Ok(value) = serde_json::from_str(json) {
        return value;
    }
    if depth > 0 {
        if let Ok(map) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
            let entries = map.into_iter().map(|(key, raw)| (key, lenient_at(raw.get(), depth - 1)));
            return Value::Object(entries.collect());
        }
        if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(json) {
            return Value::Array(list.into_iter().map(|raw| lenient_at(raw.get(), depth - 1)).collect());
        }
    }
    Value::String(json.to_owned())
}

/// What can be read of an object whose JSON is broken or cut off: its sound entries as they are, the others as their
/// text.
pub fn salvage(json: &str) -> (Map<String, Value>, Vec<(String, &str)>) {
    let mut entries = Map::new();
    let mut broken = Vec::new();
    let mut rest = json.trim_start().strip_prefix('{').unwrap_or_default();
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        let Some((key, after)) = next::<String>(rest) else {
            return (entries, broken);
        };
        let Some(value) = after.trim_start().strip_prefix(':') else {
            return (entries, broken);
        };
        if let Some((raw, after)) = next::<&RawValue>(value) {
            entries.insert(key, lenient(raw.get()));
            rest = after;
        } else {
            let (text, after) = value.split_at(end_of_value(value));
            broken.push((key, text));
            rest = after;
        }
    }
}

/// Where a value ends that is no JSON (Python writes `NaN`), going by its quotes and brackets.
fn end_of_value(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ',' | ']' | '}' if depth == 0 => return at,
            ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The first value of a text of several, and what follows it.
fn next<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Option<(T, &'a str)> {
    let mut stream = serde_json::Deserializer::from_str(json).into_iter::<T>();
    let value = stream.next()?.ok()?;
    Some((value, &json[stream.byte_offset()..]))
}

/// A JSON text that is an object or an array; `None` for everything else, broken JSON included.
pub fn structured(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str::<&RawValue>(text).ok().map(|raw| lenient(raw.get()))
}

/// The list under a key, if it has any item; what is none stays.
pub fn take_list(map: &mut Map<String, Value>, key: &str) -> Option<Vec<Value>> {
    let list = map.get_mut(key)?.as_array_mut().filter(|list| !list.is_empty()).map(std::mem::take)?;
    map.remove(key);
    Some(list)
}

/// Whether the value says nothing: null, `{}`, `[]` or `""`.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The value without what says nothing, at any depth; `None` if nothing is left.
pub fn prune(value: Value) -> Option<Value> {
    let pruned = match value {
        Value::Object(map) => Value::Object(prune_map(map)),
        Value::Array(items) => Value::Array(items.into_iter().filter_map(prune).collect()),
        other => other,
    };
    (!is_blank(&pruned)).then_some(pruned)
}

/// [`prune`] for the entries of an object.
pub fn prune_map(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().filter_map(|(key, value)| Some((key, prune(value)?))).collect()
}

/// Takes an entry out, if it says anything.
pub fn take(map: &mut Map<String, Value>, key: &str) -> Option<Value> {
    map.remove(key).filter(|value| !is_blank(value))
}

/// Takes a text out; a number is one as well, since clients send ids as either. What is neither stays.
pub fn take_text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    let text = match map.get(key)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    map.remove(key);
    Some(text)
}

/// The text under a key.
pub fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key)?.as_str()
}

/// Whether a key holds anything.
pub fn has(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).is_some_and(|value| !is_blank(value))
}

/// Calls `visit` with every string in the value.
pub fn each_text<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, visit)),
        Value::Object(map) => map.values().for_each(|item| each_text(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a value looks like a message.
pub fn has_role(value: &Value) -> bool {
    value.get("role").is_some_and(Value::is_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_character_is_replaced_and_nothing_else() {
        for (json, text) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\uDE00\uD83D\uD83D\uDE00""#, "\u{fffd}\u{fffd}\u{1f600}"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\\ud83d""#, r"\ud83d"),
            (r#""\\\ud83dx""#, "\\\u{fffd}x"),
            (r#""\\\\ud83d\ø""#, r#""\\\\ud83d\ø""#),
            (r#""ø\ud83dø""#, "ø\u{fffd}ø"),
        ] {
            assert_eq!(lenient(json), Value::String(text.to_owned()), "{json}");
        }
        assert_eq!(lenient(r#"{"\udc00": [1e400, "\ud800"]}"#)["\u{fffd}"][1], "\u{fffd}");
    }
}
