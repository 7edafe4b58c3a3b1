//! The list of requests: every row once, newest first, with the row's own values.

use std::collections::BTreeMap;

use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use local::fixtures::Release;
use serde_json::{Value, json};
use tests::App;

use super::session_search::{roll_filter, roll_more};
use tests::expected::log::path;
use tests::expected::{Companions, Dice, Log, Row, as_f64, assert_same};
use tests::made;

/// Filters of which several values mean any.
const NAMES: [&str; 13] = [
    "agent_name",
    "user_id",
    "end_user",
    "team_id",
    "key",
    "provider",
    "call_type",
    "model",
    "tag",
    "conversation_name",
    "session_id",
    "tool",
    "error_class",
];

fn ids(requests: &[Value]) -> Vec<&str> {
    requests.iter().map(|request| request["request_id"].as_str().expect("an id")).collect()
}

/// The newest first, those of the same instant by their ids.
fn newest_first(mut rows: Vec<&Row>) -> Vec<&Row> {
    rows.sort_by(|a, b| (b.started, &b.request_id).cmp(&(a.started, &a.request_id)));
    rows
}

fn ids_of<'a>(rows: &[&'a Row]) -> Vec<&'a str> {
    rows.iter().map(|row| row.request_id.as_str()).collect()
}

#[tokio::test]
async fn every_row_of_every_release_is_listed_once_with_its_own_values() {
    for release in Release::ALL {
        let log = Log::of(release);
        let rows: BTreeMap<&str, &Row> = log.rows.iter().map(|row| (row.request_id.as_str(), row)).collect();
        let app = App::of_release(release).await;
        let (mut listed, pages) = app.all_pages("/api/v1/requests?limit=1000").await;
        assert_eq!(pages, log.rows.len().div_ceil(1000), "{release:?}");
        assert_eq!(ids(&listed), ids_of(&newest_first(log.rows.iter().collect())), "{release:?}");
        for request in &mut listed {
            let id = request["request_id"].as_str().expect("an id").to_owned();
            let tags = request["tags"].as_array_mut().expect("a list");
            tags.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            assert_same(request, &rows[id.as_str()].in_list(), &id);
        }
    }
}

#[tokio::test]
async fn any_filter_picks_the_rows_that_a_look_at_every_row_picks() {
    for (release, times) in [(Release::V1_109_1, 100), (Release::V1_80_0, 40), (Release::V1_61_20, 40)] {
        let log = Log::of(release);
        let app = App::of_release(release).await;
        let mut dice = Dice(times);
        let mut found = 0;
        for _ in 0..times {
            let row = dice.pick(&log.rows).clone();
            let mut filter = roll_filter(&mut dice, log, &row);
            filter.failed = dice.one_in(4).then(|| dice.one_in(2));
            if dice.one_in(2) {
                roll_more(&mut dice, log, &row, &NAMES, &mut filter);
            }
            filter.has_tool_calls = dice.one_in(8).then(|| dice.one_in(3));
            filter.min_cost = dice.one_in(8).then(|| row.spend.dollars().max(0.0));
            filter.min_tokens = dice.one_in(8).then(|| row.total_tokens.max(1));
            filter.min_duration = dice.one_in(8).then(|| as_f64(row.duration_ms) / 1000.0);
            let (limit, offset) = (*dice.pick(&[1, 10, 100, 1000]), *dice.pick(&[0, 0, 2, 40]));
            let mut parameters = filter.parameters();
            let status = filter.failed.map(|failed| if failed { "failure" } else { "success" });
            parameters.extend(status.map(|status| ("status", status.to_owned())));
            parameters.extend([("limit", limit.to_string()), ("offset", offset.to_string())]);

            let answer = app.get(&path("/api/v1/requests", &parameters)).await;
            let expected = newest_first(log.matching(&filter));
            let of_page: Vec<&Row> = expected.iter().skip(offset).take(limit).copied().collect();
            let listed = answer.ok();
            let listed = listed.as_array().expect("a list");
            assert_eq!(ids(listed), ids_of(&of_page), "{parameters:?}");
            assert_eq!(answer.next().is_some(), expected.len() > offset + limit, "{parameters:?}");
            found += listed.len();
        }
        assert!(found > 300, "most filters find something: {found}");
    }
}

#[tokio::test]
async fn a_key_is_found_by_its_alias_as_by_its_hash() {
    let app = App::of_release(Release::V1_109_1).await;
    let keys = app.get("/api/v1/analytics/cost-breakdown?group_by=key&days=365").await.ok();
    let keys: Vec<(&str, &str)> = keys
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|key| Some((key["label"].as_str()?, key["category"].as_str().expect("a hash"))))
        .collect();
    assert!(keys.len() > 3, "{keys:?}");
    let pair = [keys[0], keys[1]];
    for (alias, hash) in keys.iter().map(|(alias, hash)| (vec![*alias], vec![*hash])).chain([pair.into_iter().unzip()])
    {
        let parameters = |values: &[&str]| values.iter().map(|value| ("key", (*value).to_owned())).collect::<Vec<_>>();
        let paths =
            ["/api/v1/requests?limit=1000", "/api/v1/sessions?limit=1000", "/api/v1/analytics/overview?days=365"];
        for question in paths {
            let ask = |values: &[&str]| format!("{question}&{}", path("", &parameters(values)).trim_start_matches('?'));
            let (by_alias, by_hash) = (app.get(&ask(&alias)).await.ok(), app.get(&ask(&hash)).await.ok());
            assert_eq!(by_alias, by_hash, "{question} {alias:?}");
            assert_ne!(by_alias, json!([]), "{question} {alias:?}");
        }
    }
}

#[tokio::test]
async fn the_pages_are_the_whole_list_once() {
    let log = Log::of(Release::V1_109_1);
    let app = App::of_release(Release::V1_109_1).await;
    let (listed, pages) = app.all_pages("/api/v1/requests?limit=70&user_id=alice").await;
    let expected = newest_first(log.rows.iter().filter(|row| row.user.as_deref() == Some("alice")).collect());
    assert_eq!(ids(&listed), ids_of(&expected));
    assert_eq!(pages, expected.len().div_ceil(70));
}

#[tokio::test]
async fn no_request_is_lost_or_repeated_while_requests_arrive() {
    let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().expect("a time");
    // Five requests in each instant: a page ends in the middle of one.
    let start = |number: i32| noon - TimeDelta::minutes((number / 5).into());
    let rows: Vec<Value> =
        (0..40).map(|number| made::row(&format!("r-{:02}", number * 7 % 40), start(number), json!({}))).collect();
    let database = made::database("request_arrivals", &rows).await;
    let now = noon + TimeDelta::minutes(1);
    let app = App::over(database, now, &[]);

    let (mut listed, mut next, mut page) = (Vec::new(), Some("/api/v1/requests?limit=7".to_owned()), 0);
    while let Some(path) = next {
        let answer = app.get(&path).await;
        listed.extend(answer.ok().as_array().expect("a list").clone());
        next = answer.next();
        page += 1;
        // One at this moment, and one that started before the listing and was written late.
        let arrived = [
            made::row(&format!("now-{page}"), now, json!({})),
            made::row(&format!("late-{page}"), noon - TimeDelta::minutes(2), json!({})),
        ];
        made::insert(&mut app.state.db.connect().await.expect("a connection").conn, &arrived).await;
    }
    let log = Log::new(&rows, &Companions::default());
    let existing: Vec<&str> = ids(&listed).into_iter().filter(|id| id.starts_with("r-")).collect();
    assert_eq!(existing, ids_of(&newest_first(log.rows.iter().collect())));
    assert!(!ids(&listed).iter().any(|id| id.starts_with("now-")), "a listing ends when it began");
    assert_eq!(page, 6);
}

#[test]
fn the_real_rows_have_what_makes_a_list_hard() {
    let rows = &Log::of(Release::V1_109_1).rows;
    assert!(rows.iter().any(|row| row.ttft_ms.is_some()) && rows.iter().any(|row| row.ttft_ms.is_none()));
    assert!(rows.iter().any(|row| row.request_id.len() > 400), "long ids");
    assert!(rows.iter().any(|row| row.cache_hit) && rows.iter().any(|row| row.failed));
    assert!(rows.iter().any(|row| row.tags.is_empty()) && rows.iter().any(|row| row.tags.len() > 3));
    assert!(rows.iter().any(|row| row.end_user.is_none() && row.user.is_none() && row.team.is_none()));
}

#[tokio::test]
async fn the_earliest_come_first_where_that_is_asked_for() {
    let log = Log::of(Release::V1_109_1);
    let app = App::of_release(Release::V1_109_1).await;
    let (listed, pages) = app.all_pages("/api/v1/requests?limit=300&order=asc").await;
    let mut expected = newest_first(log.rows.iter().collect());
    expected.reverse();
    assert_eq!(ids(&listed), ids_of(&expected));
    assert_eq!(pages, expected.len().div_ceil(300));
}

#[tokio::test]
async fn the_items_of_a_list_are_counted_where_that_is_asked_for() {
    let app = App::of_release(Release::V1_109_1).await;
    let total = |answer: &tests::Answer| {
        answer.headers.get("x-total-count").map(|total| total.to_str().expect("text").to_owned())
    };
    for filters in ["", "&user_id=alice", "&model=gpt-4o-mini&tag=untagged", "&user_id=nobody"] {
        for list in ["requests", "sessions", "sessions?min_requests=2&min_tokens=10"] {
            let list = if list.contains('?') { list.to_owned() } else { format!("{list}?") };
            let (all, _) = app.all_pages(&format!("/api/v1/{list}&limit=1000{filters}")).await;
            let first = app.get(&format!("/api/v1/{list}&limit=3&count=true{filters}")).await;
            assert_eq!(total(&first), Some(all.len().to_string()), "{list}{filters}");
            if let Some(next) = first.next() {
                assert_eq!(total(&app.get(&next).await), total(&first), "{next}");
            }
            assert_eq!(total(&app.get(&format!("/api/v1/{list}&limit=3{filters}")).await), None);
        }
    }
    let searched = app.post("/api/v1/sessions/search?count=true&limit=1", &json!({"user_id": ["alice", "bob"]})).await;
    let (all, _) = app.all_pages("/api/v1/sessions?limit=1000&user_id=alice&user_id=bob").await;
    assert_eq!(total(&searched), Some(all.len().to_string()));
}

/// A page that follows: it asks from two minutes before the last answer on, and tells requests by their ids.
#[tokio::test]
async fn whoever_polls_gets_each_request_and_is_told_when_nothing_changed() {
    let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().expect("a time");
    // Of each, when it started and how long it took; it is logged a while after its end.
    let mut dice = Dice(18);
    let requests: Vec<(String, [DateTime<Utc>; 3])> = (0..60)
        .map(|number| {
            let start = noon + TimeDelta::seconds(10 * number);
            let end = start + TimeDelta::seconds(dice.below(900) as i64);
            (format!("r-{number:02}"), [start, end, end + TimeDelta::seconds(dice.below(90) as i64)])
        })
        .collect();
    let database = made::database("request_poll", &[]).await;
    let (mut seen, mut tag, mut unchanged, mut since) = (BTreeMap::new(), None::<String>, 0, noon);
    let mut logged = 0;
    for minute in 0..30 {
        let now = noon + TimeDelta::minutes(minute);
        let app = App::over(database.clone(), now, &[]);
        let due: Vec<Value> = requests
            .iter()
            .filter(|(_, [_, _, at])| *at <= now && *at > now - TimeDelta::minutes(1))
            .map(|(id, [start, end, _])| {
                made::row(id, *start, json!({"endTime": end.naive_utc(), "request_duration_ms": null}))
            })
            .collect();
        logged += due.len();
        made::insert(&mut app.state.db.connect().await.expect("a connection").conn, &due).await;
        let path = format!("/api/v1/requests?since={}&order=asc&limit=1000", since.format("%FT%TZ"));
        for _ in 0..2 {
            let request = Request::get(&path).header("if-none-match", tag.as_deref().unwrap_or("none"));
            let answer = app.send(request.body(Body::empty()).expect("a request")).await;
            if answer.status == 304 {
                unchanged += 1;
                continue;
            }
            tag = Some(answer.headers["etag"].to_str().expect("text").to_owned());
            for request in answer.ok().as_array().expect("a list") {
                let end: DateTime<Utc> = request["request_end"].as_str().expect("a time").parse().expect("a time");
                assert!(end >= since, "{request}");
                seen.insert(request["request_id"].as_str().expect("an id").to_owned(), end);
            }
        }
        since = now - TimeDelta::minutes(2);
        app.state.db.close().await;
    }
    assert_eq!(logged, requests.len());
    assert_eq!(seen.len(), requests.len());
    assert!(unchanged >= 30, "the second poll of each minute: {unchanged}");
    let app = App::over(database, noon, &[]);
    for (since, detail) in
        [("2026-11-20T13:00:01Z", "must not lie in the future"), ("2025-11-01", "must be less than 366 days ago")]
    {
        let answer = app.get(&format!("/api/v1/requests?since={since}")).await;
        assert_eq!(answer.blamed(), ["since"]);
        assert!(answer.text.contains(detail), "{}", answer.text);
    }
    assert_eq!(app.get("/api/v1/requests?since=2026-11-20T12:30:00Z").await.ok(), json!([]));
}
