//! Ids are whatever a provider or a client chose: each is found by itself, and stays apart from all others.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::Connection;
use tests::database::run;
use tests::made;
use tests::{Database, Pair, encode, index, rows};
use traceability_index::names;

const CASE: &str = include_str!("../fixtures/cases/26-odd-ids.sql");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// A text of so many bytes that begins like others with the same seed does.
fn long(seed: &str, bytes: usize, end: &str) -> String {
    let mut text = seed.repeat(bytes / seed.len());
    text.truncate(bytes - end.len());
    text + end
}

/// Rows beside those of the case: by request id, with their session ids.
fn further() -> Vec<(String, Option<String>)> {
    let session = long("ü/", 2_000, "");
    let pair = |request: &str, session: &str| (request.to_owned(), Some(session.to_owned()));
    vec![
        pair("1", &session),
        pair("2", &session),
        (long("r", 1_400, "a"), Some(session)),
        // Two of one beginning.
        pair("3", &long("s", 2_400, "a")),
        // Ties are told apart by what is stored: the MD5 of this one comes after that of the one before, as the id does.
        pair("4", &long("s", 2_400, "d")),
        (long("r", 1_400, "b"), None),
        // On the border, and beyond it.
        pair("5", &long("b", 1_000, "")),
        pair("6", &long("b", 1_001, "")),
        pair("undefined", "undefined"),
        (" leading and trailing ".to_owned(), Some("\u{202e}\u{5d0}\u{301}".to_owned())),
        ("%2e%2e".to_owned(), Some(String::new())),
    ]
}

async fn logged() -> (Arc<Database>, Vec<Value>) {
    let start = at("2026-11-25T11:00:00Z");
    let made: Vec<Value> = further()
        .into_iter()
        .zip(0..)
        .map(|((request, session), number): ((String, Option<String>), i32)| {
            let fields = json!({
                "session_id": session, "spend": 0.01 * f64::from(number + 1), "total_tokens": 1_000 + number,
                "litellm_call_id": long("c", 1_300, &number.to_string()),
                "proxy_server_request": {"messages": [{"role": "user", "content": format!("question {number}")}]},
            });
            made::row(&request, start + TimeDelta::seconds(number.into()), fields)
        })
        .collect();
    let database = made::database("odd_ids", &made).await;
    let mut conn = database.connect().await;
    sqlx::raw_sql(CASE).execute(&mut conn).await.expect("the case loads");
    let all = r#"SELECT to_jsonb(s) FROM "LiteLLM_SpendLogs" s"#;
    let all: Vec<Value> = sqlx::query_scalar(all).fetch_all(&mut conn).await.expect("the rows");
    conn.close().await.expect("closed");
    (database, all)
}

/// The session of a row that may have no id at all.
fn session(row: &Value) -> &str {
    rows::text(row, "session_id").or_else(|| row["request_id"].as_str()).expect("a request id")
}

fn texts(list: &[Value], field: &str) -> Vec<String> {
    let mut texts: Vec<String> = list.iter().map(|item| item[field].as_str().expect("a text").to_owned()).collect();
    texts.sort();
    texts
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn each_row_and_session_is_found_by_its_own_id() {
    let (database, log) = logged().await;
    index::fill(&database).await;
    let pair = Pair::over(&database, at("2026-11-25T12:00:00Z"));
    let mut sessions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in &log {
        sessions.entry(session(row)).or_default().push(row["request_id"].as_str().expect("an id").to_owned());
    }
    assert_eq!((log.len(), sessions.len()), (17, 15));

    check_lists(&pair, &sessions).await;
    for (id, requests) in &mut sessions {
        requests.sort();
        if id.is_empty() {
            assert_eq!(pair.get("/api/v1/sessions//summary").await.blamed(), ["session_id"]);
            continue;
        }
        let path = format!("/api/v1/sessions/{}", encode(id));
        let summary = pair.get(&format!("{path}/summary")).await.ok();
        assert_eq!((&summary["session_id"], &summary["total_messages"]), (&json!(id), &json!(requests.len())));
        for limit in [1, 1_000] {
            let messages = pair.all_pages(&format!("{path}/messages?limit={limit}")).await;
            assert_eq!(texts(&messages, "request_id"), *requests, "{id}");
        }
    }
    for row in log.iter().filter(|row| row["request_id"] != "") {
        let id = row["request_id"].as_str().expect("an id");
        for id in [Some(id), rows::text(row, "litellm_call_id")].into_iter().flatten() {
            let found = pair.get(&format!("/api/v1/requests/{}", encode(id))).await.ok();
            assert_eq!((&found["request_id"], &found["session_id"]), (&row["request_id"], &json!(session(row))));
            let messages = pair.get(&format!("/api/v1/requests/{}/messages", encode(id))).await.ok();
            assert_eq!(messages["request_id"], row["request_id"]);
        }
    }
    check_stored(&database, &log).await;
    check_without_log(&database, &pair).await;
    check_filters(&database, &pair).await;
}

/// Every list has each id once, however it is paged.
async fn check_lists(pair: &Pair, sessions: &BTreeMap<&str, Vec<String>>) {
    let ids: Vec<String> = sessions.keys().map(|id| (*id).to_owned()).collect();
    for sort in ["start", "last_activity", "cost", "tokens", "duration", "requests"] {
        for parameters in [format!("sort={sort}&limit=1"), format!("sort={sort}&order=asc&limit=2")] {
            let found = pair.all_pages(&format!("/api/v1/sessions?{parameters}")).await;
            assert_eq!(texts(&found, "session_id"), ids, "{parameters}");
            for session in found {
                let id = session["session_id"].as_str().expect("an id");
                assert_eq!(session["total_messages"], sessions[id].len(), "{id}");
            }
        }
    }
    let mut requests: Vec<String> = sessions.values().flatten().cloned().collect();
    requests.sort();
    for limit in [1, 3, 1_000] {
        let found = pair.all_pages(&format!("/api/v1/requests?limit={limit}")).await;
        assert_eq!(texts(&found, "request_id"), requests, "{limit}");
    }
}

/// The database shortens names as the service does.
async fn check_stored(database: &Database, log: &[Value]) {
    let mut conn = database.connect().await;
    let stored: Vec<(String, String, Option<String>)> =
        sqlx::query_as("SELECT request_id, session_id, call_id FROM traceability.requests")
            .fetch_all(&mut conn)
            .await
            .expect("the facts");
    conn.close().await.expect("closed");
    for row in log {
        let id = |column: &str| names::stored(row[column].as_str().unwrap_or_default()).into_owned();
        let call = Some(id("litellm_call_id")).filter(|id| !id.is_empty());
        let expected = (id("request_id"), names::stored(session(row)).into_owned(), call);
        assert!(stored.contains(&expected), "{expected:?} is not in the index");
    }
    let again = index::perform(database.url(), &index::settings(), index::Task::Reconcile).await.expect("compared");
    assert_eq!((again.copied, again.changed), (0, 0), "log and index agree");
}

/// What only the index still has is found by the whole id, and listed with the short one.
async fn check_without_log(database: &Database, pair: &Pair) {
    let (request, _) = further().swap_remove(5);
    let (other, of_pair) = further().swap_remove(3);
    let delete = format!(r#"DELETE FROM "LiteLLM_SpendLogs" WHERE request_id IN ('{request}', '{other}')"#);
    run(database, &delete).await;
    index::perform(database.url(), &index::settings(), index::Task::Reconcile).await.expect("compared");
    for id in [request, of_pair.expect("a session")] {
        let summary = pair.indexed.get(&format!("/api/v1/sessions/{id}/summary")).await.ok();
        assert_eq!((&summary["session_id"], &summary["total_messages"]), (&json!(id), &json!(1)));
        let messages = pair.indexed.get(&format!("/api/v1/sessions/{id}/messages")).await.ok();
        assert_eq!(messages[0]["content_available"], false);
        let listed = pair.indexed.get("/api/v1/sessions?limit=1000").await.ok();
        let listed = texts(listed.as_array().expect("a list"), "session_id");
        assert!(listed.iter().any(|listed| *listed == names::stored(&id)), "{id}");
    }
}

/// Filters find long names in both sources, whichever way those store them.
async fn check_filters(database: &Database, pair: &Pair) {
    let (team, user) = ("é".repeat(600), "ü".repeat(600));
    let rename =
        format!(r#"UPDATE "LiteLLM_SpendLogs" SET team_id = '{team}', "user" = '{user}' WHERE request_id < '4'"#);
    run(database, &rename).await;
    index::perform(database.url(), &index::settings(), index::Task::Reconcile).await.expect("compared");
    let filter = format!("team_id={}&user_id={}", encode(&team), encode(&user));
    for app in [&pair.direct, &pair.indexed] {
        let requests = app.get(&format!("/api/v1/requests?{filter}")).await.ok();
        let number = requests.as_array().map(Vec::len).expect("a list");
        assert!(number > 3, "{requests}");
        let sessions = app.post("/api/v1/sessions/search", &json!({"team_id": team, "user_id": user})).await.ok();
        assert!(sessions.as_array().is_some_and(|sessions| sessions.len() > 2), "{sessions}");
        let overview = app.get(&format!("/api/v1/analytics/overview?{filter}")).await.ok();
        assert_eq!(overview["total_requests"], number);
        let trends = app.get(&format!("/api/v1/analytics/usage-trends?{filter}&granularity=month")).await.ok();
        let requests = |point: &Value| point["total_requests"].as_u64().expect("a number");
        assert_eq!(trends.as_array().expect("a list").iter().map(requests).sum::<u64>(), number as u64);
        let sessions = app.get(&format!("/api/v1/analytics/sessions?{filter}")).await.ok();
        assert!(sessions["sessions"].as_u64().is_some_and(|sessions| sessions > 2), "{sessions}");
    }
}
