//! Sessions whose requests repeat what was said before.

use serde_json::{Value, json};

use super::super::{Content, Conversation};
use super::{chat, chat_with, failed, lines, read};

/// Everything shown of a session, in order.
fn shown(session: &[Content]) -> Vec<String> {
    let mut conversation = Conversation::new();
    let mut all = Vec::new();
    for (position, content) in (1..).zip(session) {
        let new = conversation.add(position, content);
        assert_eq!(new.len(), content.prompt.len());
        let prompt = lines(&content.prompt).into_iter().zip(new).filter(|(_, new)| *new).map(|(line, _)| line);
        all.extend(prompt);
        all.extend(lines(&content.response));
    }
    all
}

fn system() -> Value {
    json!({"role": "system", "content": "You are support-bot."})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

const LONG: &str = "The order left our warehouse on Monday and is at the sorting centre in Malmö.";

#[test]
fn a_plain_chat_of_ten_turns_reads_once() {
    let mut messages = vec![system()];
    let mut session = Vec::new();
    let mut expected = vec!["system: You are support-bot.".to_owned()];
    for turn in 0..10 {
        messages.push(user("yes"));
        let answer = format!("Answer {turn}");
        session.push(chat(&json!(messages), &answer));
        messages.push(assistant(&answer));
        expected.extend(["user: yes".to_owned(), format!("assistant: {answer}")]);
    }
    assert_eq!(shown(&session), expected);
}

#[test]
fn an_answer_comes_back_in_other_words() {
    let call = json!({"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
        {"id": "call_abc", "type": "function", "function": {"name": "f", "arguments": "{\"city\": \"T\\u00f3rshavn\", \"n\": 1}"}}]});
    let echoed = json!({"role": "assistant", "content": "", "tool_calls": [
        {"id": "call_abc", "type": "function", "function": {"name": "f", "arguments": "{\"n\":1,\"city\":\"Tórshavn\"}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "call_abc", "content": "7"});
    let session =
        [chat_with(&json!([user("Weather?")]), &call), chat(&json!([user("Weather?"), echoed, result]), "7 °C")];
    let expected = ["user: Weather?", r#"assistant: - f({"city":"Tórshavn","n":1})"#, "tool: 7", "assistant: 7 °C"];
    assert_eq!(shown(&session), expected);
}

#[test]
fn anthropic_blocks_follow_an_answer_in_another_shape() {
    let answer = json!({"choices": [{"message": {"role": "assistant", "content": "Let me check. \n", "tool_calls": [
        {"id": "toolu_1", "type": "function", "function": {"name": "lookup", "arguments": "{\"id\": \"D-1\"}"}}]}}]});
    let first = json!({"system": "Review.", "messages": [user("Look")]});
    let second = json!({"system": "Review.", "messages": [
        user("Look"),
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "y"},
            {"type": "text", "text": "Let me check."}, {"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": {"id": "D-1"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "found"}]},
    ]});
    let session = [
        read("anthropic_messages", &first, &answer),
        read(
            "anthropic_messages",
            &second,
            &json!({"choices": [{"message": {"role": "assistant", "content": "Done"}}]}),
        ),
    ];
    let shown = shown(&session);
    assert_eq!(shown.len(), 5);
    assert_eq!(&shown[3..], ["tool: found", "assistant: Done"]);
}

#[test]
fn responses_items_follow_a_bridged_answer() {
    let answer = json!({"choices": [{"message": {"role": "assistant", "content": "Wait.", "tool_calls": [
        {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}]});
    let items = json!([user("Go"), {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Wait."}]},
        {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "toolu_1", "output": "ok"}]);
    let session = [
        read("aresponses", &json!({"input": "Go"}), &answer),
        read(
            "aresponses",
            &json!({"input": items}),
            &json!({"output": [{"type": "message", "role": "assistant", "content": []}]}),
        ),
    ];
    assert_eq!(shown(&session), ["user: Go", "assistant: Wait. f({})", "tool: ok", "assistant: -"]);
}

#[test]
fn a_copy_that_was_shortened_is_the_same_message() {
    let full = "æ".repeat(716) + &"x".repeat(700) + &"ø".repeat(1331);
    let mark = "... (litellm_truncated skipped 700 chars) ...";
    let cut = "æ".repeat(716) + mark + &"ø".repeat(1331);
    let old_cut = format!("{}... (truncated 1747 chars)", full.chars().take(1000).collect::<String>());
    for copy in [cut, old_cut] {
        let session =
            [chat(&json!([user("Go")]), &full), chat(&json!([user("Go"), assistant(&copy), user("on")]), "ok")];
        assert_eq!(shown(&session).len(), 4, "{copy}");
    }
    let other = "æ".repeat(716) + &"y".repeat(700) + &"ø".repeat(1331);
    let session = [chat(&json!([user("Go")]), &full), chat(&json!([user("Go"), assistant(&other), user("on")]), "ok")];
    assert_eq!(shown(&session).len(), 5, "two full texts of one length are two texts");
    let shorter = "æ".repeat(716) + "... (litellm_truncated skipped 699 chars) ..." + &"ø".repeat(1331);
    let session =
        [chat(&json!([user("Go")]), &full), chat(&json!([user("Go"), assistant(&shorter), user("on")]), "ok")];
    assert_eq!(shown(&session).len(), 5, "the lengths differ");
}

#[test]
fn shortened_arguments_are_known_by_their_ids() {
    let call = |arguments: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_0123456789", "type": "function", "function": {"name": "write", "arguments": arguments}}]})
    };
    let long = json!({"text": "a".repeat(5000)}).to_string();
    let cut = format!("{}... (litellm_truncated skipped 2965 chars) ...{}", &long[..716], &long[long.len() - 1331..]);
    let result = json!({"role": "tool", "tool_call_id": "call_0123456789", "content": "written"});
    let session = [chat_with(&json!([user("Go")]), &call(&long)), chat(&json!([user("Go"), call(&cut), result]), "ok")];
    assert_eq!(shown(&session).len(), 4);
}

#[test]
fn a_compacted_history_goes_on() {
    let mut messages = vec![system()];
    let mut session = Vec::new();
    for turn in 0..4 {
        messages.push(user(&format!("Question {turn}")));
        let answer = format!("{LONG} ({turn})");
        session.push(chat(&json!(messages), &answer));
        messages.push(assistant(&answer));
    }
    let kept = messages.split_off(messages.len() - 2);
    let compacted =
        [vec![system(), user("Summary: three questions about an order.")], kept, vec![user("Thanks")]].concat();
    session.push(chat(&json!(compacted), "Welcome"));
    let shown = shown(&session);
    assert_eq!(shown.len(), 12);
    assert_eq!(&shown[9..], ["user: Summary: three questions about an order.", "user: Thanks", "assistant: Welcome"]);
}

#[test]
fn tool_results_cleared_in_the_middle() {
    let call = |id: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "read", "arguments": "{\"path\": \"src/main.rs\"}"}}]})
    };
    let result = |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    let start = json!([
        user("Read"),
        call("call_000001"),
        result("call_000001", "fn main() {}"),
        call("call_000002"),
        result("call_000002", "mod a;")
    ]);
    let mut cleared = start.as_array().expect("a list").clone();
    cleared[2] = result("call_000001", "[cleared]");
    cleared.extend([assistant(LONG), user("Next")]);
    let session = [chat(&start, LONG), chat(&json!(cleared), "ok")];
    let shown = shown(&session);
    assert_eq!(&shown[6..], ["tool: [cleared]", "user: Next", "assistant: ok"]);
}

#[test]
fn a_window_moves_along() {
    let mut messages = Vec::new();
    let mut session = Vec::new();
    for turn in 0..8 {
        messages.push(user(&format!("Question number {turn} about the order")));
        let window = messages[messages.len().saturating_sub(5)..].to_vec();
        let answer = format!("{LONG} ({turn})");
        session.push(chat(&json!([vec![system()], window].concat()), &answer));
        messages.push(assistant(&answer));
    }
    assert_eq!(shown(&session).len(), 17);
}

#[test]
fn instructions_that_tell_the_time() {
    let at = |minute: u32| json!({"role": "system", "content": format!("It is 10:0{minute}.")});
    let question = "Where is the kettle that I ordered last week?";
    let session = [
        chat(&json!([at(1), user(question)]), LONG),
        chat(&json!([at(2), user(question), assistant(LONG), user("And?")]), "ok"),
    ];
    let shown = shown(&session);
    assert_eq!((shown.len(), shown[3].as_str()), (6, "system: It is 10:02."));
}

#[test]
fn branches_in_parallel_keep_their_own_words() {
    let branch = |name: &str, more: &[Value]| json!([vec![system(), user(name)], more.to_vec()].concat());
    let same = [assistant("OK."), user("continue")];
    let session = [
        chat(&branch("A", &[]), "OK."),
        chat(&branch("B", &[]), "OK."),
        chat(&branch("A", &same), LONG),
        chat(&branch("B", &same), LONG),
        chat(&branch("A", &[same.to_vec(), vec![assistant(LONG), user("thanks")]].concat()), "a"),
        chat(&branch("B", &[same.to_vec(), vec![assistant(LONG), user("thanks")]].concat()), "b"),
    ];
    let shown = shown(&session);
    let count = |line: &str| shown.iter().filter(|shown| *shown == line).count();
    assert_eq!((count("user: continue"), count("user: thanks"), count("assistant: OK.")), (2, 2, 2));
    assert_eq!((count("system: You are support-bot."), shown.len()), (1, 13));
}

#[test]
fn another_try_shows_its_answer_only() {
    let prompt = json!([user("Tell me a story")]);
    let other = json!([user("Tell me a story"), assistant("Two"), user("more")]);
    let session = [failed(&prompt), chat(&prompt, "One"), chat(&prompt, "Two"), chat(&other, "Three")];
    assert_eq!(
        shown(&session),
        ["user: Tell me a story", "assistant: One", "assistant: Two", "user: more", "assistant: Three"]
    );
}

#[test]
fn an_edited_question_forks() {
    let session = [
        chat(&json!([user("One"), assistant("1"), user("Two")]), "2"),
        chat(&json!([user("One"), assistant("1"), user("Three")]), "3"),
    ];
    assert_eq!(&shown(&session)[4..], ["user: Three", "assistant: 3"]);
}

#[test]
fn any_choice_may_be_continued() {
    let choices = json!({"choices": [
        {"index": 0, "message": {"role": "assistant", "content": "left"}},
        {"index": 1, "message": {"role": "assistant", "content": "right"}}]});
    let follow = |answer: &str| chat(&json!([user("Where?"), assistant(answer), user("Then?")]), "home");
    let first = read("acompletion", &json!({"messages": [user("Where?")], "n": 2}), &choices);
    let shown = shown(&[first, follow("right"), follow("left")]);
    assert_eq!(shown.len(), 7, "{shown:?}");
}

#[test]
fn what_the_provider_keeps_is_all_new() {
    let answer = json!({"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}]});
    let request = |id: Option<&str>| json!({"instructions": "Be terse.", "input": "yes", "previous_response_id": id});
    let session = [None, Some("r1"), Some("r2")].map(|id| read("aresponses", &request(id), &answer));
    assert_eq!(
        shown(&session),
        ["system: Be terse.", "user: yes", "assistant: ok", "user: yes", "assistant: ok", "user: yes", "assistant: ok"]
    );
}

#[test]
fn what_is_redacted_or_no_conversation_is_all_shown() {
    let redacted = || chat(&json!([user("redacted-by-litellm")]), "redacted-by-litellm");
    assert_eq!(shown(&[redacted(), redacted()]).len(), 4);
    let embedding = || read("aembedding", &json!({"input": "same"}), &json!({}));
    assert_eq!(shown(&[embedding(), embedding()]), ["user: same", "user: same"]);
}

#[test]
fn a_session_of_many_long_requests_takes_no_time() {
    let long: Vec<Value> = (0..400).map(|turn| user(&format!("message {turn} of a long history"))).collect();
    let mut conversation = Conversation::new();
    for position in 0..200 {
        // Each has other instructions and so nothing in common at the start, the worst case.
        let instructions = json!({"role": "system", "content": format!("It is {position}.")});
        let mut messages = vec![instructions];
        messages.extend(long.iter().skip(position).cloned());
        messages.push(assistant(LONG));
        let _ = conversation.add(position as u64, &chat(&json!(messages), LONG));
    }
    assert!(conversation.heads().len() <= 32);
}
