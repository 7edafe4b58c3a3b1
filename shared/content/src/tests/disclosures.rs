//! What a reader gets who may see the content, and one who may not.

use std::collections::HashSet;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use traceability_core::environment::Environment;

use super::super::{
    Conversation, Disclosed, Disclosure, Reason, Redaction, RowKeys, StoredContent, normalise, normalise_with_sent,
};
use super::{chat, json_of, lines, raw, read, stored};

/// Every row that LiteLLM wrote into the fixtures.
fn rows() -> Vec<Value> {
    let mut rows = Vec::new();
    for release in ["1.61.20", "1.80.0", "1.109.1"] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/litellm");
        let file = std::fs::File::open(format!("{root}/{release}/LiteLLM_SpendLogs.jsonl.gz")).expect("a fixture");
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
        rows.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
    }
    rows
}

fn stored_row(row: &Value) -> StoredContent {
    let raw = |value: &Value| (!value.is_null()).then(|| to_raw_value(value).expect("JSON"));
    let metadata = &row["metadata"];
    StoredContent {
        call_type: row["call_type"].as_str().unwrap_or_default().to_owned(),
        failed: row["status"] == "failure" || metadata["status"] == "failure",
        messages: raw(&row["messages"]),
        proxy_server_request: raw(&row["proxy_server_request"]),
        response: raw(&row["response"]),
        logged_request: metadata["proxy_server_request"].as_str().map(ToOwned::to_owned),
        mcp_tool_call: raw(&metadata["mcp_tool_call_metadata"]),
        error: raw(&metadata["error_information"]),
        ..StoredContent::default()
    }
}

fn written(disclosed: &Disclosed, metadata: Option<&RawValue>) -> String {
    let Disclosed { prompt, response, parameters, sent, raw_response, availability } = disclosed;
    json!([prompt, response, parameters, sent, raw_response, availability, metadata]).to_string()
}

/// The texts of a stored value, those of names and ids into `allowed`.
fn collect(key: &str, value: &Value, texts: &mut Vec<String>, allowed: &mut HashSet<String>) {
    const NAMES: &[&str] =
        &["id", "call_id", "tool_call_id", "tool_use_id", "agent_id", "name", "model", "type", "role", "kind"];
    match value {
        Value::String(text) => {
            let within: Option<Value> = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten();
            if NAMES.contains(&key) || key.starts_with("litellm_") {
                allowed.insert(text.clone());
            } else if let Some(within) = within {
                collect(key, &within, texts, allowed);
            } else if text.chars().count() > 12 {
                texts.push(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(key, item, texts, allowed)),
        Value::Object(map) => map.iter().for_each(|(key, item)| collect(key, item, texts, allowed)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn nothing_that_was_said_is_in_a_withheld_answer() {
    let mut looked_for = 0;
    for row in rows() {
        let (mut texts, mut allowed) = (Vec::new(), HashSet::new());
        let request = row["proxy_server_request"].as_object().cloned().unwrap_or_default();
        let said = request.into_iter().filter(|(key, _)| key != "metadata" && key != "litellm_metadata");
        let metadata = &row["metadata"];
        let quoted =
            ["spend_logs_metadata", "mcp_tool_call_metadata", "guardrail_information"].map(|key| &metadata[key]);
        let error = ["error_message", "traceback"].map(|key| &metadata["error_information"][key]);
        let all = json!([row["messages"], row["response"], said.collect::<Map<_, _>>(), quoted, error]);
        collect("", &all, &mut texts, &mut allowed);
        // LiteLLM's own words for what a tool is called.
        for key in ["namespaced_tool_name", "mcp_server_name"] {
            allowed.extend(metadata["mcp_tool_call_metadata"][key].as_str().map(ToOwned::to_owned));
        }

        let metadata = Disclosure::Withheld.metadata(raw(&row["metadata"]), &RowKeys::default());
        let withheld = normalise_with_sent(stored_row(&row)).disclose(Disclosure::Withheld);
        let written = written(&withheld, metadata.as_deref());
        for text in texts.iter().filter(|text| !allowed.contains(*text)) {
            let json = Value::from(text.as_str()).to_string();
            assert!(!written.contains(&json[1..json.len() - 1]), "{text}\n{written}");
            looked_for += 1;
        }
        for message in withheld.prompt.iter().chain(&withheld.response) {
            assert!(message.text.is_none() && message.raw.is_none());
        }
    }
    assert!(looked_for > 5_000, "only {looked_for} texts were looked for");
}

#[test]
fn all_of_it_is_what_was_stored() {
    let none = Redaction::none();
    for row in rows() {
        let content = normalise_with_sent(stored_row(&row));
        let before = json!([content.prompt, content.response, content.parameters, content.sent, content.raw_response]);
        let address = content.raw_response.as_deref().map(RawValue::get).map(str::as_ptr);
        let all = content.disclose(Disclosure::Content(&none));
        assert_eq!(json!([all.prompt, all.response, all.parameters, all.sent, all.raw_response]), before);
        assert_eq!(all.raw_response.as_deref().map(RawValue::get).map(str::as_ptr), address, "copied");
    }
}

#[test]
fn who_spoke_and_which_tools_were_called_is_told() {
    let request = json!({"model": "gpt-4o", "temperature": 0.5, "user": "alice", "stop": ["secret stop"], "stream": true,
        "reasoning_effort": "low", "suffix": "secret suffix", "messages": [
        {"role": "user", "name": "Alice Secret", "content": [{"type": "text", "text": "secret"},
            {"type": "image_url", "image_url": {"url": "https://secret.example/x"}, "mime_type": "image/png"},
            {"type": "secret kind", "format": "secret format"}]},
        {"role": "assistant", "content": "secret", "reasoning_content": "secret", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": "{\"a\": \"secret\"}"}},
            {"id": "a secret id", "type": "function", "function": {"name": "a secret name", "arguments": "secret"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "secret"},
        {"role": "a secret role", "content": "secret"}]});
    let response = json!({"choices": [{"message": {"role": "assistant", "refusal": "secret", "secret": "secret"}}]});
    let withheld = normalise_with_sent(stored("acompletion", &request, &response)).disclose(Disclosure::Withheld);
    assert_eq!(
        json_of(&withheld.prompt),
        json!([
            {"source": "prompt", "role": "user", "text": null, "redacted": false, "parts": [
                {"kind": "image", "media_type": "image/png", "raw": null}, {"kind": "unknown", "raw": null}]},
            {"source": "prompt", "role": "assistant", "text": null, "redacted": false, "tool_calls": [
                {"id": "call_1", "name": "lookup", "kind": "function", "arguments": null},
                {"name": "unknown", "kind": "function", "arguments": null}]},
            {"source": "prompt", "role": "tool", "name": "lookup", "tool_call_id": "call_1", "text": null, "redacted": false},
            {"source": "prompt", "role": "unknown", "text": null, "redacted": false},
        ])
    );
    assert_eq!(
        Value::Object(withheld.parameters.clone()),
        json!({"model": "gpt-4o", "temperature": 0.5, "reasoning_effort": "low", "stream": true})
    );
    assert!(!written(&withheld, None).contains("secret"));
    let reason = Some(Reason::NotPermitted);
    let availability = withheld.availability;
    assert!(!availability.content_available && !availability.prompt.content_available);
    assert_eq!(availability.content_unavailable_reason, reason);
    assert_eq!(availability.response.content_unavailable_reason, reason);
    assert_eq!(json!(reason), "not_permitted");
    assert!(withheld.sent.is_none() && withheld.raw_response.is_none());
}

#[test]
fn how_much_was_left_out_is_told() {
    let long = format!("{}... (litellm_truncated skipped 2484 chars) ...{}", "a".repeat(716), "b".repeat(1331));
    let withheld =
        chat(&json!([{"role": "user", "content": long}]), "redacted-by-litellm").disclose(Disclosure::Withheld);
    assert_eq!(withheld.prompt[0].truncated.map(|cut| cut.skipped_characters), Some(2484));
    assert!(withheld.response[0].redacted);
}

#[test]
fn patterns_are_replaced_everywhere() {
    let environment: Environment = [("REDACT", "email")].into_iter().collect();
    let redaction = Redaction::from_environment(&environment).unwrap_or_else(|error| panic!("{error}"));
    let mark = "alice@example.com";
    let request = json!({"user": mark, "messages": [{"role": "user", "content": mark}]});
    let response = json!({"choices": [{"message": {"role": "assistant", "content": mark}}]});
    let disclosure = Disclosure::Content(&redaction);
    let metadata = disclosure.metadata(raw(&json!({"spend_logs_metadata": {"to": mark}})), &RowKeys::default());
    let content = normalise_with_sent(stored("acompletion", &request, &response)).disclose(disclosure);
    let written = written(&content, metadata.as_deref());
    assert!(!written.contains(mark), "{written}");
    assert_eq!(written.matches("[redacted: email]").count(), 6, "{written}");
    assert!(content.availability.content_available);
}

#[test]
fn the_prompt_as_it_was_sent_is_kept_on_demand() {
    let none = Redaction::none();
    let sent = |call_type: &str, request: &Value| {
        normalise_with_sent(stored(call_type, request, &json!({}))).disclose(Disclosure::Content(&none)).sent
    };
    assert_eq!(sent("aembedding", &json!({"input": ["a"]})), Some(json!(["a"])));
    assert_eq!(sent("call_mcp_tool", &json!({"name": "f", "arguments": {"a": 1}})), Some(json!({"a": 1})));
    let params = json!({"message": {"parts": []}});
    assert_eq!(sent("asend_message", &json!({"id": "1", "params": params})), Some(params));
    assert_eq!(sent("acompletion", &json!({})), None);
    let messages = json!([{"role": "user", "content": "hi"}]);
    let old = || StoredContent { messages: raw(&messages), ..StoredContent::default() };
    assert_eq!(normalise_with_sent(old()).disclose(Disclosure::Content(&none)).sent, Some(messages.clone()));
    assert_eq!(normalise(old()).disclose(Disclosure::Content(&none)).sent, None);
    let empty = read("acompletion", &json!({}), &json!([])).disclose(Disclosure::Content(&none));
    assert!(empty.raw_response.is_none());
}

#[test]
fn only_what_a_request_adds_is_disclosed() {
    let mut conversation = Conversation::new();
    let user = |text: &str| json!({"role": "user", "content": text});
    let first = chat(&json!([user("one")]), "1");
    assert_eq!(conversation.add(1, &first), [true]);
    let second = chat(&json!([user("one"), {"role": "assistant", "content": "1"}, user("two")]), "2");
    let new = conversation.add(2, &second);
    let added = second.added(&new).disclose(Disclosure::Content(&Redaction::none()));
    assert_eq!((lines(&added.prompt), lines(&added.response)), (vec!["user: two".into()], vec!["assistant: 2".into()]));
    assert!(added.raw_response.is_none() && added.availability.content_available);
}

#[test]
fn metadata_is_kept_where_it_is_known_to_hold_no_content() {
    let metadata = json!({
        "status": "failure", "user_api_key_alias": "support bot (prod)", "user_api_key_team_id": "team-support",
        "usage_object": {"total_tokens": 3, "service_tier": "standard", "note": "secret", "iterations": [{"n": 1, "x": "secret"}]},
        "cost_breakdown": {"total_cost": 0.5}, "applied_guardrails": ["pii-mask", "a secret sentence"],
        "error_information": {"error_code": "429", "error_class": "RateLimitError", "error_message": "secret",
            "traceback": "secret", "llm_provider": "openai", "normalized_error": "a secret sentence"},
        "mcp_tool_call_metadata": {"name": "lookup", "arguments": {"a": "secret"}, "result": "secret"},
        "guardrail_information": [{"guardrail_response": "secret"}], "spend_logs_metadata": {"a": "secret"},
        "requester_metadata": {"a": "secret"}, "vector_store_request_metadata": [{"query": "secret"}],
        "litellm_overhead_time_ms": 4.5, "attempted_retries": 0, "user_agent": "secret", "of_a_later_release": 1,
        "batch_models": null, "user_api_key_user_id": {"secret": "secret"},
    });
    let kept = Disclosure::Withheld.metadata(raw(&metadata), &RowKeys::default()).expect("an object");
    let kept: Value = serde_json::from_str(kept.get()).expect("JSON");
    assert_eq!(
        kept,
        json!({
            "status": "failure", "user_api_key_alias": "support bot (prod)", "user_api_key_team_id": "team-support",
            "usage_object": {"total_tokens": 3, "service_tier": "standard", "iterations": [{"n": 1}]},
            "cost_breakdown": {"total_cost": 0.5}, "applied_guardrails": ["pii-mask"],
            "error_information": {"error_code": "429", "error_class": "RateLimitError", "llm_provider": "openai"},
            "mcp_tool_call_metadata": {"name": "lookup"},
            "litellm_overhead_time_ms": 4.5, "attempted_retries": 0, "batch_models": null,
        })
    );
    assert!(Disclosure::Withheld.metadata(raw(&json!("secret")), &RowKeys::default()).is_none());
    assert!(Disclosure::Withheld.metadata(None, &RowKeys::default()).is_none());
}
