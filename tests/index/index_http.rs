//! How old an answer is, and whether a client's copy of it still is the answer.

use std::sync::Arc;

use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request};
use serde_json::json;
use tests::any_rows::{any_row, some_rows};
use tests::expected::Dice;
use tests::made;
use tests::made::add;
use tests::{Answer, App, endpoints, index};

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
#[ignore = "needs a PostgreSQL server"]
async fn every_answer_tells_as_of_when_it_is() {
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
#[ignore = "needs a PostgreSQL server"]
async fn a_client_keeps_its_copy_of_a_window_that_is_over() {
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
            // Without a window, or with one that goes on. Reports are of a time that is over then, and whoever follows a list
            // is told whether it changed.
            let is_list = ["/api/v1/requests", "/api/v1/sessions"].contains(&path.as_str());
            if is_list {
                let open = app.get(&path).await;
                let copy = tag(&open).unwrap_or_else(|| panic!("{path} has no tag"));
                assert_eq!(open.headers["cache-control"], "private, no-cache", "{path}");
                assert_eq!(with_copy(&app, &path, &copy).await.status, 304, "{path}");
                assert_eq!(with_copy(&app, &path, "\"other\"").await.status, 200, "{path}");
                let counted = tag(&app.get(&format!("{path}?count=true")).await);
                assert_ne!(counted, Some(copy), "{path}: the number of items belongs to the answer");
            } else if !path.starts_with("/api/v1/reports/") {
                let open = app.get(&path).await;
                assert_eq!((open.status.as_u16(), tag(&open)), (200, None), "{path}");
                assert_eq!(open.headers["cache-control"], "private, no-store", "{path}");
                assert_eq!(with_copy(&app, &path, "*").await.status, 200, "{path}");
            }
            if !is_window {
                continue;
            }
            let tomorrow = (Utc::now() + TimeDelta::days(1)).format("%Y-%m-%d");
            let open = app.get(&format!("{path}?start_date=2026-11-01&end_date={tomorrow}")).await;
            assert_eq!(tag(&open).is_some(), is_list, "{path}");
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
#[ignore = "needs a PostgreSQL server"]
async fn a_late_row_makes_a_new_tag() {
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

/// A cursor carries when its listing began; a copy is good whenever it is asked about.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_copy_with_a_next_page_is_good_at_any_moment() {
    let mut dice = Dice(33);
    let start =
        |minutes| "2026-10-12T10:07:00Z".parse::<DateTime<Utc>>().expect("a time") + TimeDelta::minutes(minutes);
    let rows: Vec<_> = (0..12).map(|row| any_row(&mut dice, &format!("row {row}"), start(row))).collect();
    let database = made::database("index_http_pages", &rows).await;
    index::fill(&database).await;
    let mut lists = vec![format!("/api/v1/requests?{RANGE}&limit=5")];
    for sort in ["start", "last_activity", "cost", "tokens", "duration", "requests"] {
        lists.push(format!("/api/v1/sessions?{RANGE}&limit=2&sort={sort}"));
    }
    let apps_of = |settings: &[(&str, &str)]| {
        [0, 1, 90].map(|minutes| App::over(Arc::clone(&database), Utc::now() + TimeDelta::minutes(minutes), settings))
    };
    for settings in [&[][..], &[("INDEX", "off")]] {
        let apps = apps_of(settings);
        for path in &lists {
            let first = apps[0].get(path).await;
            let copy = tag(&first).unwrap_or_else(|| panic!("{path} has no tag: {}", first.text));
            let next = first.next().unwrap_or_else(|| panic!("{path} has one page"));
            for app in &apps {
                assert_eq!(tag(&app.get(path).await).as_ref(), Some(&copy), "{path}");
                assert_eq!(with_copy(app, path, &copy).await.status, 304, "{path}");
                // The next page is another answer, and as stable.
                let page = app.get(&next).await;
                assert_ne!(tag(&page).as_ref(), Some(&copy), "{next}");
                assert_eq!(with_copy(app, &next, &tag(&page).expect("a tag")).await.status, 304, "{next}");
            }
            // Two pages of the same items are told apart by what follows them.
            let (all, _) = apps[2].all_pages(path).await;
            let whole = format!("{path}&limit=1000").replace("limit=5&", "").replace("limit=2&", "");
            assert_eq!(apps[0].all_pages(&whole).await.0, all, "{path}");
        }
    }
    // With a row more behind the same page there is another next page, or the same: never a copy that ends too early.
    let path = format!("/api/v1/requests?{RANGE}&limit=12");
    let app = &apps_of(&[("INDEX", "off")])[0];
    let last = app.get(&path).await;
    assert_eq!(last.next(), None);
    add(&database, &[any_row(&mut dice, "earlier", start(-1))]).await;
    let answer = with_copy(app, &path, &tag(&last).expect("a tag")).await;
    assert_eq!((answer.status.as_u16(), answer.text == last.text), (200, true));
    assert!(answer.next().is_some());
}

/// Pages of one listing fit together while requests arrive.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_listing_goes_on_where_it_was_while_rows_arrive() {
    let mut dice = Dice(34);
    let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().expect("a time");
    let rows: Vec<_> =
        (0..9).map(|row| any_row(&mut dice, &format!("row {row}"), now - TimeDelta::minutes(10 * row + 5))).collect();
    let database = made::database("index_http_arriving", &rows).await;
    for list in
        ["/api/v1/requests?limit=2", "/api/v1/requests?start_date=2026-11-01&end_date=2026-11-20T11:58:00Z&limit=2"]
    {
        let (expected, _) = App::over(Arc::clone(&database), now, &[]).all_pages(list).await;
        let (mut found, mut next, mut moment) = (Vec::new(), Some(list.to_owned()), now);
        while let Some(path) = next {
            let app = App::over(Arc::clone(&database), moment, &[]);
            let answer = app.get(&path).await;
            found.extend(answer.ok().as_array().expect("a list").clone());
            next = answer.next();
            moment += TimeDelta::minutes(1);
            let id = format!("new {} {}", found.len(), list.len());
            add(&database, &[any_row(&mut dice, &id, moment - TimeDelta::seconds(30))]).await;
        }
        assert_eq!(found, expected, "{list}");
    }
}
