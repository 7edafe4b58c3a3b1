//! How old an answer is, and whether a client's copy of it still is the answer.

use std::sync::Arc;

use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request};
use serde_json::json;
use tests::{Answer, App, endpoints, index};

use crate::expected::Dice;
use crate::index_equality::skipped;
use crate::index_refresh::{add, any_row, some_rows};
use crate::made;

const RANGE: &str = "start_date=2026-10-01&end_date=2026-11-01";

async fn with_copy(app: &App, path: &str, copy: &str) -> Answer {
    let request = Request::get(path).header("if-none-match", copy).body(Body::empty()).expect("a request");
    app.send(request).await
}

fn tag(answer: &Answer) -> Option<String> {
    answer.headers.get("etag").map(|tag| tag.to_str().expect("text").to_owned())
}

fn as_of(answer: &Answer) -> DateTime<Utc> {
    answer.headers["x-as-of"].to_str().expect("text").parse().expect("a time")
}

/// The paths of all endpoints with this id, and whether they take a window.
fn paths(id: &str) -> Vec<(Method, String, bool)> {
    let path = |endpoint: endpoints::Endpoint| {
        let is_window = endpoint.method == Method::GET && endpoint.takes("end_date");
        (endpoint.method.clone(), endpoint.with_id(id), is_window)
    };
    endpoints::over_the_log().into_iter().map(path).collect()
}

#[tokio::test]
async fn every_answer_tells_as_of_when_it_is() {
    if skipped() {
        return;
    }
    let database =
        made::database("index_http_as_of", &[made::row("one", Utc::now() - TimeDelta::hours(2), json!({}))]).await;
    let began = Utc::now() - TimeDelta::seconds(1);
    index::fill(&database).await;
    let clock = Utc::now() + TimeDelta::hours(5);
    let indexed = App::over(Arc::clone(&database), clock, &[]);
    let direct = App::over(Arc::clone(&database), clock, &[("INDEX", "off")]);
    for (method, path, _) in paths("one") {
        for (app, of_index) in [(&indexed, true), (&direct, false)] {
            let answer = if method == Method::POST { app.post(&path, &json!({})).await } else { app.get(&path).await };
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            let is_indexed = (began..=Utc::now()).contains(&as_of(&answer));
            let is_now = as_of(&answer).timestamp_millis() == clock.timestamp_millis();
            assert!(if of_index { is_indexed } else { is_now }, "{path}: {:?}", answer.headers);
        }
    }
}

#[tokio::test]
async fn a_client_keeps_its_copy_of_a_window_that_is_over() {
    if skipped() {
        return;
    }
    let mut dice = Dice(31);
    let mut rows = some_rows(&mut dice, "row", 80, 90);
    let october = "2026-10-12T10:07:00Z".parse().expect("a time");
    rows.push(made::row("october", october, json!({})));
    let database = made::database("index_http_copies", &rows).await;
    index::fill(&database).await;
    for settings in [&[][..], &[("INDEX", "off")]] {
        let app = App::over(Arc::clone(&database), Utc::now(), settings);
        for (method, path, is_window) in paths("october") {
            if method == Method::POST {
                let body = json!({"start_date": "2026-10-01", "end_date": "2026-11-01"});
                assert_eq!(tag(&app.post(&path, &body).await), None, "{path}");
                continue;
            }
            // Without a window, or with one that goes on. Reports are of a time that is over then.
            if !path.starts_with("/api/v1/reports/") {
                let open = app.get(&path).await;
                assert_eq!((open.status.as_u16(), tag(&open)), (200, None), "{path}");
                assert_eq!(open.headers["cache-control"], "private, no-store", "{path}");
                assert_eq!(with_copy(&app, &path, "*").await.status, 200, "{path}");
            }
            if !is_window {
                continue;
            }
            let tomorrow = (Utc::now() + TimeDelta::days(1)).format("%Y-%m-%d");
            assert_eq!(
                tag(&app.get(&format!("{path}?start_date=2026-11-01&end_date={tomorrow}")).await),
                None,
                "{path}"
            );
            let path = format!("{path}?{RANGE}");
            let over = app.get(&path).await;
            let copy = tag(&over).unwrap_or_else(|| panic!("{path} has no tag"));
            assert_eq!(over.headers["cache-control"], "private, no-cache", "{path}");
            for copies in [copy.clone(), format!("W/{copy}"), format!("\"other\", {copy}")] {
                let answer = with_copy(&app, &path, &copies).await;
                assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{path}");
                assert_eq!(tag(&answer).as_ref(), Some(&copy), "{path}");
                assert!(answer.headers.contains_key("x-as-of"), "{path}");
                assert!(!answer.headers.contains_key("content-type"), "{path}");
            }
            assert_eq!(with_copy(&app, &path, "\"other\"").await.status, 200, "{path}");
            assert_eq!(app.get(&path).await.text, over.text, "{path}");
        }
    }
}

#[tokio::test]
async fn a_late_row_makes_a_new_tag() {
    if skipped() {
        return;
    }
    let mut dice = Dice(32);
    let database = made::database("index_http_late", &some_rows(&mut dice, "row", 80, 90)).await;
    index::fill(&database).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    let paths = ["analytics/overview", "analytics/models", "analytics/usage-trends", "requests"];
    let mut copies = Vec::new();
    for path in paths {
        let path = format!("/api/v1/{path}?{RANGE}");
        let copy = tag(&app.get(&path).await).expect("a tag");
        copies.push((path, copy));
    }
    // In another month nothing changes.
    add(&database, &[any_row(&mut dice, "november", "2026-11-10T10:07:00Z".parse().expect("a time"))]).await;
    reconcile(&database).await;
    for (path, copy) in &copies {
        assert_eq!(with_copy(&app, path, copy).await.status, 304, "{path}");
    }
    add(&database, &[any_row(&mut dice, "october", "2026-10-12T10:07:00Z".parse().expect("a time"))]).await;
    for (path, copy) in &copies {
        assert_eq!(with_copy(&app, path, copy).await.status, 304, "{path}: the index does not have it yet");
    }
    reconcile(&database).await;
    for (path, copy) in &copies {
        let answer = with_copy(&app, path, copy).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_ne!(tag(&answer).as_ref(), Some(copy), "{path}");
    }
}

async fn reconcile(database: &tests::Database) {
    let outcome = index::perform(database.url(), &index::settings(), index::Task::Reconcile).await;
    assert!(outcome.expect("the indexer does it").complete);
}
