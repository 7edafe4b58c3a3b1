//! Prompts of which LiteLLM stored the last user message only (`spend_logs_prompt_storage: latest_turn`, since 1.110).
//!
//! The row does not say so. Its body is exactly `{model, messages: [{role: "user", content: "…"}]}`, or `input` in place of
//! `messages` (`_trimmed_turn` in LiteLLM's `spend_tracking_utils.py`); a client's first message may look the same. What
//! tells them apart is the number of tokens: those of the system prompt, the tools and the earlier turns were counted.

use serde_json::{Map, Value};

/// What LiteLLM puts in place of media.
const OMITTED: &[&str] = &["[image omitted]", "[file omitted]", "[audio omitted]"];
/// What providers count beside a message's text: the chat template's marks, and a default system prompt of one sentence.
const TEMPLATE_TOKENS: u64 = 32;
/// A text's bytes per token, at least: English has 4, German, Japanese and Chinese 3, Hindi and bare figures 2. A long text
/// in a script that a tokenizer hardly knows has fewer, and is taken for partial; claiming too little does no harm.
const BYTES_PER_TOKEN: u64 = 2;

/// Whether a body holds only the last turn of what the client sent, going by how many tokens the provider counted in the
/// prompt, if that is known.
pub fn is_latest_turn(body: &Map<String, Value>, prompt_tokens: Option<u64>) -> bool {
    only_user_text(body).is_some_and(|text| {
        text.lines().any(|line| OMITTED.contains(&line))
            || prompt_tokens.is_some_and(|tokens| tokens > most_tokens(text))
    })
}

/// The text of a body that holds nothing but the model and one user message of text.
fn only_user_text(body: &Map<String, Value>) -> Option<&str> {
    // The row of a router's classifier has the request that it classified beside its own.
    let own = ["model", "messages", "input", "originating_request_masked"];
    if body.keys().any(|key| !own.contains(&key.as_str())) {
        return None;
    }
    let [Value::Object(message)] = body.get("messages").or_else(|| body.get("input"))?.as_array()?.as_slice() else {
        return None;
    };
    let text = message.get("content")?.as_str()?;
    (message.len() == 2 && message.get("role")?.as_str()? == "user").then_some(text)
}

/// How many tokens a prompt has at most that is this text alone.
fn most_tokens(text: &str) -> u64 {
    let kept = text.len() as u64;
    // What LiteLLM cut out was as long, in bytes a character, as what it left.
    let characters = (text.chars().count() as u64).max(1);
    let skipped = super::marks::skipped(text).unwrap_or_default().saturating_mul(kept.div_ceil(characters));
    kept.saturating_add(skipped) / BYTES_PER_TOKEN + TEMPLATE_TOKENS
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_turn(body: &Value, prompt_tokens: impl Into<Option<u64>>) -> bool {
        is_latest_turn(body.as_object().expect("an object"), prompt_tokens.into())
    }

    #[test]
    fn tokens_tell_what_was_left_out() {
        let body = |key: &str, text: &str| json!({"model": "m", key: [{"role": "user", "content": text}]});
        for key in ["messages", "input"] {
            assert!(is_turn(&body(key, "continue"), 900) && is_turn(&body(key, "continue"), 100));
            assert!(!is_turn(&body(key, "continue"), 8) && !is_turn(&body(key, "continue"), None));
        }
        // Questions by themselves, with their tokens by `cl100k_base` and the 7 of a chat template.
        let plain = [
            ("Tell me a story", 11),
            ("Wie spät ist es in København, und wann fährt der nächste Zug?", 27),
            ("今日の天気はどうですか", 17),
            ("今天天气怎么样？请告诉我详细的预报。", 29),
            ("आज मौसम कैसा है?", 25),
            ("วันนี้อากาศเป็นอย่างไรบ้าง", 31),
            ("ဒီနေ့ ရာသီဥတု ဘယ်လိုလဲ", 49),
            ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 43),
            ("a3f90b77d1c24e5588aa01c9", 24),
        ];
        for (text, tokens) in plain {
            assert!(!is_turn(&body("messages", text), tokens), "{text}");
        }
        let cut = format!("{}... (litellm_truncated skipped 100000 chars) ...{}", "a".repeat(700), "b".repeat(1300));
        assert!(!is_turn(&body("messages", &cut), 30_000) && is_turn(&body("messages", &cut), 60_000));
    }

    #[test]
    fn omitted_media_tell_it_whatever_the_tokens() {
        let body = |text: &str| json!({"model": "m", "messages": [{"role": "user", "content": text}]});
        assert!(is_turn(&body("What is this?\n[image omitted]"), None));
        assert!(!is_turn(&body("What does [image omitted] mean?"), 12));
    }

    #[test]
    fn any_other_body_is_whole() {
        let text = json!([{"role": "user", "content": "continue"}]);
        for body in [
            json!({"model": "m", "messages": text, "temperature": 1}),
            json!({"model": "m", "messages": text, "tools": [{}]}),
            json!({"model": "m", "messages": text, "system": "x"}),
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
            json!({"model": "m", "messages": [{"role": "user", "content": "x", "name": "y"}]}),
            json!({"model": "m", "messages": [{"role": "assistant", "content": "x"}]}),
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "x"}]}),
            json!({"model": "m", "input": "x"}),
            json!({"model": "m"}),
        ] {
            assert!(!is_turn(&body, 5_000), "{body}");
        }
    }
}
