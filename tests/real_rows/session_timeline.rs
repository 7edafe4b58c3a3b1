//! A session's timeline, for sessions that LiteLLM wrote: every figure is the summary's, or is computed anew.

use local::fixtures::Release;
use serde_json::Value;
use tests::{Answer, App, encode};

/// A column of the steps.
fn column<'a>(timeline: &'a Value, name: &str) -> &'a Vec<Value> {
    timeline["steps"][name].as_array().unwrap_or_else(|| panic!("no column {name}"))
}

fn sum(timeline: &Value, name: &str) -> i64 {
    column(timeline, name).iter().map(|value| value.as_i64().expect("a number")).sum()
}

/// The sessions with the most requests, and some others.
async fn sessions(app: &App) -> Vec<Value> {
    let (mut sessions, _) = app.all_pages("/api/v1/sessions?limit=1000&sort=requests").await;
    let rest = sessions.split_off(12.min(sessions.len()));
    sessions.extend(rest.into_iter().step_by(23));
    sessions
}

async fn timeline(app: &App, session: &Value, query: &str) -> Answer {
    let id = encode(session["session_id"].as_str().expect("an id"));
    app.get(&format!("/api/v1/sessions/{id}/timeline{query}")).await
}

#[tokio::test]
async fn the_figures_of_a_timeline_are_those_of_the_summary() {
    for release in Release::ALL {
        let app = App::of_release(release).await;
        for session in sessions(&app).await {
            let timeline = timeline(&app, &session, "").await.ok();
            for (ours, summarys) in [
                ("session_id", "session_id"),
                ("start", "session_start"),
                ("end", "session_end"),
                ("wall_seconds", "total_duration_seconds"),
                ("busy_seconds", "busy_seconds"),
                ("requests", "total_messages"),
                ("cost", "total_cost"),
                ("total_tokens", "total_tokens"),
                ("tool_calls_exact", "function_calls_exact"),
            ] {
                assert_eq!(timeline[ours], session[summarys], "{release:?} {ours}");
            }
            for (ours, summarys) in [
                ("prompt_tokens", "prompt_tokens"),
                ("completion_tokens", "completion_tokens"),
                ("tool_calls", "function_calls_count"),
            ] {
                assert_eq!(sum(&timeline, ours), session[summarys], "{release:?} {ours}");
            }
            assert_eq!(timeline["verdict"]["failures"], session["failed_requests"]);
            assert_eq!(column(&timeline, "running_cost").last(), Some(&session["total_cost"]));
            check_columns(&timeline);
        }
    }
}

/// Checks what a timeline says of itself.
fn check_columns(timeline: &Value) {
    let requests = usize::try_from(timeline["requests"].as_u64().expect("a number")).expect("a few");
    let names = timeline["names"].as_array().expect("names");
    for (name, values) in timeline["steps"].as_object().expect("columns") {
        assert!(values.is_null() || values.as_array().expect("a column").len() == requests, "{name}");
    }
    for name in ["model", "model_group", "provider", "call_type", "status", "error_class", "agent_name", "tools"] {
        for value in column(timeline, name) {
            let places = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let known = |place: &Value| place.is_null() || place.as_u64().is_some_and(|at| at < names.len() as u64);
            assert!(places.iter().all(known), "{name}: {value}");
        }
    }
    let times = column(timeline, "started_after").iter().zip(column(timeline, "seconds"));
    let spans: Vec<(f64, f64)> = times
        .map(|(start, seconds)| (start.as_f64().expect("a time"), seconds.as_f64().expect("a time")))
        .map(|(start, seconds)| (start, start + seconds))
        .collect();
    let lanes = column(timeline, "lane");
    for (at, (start, _)) in spans.iter().enumerate() {
        assert!(at == 0 || spans[at - 1].0 <= *start, "in the order of their start");
        let overlaps = |other: &usize| lanes[*other] == lanes[at] && spans[*other].1 > start + 1e-6;
        assert_eq!((0..at).find(overlaps), None, "steps of a lane overlap");
    }
    let failure = column(timeline, "status")
        .iter()
        .position(|place| names[usize::try_from(place.as_u64().expect("a place")).expect("a few")] == "failure");
    assert_eq!(timeline["verdict"]["first_failure"].as_u64(), failure.map(|step| step as u64));
    let repeated = column(timeline, "repeated_tokens").iter().zip(column(timeline, "prompt_tokens"));
    assert!(repeated.into_iter().all(|(repeated, all)| repeated.is_null() || repeated.as_i64() <= all.as_i64()));
}

#[tokio::test]
async fn with_the_content_a_timeline_tells_what_follows_on_what() {
    let app = App::of_release(Release::V1_109_1).await;
    let (mut followed, mut human, mut repeated, mut calls) = (0, 0, 0, 0);
    for session in sessions(&app).await {
        let plain = timeline(&app, &session, "").await.ok();
        let told = timeline(&app, &session, "?content=summary&call_ids=true").await.ok();
        check_columns(&told);
        assert_eq!((&plain["steps"]["parent"], &plain["content_steps"]), (&Value::Null, &Value::from(0)));
        assert_eq!((&told["content_steps"], &told["requests"]), (&plain["requests"], &plain["requests"]));
        assert_eq!(
            (&plain["repeated_tokens_basis"], &told["repeated_tokens_basis"]),
            (&"estimated".into(), &"content".into())
        );
        for (step, parent) in column(&told, "parent").iter().enumerate() {
            assert!(parent.as_u64().is_none_or(|parent| parent < step as u64), "a parent comes first");
            followed += usize::from(!parent.is_null());
        }
        human += column(&told, "human").iter().filter(|human| **human == true).count();
        repeated += column(&told, "repeated_tokens").iter().filter(|tokens| tokens.as_i64() > Some(0)).count();
        calls += told["verdict"]["repeated_calls"].as_array().expect("a list").len();
        assert!(column(&told, "call_id").iter().any(Value::is_string));
        // What is the same with the content and without.
        for name in ["request_id", "cost", "tools", "lane", "seconds"] {
            assert_eq!(told["steps"][name], plain["steps"][name], "{name}");
        }
    }
    assert!(followed > 10 && human > 10 && repeated > 10 && calls > 0, "{followed} {human} {repeated} {calls}");
}
