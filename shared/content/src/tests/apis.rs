//! APIs that keep their messages in items, events or blocks of their own.

use serde_json::{Value, json};

use super::super::{History, StoredContent, normalise};
use super::{json_of, lines, raw, raw_text, read, stored};

#[test]
fn every_block_of_converse() {
    let request = json!({
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [
                {"text": "See"},
                {"image": {"format": "png", "source": {"bytes": "iVBO"}}},
                {"document": {"format": "pdf", "name": "invoice", "source": {"bytes": "JVBE"}}},
                {"cachePoint": {"type": "default"}},
            ]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
                {"reasoningContent": {"redactedContent": "AAAA"}},
                {"text": "One moment."},
                {"toolUse": {"toolUseId": "tooluse_1", "name": "lookup", "input": {"id": 7}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "tooluse_1", "status": "error", "content": [
                    {"json": {"a": 1}}, {"text": "gone"}, {"image": {"format": "png", "source": {"bytes": "iVBO"}}},
                    {"document": {"format": "txt", "name": "log", "source": {"bytes": "bG9n"}}},
                ]}},
                {"guardContent": {"text": {"text": "And now?"}}},
            ]},
        ],
        "inferenceConfig": {"maxTokens": 5},
    });
    let response = json!({"output": {"message": {"role": "assistant", "content": [
        {"citationsContent": {"content": [{"text": "Here."}], "citations": [{"title": "invoice"}]}},
        {"toolUse": {"toolUseId": "tooluse_2", "name": "refund", "input": {}}},
    ]}}, "stopReason": "tool_use"});
    let content = read("allm_passthrough_route", &request, &response);
    assert_eq!(
        lines(&content.prompt),
        [
            "system: Be brief.",
            "user: See",
            r#"assistant: One moment. lookup({"id":7})"#,
            "tool: {\"a\":1}\ngone",
            "user: And now?",
        ]
    );
    let kinds =
        |index: usize| -> Vec<&str> { content.prompt[index].parts.iter().map(|part| part.kind.as_str()).collect() };
    assert_eq!(
        (kinds(0), kinds(1), kinds(2), kinds(3)),
        (vec![], vec!["image", "file"], vec!["redacted_thinking"], vec!["image", "file"])
    );
    assert_eq!(content.prompt[1].parts[1].name.as_deref(), Some("invoice"));
    assert_eq!(content.prompt[2].reasoning.as_deref(), Some("Hm"));
    let result = &content.prompt[3];
    assert_eq!((result.name.as_deref(), result.tool_call_id.as_deref()), (Some("lookup"), Some("tooluse_1")));
    assert_eq!(result.raw, Some(json!({"status": "error"})));
    assert_eq!(lines(&content.response), ["assistant: Here. refund({})"]);
    assert_eq!(content.response[0].raw, Some(json!({"citations": [{"title": "invoice"}]})));
    assert_eq!(content.history, History::Repeated);
    assert!(content.parameters.contains_key("inferenceConfig"));
}

#[test]
fn steps_of_an_interaction() {
    let request = json!({"model": "gemini-3-pro", "input": [
        {"type": "text", "text": "See"}, {"type": "image", "data": "iVBO", "mime_type": "image/png"},
        {"role": "model", "content": [{"type": "text", "text": "A fox."}]},
        {"type": "function_result", "name": "look", "call_id": "fc_1", "is_error": true, "result": [{"type": "text", "text": "dark"}]},
    ]});
    let response = json!({"object": "interaction", "outputs": null, "steps": [
        {"type": "thought", "summary": [{"type": "text", "text": "Hm"}]},
        {"type": "google_search_call", "id": "g1", "arguments": {"queries": ["fox"]}},
        {"type": "google_search_result", "call_id": "g1", "result": [{"title": "Fox"}]},
        {"type": "mcp_server_tool_call", "id": "m1", "name": "zoo", "server_name": "z", "arguments": {}},
        {"type": "model_output", "content": [{"type": "text", "text": "It is a fox."}]},
    ]});
    let content = read("acreate_interaction", &request, &response);
    assert_eq!(lines(&content.prompt), ["user: See", "assistant: A fox.", "tool: dark"]);
    assert_eq!(content.prompt[0].parts[0].kind, "image");
    assert_eq!(
        (content.prompt[2].name.as_deref(), &content.prompt[2].raw),
        (Some("look"), &Some(json!({"is_error": true})))
    );
    assert_eq!(
        lines(&content.response),
        [
            r#"assistant: - google_search({"queries":["fox"]})"#,
            "tool: -",
            "assistant: - zoo(null)",
            "assistant: It is a fox."
        ]
    );
    assert_eq!(content.response[0].reasoning.as_deref(), Some("Hm"));

    let kept = json!({"previous_interaction_id": "v1", "input": "And now?"});
    let content = read(
        "acreate_interaction",
        &kept,
        &json!({"outputs": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
    );
    assert_eq!((content.history, lines(&content.response)), (History::Kept, vec!["assistant: a\nb".to_owned()]));
}

#[test]
fn each_item_of_a_realtime_session_is_read_once() {
    let item = |id: &str, text: &str| json!({"id": id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]});
    let call = json!({"id": "i3", "type": "function_call", "call_id": "c1", "name": "book", "arguments": "{}"});
    let response = json!({"results": [
        {"type": "session.created", "session": {"id": "s"}},
        {"type": "conversation.item.added", "item": item("i1", "")},
        {"type": "conversation.item.done", "item": item("i1", "Hi")},
        {"type": "conversation.item.added", "item": item("i2", "And?")},
        {"type": "conversation.item.added", "item": call},
        {"type": "conversation.item.done", "item": call},
        {"type": "response.done", "response": {"output": [call]}},
        {"type": "response.done", "response": {"status": "cancelled", "output": []}},
    ], "tool_calls": [{"id": "c1", "function": {"name": "book", "arguments": "{}"}}]});
    let content = read("_arealtime", &json!({}), &response);
    assert_eq!(lines(&content.response), ["event: -", "user: Hi", "user: And?", "assistant: - book({})", "event: -"]);

    let sent = json!([{"role": "user", "content": "Hi"}]);
    let content = normalise(StoredContent { messages: raw(&sent), ..stored("_arealtime", &json!({}), &response) });
    assert_eq!(lines(&content.prompt), ["user: Hi"]);
    assert_eq!(lines(&content.response)[..2], ["event: -", "user: And?"]);

    let noted = json!({"results": [{"type": "session.created"}], "tool_calls": [{"function": {"name": "book"}}]});
    assert_eq!(lines(&read("_arealtime", &json!({}), &noted).response)[1], "assistant: - book(null)");
}

#[test]
fn tools_that_the_provider_ran_are_called_once() {
    let call =
        |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let message = json!({"role": "assistant", "content": "Found.", "tool_calls": [call("toolu_1", "lookup"), call("srvtoolu_1", "web_search")],
        "provider_specific_fields": {
            "server_tool_calls": [call("srvtoolu_1", "web_search"), call("srvtoolu_2", "code_execution")],
            "web_search_calls": [{"type": "web_search_call", "id": "srvtoolu_1", "action": {"query": "q"}},
                                 {"type": "web_search_call", "id": "srvtoolu_3", "action": {"query": "r"}}],
            "citations": [["c"]]}});
    let content = read("acompletion", &json!({"messages": [message]}), &json!({"choices": [{"message": message}]}));
    let calls = r#"assistant: Found. code_execution({}) web_search({"query":"r"}) lookup({}) web_search({})"#;
    assert_eq!((lines(&content.prompt), lines(&content.response)), (vec![calls.to_owned()], vec![calls.to_owned()]));
    assert_eq!(content.response[0].raw, Some(json!({"provider_specific_fields": {"citations": [["c"]]}})));
}

#[test]
fn streams_add_up_to_the_answer() {
    let stream = |events: &[Value]| {
        let texts: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        texts.concat()
    };
    let chat = stream(&[
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Wait"}}]}),
        json!({"choices": [{"index": 0, "delta": {"content": ".", "tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]}}]}),
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\""}}]}}]}),
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}}]}),
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "g", "arguments": "{}"}}]}}]}),
    ]);
    let anthropic = stream(&[
        json!({"type": "message_start", "message": {"role": "assistant", "content": []}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Wait."}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"a\": "}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "1}"}}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t2", "name": "g", "input": {}}}),
    ]);
    let call = |name: &str, arguments: &str| json!({"type": "function_call", "name": name, "call_id": name, "arguments": arguments});
    let said = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Wait."}]});
    let output = json!([said, call("f", "{\"a\": 1}"), call("g", "{}")]);
    let responses = stream(&[
        json!({"type": "response.output_text.delta", "delta": "Wait."}),
        json!({"type": "response.output_item.done", "item": said}),
        json!({"type": "response.completed", "response": {"output": output}}),
    ]);
    let cut: String = stream(
        &output
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| json!({"type": "response.output_item.done", "item": item}))
            .collect::<Vec<_>>(),
    );
    let gemini = [
        json!({"candidates": [{"content": {"parts": [{"text": "Wa"}]}}]}),
        json!({"candidates": [{"content": {"parts": [{"text": "it."}, {"functionCall": {"name": "f", "args": {"a": 1}}}]}}]}),
        json!({"candidates": [{"content": {"parts": [{"functionCall": {"name": "g", "args": {}}}]}}]}),
    ];
    let expected = [r#"assistant: Wait. f({"a":1}) g({})"#];
    for text in [chat, anthropic, responses, cut, stream(&gemini), json!(gemini).to_string()] {
        let content = read("pass_through_endpoint", &json!({}), &json!({"response": text}));
        assert_eq!(lines(&content.response), expected, "{text}");
        assert!(content.response[0].raw.is_some(), "{text}");
    }
}

#[test]
fn what_is_no_conversation() {
    let items =
        json!([{"role": "user", "content": "long story"}, {"type": "function_call", "name": "f", "arguments": "{}"}]);
    for call_type in ["acompact_responses", "compact_responses"] {
        let response =
            json!({"object": "response.compaction", "output": [{"type": "compaction", "encrypted_content": "gAAA"}]});
        let content = read(call_type, &json!({"input": items}), &response);
        assert_eq!(
            (lines(&content.prompt), content.history),
            (vec!["user: long story".to_owned(), "assistant: - f({})".to_owned()], History::None)
        );
    }
    for call_type in ["arealtime_calls", "acreate_realtime_client_secret", "acreate_realtime_transcription_session"] {
        let response =
            json!({"value": "ek_123", "client_secret": {"value": "ek_123"}, "session": {"type": "realtime"}});
        let content = read(call_type, &json!({"session": {"type": "realtime"}}), &response);
        assert_eq!(content.history, History::None);
        if call_type != "arealtime_calls" {
            assert!(!json_of(&content.response).to_string().contains("ek_123"), "{call_type}");
            assert!(content.raw_response.is_none(), "{call_type}");
        }
    }
}

#[test]
fn half_a_character_does_not_cost_the_message() {
    // JSON within JSON keeps what PostgreSQL itself refuses.
    let inside = r#"{"choices": [{"message": {"content": "cut \ud83d", "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\": \"\\ud83d\"}"}}]}}]}"#;
    let content = read("pass_through_endpoint", &json!({}), &json!({"response": inside}));
    assert_eq!(lines(&content.response), ["assistant: cut \u{fffd} f({\"a\":\"\u{fffd}\"})"]);
}

#[test]
fn json_of_ten_thousand_levels_costs_its_place_only() {
    let deep = format!("{}1{}", r#"{"a":["#.repeat(5_000), "]}".repeat(5_000));
    let response = format!(
        r#"{{"choices": [{{"message": {{"content": "ok", "tool_calls": [{{"function": {{"name": "f", "arguments": {deep}}}}}]}}}}], "odd": {deep}}}"#
    );
    let text = json!({"response": deep}).to_string();
    for (response, line) in
        [(response.as_str(), "assistant: ok f("), (text.as_str(), "assistant: -"), (deep.as_str(), "assistant: -")]
    {
        let content = normalise(StoredContent {
            call_type: "pass_through_endpoint".into(),
            proxy_server_request: raw_text(&format!(r#"{{"messages": [{{"role": "user", "content": {deep}}}]}}"#)),
            response: raw_text(response),
            ..StoredContent::default()
        });
        assert!(lines(&content.response)[0].starts_with(line), "{}", &lines(&content.response)[0][..40]);
        assert_eq!(content.prompt.len(), 1);
        assert!(json_of(&content.response).to_string().len() > 10_000);
    }
}
