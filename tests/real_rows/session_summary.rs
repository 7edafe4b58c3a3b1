//! A session's summary, for every session that LiteLLM wrote.

use local::fixtures::Release;
use serde_json::Value;
use tests::App;
use tests::expected::log::path;
use tests::expected::{Log, assert_same, session};

/// The summaries of all sessions, by the list. In which order a list of names comes is not promised.
async fn all_sessions(app: &App) -> Vec<Value> {
    let (mut sessions, _) = app.all_pages("/api/v1/sessions?limit=1000").await;
    sessions.iter_mut().for_each(sort_names);
    sessions
}

fn sort_names(summary: &mut Value) {
    for value in summary.as_object_mut().expect("an object").values_mut() {
        if let Value::Array(names) = value {
            names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
    }
}

#[tokio::test]
async fn every_field_of_every_sessions_summary_is_right_in_every_release() {
    for release in Release::ALL {
        let log = Log::of(release);
        let expected = log.sessions();
        let app = App::of_release(release).await;
        let actual = all_sessions(&app).await;
        assert_eq!(actual.len(), expected.len(), "{release:?}");
        for summary in &actual {
            let id = summary["session_id"].as_str().expect("an id");
            assert_same(summary, &session::summary(id, &expected[id]), id);
        }
    }
}

#[tokio::test]
async fn the_summary_of_one_session_is_the_same_as_in_the_list() {
    for release in Release::ALL {
        let app = App::of_release(release).await;
        let sessions = all_sessions(&app).await;
        // Those with the most requests, and some others: the list has been checked for all of them.
        let mut chosen: Vec<&Value> = sessions.iter().step_by(sessions.len() / 25).collect();
        chosen.extend(sessions.iter().filter(|summary| summary["total_messages"].as_i64() >= Some(12)));
        for listed in chosen {
            let id = listed["session_id"].as_str().expect("an id");
            let mut url = url::Url::parse("http://localhost/api/v1/sessions").expect("a URL");
            url.path_segments_mut().expect("a path").push(id).push("summary");
            let mut single = app.get(url.path()).await.ok();
            sort_names(&mut single);
            assert_eq!(single, *listed);
        }
    }
}

#[tokio::test]
async fn an_unknown_session_is_not_found() {
    let app = App::of_release(Release::V1_109_1).await;
    let problem = app.get(&path("/api/v1/sessions/no-such-session/summary", &[])).await.problem(404);
    assert_eq!(problem["type"], "urn:llm-traceability:problem:not-found");
}

#[test]
fn the_real_rows_have_what_makes_a_summary_hard() {
    let log = Log::of(Release::V1_109_1);
    let sessions = log.sessions();
    let any = |is: &dyn Fn(&Value) -> bool| sessions.iter().any(|(id, rows)| is(&session::summary(id, rows)));
    assert!(any(&|s| s["users"].as_array().is_some_and(|names| names.len() > 1)), "several users in a session");
    assert!(any(&|s| s["agents"].as_array().is_some_and(|names| names.len() > 1)), "several agents in a session");
    assert!(
        any(&|s| s["cached_tokens"].is_null()) && any(&|s| s["cached_tokens"] == 0),
        "no usage, and no cached token"
    );
    assert!(any(&|s| s["busy_seconds"].as_f64() < s["total_duration_seconds"].as_f64()), "idle time");
    assert!(any(&|s| s["function_calls_exact"] == false), "calls that were inferred");
    assert!(any(&|s| s["failed_requests"].as_i64() > Some(0)), "failures");
    assert!(any(&|s| s["cache_hit_rate"].as_f64() > Some(0.0)), "cache hits");
}
