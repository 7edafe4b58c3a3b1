//! Rows of whatever kind, by dice.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::expected::Dice;
use crate::made;

/// A row of whatever kind, in one of a few sessions.
pub fn any_row(dice: &mut Dice, id: &str, start: DateTime<Utc>) -> Value {
    let pick = |dice: &mut Dice, from: &[&str]| from[dice.below(from.len())].to_owned();
    let milliseconds = dice.below(90_000) as i64;
    let tokens = dice.below(3000);
    let model = pick(dice, &["gpt-4o", "gpt-4o-mini", "claude", "unknown", ""]);
    let failed = dice.one_in(9);
    let tags =
        [json!([]), json!(["prod"]), json!(["prod", "eu", "prod"]), json!({"no": "list"}), json!([1, null, "x"])];
    let streamed =
        (start + TimeDelta::milliseconds(if dice.one_in(2) { milliseconds / 2 } else { milliseconds })).naive_utc();
    made::row(
        id,
        start,
        json!({
            "session_id": pick(dice, &["a", "b", "c", "d", "e", "f", "g", "", id]),
            "endTime": (start + TimeDelta::milliseconds(milliseconds)).naive_utc(),
            "completionStartTime": streamed,
            "request_duration_ms": milliseconds,
            "user": pick(dice, &["alice", "bob", "søren", "", "unknown"]),
            "team_id": pick(dice, &["red", "blue", ""]),
            "end_user": pick(dice, &["customer", "", "42"]),
            "api_key": pick(dice, &["hash-1", "hash-2", ""]),
            "model": format!("openai/{model}"),
            "model_group": model,
            "custom_llm_provider": pick(dice, &["openai", "anthropic", ""]),
            "spend": dice.below(1_000_000) as f64 / 1e9,
            "prompt_tokens": tokens, "completion_tokens": tokens / 3, "total_tokens": tokens + tokens / 3,
            "cache_hit": pick(dice, &["True", "False", "None"]),
            "request_tags": tags[dice.below(tags.len())],
            "status": if failed { "failure" } else { "success" },
            "metadata": {
                "agent_name": pick(dice, &["planner", "coder", ""]),
                "error_information": if failed { json!({"error_class": "RateLimitError"}) } else { json!(null) },
                "usage_object": if dice.one_in(2) { json!({"prompt_tokens_details": {"cached_tokens": tokens / 2}}) } else { json!(null) },
            },
            "response": if dice.one_in(4) {
                json!({"choices": [{"message": {"tool_calls": [{"function": {"name": pick(dice, &["search", "add"])}}]}}]})
            } else { json!({}) },
        }),
    )
}

/// Rows of the last so many days.
pub fn some_rows(dice: &mut Dice, prefix: &str, number: usize, days: usize) -> Vec<Value> {
    let now = Utc::now();
    let start = |dice: &mut Dice| now - TimeDelta::milliseconds(dice.below(days * 86_400_000) as i64);
    (0..number)
        .map(|place| {
            let start = start(dice);
            any_row(dice, &format!("{prefix}-{place}"), start)
        })
        .collect()
}
