//! Rows that hold whatever PostgreSQL takes: beside them every other row is answered for as if they were not there, and of
//! themselves something is answered, from the log and from the index.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::index::{self, Task};
use tests::{Answer, App, Database, Pair, endpoints};

use crate::fact_hostile::{ANYTHING, COLUMNS, PARTICULAR};
use tests::database::run;
use tests::made;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// An assignment of a column, or of several, of a row that is right but for it.
type Poison = String;

/// JSON nested so deep that whoever follows it by calling themselves runs out of stack.
fn deep() -> [String; 2] {
    ["(repeat('[', 10000) || '1' || repeat(']', 10000))", r#"(repeat('{"a":', 10000) || '1' || repeat('}', 10000))"#]
        .map(str::to_owned)
}

/// All poisons but those of single JSON values.
fn poisons() -> Vec<Poison> {
    let mut poisons = Vec::new();
    let mut set = |column: &str, values: &[&str]| {
        poisons.extend(values.iter().map(|value| format!(r#""{column}" = {value}"#)));
    };
    for column in ["startTime", "endTime", "completionStartTime"] {
        set(column, &["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999'", "'4714-11-24 BC'", "'10000-01-01'"]);
    }
    set("endTime", &[r#""startTime" - interval '1 day'"#, r#""startTime" + interval '300 years'"#, r#""startTime""#]);
    set("request_duration_ms", &["2147483647", "-2147483648", "-1"]);
    set("spend", &["'NaN'", "'Infinity'", "'-Infinity'", "1e308", "-1e308", "5e-324", "1e12", "-1e12", "-0.0"]);
    for column in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        set(column, &["2147483647", "-2147483648"]);
    }
    let [array, object] = deep();
    for column in COLUMNS {
        set(column, &[&format!("{object}::jsonb")]);
    }
    set("proxy_server_request", &[&format!("{array}::jsonb")]);
    for (column, before, after) in [
        ("proxy_server_request", r#"{"messages": [{"role": "user", "content": "#, "}]}"),
        ("response", r#"{"choices": [{"message": {"role": "assistant", "content": "#, "}}]}"),
        ("response", r#"{"output": [{"type": "function_call", "name": "f", "arguments": "#, "}]}"),
        ("metadata", r#"{"usage_object": "#, "}"),
        ("request_tags", r#"["plain", "#, "]"),
    ] {
        set(column, &[&format!("('{before}' || {object} || '{after}')::jsonb")]);
    }
    // As a text, which a reader may take for JSON.
    let text = |json: &str| {
        format!(
            "jsonb_build_object('choices', jsonb_build_array(jsonb_build_object('message', \
            jsonb_build_object('tool_calls', jsonb_build_array(jsonb_build_object('id', 'c', 'type', 'function', 'function', \
            jsonb_build_object('name', 'f', 'arguments', {json})))))))"
        )
    };
    let texts = [object, r#"'{"a": "\ud800"}'"#.into(), r#"'{"a": "\u0000"}'"#.into(), r"'\udfff\u0000'".into()];
    for json in texts {
        set("response", &[&text(&json), &format!("to_jsonb({json}::text)")]);
        set("proxy_server_request", &[&format!("jsonb_build_object('input', {json}::text)")]);
        set("metadata", &[&format!("jsonb_build_object('proxy_server_request', {json}::text)")]);
    }
    poisons
}

/// A text of 100 KB that compresses to next to nothing, and one that does not, of as much as an index takes.
fn long_texts() -> [&'static str; 2] {
    ["repeat('x', 100000)", "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 70) i)"]
}

/// The columns that are of a type, or may be NULL.
async fn columns(conn: &mut PgConnection, condition: &str) -> Vec<String> {
    let sql = format!(
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'LiteLLM_SpendLogs' AND {condition} \
         ORDER BY ordinal_position"
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(conn).await.expect("the columns")
}

/// Adds a row for each poison, all of one user and one team, in sessions of their own; returns what each is. What PostgreSQL, or
/// an index of LiteLLM's, does not take is left out.
async fn add(conn: &mut PgConnection) -> BTreeMap<String, Poison> {
    let mut all: Vec<Poison> = poisons();
    all.extend(PARTICULAR.iter().map(|(column, value)| format!("{column} = '{value}'::jsonb")));
    all.extend(COLUMNS.iter().flat_map(|column| ANYTHING.map(|value| format!("{column} = '{value}'::jsonb"))));
    let nullable = columns(conn, "is_nullable = 'YES'").await;
    all.extend(nullable.iter().map(|column| format!(r#""{column}" = NULL"#)));
    all.push(nullable.iter().map(|column| format!(r#""{column}" = NULL"#)).collect::<Vec<_>>().join(", "));
    // Apart where a row is found by it.
    let names = columns(conn, "data_type = 'text' AND column_name NOT IN ('request_id', 'session_id')").await;
    for text in long_texts() {
        all.push(names.iter().map(|column| format!(r#""{column}" = {text}"#)).collect::<Vec<_>>().join(", "));
        all.extend(["request_id", "session_id"].map(|column| format!(r#""{column}" = {text}"#)));
    }
    let number = i32::try_from(all.len()).expect("a small number");
    let row = json!({"user": "mallory", "team_id": "poison", "session_id": "poison"});
    made::insert(conn, &[made::row("poison", noon(), row)]).await;
    let copies = format!(
        r#"INSERT INTO "LiteLLM_SpendLogs" SELECT (jsonb_populate_record(s, jsonb_build_object('request_id', 'p' || i,
               'session_id', 's' || i))).* FROM "LiteLLM_SpendLogs" s, generate_series(1, {number}) i
           WHERE s.request_id = 'poison'"#
    );
    sqlx::raw_sql(AssertSqlSafe(copies)).execute(&mut *conn).await.expect("the rows are there");
    let mut added = BTreeMap::new();
    for (poison, id) in all.into_iter().zip((1..).map(|place| format!("p{place}"))) {
        let update = format!(r#"UPDATE "LiteLLM_SpendLogs" SET {poison} WHERE request_id = '{id}'"#);
        match sqlx::raw_sql(AssertSqlSafe(update)).execute(&mut *conn).await {
            Ok(_) => drop(added.insert(id, poison)),
            Err(sqlx::Error::Database(error)) => {
                assert_eq!(error.code().as_deref(), Some("54000"), "{poison}: {error}");
            }
            Err(error) => panic!("{poison}: {error}"),
        }
    }
    added
}

/// The rows of others, in sessions of theirs.
fn others() -> Vec<Value> {
    let row = |place: i64| {
        let start = noon() - TimeDelta::minutes(7 * place);
        let (user, model) =
            (["alice", "bob"][usize::from(place % 2 == 0)], ["gpt-4o", "claude"][usize::from(place % 3 == 0)]);
        let id = format!("r{place}");
        made::row(
            &id,
            start,
            json!({
                "session_id": format!("session-{}", place % 5), "user": user, "team_id": "red", "model_group": model,
                "completionStartTime": (start + TimeDelta::milliseconds(300)).naive_utc(), "request_tags": ["prod"],
                "metadata": {"agent_name": "planner", "usage_object": {"prompt_tokens_details": {"cached_tokens": 4}}},
                "proxy_server_request": {"messages": [{"role": "user", "content": format!("question {place}")}]},
                "response": {"choices": [{"message": {"role": "assistant", "content": "x", "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "search", "arguments": "{}"}}]}}]},
            }),
        )
    };
    (0..20).map(row).collect()
}

/// What is asked of all that a caller may see.
fn questions() -> Vec<(Method, String)> {
    let variants: [&[&str]; 5] = [
        &[],
        &["details=true", "exact=true", "compare=previous", "granularity=day", "group_by=tag", "sort=duration"],
        &["group_by=agent", "sort=tokens", "has_tool_calls=true", "order=asc", "format=focus"],
        &["group_by=tool", "sort=last_activity", "conversation_name=default", "granularity=hour"],
        &["group_by=key", "sort=cost", "tag=prod", "agent_name=planner"],
    ];
    let mut questions = Vec::new();
    for endpoint in endpoints::over_the_log() {
        if endpoint.path_parameter().is_some() {
            continue;
        }
        for variant in variants {
            let window = ["start_date=2026-11-01", "end_date=2026-12-01"];
            let own =
                window.iter().chain(variant).filter(|pair| endpoint.takes(pair.split('=').next().unwrap_or_default()));
            let mut path = endpoint.path.clone();
            for (place, pair) in own.enumerate() {
                let _ = write!(path, "{}{pair}", if place == 0 { '?' } else { '&' });
            }
            questions.push((endpoint.method.clone(), path));
        }
    }
    questions.sort_by(|a, b| a.1.cmp(&b.1));
    questions.dedup();
    questions
}

async fn ask(app: &App, method: &Method, path: &str) -> Answer {
    if *method == Method::POST {
        app.post(path, &json!({"start_date": "2026-11-01"})).await
    } else {
        app.get(path).await
    }
}

/// Everything that the callers with this key are told.
async fn told(app: &App) -> Vec<(String, u16, String)> {
    let mut questions = questions();
    for id in ["r1", "r2"] {
        questions.extend(["", "/messages"].map(|part| (Method::GET, format!("/api/v1/requests/{id}{part}"))));
    }
    for part in ["summary", "messages"] {
        questions.push((Method::GET, format!("/api/v1/sessions/session-3/{part}")));
    }
    let mut told = Vec::new();
    for (method, path) in questions {
        let answer = ask(app, &method, &path).await;
        told.push((path, answer.status.as_u16(), answer.text));
    }
    told
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_poisoned_row_fails_nothing_and_changes_nothing_else() {
    let database = made::database("poisoned_rows", &others()).await;
    index::fill(&database).await;
    let pair = Pair::over(&database, noon() + TimeDelta::days(1));
    let sha256 = format!("{:x}", Sha256::digest("red"));
    let keys = json!([{"name": "red", "sha256": sha256, "scope": {"teams": ["red"]}, "content": true}]).to_string();
    let others = pair.for_key(&keys, "red");
    let before = [told(&others.direct).await, told(&others.indexed).await];
    for (path, status, text) in before.iter().flatten() {
        assert_eq!(*status, 200, "{path}: {text}");
    }
    let mut conn = database.connect().await;
    let poisons = add(&mut conn).await;
    conn.close().await.expect("closed");
    assert!(poisons.len() > 180, "{} poisons", poisons.len());
    for long in ["\"model\" = repeat", "\"request_id\" = repeat", "\"session_id\" = repeat"] {
        assert!(poisons.values().any(|poison| poison.contains(long)), "LiteLLM's indexes take {long}");
    }
    for task in [Task::Run, Task::Reconcile, Task::Run] {
        let outcome = index::perform(database.url(), &index::settings(), task).await.expect("the indexer does it");
        assert!(outcome.complete, "{task:?}: {outcome:?}");
    }
    let again = index::perform(database.url(), &index::settings(), Task::Reconcile).await.expect("compared");
    assert_eq!((again.copied, again.changed), (0, 0));
    let after = [told(&others.direct).await, told(&others.indexed).await];
    for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
        assert_eq!(after, before, "the rows of others are told otherwise");
    }
    let mut failed = failures(&pair.direct, &poisons).await;
    failed.extend(failures(&pair.indexed, &poisons).await);
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The questions about everything, and about the poisoned rows, that fail, with what the row is.
async fn failures(app: &App, poisons: &BTreeMap<String, Poison>) -> Vec<String> {
    let source =
        if app.state.db.connect().await.expect("a session").facts.rollups().is_some() { "index" } else { "log" };
    let mut failed = Vec::new();
    let mut note = |path: &str, answer: &Answer, poison: &str| {
        if answer.status.is_server_error() {
            failed.push(format!(
                "{source}: {path} {}: {} {}",
                answer.status,
                poison.chars().take(200).collect::<String>(),
                answer.text
            ));
        }
    };
    for (method, path) in questions().into_iter().chain([(Method::GET, "/health".to_owned())]) {
        note(&path, &ask(app, &method, &path).await, "");
    }
    // What single JSON values do to a row's own pages is asked elsewhere.
    let own = poisons.iter().filter(|(_, poison)| {
        !PARTICULAR.iter().any(|(column, value)| **poison == format!("{column} = '{value}'::jsonb"))
            && !ANYTHING.iter().any(|value| poison.ends_with(&format!(" = '{value}'::jsonb")))
    });
    for (id, poison) in own {
        let session = format!("s{}", &id[1..]);
        let mut paths = vec![format!("/api/v1/sessions/{session}/summary")];
        if source == "log" {
            // That is where the content comes from, also with an index.
            paths.push(format!("/api/v1/requests/{id}"));
            paths.push(format!("/api/v1/requests/{id}/messages"));
            paths.push(format!("/api/v1/sessions/{session}/messages"));
        }
        for path in paths {
            note(&path, &app.get(&path).await, poison);
        }
    }
    for list in ["requests", "sessions"] {
        let (mut next, mut pages) = (Some(format!("/api/v1/{list}?start_date=2026-11-01&limit=20")), 0);
        while let Some(path) = next {
            let answer = app.get(&path).await;
            note(&path, &answer, &format!("page {pages}"));
            assert!(answer.status.is_server_error() || answer.status == 200, "{path}: {}", answer.text);
            next = answer.next();
            pages += 1;
            assert!(pages < 200, "the pages do not end");
        }
    }
    failed
}

/// A response as large as a column may well be.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_huge_response_is_answered_with_and_passed_over() {
    let rows = [
        made::row("huge", noon(), json!({"session_id": "s"})),
        made::row("small", noon() + TimeDelta::minutes(1), json!({"session_id": "s"})),
    ];
    let database: Arc<Database> = made::database("huge_response", &rows).await;
    let update = r#"UPDATE "LiteLLM_SpendLogs" SET response = ('{"choices": [{"message": {"role": "assistant", "content": "'
                        || repeat('some text ', 5000000) || '"}}]}')::jsonb WHERE request_id = 'huge'"#;
    run(&database, update).await;
    index::fill(&database).await;
    let pair = Pair::over(&database, noon() + TimeDelta::days(1));
    assert_eq!(pair.get("/api/v1/sessions/s/summary").await.ok()["total_messages"], 2);
    assert_eq!(pair.direct.get("/api/v1/analytics/overview").await.ok()["total_requests"], 2);
    // Once: a build without optimisations takes seconds for it.
    let answer = pair.direct.get("/api/v1/requests/huge").await;
    assert!(!answer.status.is_server_error(), "{}", answer.status);
}
