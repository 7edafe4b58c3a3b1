//! Callers see their own part of the log, and everything they are told is as if there were no other.
//!
//! The independent computation is the simplest there is: a database in which the other rows are not, and an API over it
//! that asks nobody who they are.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use http::Method;
use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection};
use tests::database::is_native;
use tests::made;
use tests::{App, Database, encode, endpoints, rows};

const RELEASE: Release = Release::V1_109_1;
/// Sessions that clients of several teams have in common, as they do who count them from 1.
const SHARED: [&str; 2] = ["1", "chat"];
/// What answers without a login. Whatever else the document has is asked as everybody by these tests.
const OPEN: [&str; 4] = ["/", "/health", "/health/live", "/openapi.json"];
/// What each caller is told of itself: another answer to each of them.
const OF_THE_CALLER: &str = "/api/v1/me";

/// A caller, and which rows and whose content are theirs, as predicates over LiteLLM's JSON rows.
struct Caller {
    name: &'static str,
    key: String,
    sees: fn(&Value) -> bool,
    reads: fn(&Value) -> bool,
}

/// The key that LiteLLM gave out under this alias.
fn litellm_key(alias: &str) -> String {
    let file: Value = serde_json::from_str(RELEASE.keys()).expect("keys.json is JSON");
    let keys = file["keys"].as_array().expect("keys");
    let key = keys.iter().find(|key| key["request"]["key_alias"] == alias).expect("a key of this alias");
    key["key"].as_str().expect("a key").to_owned()
}

fn user(row: &Value) -> Option<&str> {
    rows::text(row, "user")
}

fn team(row: &Value) -> Option<&str> {
    rows::text(row, "team_id")
}

const SUPPORT: Option<&str> = Some("team-support");
const DATA: Option<&str> = Some("team-data");

/// LiteLLM's own keys, and some that were made for this: users are as [`people`] has them.
fn callers() -> Vec<Caller> {
    let made = |name: &str| format!("sk-made-{name}");
    let all = |_: &Value| true;
    let nothing = |_: &Value| false;
    let alices = |row: &Value| user(row) == Some("alice") || team(row) == SUPPORT;
    let bobs = |row: &Value| user(row) == Some("bob") || team(row) == DATA;
    vec![
        Caller { name: "the master key", key: "sk-real-master-0001".into(), sees: all, reads: all },
        Caller { name: "a proxy admin", key: made("admin"), sees: all, reads: all },
        Caller { name: "a viewer", key: made("viewer"), sees: all, reads: all },
        Caller { name: "a team's admin", key: litellm_key("support-bot-prod"), sees: alices, reads: alices },
        Caller { name: "a member who may read logs", key: litellm_key("research-agent"), sees: bobs, reads: bobs },
        Caller {
            name: "a user",
            key: litellm_key("Ingeniør nøgle 🔑"),
            sees: |row| user(row) == Some("søren"),
            reads: |row| user(row) == Some("søren"),
        },
        Caller { name: "a key without a user", key: litellm_key("sql-analyst"), sees: nothing, reads: nothing },
        Caller { name: "a customer", key: made("customer"), sees: nothing, reads: nothing },
        Caller { name: "a dashboard", key: "trace-all".into(), sees: all, reads: nothing },
        Caller {
            name: "a team's dashboard",
            key: "trace-team".into(),
            sees: |row| team(row) == DATA || user(row) == Some("alice"),
            reads: |row| team(row) == DATA || user(row) == Some("alice"),
        },
    ]
}

/// Makes alice the admin of one team, and bob a mere member of it and one with rights in another.
async fn people(conn: &mut PgConnection) {
    let mut sql = r#"
        UPDATE "LiteLLM_TeamTable" SET members_with_roles = '[{"role": "admin", "user_id": "alice"},
            {"role": "user", "user_id": "bob"}, {"role": "admin", "user_id": "carol"}]' WHERE team_id = 'team-support';
        UPDATE "LiteLLM_TeamTable" SET members_with_roles = '[{"role": "user", "user_id": "bob"}]',
            team_member_permissions = '{/spend/logs}' WHERE team_id = 'team-data';
        UPDATE "LiteLLM_UserTable" SET teams = '{team-support}' WHERE user_id = 'alice';
        UPDATE "LiteLLM_UserTable" SET teams = '{team-support,team-data}' WHERE user_id = 'bob';
        INSERT INTO "LiteLLM_UserTable" (user_id, user_role, teams) VALUES
            ('root', 'proxy_admin', '{}'), ('viewer', 'proxy_admin_viewer', '{}'), ('carol', 'customer', '{team-support}');"#
        .to_owned();
    for (name, user) in [("admin", "root"), ("viewer", "viewer"), ("customer", "carol")] {
        let token = format!("{:x}", Sha256::digest(format!("sk-made-{name}")));
        let _ =
            write!(sql, r#"INSERT INTO "LiteLLM_VerificationToken" (token, user_id) VALUES ('{token}', '{user}');"#);
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await.expect("the people are there");
}

/// Puts every third row into one of a few sessions, so that teams and users share them.
async fn share_sessions(conn: &mut PgConnection) {
    for (remainder, session) in SHARED.iter().enumerate() {
        let sql = r#"UPDATE "LiteLLM_SpendLogs" SET session_id = $1 WHERE abs(hashtext(request_id)) % 6 = $2"#;
        let remainder = i32::try_from(remainder).expect("a small number");
        sqlx::query(sql).bind(session).bind(remainder).execute(&mut *conn).await.expect("the sessions are shared");
    }
}

/// The API over the release's rows, with shared sessions, and without those that `keep` leaves out.
async fn app(name: &str, keep: fn(&Value) -> bool) -> App {
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, RELEASE).await.expect("the schema loads");
    fixtures::load_rows(&mut conn, RELEASE, None).await.expect("the rows load");
    share_sessions(&mut conn).await;
    people(&mut conn).await;
    let log = rows::log(RELEASE);
    let others: Vec<&str> =
        log.iter().filter(|row| !keep(row)).map(|row| row["request_id"].as_str().expect("an id")).collect();
    let delete = r#"DELETE FROM "LiteLLM_SpendLogs" WHERE request_id = ANY($1)"#;
    sqlx::query(delete).bind(others).execute(&mut conn).await.expect("the other rows go");
    sqlx::raw_sql("ANALYZE").execute(&mut conn).await.expect("ANALYZE");
    conn.close().await.expect("closed");
    App::over(Arc::new(database), now(), &[])
}

fn now() -> DateTime<Utc> {
    RELEASE.newest().expect("the release has rows").and_utc() + chrono::Duration::hours(1)
}

/// Service keys, beside LiteLLM's.
fn guarded(whole: &App, content: &str) -> App {
    let key = |key: &str, scope: Value, content: bool| {
        let sha256 = format!("{:x}", Sha256::digest(key));
        json!({"name": key, "sha256": sha256, "scope": scope, "content": content})
    };
    let keys = json!([
        key("trace-all", json!("all"), false),
        key("trace-team", json!({"teams": ["team-data"], "users": ["alice"]}), true),
    ]);
    whole.with_access(&[
        ("AUTH_MODE", "litellm,keys"),
        ("SERVICE_KEYS", &keys.to_string()),
        ("LITELLM_MASTER_KEY", "sk-real-master-0001"),
        ("CONTENT_ACCESS", content),
    ])
}

/// Parameters that select, sort and group, with values that reach beyond a caller's rows. A new one has to be added.
const FILTERS: [(&str, &str); 55] = [
    ("prefix", "s"),
    ("count", "true"),
    ("since", "2026-11-20"),
    ("session_id", "chat"),
    ("session_id", "1&session_id=chat"),
    ("key", "support-bot-prod"),
    ("key", "unknown"),
    ("provider", "openai"),
    ("tool", "lookup_order"),
    ("call_type", "acompletion"),
    ("error_class", "RateLimitError"),
    ("min_tokens", "300"),
    ("min_duration", "0.5"),
    ("id_prefix", "c"),
    ("user_id", "alice&user_id=bob"),
    ("origin", "user"),
    ("user_id", "alice"),
    ("user_id", "bob"),
    ("team_id", "team-data"),
    ("team_id", "unknown"),
    ("agent_name", "support-bot"),
    ("model", "gpt-4o-mini"),
    ("end_user", "unknown"),
    ("tag", "untagged"),
    ("conversation_name", "default"),
    ("sort", "cost"),
    ("sort", "last_activity"),
    ("order", "asc"),
    ("group_by", "user"),
    ("group_by", "agent"),
    ("group_by", "team"),
    ("group_by", "key"),
    ("group_by", "tag"),
    ("group_by", "tool"),
    ("group_by", "team,user"),
    ("granularity", "day"),
    ("top", "2"),
    ("compare", "previous"),
    ("details", "true"),
    ("exact", "true"),
    ("status", "failure"),
    ("has_tool_calls", "true"),
    ("limit", "3"),
    ("offset", "2"),
    ("min_cost", "0.001"),
    ("max_cost", "0.001"),
    ("min_requests", "3"),
    ("days", "7"),
    ("period", "month"),
    ("period", "week"),
    ("format", "html"),
    ("format", "focus"),
    ("content", "summary"),
    ("call_ids", "true"),
    ("around", "chatcmpl-yr6aPUVJ4YNd3kjtFuBtoSPd3ktW1"),
];
/// What other tests ask with: a cursor is its caller's, and windows are the same for all.
const ELSEWHERE: [&str; 4] = ["cursor", "start_date", "end_date", "timezone"];

/// What is asked: every endpoint, for shared sessions and for requests of all owners, with filters that reach beyond.
fn questions() -> Vec<(Method, String)> {
    let log = rows::log(RELEASE);
    let requests: Vec<&str> = log.iter().step_by(97).map(|row| row["request_id"].as_str().expect("an id")).collect();
    let sessions: Vec<&str> = log.iter().step_by(131).map(rows::session).chain(SHARED).collect();
    let mut questions = Vec::new();
    for endpoint in endpoints::all() {
        if OPEN.contains(&endpoint.path.as_str()) || endpoint.path == OF_THE_CALLER {
            continue;
        }
        let ids = match endpoint.path_parameter() {
            Some("session_id") => sessions.clone(),
            Some(_) => requests.clone(),
            None => vec![""],
        };
        if endpoint.route.contains("{dimension}") {
            let dimensions = ["agent", "user", "team", "key", "tag", "tool", "error_class"];
            questions.extend(dimensions.map(|of| (Method::GET, format!("/api/v1/facets/{of}"))));
        }
        for path in ids.into_iter().map(|id| endpoint.with_id(id)) {
            questions.push((endpoint.method.clone(), path.clone()));
            for (name, value) in FILTERS {
                if endpoint.takes(name) {
                    questions.push((endpoint.method.clone(), format!("{path}?{name}={value}")));
                }
            }
        }
        for parameter in &endpoint.query {
            let is_known = FILTERS.iter().any(|(name, _)| name == parameter) || ELSEWHERE.contains(&parameter.as_str());
            assert!(is_known, "{} takes {parameter}, which is not asked with here", endpoint.path);
        }
    }
    // Two sessions that are nobody's alone, and some that may be.
    let pairs = sessions.windows(2).step_by(2).map(|pair| (pair[0], pair[1])).chain([(SHARED[0], SHARED[1])]);
    for (a, b) in pairs {
        let path = format!("/api/v1/sessions/diff?a={}&b={}", encode(a), encode(b));
        questions.extend([(Method::GET, format!("{path}&content=none")), (Method::GET, path)]);
    }
    questions
}

/// An answer without the request's own id: its status, its body with the number of items, and whether another page follows.
type Seen = (u16, String, bool);

async fn ask(app: &App, method: &Method, path: &str) -> Seen {
    let answer = if *method == Method::POST { app.post(path, &json!({})).await } else { app.get(path).await };
    let id = answer.headers["x-request-id"].to_str().expect("an id");
    let total = answer.headers.get("x-total-count").map_or("", |total| total.to_str().expect("a number"));
    (answer.status.as_u16(), answer.text.replace(id, "id") + total, answer.next().is_some())
}

/// What the API answers to every question. A server is asked several at once; the embedded one has one connection.
async fn ask_all(app: &App, questions: &[(Method, String)]) -> Vec<Seen> {
    let at_once = if is_native() { 4 } else { 1 };
    stream::iter(questions).map(|(method, path)| ask(app, method, path)).buffered(at_once).collect().await
}

/// What the API over a caller's rows alone answers to every question, without a login.
async fn answers_without_other_rows(name: &str, caller: &Caller, questions: &[(Method, String)]) -> Vec<Seen> {
    let alone = app(name, caller.sees).await;
    let reads_all = rows::log(RELEASE).iter().all(|row| !(caller.sees)(row) || (caller.reads)(row));
    let alone = alone.with_access(&[
        ("AUTH_MODE", "none"),
        ("ALLOW_ANONYMOUS", "yes-anyone-may-read-every-prompt"),
        ("CONTENT_ACCESS", if reads_all { "all" } else { "none" }),
    ]);
    let answers = ask_all(&alone, questions).await;
    alone.state.db.close().await;
    answers
}

#[tokio::test]
async fn every_answer_is_as_if_there_were_no_other_rows() {
    let whole = app("access_whole", |_| true).await;
    let guarded = guarded(&whole, "all");
    // The embedded server is slow: there it is some of them.
    let questions: Vec<_> = questions().into_iter().step_by(if is_native() { 1 } else { 5 }).collect();
    let of_all_rows = ask_all(&whole, &questions).await;
    // By which rows a caller sees and reads: several have the same.
    let mut expected: HashMap<Vec<(bool, bool)>, Vec<Seen>> = HashMap::new();
    let mut differences = 0;
    for (index, caller) in callers().iter().enumerate() {
        let rights: Vec<_> = rows::log(RELEASE).iter().map(|row| ((caller.sees)(row), (caller.reads)(row))).collect();
        if !expected.contains_key(&rights) {
            let answers = answers_without_other_rows(&format!("access_{index}"), caller, &questions).await;
            expected.insert(rights.clone(), answers);
        }
        let scoped = guarded.with_key(&caller.key);
        let seen = ask_all(&scoped, &questions).await;
        for ((((method, path), seen), expected), of_all) in
            questions.iter().zip(&seen).zip(&expected[&rights]).zip(&of_all_rows)
        {
            assert_eq!(seen, expected, "{}: {method} {path}", caller.name);
            differences += usize::from(seen != of_all);
        }
    }
    assert!(differences > questions.len(), "who asks makes a difference for {differences} answers only");
}

#[tokio::test]
async fn pages_lead_through_ones_own_rows_only_and_are_nobody_elses() {
    let whole = app("access_pages", |_| true).await;
    let guarded = guarded(&whole, "all");
    let (alice, bob) =
        (guarded.with_key(&litellm_key("support-bot-prod")), guarded.with_key(&litellm_key("research-agent")));
    let alone = app("access_pages_alone", |row| user(row) == Some("alice") || team(row) == SUPPORT).await;
    for path in ["/api/v1/sessions?limit=7", "/api/v1/requests?limit=50", "/api/v1/sessions/chat/messages?limit=5"] {
        let (items, pages) = alice.all_pages(path).await;
        assert!(pages > 3, "{path} has {pages} pages");
        assert_eq!(items, alone.all_pages(path).await.0, "{path}");
        let next = alice.get(path).await.next().expect("another page");
        assert_eq!(bob.get(&next).await.blamed(), ["cursor"], "{path}");
        assert_eq!(whole.get(&next).await.blamed(), ["cursor"], "{path}");
        assert_eq!(alice.get(&next).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_out_of_scope_is_what_does_not_exist() {
    let whole = app("access_hidden", |_| true).await;
    let scoped = guarded(&whole, "all").with_key(&litellm_key("Ingeniør nøgle 🔑"));
    let log = rows::log(RELEASE);
    let foreign = log.iter().filter(|row| user(row) != Some("søren")).step_by(50);
    let his: BTreeSet<&str> = log.iter().filter(|row| user(row) == Some("søren")).map(rows::session).collect();
    let not_his = |row| Some(rows::session(row)).filter(|session| !his.contains(session));
    for row in foreign {
        let asked = [
            ("/api/v1/requests/{}", row["request_id"].as_str()),
            ("/api/v1/requests/{}/messages", row["request_id"].as_str()),
            ("/api/v1/requests/{}", rows::text(row, "litellm_call_id")),
            ("/api/v1/sessions/{}/summary", not_his(row)),
            ("/api/v1/sessions/{}/messages", not_his(row)),
            ("/api/v1/sessions/{}/timeline", not_his(row)),
            ("/api/v1/sessions/{}/timeline?content=summary", not_his(row)),
        ];
        for (path, id) in asked {
            let Some(id) = id else { continue };
            let mut answers = Vec::new();
            for id in [id, "no-such-request"] {
                let path = path.replace("{}", &encode(id));
                let (status, text, _) = ask(&scoped, &Method::GET, &path).await;
                let instance = path.split('?').next().unwrap_or_default();
                answers.push((status, text.replace(instance, "path")));
            }
            assert_eq!(answers[0], answers[1]);
            assert_eq!(answers[0].0, 404);
            // The time it took would tell: it is that of the database nowhere, and a whole number of beats.
            let timing = scoped.get(&path.replace("{}", &encode(id))).await.headers["server-timing"].clone();
            let total = timing.to_str().expect("text").strip_prefix("total;dur=").map(str::parse::<f64>);
            assert!(total.and_then(Result::ok).is_some_and(|total| total >= 20.0), "{timing:?}");
        }
    }
}

#[tokio::test]
async fn an_agents_key_has_the_rows_that_go_by_its_name() {
    let whole = app("access_agents", |_| true).await;
    let mut agents = whole.get("/api/v1/analytics/agents?days=365").await.ok();
    let agents = agents.as_array_mut().expect("a list");
    assert!(agents.len() > 3, "{agents:?}");
    for agent in agents.iter().filter(|agent| agent["agent_name"] != "unknown") {
        let name = agent["agent_name"].as_str().expect("a name");
        let sha256 = format!("{:x}", Sha256::digest("trace-agent"));
        let keys = json!([{"name": "agent", "sha256": sha256, "scope": {"agents": [name]}}]).to_string();
        let scoped = whole.with_access(&[("AUTH_MODE", "keys"), ("SERVICE_KEYS", &keys)]).with_key("trace-agent");
        let seen = scoped.get("/api/v1/analytics/agents?days=365").await.ok();
        assert_eq!(seen, json!([agent]), "{name}");
        let overview = scoped.get("/api/v1/analytics/overview?days=365").await.ok();
        assert_eq!(overview["total_requests"], agent["total_interactions"], "{name}");
        let asked = whole.get(&format!("/api/v1/analytics/overview?days=365&agent_name={}", encode(name))).await.ok();
        assert_eq!(overview, asked, "{name}");
    }
}

/// The texts that were said in a row, as far as they are long enough to be told from others.
fn said(row: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if text.len() > 24 => {
                into.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
            Value::Object(fields) => fields.values().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
    let mut texts = BTreeSet::new();
    for message in row["proxy_server_request"]["messages"].as_array().into_iter().flatten() {
        collect(&message["content"], &mut texts);
    }
    for choice in row["response"]["choices"].as_array().into_iter().flatten() {
        collect(&choice["message"]["content"], &mut texts);
    }
    texts
}

/// `CONTENT_ACCESS`, and for whom of the callers it opens which rows.
#[tokio::test]
async fn what_was_said_is_a_right_of_its_own() {
    let whole = app("access_content", |_| true).await;
    let log = rows::log(RELEASE);
    let telling: Vec<&Value> = log.iter().filter(|row| !said(row).is_empty()).step_by(29).collect();
    assert!(telling.len() > 20, "only {} rows have texts", telling.len());
    let litellm = |caller: &Caller| caller.key.starts_with("sk-");
    let is_admin = |caller: &Caller| ["the master key", "a proxy admin", "a viewer"].contains(&caller.name);
    let own = |caller: &Caller, row: &Value| match caller.name {
        "a team's admin" => user(row) == Some("alice"),
        "a member who may read logs" => user(row) == Some("bob"),
        "a user" => user(row) == Some("søren"),
        "the master key" => user(row) == Some("default_user_id"),
        _ => false,
    };
    let (mut read, mut withheld) = (0, 0);
    for access in ["all", "admins", "owners", "none"] {
        let guarded = guarded(&whole, access);
        for caller in callers() {
            let scoped = guarded.with_key(&caller.key);
            for row in telling.iter().filter(|row| (caller.sees)(row)) {
                let may_read = match access {
                    "none" => false,
                    _ if !litellm(&caller) => (caller.reads)(row),
                    "all" => true,
                    "admins" => is_admin(&caller),
                    _ => own(&caller, row),
                };
                let id = encode(row["request_id"].as_str().expect("an id"));
                for path in [format!("/api/v1/requests/{id}"), format!("/api/v1/requests/{id}/messages")] {
                    let answer = scoped.get(&path).await.ok();
                    let text = answer.to_string();
                    let told = said(row).iter().any(|said| text.contains(&escaped(said)));
                    assert_eq!(told, may_read, "{access}, {}: {path}", caller.name);
                    assert_eq!(answer["content_available"], may_read, "{access}, {}: {path}", caller.name);
                    if may_read {
                        read += 1;
                    } else {
                        assert_eq!(answer["content_unavailable_reason"], "not_permitted");
                        withheld += 1;
                    }
                }
            }
        }
    }
    assert!(read > 100 && withheld > 100, "{read} read, {withheld} withheld");
}

/// A text as it stands within JSON.
fn escaped(text: &str) -> String {
    let quoted = json!(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[tokio::test]
async fn every_route_but_the_open_ones_asks_who_is_there_before_anything_else() {
    let app = guarded(&App::in_process(RELEASE).await, "all");
    for endpoint in endpoints::all() {
        let path = endpoint.with_id("any");
        let is_open = OPEN.contains(&endpoint.path.as_str());
        let documented = endpoint.operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
        assert_eq!(documented, !is_open, "{path}: the document's word on logins");
        // What is asked does not matter yet.
        for query in ["", "?limit=0&no_such_parameter=1"] {
            let path = format!("{path}{query}");
            let answer = match endpoint.method {
                Method::POST => app.post_text(&path, "no JSON", None).await,
                _ => app.get(&path).await,
            };
            if is_open {
                assert_ne!(answer.status, 401, "{path}");
            } else {
                let _ = answer.problem(401);
                assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"llm-traceability-api\"", "{path}");
            }
        }
    }
}

/// Words that stand in a request that may not be read, and again in one that may, are there to be read.
#[tokio::test]
async fn what_is_withheld_leaves_no_trace_in_what_is_read() {
    let start = now() - chrono::Duration::hours(2);
    let said = json!({"messages": [{"role": "user", "content": "the very same words"}]});
    let request = |user: &str, minute| {
        let fields = json!({"user": user, "session_id": "s", "team_id": "t", "proxy_server_request": said});
        made::row(user, start + chrono::Duration::minutes(minute), fields)
    };
    let rows = [request("bob", 0), request("alice", 1), request("bob-2", 2)];
    let database = made::database("access_withheld", &rows).await;
    let mut conn = database.connect().await;
    let token = format!("{:x}", Sha256::digest("sk-alice"));
    let sql = format!(
        r#"INSERT INTO "LiteLLM_UserTable" (user_id, user_role, teams) VALUES ('alice', 'internal_user', '{{t}}');
           INSERT INTO "LiteLLM_TeamTable" (team_id, members_with_roles)
               VALUES ('t', '[{{"role": "admin", "user_id": "alice"}}]');
           INSERT INTO "LiteLLM_VerificationToken" (token, user_id) VALUES ('{token}', 'alice')"#
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.expect("alice is there");
    conn.close().await.expect("closed");
    let app = App::over(database, now(), &[]).with_access(&[("AUTH_MODE", "litellm"), ("CONTENT_ACCESS", "owners")]);
    let alice = app.with_key("sk-alice");
    // As one page, and as pages of one request each, which have to remember what was told.
    for limit in [1000, 1] {
        let (requests, _) = alice.all_pages(&format!("/api/v1/sessions/s/messages?limit={limit}")).await;
        let text = |request: &Value| request["messages"][0]["text"].clone();
        let told: Vec<Value> = requests.iter().map(text).collect();
        assert_eq!(told, [json!(null), json!("the very same words"), json!(null)], "{requests:#?}");
        let reason = |request: &Value| request["content_unavailable_reason"].clone();
        assert_eq!(requests.iter().map(reason).collect::<Vec<_>>()[..2], [json!("not_permitted"), json!("not_stored")]);
    }
}
