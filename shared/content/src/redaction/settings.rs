//! `REDACT` and `REDACT_PATTERNS`.

use regex::RegexBuilder;
use serde_json::{Map, Value};
use traceability_core::environment::{ConfigError, Environment};

use super::{Finder, Redaction, Rule};

const WORDS: &str = "REDACT";
const PATTERNS: &str = "REDACT_PATTERNS";
/// How many patterns there may be beside those that are built in.
const MOST_PATTERNS: usize = 50;
const LONGEST_NAME: usize = 32;
/// How large a compiled pattern may be, in bytes. `\w{1,1000}` is larger.
const LARGEST_PATTERN: usize = 1 << 20;

impl Redaction {
    /// Reads the settings: `REDACT`, any of `email`, `card`, `phone` and `secret`, separated by commas, and
    /// `REDACT_PATTERNS`, a JSON object of regular expressions by name, such as `{"ticket": "TCK-[0-9]+"}`.
    ///
    /// # Errors
    /// [`ConfigError`] when a word is none of these, or a pattern cannot be used.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let mut rules = patterns(environment.get(PATTERNS))?;
        let (mut secret, mut card, mut email, mut phone) = (false, false, false, false);
        let words = environment.get(WORDS).unwrap_or_default().split(',').map(str::trim);
        for word in words.filter(|word| !word.is_empty()) {
            match word {
                "secret" => secret = true,
                "card" => card = true,
                "email" => email = true,
                "phone" => phone = true,
                _ => {
                    let reason = "must be any of email, card, phone and secret, separated by commas".into();
                    return Err(ConfigError { name: WORDS, reason });
                }
            }
        }
        let builtin = [
            (secret, "secret", Finder::Secret),
            (card, "card", Finder::Card),
            (email, "email", Finder::Email),
            (phone, "phone", Finder::Phone),
        ];
        rules.extend(
            builtin.into_iter().filter(|(enabled, ..)| *enabled).map(|(_, name, finder)| Rule::new(name, finder)),
        );
        Ok(Self { rules, secret_names: secret })
    }
}

impl Rule {
    fn new(name: &str, finder: Finder) -> Self {
        Self { placeholder: format!("[redacted: {name}]"), finder }
    }
}

fn patterns(setting: Option<&str>) -> Result<Vec<Rule>, ConfigError> {
    let Some(setting) = setting else {
        return Ok(Vec::new());
    };
    let refused = |reason: String| ConfigError { name: PATTERNS, reason };
    let patterns: Map<String, Value> = serde_json::from_str(setting).map_err(|_| {
        refused(r#"must be a JSON object of regular expressions by name, such as {"ticket": "TCK-[0-9]+"}"#.into())
    })?;
    if patterns.len() > MOST_PATTERNS {
        return Err(refused(format!("must have at most {MOST_PATTERNS} patterns")));
    }
    patterns.iter().map(|(name, pattern)| rule(name, pattern).map_err(refused)).collect()
}

fn rule(name: &str, pattern: &Value) -> Result<Rule, String> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(format!("a name must be 1 to {LONGEST_NAME} of a-z, 0-9, _ and -"));
    }
    let Some(pattern) = pattern.as_str() else {
        return Err(format!("{name} must be a regular expression, as a text"));
    };
    let unusable = || {
        format!(
            "{name} must be a regular expression without look-around and back-references, of at most \
             {LARGEST_PATTERN} bytes when compiled"
        )
    };
    let syntax = regex_syntax::parse(pattern).map_err(|_| unusable())?;
    if syntax.properties().minimum_len().unwrap_or(0) == 0 {
        return Err(format!("{name} must not match the empty text"));
    }
    let mut builder = RegexBuilder::new(pattern);
    let regex = builder.size_limit(LARGEST_PATTERN).build().map_err(|_| unusable())?;
    Ok(Rule::new(name, Finder::Pattern(regex)))
}
