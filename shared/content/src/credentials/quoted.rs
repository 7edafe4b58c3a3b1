//! Credentials within texts: those that are known, and those that are told by their form or by what stands before them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use traceability_core::key_hash;
use traceability_core::key_hash::KEY_NAMES;

use super::super::json;
use super::super::redaction::secrets;
use super::MASK;

/// A shorter text is no secret, and stands anywhere.
const SHORTEST: usize = 4;
/// A shorter one is replaced where it is a word of its own.
const SHORTEST_PART: usize = 8;

/// How many are looked for in texts: each costs a pass.
const MOST_KNOWN: usize = 2_000;

/// Headers as a program prints them: the name, and what comes before the bracket that holds them.
static HEADERS: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?i)headers["'\\]*[ \t]*[:=][ \t]*[a-z_.]*["'\\]*[\[{(]"#));
/// The rest of a line, or of a quoted text, after the name of a cookie.
static COOKIE: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?i)cookies?["'\\]*[ \t]*[:=][ \t]*["'\\]*([^"'\\\r\n]+)"#));
/// A value after a name that may be a credential's or not.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i)(?:token|secret|jwt|(?:user|virtual|master|litellm|subscription)[ _-]?key)["'\\]*[ \t]*[:=][ \t]*["'\\]*([^\s"'\\,;&)}\]]{6,})"#,
    )
});
/// A line that names a source file; the lines after it are its code.
static SOURCE: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?m)^[ \t]*File "[^"\n]+", line \d+.*\n(?:[ \t]{4,}.*(?:\n|$))+"#));

/// Secrets that are known of a row.
#[derive(Default)]
pub(super) struct Secrets {
    known: Vec<String>,
}

impl Secrets {
    /// Adds what stands under the name of a credential: all of it, and what follows the scheme of an `Authorization`.
    pub(super) fn add(&mut self, text: &str) {
        self.add_one(text);
        if let Some((scheme, rest)) = text.split_once(' ')
            && ["bearer", "basic", "token"].contains(&scheme.to_ascii_lowercase().as_str())
        {
            self.add_one(rest.trim());
        }
    }

    fn add_one(&mut self, text: &str) {
        if self.known.len() >= MOST_KNOWN
            || text.chars().count() < SHORTEST
            || KEY_NAMES.contains(&text)
            || secrets::is_mask(text)
        {
            return;
        }
        let quoted = Value::from(text).to_string();
        let encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        // As it is, as JSON and Python write it, and as a URL does.
        for form in [text, &quoted[1..quoted.len() - 1], &encoded] {
            if !self.known.iter().any(|known| known == form) {
                self.known.push(form.to_owned());
            }
        }
    }

    /// Masks the secrets in all texts of a value, the names of entries included. Returns whether there were any.
    pub(super) fn mask(&mut self, value: &mut Value, depth: u8) -> bool {
        // Of two that overlap the longer one.
        self.known.sort_by_key(|known| std::cmp::Reverse(known.len()));
        self.mask_within(value, depth)
    }

    fn mask_within(&self, value: &mut Value, depth: u8) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(number) => {
                let known = self.known.contains(&number.to_string());
                if known {
                    *value = Value::from(MASK);
                }
                known
            }
            Value::String(text) => self.mask_text(text, depth),
            Value::Array(items) => {
                let mut changed = false;
                for item in items {
                    changed |= self.mask_within(item, depth);
                }
                changed
            }
            Value::Object(map) => {
                let mut changed = false;
                for item in map.values_mut() {
                    changed |= self.mask_within(item, depth);
                }
                let names: Vec<String> = map.keys().filter(|name| self.masked(name).is_some()).cloned().collect();
                for (place, name) in names.into_iter().enumerate() {
                    if let Some(item) = map.remove(&name) {
                        map.insert(format!("{MASK} ({})", place + 1), item);
                        changed = true;
                    }
                }
                changed
            }
        }
    }

    fn mask_text(&self, text: &mut String, depth: u8) -> bool {
        let mut changed = depth > 0 && super::within(text, |value| self.mask_within(value, depth - 1));
        // A sound JSON text has been read; what is left of it is names of its own. Its known secrets are gone either way.
        let masked = if json::structured(text).is_some() { self.known_masked(text) } else { self.masked(text) };
        if let Some(masked) = masked {
            *text = masked;
            changed = true;
        }
        changed
    }

    fn known_masked(&self, text: &str) -> Option<String> {
        replaced(text, self.places(text))
    }

    /// The text without secrets; `None` if there are none in it.
    fn masked(&self, text: &str) -> Option<String> {
        let mut places = self.places(text);
        places.extend(recognised(text));
        replaced(text, places)
    }

    /// Where the known secrets stand.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        for known in &self.known {
            let found = text.match_indices(known.as_str()).map(|(at, _)| at..at + known.len());
            places.extend(found.filter(|range| known.len() >= SHORTEST_PART || is_word(text, range)));
        }
        places
    }
}

fn is_word(text: &str, range: &Range<usize>) -> bool {
    !text[..range.start].ends_with(char::is_alphanumeric) && !text[range.end..].starts_with(char::is_alphanumeric)
}

/// Where there is what looks like a secret, or is said to be one.
fn recognised(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    if is_name(text) {
        return places;
    }
    secrets::tokens(text, &mut |range| places.push(range));
    // In a source's lines names stand for values: `api_key=api_key` tells nothing.
    let sources: Vec<Range<usize>> = SOURCE.find_iter(text).map(|lines| lines.range()).collect();
    let is_code = |at: usize| sources.iter().any(|lines| lines.contains(&at));
    let mut said = |range: Range<usize>| {
        let value = &text[range.clone()];
        if !is_code(range.start) && !key_hash::may_be_shown(value) && !secrets::is_mask(value) {
            places.push(range);
        }
    };
    secrets::assigned(text, &mut said);
    for captures in COOKIE.captures_iter(text) {
        if let Some(value) = captures.get(1) {
            said(value.range());
        }
    }
    for captures in TOKEN.captures_iter(text) {
        if let Some(value) = captures.get(1).filter(|value| is_credential(value.as_str())) {
            said(value.range());
        }
    }
    let mut end = 0;
    for start in HEADERS.find_iter(text) {
        if start.end() > end {
            end = end_of_brackets(text, start.end() - 1);
            said(start.end() - 1..end);
        }
    }
    places
}

/// Whether a text is too short for a secret that is told by its form, or a plain name such as those of most entries.
fn is_name(text: &str) -> bool {
    text.len() < SHORTEST_PART || text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Whether a value after `token:` may be one: a word, a name of a program or an amount is none.
fn is_credential(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_digit()) && value.contains(char::is_alphabetic)
}

/// Where the bracket ends that begins here; the end of the text if LiteLLM cut it off.
fn end_of_brackets(text: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, letter) in text[start..].char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{' | '[' | '(') => depth += 1,
            (None, '}' | ']' | ')') => {
                depth -= 1;
                if depth == 0 {
                    return start + at + letter.len_utf8();
                }
            }
            (Some(_) | None, _) => {}
        }
    }
    text.len()
}

fn replaced(text: &str, mut places: Vec<Range<usize>>) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    places.sort_by_key(|place| place.start);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for place in places {
        if place.end <= end {
            continue;
        }
        if place.start >= end {
            masked.push_str(&text[end..place.start]);
            masked.push_str(MASK);
        }
        end = place.end;
    }
    masked.push_str(&text[end..]);
    Some(masked)
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this module is valid")
}
