//! Two sessions side by side.

use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::Release;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::expected::{Log, Row};
use tests::{App, encode, made};

const RELEASE: Release = Release::V1_109_1;

fn path(a: &str, b: &str) -> String {
    format!("/api/v1/sessions/diff?a={}&b={}", encode(a), encode(b))
}

/// A service key for all rows, or for those of some, with the right to content or without.
fn key(name: &str, scope: &Value, content: bool) -> Value {
    json!({"name": name, "sha256": format!("{:x}", Sha256::digest(name)), "scope": scope, "content": content})
}

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// What a step of a made session says and is.
#[derive(Clone)]
struct Step {
    user: &'static str,
    answer: Value,
    model: &'static str,
    temperature: f64,
    status: &'static str,
}

fn says(user: &'static str, answer: &str) -> Step {
    let answer = json!({"role": "assistant", "content": answer});
    Step { user, answer, model: "gpt-4o", temperature: 0.5, status: "success" }
}

fn calls(user: &'static str, tool: &str, arguments: &str, id: &str) -> Step {
    let function = json!({"name": tool, "arguments": arguments});
    let answer = json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function", "function": function}]});
    Step { answer, ..says(user, "") }
}

/// The rows of a chat of these steps, each of which repeats what was said before.
fn session(id: &str, steps: &[Step]) -> Vec<Value> {
    let mut history = vec![json!({"role": "system", "content": "You are a travel agent. Answer briefly and kindly."})];
    let mut rows = Vec::new();
    for (number, step) in (0..).zip(steps) {
        history.push(json!({"role": "user", "content": step.user}));
        rows.push(made::row(
            &format!("{id}-{number}"),
            noon() + TimeDelta::seconds(10 * number),
            json!({
                "session_id": id, "model_group": step.model, "model": format!("openai/{}", step.model), "status": step.status,
                "spend": 0.001 * (number + 1) as f64, "total_tokens": 15 * (number + 1), "user": "alice",
                "request_duration_ms": 1000 + 100 * number,
                "proxy_server_request": {"messages": history, "model": step.model, "temperature": step.temperature},
                "response": {"choices": [{"message": step.answer}]},
            }),
        ));
        history.push(step.answer.clone());
    }
    rows
}

fn trip() -> Vec<Step> {
    vec![
        says("I want to travel to Reykjavík in December.", "How many of you are there?"),
        calls(
            "There are six of us, and we like hot springs.",
            "find_hotels",
            r#"{"city": "Reykjavík"}"#,
            "call_11111111",
        ),
        says("Take the cheapest one with breakfast, please.", "I booked the Blue Hotel for six."),
    ]
}

async fn app(name: &str) -> App {
    let other = |id: &'static str, alter: fn(&mut Vec<Step>)| {
        let mut steps = trip();
        alter(&mut steps);
        session(id, &steps)
    };
    let rows = [
        other("base", |_| ()),
        // The ids of calls are made up by the provider.
        other("same", |steps| {
            steps[1] = calls(steps[1].user, "find_hotels", r#"{"city":"Reykjavík"}"#, "call_22222222");
        }),
        other("answer", |steps| steps[2] = says(steps[2].user, "I booked the Red Hotel for six.")),
        other("tool", |steps| {
            steps[1] = calls(steps[1].user, "find_hotels", r#"{"city": "Akureyri"}"#, "call_33333333");
        }),
        other("prompt", |steps| steps[2].user = "Take the most expensive one, please."),
        other("model", |steps| steps[1].model = "gpt-4o-mini"),
        other("parameters", |steps| steps[0].temperature = 0.9),
        other("outcome", |steps| steps[2].status = "failure"),
        other("longer", |steps| steps.push(says("And a train to Akureyri for all of us.", "There are no trains."))),
        other("diff", |_| ()),
    ]
    .concat();
    let app = App::over(made::database(name, &rows).await, noon() + TimeDelta::hours(1), &[]);
    let keys = json!([
        key("reader", &json!("all"), true),
        key("wall", &json!("all"), false),
        key("bob", &json!({"users": ["bob"]}), true)
    ]);
    app.with_access(&[("AUTH_MODE", "keys"), ("SERVICE_KEYS", &keys.to_string())])
}

#[tokio::test]
async fn the_first_divergence_is_where_two_runs_went_apart() {
    let app = app("session_diff_divergence").await;
    let reader = app.with_key("reader");
    for (other, turn, kind) in [
        ("answer", 2, "answer"),
        ("tool", 1, "tool_call"),
        ("prompt", 2, "prompt"),
        ("model", 1, "model"),
        ("parameters", 0, "parameters"),
        ("outcome", 2, "outcome"),
        ("longer", 3, "added"),
    ] {
        let diff = reader.get(&path("base", other)).await.ok();
        assert_eq!(diff["content"], "all", "{diff}");
        let first = &diff["first_divergence"];
        assert_eq!((&first["turn"], &first["kind"]), (&json!(turn), &json!(kind)), "{other}: {diff}");
        let id = |session: &str| {
            if kind == "added" && session == "base" { json!(null) } else { json!(format!("{session}-{turn}")) }
        };
        assert_eq!((&first["request_id_a"], &first["request_id_b"]), (&id("base"), &id(other)), "{other}");
        for (place, one) in diff["turns"].as_array().expect("turns").iter().enumerate().take(turn) {
            assert_eq!(
                (&one["a"], &one["b"], &one["differences"]),
                (&json!(place), &json!(place), &json!([])),
                "{other}"
            );
        }
    }
    let same = reader.get(&path("base", "same")).await.ok();
    assert_eq!((&same["first_divergence"], &same["total_turns"]), (&json!(null), &json!(3)), "{same}");
    assert!(same["turns"].as_array().expect("turns").iter().all(|turn| turn.get("excerpts").is_none()), "{same}");
    // A session may have the name of this endpoint.
    assert_eq!(reader.get("/api/v1/sessions/diff/summary").await.ok()["session_id"], "diff");
    assert_eq!(reader.get(&path("diff", "base")).await.ok()["first_divergence"], json!(null));
}

#[tokio::test]
async fn turns_show_how_they_begin_to_those_who_may_read_it() {
    let app = app("session_diff_excerpts").await;
    let (reader, wall) = (app.with_key("reader"), app.with_key("wall"));
    let diff = reader.get(&path("base", "answer")).await.ok();
    let excerpts = &diff["turns"][2]["excerpts"];
    assert_eq!(excerpts["prompt_a"], "Take the cheapest one with breakfast, please.");
    assert_eq!(excerpts["answer_a"], "I booked the Blue Hotel for six.");
    assert_eq!(excerpts["answer_b"], "I booked the Red Hotel for six.");
    let tool = reader.get(&path("base", "tool")).await.ok();
    assert_eq!(tool["turns"][1]["excerpts"]["answer_b"], r#"find_hotels({"city":"Akureyri"})"#);

    // Without the right to it, the sessions are compared by what can be seen without.
    for (other, first) in
        [("answer", None), ("tool", None), ("prompt", None), ("parameters", None), ("model", Some("model"))]
    {
        let without = wall.get(&path("base", other)).await;
        assert!(!without.text.contains("Hotel") && !without.text.contains("excerpts"), "{}", without.text);
        let without = without.ok();
        assert_eq!(without["content"], "not_permitted");
        assert_eq!(without["first_divergence"]["kind"].as_str(), first, "{other}: {without}");
        let unasked = reader.get(&format!("{}&content=none", path("base", other))).await.ok();
        assert_eq!(unasked["content"], "not_asked");
        assert_eq!((&unasked["turns"], &unasked["change"]), (&without["turns"], &without["change"]), "{other}");
    }
}

#[tokio::test]
async fn each_session_that_is_read_has_a_line_in_the_audit() {
    let app = app("session_diff_audit").await;
    let (reader, wall) = (app.with_key("reader"), app.with_key("wall"));
    let lines = |app: &App| {
        let of = |line: &Value| (line["session_id"].clone(), line["rows"].clone(), line["outcome"].clone());
        let lines = app.audit.take();
        assert!(lines.iter().all(|line| line["route"] == "/api/v1/sessions/diff"), "{lines:?}");
        lines.iter().map(of).collect::<Vec<_>>()
    };
    let of = |session: &str, rows: i32, outcome: &str| (json!(session), json!(rows), json!(outcome));
    let _ = lines(&app);
    let _ = reader.get(&path("base", "longer")).await.ok();
    assert_eq!(lines(&reader), [of("base", 3, "read"), of("longer", 4, "read")]);
    let _ = wall.get(&path("base", "longer")).await.ok();
    assert_eq!(lines(&wall), [of("base", 0, "withheld"), of("longer", 0, "withheld")]);
    let _ = reader.get(&path("base", "nobody")).await.problem(404);
    assert_eq!(lines(&reader), [of("nobody", 0, "not_found")]);
    let _ = reader.get(&format!("{}&content=none", path("base", "longer"))).await.ok();
    assert_eq!(lines(&reader), []);
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let app = app("session_diff_refused").await;
    let reader = app.with_key("reader");
    for (query, blamed, detail) in [
        ("", "a", "must be given"),
        ("?a=base", "b", "must be given"),
        ("?b=base", "a", "must be given"),
        ("?a=base&b=base", "b", "must be another session"),
        ("?a=&b=base", "a", "1 to 8000 bytes"),
        ("?a=base&b=a%00b", "b", "NUL"),
        ("?a=base&a=same&b=tool", "a", "given once"),
        ("?a=base&b=%FF", "b", "UTF-8"),
        ("?a=base&b=same&content=all", "content", "must be one of: none, excerpts"),
        ("?a=base&b=same&limit=1", "limit", "is not known"),
    ] {
        let answer = reader.get(&format!("/api/v1/sessions/diff{query}")).await;
        assert_eq!(answer.blamed(), [blamed], "{query}: {}", answer.text);
        assert!(answer.text.contains(detail), "{query}: {}", answer.text);
    }
    let long = reader.get(&path(&"x".repeat(8_001), "base")).await;
    assert_eq!(long.blamed(), ["a"]);
    // What is out of scope is what does not exist.
    let bob = app.with_key("bob");
    for (a, b) in [("base", "same"), ("nobody", "base"), ("base", "nobody"), ("no/body", "none")] {
        let told = |answer: &Value| (answer["title"].clone(), answer["detail"].clone());
        let hidden = bob.get(&path(a, b)).await.problem(404);
        let missing = reader.get(&path("nobody", "nothing")).await.problem(404);
        assert_eq!(told(&hidden), told(&missing), "{a} {b}");
    }
    let _ = app.with_key("stranger").get(&path("base", "same")).await.problem(401);
}

/// Figures of a session from its rows.
fn figures(rows: &[&Row]) -> (i64, i64, f64, f64) {
    let start = rows.iter().map(|row| row.started).min().expect("rows");
    let end = rows.iter().map(|row| row.ended.max(row.started)).max().expect("rows");
    let seconds = |milliseconds: i64| tests::expected::as_f64(milliseconds) / 1000.0;
    (
        tests::expected::count(rows),
        rows.iter().map(|row| row.total_tokens).sum(),
        seconds(rows.iter().map(|row| row.duration_ms).sum()),
        seconds((end - start).num_milliseconds()),
    )
}

#[tokio::test]
async fn real_sessions_are_there_whole_with_the_figures_of_their_rows() {
    let log = Log::of(RELEASE);
    let app = App::of_release(RELEASE).await;
    let mut sessions: Vec<(&str, Vec<&Row>)> = log.sessions().into_iter().collect();
    for (_, rows) in &mut sessions {
        rows.sort_by(|a, b| (a.started, &a.request_id).cmp(&(b.started, &b.request_id)));
    }
    sessions.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let mut compared = 0;
    for pair in sessions.chunks_exact(2).take(12).chain(sessions.chunks_exact(2).skip(12).step_by(23)) {
        let [(a, of_a), (b, of_b)] = pair else { panic!("two sessions") };
        let diff = app.get(&path(a, b)).await.ok();
        let turns = diff["turns"].as_array().expect("turns");
        let steps = |side: &str| turns.iter().filter_map(|turn| turn[side].as_u64()).collect::<Vec<_>>();
        assert_eq!(steps("a"), (0..of_a.len() as u64).collect::<Vec<_>>(), "{a} {b}");
        assert_eq!(steps("b"), (0..of_b.len() as u64).collect::<Vec<_>>(), "{a} {b}");
        let ((requests_a, tokens_a, response_a, wall_a), (requests_b, tokens_b, response_b, wall_b)) =
            (figures(of_a), figures(of_b));
        let change = &diff["change"];
        assert_eq!(
            (&change["requests"], &change["total_tokens"]),
            (&json!(requests_b - requests_a), &json!(tokens_b - tokens_a))
        );
        let near = |figure: &Value, expected: f64| (figure.as_f64().expect("a number") - expected).abs() < 1e-9;
        assert!(near(&change["response_seconds"], response_b - response_a), "{diff}");
        assert!(near(&change["wall_seconds"], wall_b - wall_a), "{diff}");
        let sum = |name: &str| turns.iter().map(|turn| turn[name].as_f64().expect("a number")).sum::<f64>();
        assert!(
            near(&change["cost"], sum("cost_change")) && near(&change["response_seconds"], sum("seconds_change")),
            "{diff}"
        );
        assert_eq!(change["total_tokens"].as_f64(), Some(sum("tokens_change")));
        for turn in turns {
            let row = |side: &str, rows: &[&Row]| {
                turn[side].as_u64().map(|step| rows[usize::try_from(step).expect("a place")].clone())
            };
            if let (Some(of_a), Some(of_b)) = (row("a", of_a), row("b", of_b)) {
                let kind = |row: &Row| {
                    (row.group.clone().or_else(|| row.model.clone()).unwrap_or_default(), row.call_type.clone())
                };
                let differences = turn["differences"].as_array().expect("a list");
                assert_eq!(differences.contains(&json!("model")), kind(&of_a) != kind(&of_b), "{a} {b}: {turn}");
                let end = |row: &Row| (row.failed, row.error_class.clone().filter(|_| row.failed));
                assert_eq!(differences.contains(&json!("outcome")), end(&of_a) != end(&of_b), "{a} {b}: {turn}");
            }
        }
        // The other way round it is the same, with the signs turned.
        let turned = app.get(&path(b, a)).await.ok();
        assert_eq!((&turned["a"], &turned["b"]), (&diff["b"], &diff["a"]));
        assert!(near(&turned["change"]["cost"], -change["cost"].as_f64().expect("a number")));
        compared += turns.len();
    }
    assert!(compared > 150, "{compared} turns");
}
