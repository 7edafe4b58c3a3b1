//! The shapes of the different APIs.

use serde_json::{Value, json};

use super::super::{Content, History, StoredContent, normalise};
use super::{chat_with, json_of, lines, raw, read, stored};

fn of_request(call_type: &str, request: &Value) -> Content {
    read(call_type, request, &json!({}))
}

#[test]
fn chat_with_tools() {
    let content = chat_with(
        &json!([
            {"role": "developer", "content": "Follow policy 7."},
            {"role": "user", "name": "alice", "content": [
                {"type": "text", "text": "What is"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K", "detail": "high"}},
                {"type": "text", "text": "this?"},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "see", "arguments": "{\"city\": \"T\\u00f3rshavn\"}"}},
                {"id": "call_2", "type": "function", "function": {"name": "see", "arguments": "{\"city\": \"Os"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "{\"temp_c\": 7}"},
        ]),
        &json!({"role": "assistant", "content": "A fox.", "reasoning_content": "Red…", "refusal": null, "tool_calls": null}),
    );
    assert_eq!(
        json_of(&content.prompt),
        json!([
            {"source": "prompt", "role": "developer", "text": "Follow policy 7.", "redacted": false},
            {"source": "prompt", "role": "user", "name": "alice", "text": "What is\nthis?", "redacted": false, "parts": [
                {"kind": "image", "media_type": "image/png", "raw":
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K", "detail": "high"}}},
            ]},
            {"source": "prompt", "role": "assistant", "text": null, "redacted": false, "tool_calls": [
                {"id": "call_1", "kind": "function", "name": "see", "arguments": {"city": "Tórshavn"}},
                {"id": "call_2", "kind": "function", "name": "see", "arguments": null, "arguments_text": "{\"city\": \"Os"},
            ]},
            {"source": "prompt", "role": "tool", "name": "see", "tool_call_id": "call_1", "text": "{\"temp_c\": 7}", "redacted": false},
        ])
    );
    assert_eq!(
        json_of(&content.response),
        json!([{"source": "response", "role": "assistant", "text": "A fox.", "reasoning": "Red…", "redacted": false}])
    );
}

#[test]
fn older_functions_and_several_choices() {
    let response = json!({"choices": [
        {"index": 0, "message": {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}}},
        {"index": 1, "message": {"role": "assistant", "content": "", "provider_specific_fields": {"refusal": "No."}}},
    ]});
    let request = json!({"messages": [{"role": "function", "name": "f", "content": "1"}], "n": 2});
    let content = read("completion", &request, &response);
    assert_eq!(content.prompt[0].name.as_deref(), Some("f"));
    assert_eq!(lines(&content.response), ["assistant: - f({})", "assistant: "]);
    assert_eq!(content.response.iter().map(|message| message.choice).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!(content.response[1].refusal.as_deref(), Some("No."));
}

#[test]
fn anthropic_messages() {
    let content = of_request(
        "anthropic_messages",
        &json!({
            "model": "claude", "max_tokens": 10,
            "system": [{"type": "text", "text": "Review.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "Look"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "Hmm", "signature": "x"},
                    {"type": "text", "text": "Let me check."},
                    {"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": {"id": "D-1"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "lookup", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "found"},
                    {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true, "content": [{"type": "text", "text": "gone"}]},
                    {"type": "text", "text": "And now?"},
                ]},
            ],
        }),
    );
    assert_eq!(
        lines(&content.prompt),
        [
            "system: Review.",
            "user: Look",
            r#"assistant: Let me check. lookup({"id":"D-1"}) lookup({})"#,
            "tool: found",
            "tool: gone",
            "user: And now?",
        ]
    );
    assert_eq!(content.prompt[2].reasoning.as_deref(), Some("Hmm"));
    assert_eq!(content.prompt[4].tool_call_id.as_deref(), Some("toolu_2"));
    assert_eq!(content.prompt[4].raw, Some(json!({"is_error": true})));
}

#[test]
fn an_anthropic_answer_as_it_came() {
    let answer = json!({"type": "message", "role": "assistant", "content": [
        {"type": "text", "text": "Hi"}, {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
    ]});
    let content = read("pass_through_endpoint", &json!({}), &json!({"response": answer.to_string()}));
    assert_eq!(lines(&content.response), [r#"assistant: Hi web_search({"query":"q"})"#]);
    assert_eq!(content.response[0].tool_calls[0].kind, "server_tool");
    assert_eq!(content.response[0].parts[0].kind, "web_search_tool_result");
}

#[test]
fn responses_api() {
    let request = json!({
        "instructions": "Be terse.", "previous_response_id": "resp_1", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Because…"}]},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{\"city\":\"Århus\"}"},
            {"type": "function_call", "call_id": "call_2", "name": "get_weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "{\"temp_c\": 5}"},
            {"type": "item_reference", "id": "msg_1"},
        ],
    });
    let response = json!({"object": "response", "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "id": "msg_2", "status": "completed", "phase": null,
            "content": [{"type": "output_text", "text": "5 °C", "annotations": [], "logprobs": []}]},
        {"type": "mcp_call", "id": "mcp_1", "name": "now", "arguments": "{}", "output": "12:00", "server_label": "clock"},
    ]});
    let content = read("aresponses", &request, &response);
    assert_eq!(
        lines(&content.prompt),
        [
            "system: Be terse.",
            "user: Weather?",
            r#"assistant: - get_weather({"city":"Århus"}) get_weather({})"#,
            r#"tool: {"temp_c": 5}"#,
            "unknown: -",
        ]
    );
    assert_eq!(content.prompt[2].reasoning.as_deref(), Some("Because…"));
    assert_eq!(lines(&content.response)[1], "tool: 12:00");
    assert_eq!(content.history, History::Kept);
    assert!(content.parameters.contains_key("previous_response_id"));
    assert!(!content.parameters.contains_key("instructions"));
}

#[test]
fn a_responses_answer_in_chat_naming() {
    // 1.80 stores answers of other providers so: the object says one thing, its keys another.
    let response = json!({"object": "chat.completion", "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": null, "annotations": []}]},
        {"type": "function_call", "id": "toolu_1", "call_id": "toolu_1", "name": "get_weather", "arguments": "{\"city\": \"Ribe\"}"},
    ]});
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"});
    let content = read("acompletion", &json!({"instructions": "Go.", "input": [call]}), &response);
    assert_eq!(lines(&content.prompt), ["system: Go.", "assistant: - f({})"]);
    assert_eq!(content.history, History::Repeated);
    assert_eq!(lines(&content.response), [r#"assistant: - get_weather({"city":"Ribe"})"#]);
}

#[test]
fn completions_embeddings_and_media() {
    let text =
        read("atext_completion", &json!({"prompt": ["a", "b"]}), &json!({"choices": [{"text": "c", "index": 0}]}));
    assert_eq!(
        (lines(&text.prompt), lines(&text.response)),
        (vec!["user: a".into(), "user: b".into()], vec!["assistant: c".into()])
    );

    let vectors = json!({"data": [{"object": "embedding", "embedding": [0.5, 0.25, 1.0]}, {"embedding": [1, 2, 3]}]});
    let embedding = read("aembedding", &json!({"input": [[1, 2, 3], [4, 5]]}), &vectors);
    assert_eq!(embedding.prompt.len(), 2);
    assert_eq!(embedding.response[0].parts[0].raw, json!({"count": 2, "dimensions": 3}));
    assert_eq!(embedding.history, History::None);

    let image = json!({"data": [{"url": null, "b64_json": "x".repeat(100_000), "revised_prompt": "fox"}]});
    let image = read("aimage_generation", &json!({"prompt": "a fox", "size": "1024x1024"}), &image);
    let part = &image.response[0].parts[0];
    assert_eq!((part.kind.as_str(), part.left_out_characters), ("image", Some(100_000)));
    assert!(part.raw.to_string().len() < 200 && part.left_out_sha256.is_some());

    let speech = read(
        "aspeech",
        &json!({"input": "say", "voice": "alloy"}),
        &json!({"object": "binary", "num_bytes": 3, "content_type": "audio/mpeg"}),
    );
    assert_eq!(speech.response[0].parts[0].media_type.as_deref(), Some("audio/mpeg"));
    let heard = read("atranscription", &json!({"file": "a.wav"}), &json!({"text": "hello"}));
    assert_eq!(lines(&heard.response), ["assistant: hello"]);
    let moderation = read("amoderation", &json!({"input": "me"}), &json!({"id": "m", "results": [{"flagged": false}]}));
    assert_eq!(moderation.response[0].parts[0].kind, "moderation");
    let rerank = read(
        "arerank",
        &json!({"query": "q", "documents": ["d"]}),
        &json!({"results": [{"index": 0, "relevance_score": 0.5}]}),
    );
    assert_eq!((lines(&rerank.prompt)[0].as_str(), rerank.prompt[0].parts[0].kind.as_str()), ("user: q", "documents"));
}

#[test]
fn mcp_tools() {
    let request =
        json!({"name": "get_weather", "model": "MCP: get_weather", "server_id": "2492", "arguments": {"city": "Oslo"}});
    let response = json!({"meta": null, "content": [{"type": "text", "text": "7 °C", "meta": null}], "is_error": false, "structured_content": {"t": 7}});
    let call = json!({"name": "get_weather", "arguments": {"city": "Oslo"}, "result": "7 °C"});
    let content =
        normalise(StoredContent { mcp_tool_call: raw(&call), ..stored("call_mcp_tool", &request, &response) });
    assert_eq!(lines(&content.prompt), [r#"assistant: - get_weather({"city":"Oslo"})"#]);
    assert_eq!(lines(&content.response), ["tool: 7 °C"]);
    assert_eq!(content.response[0].name.as_deref(), Some("get_weather"));
    assert_eq!(content.response[0].raw, Some(json!({"structured_content": {"t": 7}})));

    let content =
        normalise(StoredContent { mcp_tool_call: raw(&call), ..stored("call_mcp_tool", &json!({}), &json!({})) });
    assert_eq!(lines(&content.prompt), [r#"assistant: - get_weather({"city":"Oslo"})"#]);
    assert_eq!(lines(&content.response), ["tool: 7 °C"]);

    let tools = read("list_mcp_tools", &json!({}), &json!([{"name": "weather-get_weather"}]));
    assert_eq!(tools.response[0].parts[0].raw, json!([{"name": "weather-get_weather"}]));
}

#[test]
fn agents_and_gemini() {
    let request = json!({"id": "1", "method": "message/send", "jsonrpc": "2.0", "params": {"message":
        {"kind": "message", "role": "user", "parts": [{"kind": "text", "text": "Forecast?"}], "contextId": "ctx", "messageId": "8b"}}});
    let response = json!({"id": "1", "jsonrpc": "2.0", "result":
        {"kind": "message", "role": "agent", "parts": [{"kind": "text", "text": "Fog."}], "messageId": "kz"}});
    let content = read("asend_message", &request, &response);
    assert_eq!(
        (lines(&content.prompt), lines(&content.response)),
        (vec!["user: Forecast?".into()], vec!["assistant: Fog.".into()])
    );

    let request = json!({"systemInstruction": {"parts": [{"text": "Be kind."}]}, "contents": [
        {"role": "user", "parts": [{"text": "See"}, {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"b": 2}}}]},
    ]});
    let response = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hm", "thought": true}, {"text": "Seen."}]}}]});
    let content = read("agenerate_content", &request, &response);
    assert_eq!(
        lines(&content.prompt),
        ["system: Be kind.", "user: See", r#"assistant: - f({"a":1})"#, r#"tool: {"b":2}"#]
    );
    assert_eq!(content.prompt[1].parts[0].kind, "image");
    assert_eq!(lines(&content.response), ["assistant: Seen."]);
    assert_eq!(content.response[0].reasoning.as_deref(), Some("Hm"));
}

#[test]
fn realtime_sessions() {
    let events = json!([
        {"type": "session.update", "session": {"voice": "alloy"}},
        {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}},
    ]);
    let response = json!({"results": [{"type": "response.done", "response": {"output": [
        {"type": "message", "role": "assistant", "content": [{"type": "audio", "transcript": "Hello!"}]}]}}]});
    let content = normalise(StoredContent { messages: raw(&events), ..stored("_arealtime", &json!({}), &response) });
    assert_eq!(lines(&content.prompt), ["event: -", "user: Hi"]);
    assert_eq!(content.prompt[0].name.as_deref(), Some("session.update"));
    assert_eq!(lines(&content.response), ["assistant: Hello!"]);
}

#[test]
fn streams_of_pass_through_endpoints() {
    let events = "event: x\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"Hel\"}}\n\ndata: {\"delta\":{\"text\":\"lo\"}}\n";
    let content = read("pass_through_endpoint", &json!({"query": "ø"}), &json!({"response": events}));
    assert_eq!(
        (lines(&content.prompt), lines(&content.response)),
        (vec!["user: ø".into()], vec!["assistant: Hello".into()])
    );
    let content = read("pass_through_endpoint", &json!({}), &json!({"response": "plain"}));
    assert_eq!(lines(&content.response), ["assistant: plain"]);
}
