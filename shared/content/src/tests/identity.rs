//! Which messages are the same, and which are the same words said again.

use serde_json::{Value, json};

use super::super::{Content, Conversation, History, Message, Reason, Source, StoredContent, ToolCall, normalise};
use super::{chat, failed, lines, read, stored};

/// Everything shown of each request of a session.
fn shown(session: &[Content]) -> Vec<Vec<String>> {
    let mut conversation = Conversation::new();
    let show = |(position, content): (u64, &Content)| {
        if conversation.repeats(content) {
            return Vec::new();
        }
        let new = conversation.add(position, content);
        let prompt = lines(&content.prompt).into_iter().zip(new).filter(|(_, new)| *new).map(|(line, _)| line);
        prompt.chain(lines(&content.response)).collect()
    };
    (1..).zip(session).map(show).collect()
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn system(text: &str) -> Value {
    json!({"role": "system", "content": text})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

/// A request of which LiteLLM stored the latest turn.
fn turn(body: &Value, tokens: u64, answer: &str) -> Content {
    let response = json!({"choices": [{"index": 0, "message": assistant(answer)}]});
    normalise(StoredContent { prompt_tokens: Some(tokens), ..stored("acompletion", body, &response) })
}

#[test]
fn every_turn_has_its_own_message_where_only_the_latest_is_stored() {
    let said = |text: &str, tokens, answer| turn(&json!({"model": "m", "messages": [user(text)]}), tokens, answer);
    let plan = "Please go on with the next step of the plan.";
    let session = [
        said("Refactor the parser.", 100, "Step 1."),
        said("continue", 900, "Step 2."),
        turn(&json!({"model": "m"}), 1_900, "Step 3."),
        said("continue", 2_900, "Step 4."),
        said(plan, 3_900, "Step 5."),
        said(plan, 4_900, "Step 6."),
        turn(&json!({"model": "m", "input": [user("continue")]}), 5_900, "Step 7."),
    ];
    let shown = shown(&session);
    let expected = ["Refactor the parser.", "continue", "", "continue", plan, plan, "continue"];
    for (index, (shown, said)) in shown.iter().zip(expected).enumerate() {
        let answer = format!("assistant: Step {}.", index + 1);
        let prompt = (!said.is_empty()).then(|| format!("user: {said}"));
        assert_eq!(*shown, prompt.into_iter().chain([answer]).collect::<Vec<_>>());
    }
    let reason = |content: &Content| content.availability.prompt.content_unavailable_reason;
    let partial = Some(Reason::Partial);
    let expected = [partial, partial, Some(Reason::NotStored), partial, partial, partial, partial];
    assert_eq!(session.each_ref().map(reason), expected);
    assert!(session[1].availability.prompt.content_available && !session[2].availability.prompt.content_available);
    assert_eq!((session[1].history, session[6].history), (History::Turn, History::Turn));
}

#[test]
fn a_body_that_is_known_to_be_whole_is_not_partial() {
    let body = json!({"model": "m", "messages": [user("continue")]});
    let read = |has_request_metadata| {
        let stored = stored("acompletion", &body, &json!({}));
        normalise(StoredContent { prompt_tokens: Some(900), has_request_metadata, ..stored }).availability.prompt
    };
    assert_eq!(read(true).content_unavailable_reason, None);
    assert_eq!(read(false).content_unavailable_reason, Some(Reason::Partial));
}

#[test]
fn a_failed_turn_that_is_tried_again_is_one_turn() {
    let body = json!({"model": "m", "messages": [user("continue")]});
    let failed = || {
        let stored = stored("acompletion", &body, &json!({}));
        normalise(StoredContent { failed: true, prompt_tokens: Some(900), ..stored })
    };
    let session = [failed(), failed(), turn(&body, 900, "Step 1."), turn(&body, 900, "Step 2.")];
    let lengths: Vec<usize> = shown(&session).iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 0, 1, 2]);
}

#[test]
fn a_word_that_is_sent_alone_is_said_each_time() {
    let session = ["Step 1.", "Step 2.", "Step 3."].map(|answer| chat(&json!([user("continue")]), answer));
    assert!(shown(&session).iter().all(|shown| shown.len() == 2));
    let session = [failed(&json!([user("hi")])), chat(&json!([user("hi")]), "Hello!")];
    assert_eq!(shown(&session)[1], ["assistant: Hello!"]);
    let more = chat(&json!([user("hi"), assistant("Hello!"), user("2+2?")]), "4");
    let session = [chat(&json!([user("hi")]), "Hello!"), chat(&json!([user("hi")]), "Hello!"), more];
    assert_eq!(shown(&session)[2], ["user: 2+2?", "assistant: 4"]);
}

#[test]
fn a_system_prompt_that_changes_is_shown_alone() {
    for (first, second) in [("It is 10:01.", "It is 10:02."), ("You are a cook.", "You are a waiter.")] {
        let session = [
            chat(&json!([system(first), user("hi")]), "Hello!"),
            chat(&json!([system(second), user("hi"), assistant("Hello!"), user("2+2?")]), "4"),
            chat(
                &json!([system(second), user("hi"), assistant("Hello!"), user("2+2?"), assistant("4"), user("bye")]),
                "Bye.",
            ),
        ];
        let shown = shown(&session);
        assert_eq!(shown[1], [&format!("system: {second}"), "user: 2+2?", "assistant: 4"]);
        assert_eq!(shown[2], ["user: bye", "assistant: Bye."]);
    }
}

#[test]
fn a_system_prompt_behind_the_conversation_or_within_it_is_no_part_of_it() {
    let remind = |time: &str| system(&format!("It is {time}."));
    let session = [
        chat(&json!([user("hi"), remind("10:01")]), "Hello!"),
        chat(&json!([user("hi"), assistant("Hello!"), user("2+2?"), remind("10:02")]), "4"),
        chat(
            &json!([user("hi"), remind("10:02"), assistant("Hello!"), user("2+2?"), assistant("4"), user("bye")]),
            "Bye.",
        ),
    ];
    let shown = shown(&session);
    assert_eq!(shown[1], ["user: 2+2?", "system: It is 10:02.", "assistant: 4"]);
    assert_eq!(shown[2], ["user: bye", "assistant: Bye."]);
}

#[test]
fn agents_that_begin_with_the_same_word_keep_their_own() {
    let of = |agent: &str, more: &[Value]| json!([vec![system(agent), user("Go.")], more.to_vec()].concat());
    let same = [assistant("OK."), user("continue")];
    let (cook, waiter) = ("You are agent 1.", "You are agent 2.");
    let session = [
        chat(&of(cook, &[]), "OK."),
        chat(&of(waiter, &[]), "OK."),
        chat(&of(cook, &same), "Done."),
        chat(&of(waiter, &same), "Done."),
    ];
    let lengths: Vec<usize> = shown(&session).iter().map(Vec::len).collect();
    assert_eq!(lengths, [3, 3, 2, 2]);
}

#[test]
fn a_window_is_known_beside_an_agent_that_began_likewise() {
    let of = |agent: &str, said: &[Value]| json!([vec![system(agent)], said.to_vec()].concat());
    let (yes, ok) = (user("yes"), assistant("OK."));
    let first = [yes.clone(), assistant("The next step of the plan is done. Shall I go on?")];
    let window = [yes.clone(), ok.clone(), yes.clone(), ok];
    let session = [
        chat(&of("Cook", &[&first[..], &window[..1]].concat()), "OK."),
        chat(&of("Cook", &[&first[..], &window[..3]].concat()), "OK."),
        chat(&of("Waiter", std::slice::from_ref(&yes)), "OK."),
        chat(&of("Cook", &[&window[..], &[yes]].concat()), "Done."),
    ];
    assert_eq!(shown(&session)[3], ["user: yes", "assistant: Done."]);
}

#[test]
fn ids_tell_the_same_calls_of_two_agents_apart() {
    let call = |id: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "ls", "arguments": "{}"}}]})
    };
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "a.py"});
    let task = user("Look for the module that reads the settings.");
    let start = |id: &str| super::chat_with(&json!([task]), &call(id));
    let next = |id: &str| chat(&json!([task, call(id), result(id)]), "Found it.");
    let session = [start("call_000001"), start("call_000002"), next("call_000001"), next("call_000002")];
    let lengths: Vec<usize> = shown(&session).iter().map(Vec::len).collect();
    assert_eq!(lengths, [2, 1, 2, 2]);
}

#[test]
fn a_call_whose_id_was_made_up_is_known_by_what_it_calls() {
    let message = |source, text: Option<&str>, calls: Vec<ToolCall>| {
        let mut message = Message::new(source, "assistant");
        message.text = text.map(str::to_owned);
        message.tool_calls = calls;
        message
    };
    let call = |id: Option<&str>, arguments: Value| {
        ToolCall::new("function", id.map(str::to_owned), "top_song".to_owned(), arguments)
    };
    let result = |id: Option<&str>| {
        let mut message = Message::with_text(Source::Prompt, "tool", r#"{"song":"Elemental Hotel"}"#.to_owned());
        message.tool_call_id = id.map(str::to_owned);
        message
    };
    let ask = || Message::with_text(Source::Prompt, "user", "Which song is it?".to_owned());
    let first = message(Source::Response, Some("I look."), vec![call(Some("call_6b29fc40ca47"), json!({"n": 1}))]);
    for id in [None, Some("tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"), Some("0")] {
        let copy = message(Source::Prompt, Some("I look."), vec![call(id, json!({"n": 1.0}))]);
        let content = |prompt: Vec<Message>, response: Vec<Message>| Content {
            prompt,
            response,
            ..chat(&json!([user("x")]), "x")
        };
        let session = [
            content(vec![ask()], vec![first.clone()]),
            content(vec![ask(), copy, result(id)], vec![message(Source::Response, Some("It is."), Vec::new())]),
        ];
        let shown = shown(&session);
        assert_eq!(shown[1], [r#"tool: {"song":"Elemental Hotel"}"#, "assistant: It is."], "{id:?}");
    }
}

#[test]
fn a_call_that_was_shortened_is_known_in_its_place_whatever_its_id() {
    let call = |id: &str, arguments: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "write", "arguments": arguments}}]})
    };
    let long = json!({"text": "a".repeat(5_000)}).to_string();
    let cut = format!("{}... (litellm_truncated skipped 2965 chars) ...{}", &long[..716], &long[long.len() - 1331..]);
    let result = json!({"role": "tool", "tool_call_id": "call_of_client_1", "content": "written"});
    let session = [
        super::chat_with(&json!([user("Go")]), &call("call_of_proxy_1", &long)),
        chat(&json!([user("Go"), call("call_of_client_1", &cut), result]), "ok"),
    ];
    assert_eq!(shown(&session)[1], ["tool: written", "assistant: ok"]);
}

#[test]
fn a_mark_of_the_cache_that_moves_along_is_no_content() {
    let with_mark = |mut message: Message| {
        let kind = "cachePoint";
        message.parts.push(super::super::Part::new(kind, json!({"cachePoint": {"type": "default"}})));
        message
    };
    let said = |text: &str| Message::with_text(Source::Prompt, "user", text.to_owned());
    let answer = |source| Message::with_text(source, "assistant", "Hello!".to_owned());
    let content = |prompt: Vec<Message>| Content {
        prompt,
        response: vec![answer(Source::Response)],
        ..chat(&json!([user("x")]), "x")
    };
    let session = [
        content(vec![with_mark(said("hi"))]),
        content(vec![said("hi"), answer(Source::Prompt), with_mark(said("2+2?"))]),
    ];
    assert_eq!(shown(&session)[1], ["user: 2+2?", "assistant: Hello!"]);
}

#[test]
fn an_exchange_that_was_logged_twice_is_shown_once() {
    let row = |call_type: &str, call: Option<&str>, response: &str, cached: bool| {
        let answer = json!({"id": response, "choices": [{"index": 0, "message": assistant("A mathematician.")}]});
        let body = json!({"model": "m", "input": "who is Ada Lovelace"});
        let call_id = call.map(str::to_owned);
        normalise(StoredContent { call_id, cached, ..stored(call_type, &body, &answer) })
    };
    let lengths = |session: &[Content]| shown(session).iter().map(Vec::len).collect::<Vec<_>>();
    let twice = [row("aresponses", Some("c1"), "r1", false), row("acompletion", Some("c1"), "r1", false)];
    assert_eq!(lengths(&twice), [2, 0]);
    let of_older_release = [row("aresponses", None, "r1", false), row("acompletion", None, "r1", false)];
    assert_eq!(lengths(&of_older_release), [2, 0]);
    let tried_again = [row("aresponses", Some("c1"), "r1", false), row("aresponses", Some("c2"), "r1", false)];
    assert_eq!(lengths(&tried_again), [2, 1]);
    let from_cache = [row("aresponses", None, "r1", false), row("aresponses", None, "r1", true)];
    assert_eq!(lengths(&from_cache), [2, 1]);
}

#[test]
fn what_the_provider_keeps_is_shown_once_where_it_was_logged_twice() {
    let row = |call_type: &str, previous: &str, call: &str| {
        let body = json!({"input": "yes", "instructions": "Be terse.", "previous_response_id": previous});
        let answer = json!({"choices": [{"index": 0, "message": assistant("ok")}]});
        normalise(StoredContent { call_id: Some(call.to_owned()), ..stored(call_type, &body, &answer) })
    };
    let session = [
        row("aresponses", "r1", "c1"),
        row("aresponses", "r1", "c1"),
        row("aresponses", "r2", "c2"),
        row("aresponses", "r2", "c2"),
    ];
    let lengths: Vec<usize> = shown(&session).iter().map(Vec::len).collect();
    assert_eq!(lengths, [3, 0, 2, 0]);
}

#[test]
fn a_prompt_that_was_too_long_goes_on_compacted() {
    let answer = "The order left our warehouse on Monday.";
    let history = [user("Where is it?"), assistant(answer), user("And when will it be here?")];
    let session = [
        chat(&json!([user("Where is it?")]), answer),
        failed(&json!(history)),
        chat(&json!([vec![user("Summary: an order.")], history[1..].to_vec()].concat()), "On Friday."),
    ];
    assert_eq!(shown(&session)[2], ["user: Summary: an order.", "assistant: On Friday."]);
}

#[test]
fn the_main_conversation_is_known_after_many_subagents_and_single_requests() {
    let of = |agent: &str, more: &[Value]| json!([vec![system(agent), user("Begin.")], more.to_vec()].concat());
    let more = [assistant("I begin."), user("continue")];
    let mut session = vec![chat(&of("Main", &[]), "I begin."), chat(&of("Main", &more), "Done.")];
    for agent in 0..10 {
        let agent = format!("Subagent {agent}");
        session.push(chat(&of(&agent, &[]), "I begin."));
        session.push(chat(&of(&agent, &more), "Done."));
        session
            .extend((0..4).map(|title| chat(&json!([system("Titles"), user(&format!("{agent} {title}"))]), "A title")));
    }
    session.push(chat(&of("Main", &[more.to_vec(), vec![assistant("Done."), user("bye")]].concat()), "Bye."));
    assert_eq!(shown(&session).last().expect("a request"), &["user: bye", "assistant: Bye."]);
}

#[test]
fn a_header_with_a_nonce_is_no_change() {
    let request = |nonce: &str, messages: Value, answer: &str| {
        let header = format!("x-anthropic-billing-header: cc_version=2.1.177.01c; cc_entrypoint=cli; cch={nonce};");
        let system = json!([{"type": "text", "text": header}, {"type": "text", "text": "You are Claude Code."}]);
        let response = json!({"choices": [{"index": 0, "message": assistant(answer)}]});
        read("anthropic_messages", &json!({"system": system, "messages": messages}), &response)
    };
    let session = [
        request("36ee5", json!([user("hi")]), "Hello!"),
        request("0aaa9", json!([user("hi"), assistant("Hello!"), user("2+2?")]), "4"),
    ];
    let shown = shown(&session);
    assert_eq!((shown[0].len(), &shown[1][..]), (3, &["user: 2+2?".to_owned(), "assistant: 4".to_owned()][..]));
}
