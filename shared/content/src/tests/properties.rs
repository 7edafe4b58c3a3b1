//! What holds for any JSON and any conversation.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{Content, Conversation, StoredContent, normalise, normalise_with_sent};
use super::{chat, failed, raw};

const KEYS: &[&str] = &[
    "messages",
    "input",
    "prompt",
    "contents",
    "content",
    "parts",
    "role",
    "text",
    "type",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "function_call",
    "choices",
    "message",
    "output",
    "candidates",
    "data",
    "embedding",
    "results",
    "result",
    "params",
    "system",
    "instructions",
    "tools",
    "response",
    "query",
    "thinking",
    "thinking_blocks",
    "images",
    "image_url",
    "source",
    "call_id",
    "id",
    "summary",
    "item",
    "refusal",
    "reasoning_content",
    "delta",
    "body",
    "x",
];
const TEXTS: &[&str] = &[
    "user",
    "assistant",
    "model",
    "text",
    "tool_use",
    "tool_result",
    "function_call",
    "mcp_call",
    "reasoning",
    "message",
    "image_url",
    "redacted-by-litellm",
    "REDACTED_BY_LITELM",
    "a... (truncated 3 chars)",
    "æ... (litellm_truncated skipped 18446744073709551615 chars) ...ø",
    "{\"a\":",
    "{\"choices\":[{}]}",
    "data: {}",
    "",
    "conversation.item.create",
    "🙂",
];
const CALL_TYPES: &[&str] = &[
    "",
    "acompletion",
    "aresponses",
    "anthropic_messages",
    "aembedding",
    "atext_completion",
    "aimage_generation",
    "amoderation",
    "aspeech",
    "agenerate_content",
    "pass_through_endpoint",
    "call_mcp_tool",
    "list_mcp_tools",
    "asend_message",
    "_arealtime",
    "arerank",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(KEYS), inner), 0..6)
                .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
        ]
    })
}

/// Puts a secret wherever LiteLLM or a client keeps one.
fn with_secrets(mut request: Value) -> Value {
    let secret = "s3cr3t";
    if let Value::Object(map) = &mut request {
        let stamped = json!({"headers": {"authorization": secret}, "user_api_key": secret, "k": secret});
        for key in ["metadata", "litellm_metadata", "headers", "extra_headers", "secret_fields", "proxy_server_request"]
        {
            map.insert(key.to_owned(), stamped.clone());
        }
        for key in ["api_key", "authorization", "api_base", "aws_secret_access_key"] {
            map.insert(key.to_owned(), Value::from(secret));
        }
        let tools = json!([{"type": "mcp", "headers": {"X": secret}, "authorization": secret, "server_url": "http://u:s3cr3t@h/?k=s3cr3t"}]);
        map.insert("tools".to_owned(), tools);
        map.remove("body");
    }
    request
}

fn written(content: &Content) -> String {
    let all = json!([content.prompt, content.response, content.parameters, content.sent, content.availability]);
    serde_json::to_string(&all).expect("content serialises")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_json_is_read(
        call_type in prop::sample::select(CALL_TYPES), failed: bool,
        columns in prop::collection::vec(prop::option::of(any_json()), 4), logged in prop::option::of(".{0,40}"),
    ) {
        let column = |index: usize| columns[index].as_ref().and_then(raw);
        let content = normalise(StoredContent {
            call_type: call_type.to_owned(),
            failed,
            messages: column(0),
            proxy_server_request: column(1),
            response: column(2),
            mcp_tool_call: column(3),
            logged_request: logged,
            ..StoredContent::default()
        });
        let _ = written(&content);
        let mut conversation = Conversation::new();
        let _ = conversation.add(1, &content);
        let again = conversation.add(2, &content);
        prop_assert_eq!(again.len(), content.prompt.len());
    }

    #[test]
    fn no_secret_is_shown(
        call_type in prop::sample::select(CALL_TYPES), request in any_json(), entries in prop::collection::vec((prop::sample::select(KEYS), any_json()), 0..5),
        as_text: bool, cut: prop::sample::Index,
    ) {
        let map: Map<String, Value> = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        for request in [with_secrets(request), with_secrets(Value::Object(map))] {
            let mut stored = StoredContent { call_type: call_type.to_owned(), ..StoredContent::default() };
            let text = request.to_string();
            if as_text && request.is_object() {
                // Broken anywhere: what is shown of it must not depend on where.
                let end = text.char_indices().map(|(at, _)| at).nth(cut.index(text.chars().count()));
                stored.logged_request = Some(text[..end.unwrap_or(text.len())].to_owned());
            } else {
                stored.proxy_server_request = raw(&request);
            }
            prop_assert!(!written(&normalise_with_sent(stored)).contains("s3cr3t"));
        }
    }

    #[test]
    fn a_page_goes_on_where_the_last_one_ended(session in session(), at: prop::sample::Index) {
        let split = at.index(session.len());
        let mut whole = Conversation::new();
        for (position, content) in session.iter().enumerate().take(split) {
            let _ = whole.add(position as u64, content);
        }
        let mut page = Conversation::new();
        for position in whole.heads() {
            page.restore(position, &session[usize::try_from(position).expect("an index")]);
        }
        prop_assert_eq!(page.heads(), whole.heads());
        for (position, content) in session.iter().enumerate().skip(split) {
            prop_assert_eq!(page.add(position as u64, content), whole.add(position as u64, content));
            prop_assert_eq!(page.heads(), whole.heads());
        }
    }

    #[test]
    fn every_message_is_shown_and_only_once(session in session()) {
        let mut conversation = Conversation::new();
        // A message is told from its equals by what was said before it.
        let mut shown: HashSet<Vec<String>> = HashSet::new();
        for (position, content) in session.iter().enumerate() {
            let new = conversation.add(position as u64, content);
            let path: Vec<String> = super::lines(&content.prompt);
            for (index, new) in new.iter().enumerate() {
                let said = path[..=index].to_vec();
                prop_assert!(*new || shown.contains(&said), "lost {:?}", said);
                prop_assert!(!*new || !shown.contains(&said) || conversation.heads().len() == 32, "twice {:?}", said);
                shown.insert(said);
            }
            for line in super::lines(&content.response) {
                shown.insert([path.clone(), vec![line]].concat());
            }
        }
    }
}

/// One step of a session: where it goes on, what is said, what is answered, and whether it fails.
type Step = (usize, usize, Vec<usize>, usize, bool);

/// A session over a tree of messages: each request goes on at, or forks from, something said before, and what is said
/// repeats itself a lot.
fn session() -> impl Strategy<Value = Vec<Content>> {
    let step =
        (any::<usize>(), 0..4_usize, prop::collection::vec(0..6_usize, 1..3), 0..6_usize, prop::bool::weighted(0.15));
    prop::collection::vec(step, 1..60).prop_map(|steps: Vec<Step>| {
        const WORDS: &[&str] = &[
            "yes",
            "OK.",
            "continue",
            "Please go on with the next step of the plan.",
            "no",
            "Thanks a lot for the help with all of that!",
        ];
        let mut paths: Vec<Vec<Value>> = vec![vec![json!({"role": "system", "content": "Help."})]];
        let mut session = Vec::new();
        for (from, back, said, answer, fails) in steps {
            let mut path = paths[from % paths.len()].clone();
            path.truncate(path.len().saturating_sub(if back == 3 { 2 } else { 0 }).max(1));
            path.extend(said.iter().map(|word| json!({"role": "user", "content": WORDS[*word]})));
            if fails {
                session.push(failed(&json!(path)));
            } else {
                session.push(chat(&json!(path), WORDS[answer]));
                path.push(json!({"role": "assistant", "content": WORDS[answer]}));
            }
            paths.push(path);
        }
        session
    })
}
