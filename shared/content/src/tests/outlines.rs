//! What is told of a request without what was said in it.

use serde_json::{Value, json};
use traceability_core::environment::Environment;

use super::super::{Content, Conversation, Disclosure, Outline, Redaction};
use super::{chat, chat_with, failed, read};

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn calls(city: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": json!({"n": 1, "city": city}).to_string()}}]})
}

fn outline(content: Content, redaction: &Redaction) -> Outline {
    let new = vec![true; content.prompt.len()];
    content.outline(&new, Disclosure::Content(redaction)).expect("it may be read")
}

#[test]
fn a_session_is_followed_from_request_to_request() {
    let assistant = |text: &str| json!({"role": "assistant", "content": text});
    let result = json!({"role": "tool", "tool_call_id": "call_1", "content": "7"});
    let session = [
        chat_with(&json!([user("How warm is it in Malmö today?")]), &calls("Malmö")),
        chat(&json!([user("How warm is it in Malmö today?"), calls("Malmö"), result]), "7 °C"),
        read("aembedding", &json!({"input": "7"}), &json!({"data": [{"embedding": [0.5]}]})),
        chat(&json!([user("Something else: who wrote the Edda?")]), "Snorri"),
        failed(&json!([user("Something else: who wrote the Edda?"), assistant("Snorri"), user("When?")])),
    ];
    let mut conversation = Conversation::new();
    let none = Redaction::none();
    let mut told = Vec::new();
    for (position, content) in (1..).zip(session) {
        let added = conversation.follow(position, &content);
        let outline = content.outline(&added.new, Disclosure::Content(&none)).expect("it may be read");
        let calls: Vec<String> = outline.calls.iter().map(|call| call.tool.clone()).collect();
        told.push((added.parent, outline.human, outline.repeated.map(|share| share > 0.5), calls.join(" ")));
    }
    let expected = [
        (None, Some(true), Some(false), "weather"),
        (Some(1), Some(false), Some(true), ""),
        (None, None, None, ""),
        (None, Some(true), Some(false), ""),
        (Some(4), Some(true), Some(true), ""),
    ];
    assert_eq!(told, expected.map(|(parent, human, repeated, calls)| (parent, human, repeated, calls.to_owned())));
}

#[test]
fn equal_calls_are_known_however_they_are_written() {
    let none = Redaction::none();
    let call = |answer: &Value| outline(chat_with(&json!([user("?")]), answer), &none).calls.remove(0);
    let written = |arguments: &str| {
        call(&json!({"role": "assistant", "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": "weather", "arguments": arguments}}]}))
    };
    let first = call(&calls("Malmö"));
    assert_eq!(written(r#"{"city":"Malm\u00f6",  "n": 1}"#), first);
    assert_ne!(written(r#"{"city": "Lund", "n": 1}"#).identity, first.identity);
    assert_ne!(written(r#"{"city": "Lund", "n": 1}"#).arguments_hash, first.arguments_hash);
    assert_eq!(written("{}").arguments_hash, None);
    assert!(written("{broken").arguments_hash.is_some());
}

#[test]
fn what_is_blacked_out_or_withheld_cannot_be_guessed() {
    let environment: Environment = [("REDACT", "email")].into_iter().collect();
    let redaction = Redaction::from_environment(&environment).expect("a setting");
    let of = |city: &str| outline(chat_with(&json!([user("?")]), &calls(city)), &redaction).calls.remove(0);
    let (alice, bob) = (of("alice@example.com"), of("bob@example.com"));
    assert_eq!(alice.arguments_hash, bob.arguments_hash);
    assert_ne!(alice.identity, bob.identity);
    let content = chat_with(&json!([user("?")]), &calls("Malmö"));
    assert_eq!(content.outline(&[true], Disclosure::Withheld), None);
}
