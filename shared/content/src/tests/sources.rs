//! Where the releases keep the content, and what is missing of it.

use serde_json::json;

use super::super::{Availability, History, Reason, StoredContent, normalise};
use super::{chat, failed, json_of, lines, raw, raw_text, read, stored};

fn reasons(availability: Availability) -> (Option<Reason>, Option<Reason>, Option<Reason>) {
    let (prompt, response) = (availability.prompt, availability.response);
    (availability.content_unavailable_reason, prompt.content_unavailable_reason, response.content_unavailable_reason)
}

#[test]
fn reads_the_messages_column_of_1_61() {
    let content = normalise(StoredContent {
        call_type: "acompletion".into(),
        messages: raw(&json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}])),
        response: raw(&json!({"choices": [{"message": {"role": "assistant", "content": "Rain ☔."}}]})),
        ..StoredContent::default()
    });
    assert_eq!(lines(&content.prompt), ["system: Be brief.", "user: Weather?"]);
    assert_eq!(lines(&content.response), ["assistant: Rain ☔."]);
    assert_eq!(content.history, History::Repeated);
    assert_eq!(reasons(content.availability), (None, None, None));
}

#[test]
fn reads_the_logged_request_of_1_67() {
    let body = r#"{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "metadata": {"headers": {}}}"#;
    let content = normalise(StoredContent {
        call_type: "acompletion".into(),
        messages: raw(&json!({})),
        logged_request: Some(body.to_owned()),
        ..StoredContent::default()
    });
    assert_eq!(lines(&content.prompt), ["user: hi"]);
    assert_eq!(serde_json::Value::Object(content.parameters), json!({"model": "gpt-4o"}));
}

#[test]
fn saves_what_it_can_of_a_request_that_was_cut_off() {
    let body = r#"{"metadata": {"headers": {"x": "s3cret"}}, "model": "gpt-4o", "messages": [{"role": "user", "content": "a long sto... (truncated 900 chars)"#;
    let content = normalise(StoredContent {
        call_type: "acompletion".into(),
        logged_request: Some(body.to_owned()),
        ..StoredContent::default()
    });
    assert!(lines(&content.prompt)[0].contains("a long sto"));
    assert!(!json_of(&content.prompt).to_string().contains("s3cret"));
    assert_eq!(content.parameters["model"], "gpt-4o");
    assert_eq!(content.availability.prompt.content_unavailable_reason, Some(Reason::Truncated));
}

#[test]
fn saves_what_it_can_of_a_request_that_is_no_json() {
    let read = |body: &str| {
        let logged_request = Some(body.to_owned());
        normalise(StoredContent { call_type: "acompletion".into(), logged_request, ..StoredContent::default() })
    };
    let content =
        read(r#"{"temperature": NaN, "messages": [{"role": "user", "content": "hi"}], "metadata": {"k": "s3cret"}}"#);
    assert_eq!(lines(&content.prompt), ["user: hi"]);
    let content =
        read(r#"{"messages": [{"content": "hi, \"you\"", "score": NaN}], "metadata": {"k": "s3cret"}, "model": "m"}"#);
    assert!(lines(&content.prompt)[0].contains("NaN}]") && content.parameters["model"] == "m");
    assert!(!json_of(&content.prompt).to_string().contains("s3cret"));
    let content = read(r#"{"messages": [{"content": "hi"you"}], "metadata": {"k": "s3cret"}}"#);
    assert!(!json_of(&content.prompt).to_string().contains("s3cret"));
}

#[test]
fn opens_a_request_with_its_envelope() {
    let request = json!({
        "url": "http://x", "method": "POST", "headers": {"authorization": "s3cret"},
        "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    });
    let content = read("acompletion", &request, &json!({}));
    assert_eq!(lines(&content.prompt), ["user: hi"]);
}

#[test]
fn tells_what_is_not_stored_and_where_it_is() {
    let content = read("acompletion", &json!({}), &json!({}));
    assert!(!content.availability.content_available);
    assert_eq!(reasons(content.availability).0, Some(Reason::NotStored));
    let content = normalise(StoredContent {
        cold_storage_object_key: Some("logs/2026-01-01/x.json".into()),
        ..stored("acompletion", &json!({}), &json!({}))
    });
    let cold = Some(Reason::ColdStorage);
    assert_eq!(reasons(content.availability), (cold, cold, cold));
}

#[test]
fn tells_what_was_redacted() {
    let request = json!({"input": "", "prompt": "", "model": "m", "messages": [{"role": "user", "content": "redacted-by-litellm"}]});
    let response = json!({"text": "redacted-by-litellm"});
    let content = read("aresponses", &request, &response);
    let redacted = Some(Reason::Redacted);
    assert!(!content.availability.content_available && content.prompt[0].redacted);
    assert_eq!(reasons(content.availability), (redacted, redacted, redacted));

    let content = normalise(StoredContent { failed: true, ..stored("acompletion", &request, &response) });
    assert_eq!(reasons(content.availability), (redacted, redacted, Some(Reason::FailedRequest)));
    assert!(content.response.is_empty());
}

#[test]
fn a_masked_fingerprint_is_no_redaction() {
    let response = json!({
        "system_fingerprint": "REDACTED_BY_LITELM",
        "choices": [{"message": {"role": "assistant", "content": "Hi"}}],
    });
    let content = read("acompletion", &json!({"messages": [{"role": "user", "content": "Hi"}]}), &response);
    assert_eq!(reasons(content.availability), (None, None, None));
}

#[test]
fn a_masked_argument_is_no_redaction() {
    let call =
        json!({"type": "tool_use", "id": "toolu_1", "name": "login", "input": {"password": "REDACTED_BY_LITELM"}});
    let request = json!({"messages": [{"role": "assistant", "content": [call]}]});
    let content = read("anthropic_messages", &request, &json!({}));
    assert!(!content.prompt[0].redacted);
}

#[test]
fn shows_what_redaction_left_in_place() {
    let placeholder = json!([{"role": "user", "content": "redacted-by-litellm"}]);
    let request = json!({"contents": [{"role": "user", "parts": [{"text": "native"}]}], "messages": placeholder, "input": "", "prompt": ""});
    let content = read("agenerate_content", &request, &json!({}));
    assert_eq!(lines(&content.prompt), ["user: native"]);
    assert_eq!(content.availability.prompt.content_unavailable_reason, Some(Reason::Redacted));

    let request =
        json!({"name": "lookup_order", "arguments": {"order_id": "A-1"}, "messages": placeholder, "input": ""});
    let content = read("call_mcp_tool", &request, &json!({"text": "redacted-by-litellm"}));
    assert_eq!(lines(&content.prompt), [r#"assistant: - lookup_order({"order_id":"A-1"})"#]);
    assert!(content.response[0].redacted);
}

#[test]
fn tells_what_was_shortened() {
    let long = format!("{}... (litellm_truncated skipped 2484 chars) ...{}", "a".repeat(716), "b".repeat(1331));
    let content = chat(&json!([{"role": "user", "content": long}]), "short");
    assert_eq!(content.prompt[0].truncated.map(|cut| cut.skipped_characters), Some(2484));
    assert_eq!(reasons(content.availability), (Some(Reason::Truncated), Some(Reason::Truncated), None));
    assert!(content.availability.prompt.content_available);
}

#[test]
fn a_failure_has_no_response() {
    let content = failed(&json!([{"role": "user", "content": "hi"}]));
    let failed = Some(Reason::FailedRequest);
    assert!(content.availability.content_available);
    assert_eq!(reasons(content.availability), (failed, None, failed));
}

#[test]
fn reads_what_serde_cannot_hold() {
    let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
    let request = format!(
        r#"{{"model": "m", "temperature": 1e400, "messages": [{{"role": "user", "content": "hi", "extra": {deep}}}]}}"#
    );
    let content = normalise(StoredContent {
        call_type: "acompletion".into(),
        proxy_server_request: raw_text(&request),
        response: raw_text(&format!(r#"{{"choices": [{{"message": {{"content": "ok", "odd": {deep}}}}}]}}"#)),
        ..StoredContent::default()
    });
    assert_eq!(lines(&content.prompt), ["user: hi"]);
    assert_eq!(lines(&content.response), ["assistant: ok"]);
    assert!(content.prompt[0].raw.is_some());
    assert_eq!(content.parameters["temperature"], "1e400");
}

#[test]
fn keeps_what_it_does_not_know() {
    let content =
        read("anew_api", &json!({"model": "m", "puzzle": {"a": 1}, "metadata": {"k": "v"}}), &json!({"solved": true}));
    assert_eq!(json_of(&content.prompt)[0]["raw"], json!({"puzzle": {"a": 1}}));
    assert_eq!(json_of(&content.response)[0]["raw"], json!({"solved": true}));
    let content = read("acompletion", &json!([1, "two"]), &json!("three"));
    assert_eq!(json_of(&content.prompt)[0]["raw"], json!(1));
    assert_eq!(lines(&content.prompt)[1], "user: two");
    assert_eq!(lines(&content.response), ["assistant: three"]);
}
