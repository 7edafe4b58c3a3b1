//! System prompts, which are settings of a request rather than something said in its conversation.
//!
//! Many differ from request to request: they hold the time, or a nonce. So they tell nothing about what a prompt continues,
//! and are compared by themselves.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::message::Message;

/// How the line begins that Claude Code puts before its system prompt since 2.1.29, with a nonce (`cch=`) that is another
/// one in each request.
const BILLING_HEADER: &str = "x-anthropic-billing-header:";
/// How many digits a time or a number has at least that is taken for one that changes.
const CHANGING_DIGITS: usize = 4;
/// From how many characters on a word with digits is taken for an id.
const LONG_ID: usize = 16;

/// Whether a message is part of the system prompt.
pub fn is_instruction(message: &Message) -> bool {
    matches!(message.role.as_str(), "system" | "developer")
}

/// The lines of a system prompt that mean something to the model.
pub fn lasting_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with(BILLING_HEADER))
}

/// Equal for system prompts that are the same but for times, dates and ids in them: those of one agent.
pub fn agent<'a>(instructions: impl Iterator<Item = &'a Message>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for message in instructions {
        let lines = lasting_lines(message.text.as_deref().unwrap_or_default());
        for word in lines.flat_map(str::split_whitespace).filter(|word| !changes(word)) {
            word.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Whether a word looks like a time, a date, or an id. `worker-3` and `4` do not: they may be what tells two agents apart.
fn changes(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let of_time = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | '-' | '/' | '+' | ',' | '_' | 'T' | 'Z');
    let is_time = digits >= CHANGING_DIGITS || (digits > 0 && word.contains(':'));
    (is_time && word.chars().all(of_time)) || (digits > 0 && word.len() >= LONG_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_changes_and_a_name_does_not() {
        for word in ["10:01", "9:05.", "2026-11-27", "11/27/2026,", "2026-11-27T10:00:00Z", "1764230400", "(2026)"] {
            assert!(changes(word), "{word}");
        }
        assert!(changes("5f1c2a3e-0000-4000-8000-000000000022"));
        for word in ["worker-3", "4", "agent:", "v2", "100", "10%", "gpt-4o", "--"] {
            assert!(!changes(word), "{word}");
        }
    }
}
