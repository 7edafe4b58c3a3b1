//! Credentials and headers in what LiteLLM stores beside the content: they leave the service in no answer.
//!
//! What stands under the name of a credential is replaced by its SHA-256, so that equal ones can still be told from
//! others. Headers are left out. Texts, such as the message of an error, quote either in any form: there the row's own
//! keys, every credential found beside them, and whatever looks like one become [`MASK`].

mod names;
mod quoted;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use traceability_core::key_hash;

use self::names::Name;
use self::quoted::Secrets;
use super::redaction::secrets;
use super::{json, parameters};

/// What stands for a credential within a text.
const MASK: &str = "masked";
/// How often a text may turn out to be JSON whose texts are JSON again. What is nested deeper is not shown.
const NESTING: u8 = 4;

/// The keys that a row holds of its caller, in `api_key` and in `metadata.user_api_key`: as hashes, or in clear where
/// LiteLLM before 1.100 let somebody in who authenticated otherwise.
#[derive(Clone, Default)]
pub struct RowKeys(Vec<String>);

impl From<Vec<String>> for RowKeys {
    fn from(keys: Vec<String>) -> Self {
        Self(keys)
    }
}

impl fmt::Debug for RowKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowKeys({})", self.0.len())
    }
}

/// The metadata of a request without credentials and headers. It is written anew only if that changes it.
pub(super) fn taken_out(metadata: Box<RawValue>, keys: &RowKeys) -> Option<Box<RawValue>> {
    let mut value = json::lenient(metadata.get());
    let mut secrets = Secrets::default();
    keys.0.iter().for_each(|key| secrets.add(key));
    // A secret may be quoted before the place that tells it is one, so all of them are known before texts are read.
    let mut changed = named(&mut value, &mut secrets, NESTING);
    changed |= secrets.mask(&mut value, NESTING);
    if changed { to_raw_value(&value).ok() } else { Some(metadata) }
}

/// A stored response without the headers that LiteLLM or a provider left beside the content, and without the credentials
/// of tools, which some APIs repeat.
pub(super) fn without_headers(response: Box<RawValue>) -> Box<RawValue> {
    let json = response.get();
    if !names::RESPONSE_HEADERS.iter().any(|name| json.contains(name)) && !json.contains("tools") {
        return response;
    }
    let mut value = json::lenient(json);
    if bare_response(&mut value, NESTING) { to_raw_value(&value).unwrap_or(response) } else { response }
}

/// Takes the headers of a response out. Within its content `headers` is a word of the content's own.
fn bare_response(value: &mut Value, depth: u8) -> bool {
    match value {
        Value::Object(map) => {
            let before = map.len();
            map.retain(|key, _| !names::RESPONSE_HEADERS.contains(&key.as_str()));
            let mut changed = map.len() < before;
            if let Some(inner) = map.get_mut("response").filter(|_| depth > 0) {
                changed |= bare_response(inner, depth - 1);
            }
            changed | bare_tools(value)
        }
        Value::Array(_) => bare_tools(value),
        Value::String(text) if depth > 0 => within(text, |value| bare_response(value, depth - 1)),
        _ => false,
    }
}

/// Masks the credentials of declared tools, wherever a response repeats its request.
fn bare_tools(value: &mut Value) -> bool {
    let mut changed = false;
    match value {
        Value::Array(items) => {
            for item in items {
                changed |= bare_tools(item);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                if key == "tools" && item.is_array() {
                    let masked = parameters::masked(item.clone(), false);
                    changed |= masked != *item;
                    *item = masked;
                } else {
                    changed |= bare_tools(item);
                }
            }
        }
        _ => {}
    }
    changed
}

/// Changes a text that is JSON as the JSON it is. Returns whether anything changed.
fn within(text: &mut String, change: impl FnOnce(&mut Value) -> bool) -> bool {
    let Some(mut value) = json::structured(text) else {
        return false;
    };
    let changed = change(&mut value);
    if changed {
        *text = value.to_string();
    }
    changed
}

/// Hashes what stands under the name of a credential, and takes headers out; `secrets` gets what was found.
fn named(value: &mut Value, secrets: &mut Secrets, depth: u8) -> bool {
    match value {
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= named(item, secrets, depth);
            }
            changed
        }
        Value::Object(map) => named_entries(map, secrets, depth),
        Value::String(text) if depth > 0 => within(text, |value| named(value, secrets, depth - 1)),
        Value::String(text) if json::structured(text).is_some() => {
            MASK.clone_into(text);
            true
        }
        _ => false,
    }
}

fn named_entries(map: &mut Map<String, Value>, secrets: &mut Secrets, depth: u8) -> bool {
    let mut changed = false;
    map.retain(|key, value| {
        // Most entries are the empty ones of a table.
        if matches!(value, Value::Null | Value::Bool(_)) {
            return true;
        }
        changed |= match names::name(key) {
            Name::Headers => {
                credentials_of_headers(value, secrets);
                changed = true;
                return false;
            }
            Name::Credential => hashed(value, secrets, Numbers::Hashed),
            Name::Perhaps => hashed(value, secrets, Numbers::Kept),
            Name::Other => named(value, secrets, depth),
        };
        true
    });
    changed
}

/// What becomes of a number under the name of a credential.
#[derive(Clone, Copy)]
enum Numbers {
    /// It is one.
    Hashed,
    /// `input_cost_per_token` is no token.
    Kept,
}

/// Hashes every text within a value.
fn hashed(value: &mut Value, secrets: &mut Secrets, numbers: Numbers) -> bool {
    let text = match value {
        Value::Null | Value::Bool(_) => return false,
        Value::Number(_) if matches!(numbers, Numbers::Kept) => return false,
        Value::Number(number) => number.to_string(),
        Value::String(text) if secrets::is_mask(text) => return false,
        Value::String(text) => std::mem::take(text),
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= hashed(item, secrets, numbers);
            }
            return changed;
        }
        Value::Object(map) => {
            let mut changed = false;
            for item in map.values_mut() {
                changed |= hashed(item, secrets, numbers);
            }
            return changed;
        }
    };
    if key_hash::may_be_shown(&text) {
        *value = Value::String(text);
        return false;
    }
    secrets.add(&text);
    *value = Value::String(hex::encode(Sha256::digest(&text)));
    true
}

/// Notes the credentials of headers, which the message of an error may quote.
fn credentials_of_headers(headers: &Value, secrets: &mut Secrets) {
    match headers {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if names::name(key) != Name::Other => secrets.add(text),
                    Value::String(_) => {}
                    other => credentials_of_headers(other, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| credentials_of_headers(item, secrets)),
        Value::String(text) => {
            if let Some(value) = json::structured(text) {
                credentials_of_headers(&value, secrets);
            }
        }
        _ => {}
    }
}
