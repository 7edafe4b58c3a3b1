//! A caller sees its own rows, and everything it is told is as if there were no others.
//!
//! The independent computation is the simplest there is: a database in which the other rows are not.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::Method;
use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tests::{App, Database, encode, endpoints, rows};
use traceability::access::{OwnRows, Scope};

const RELEASE: Release = Release::V1_109_1;
/// Sessions that clients of several teams have in common, as they do who count them from 1.
const SHARED: [&str; 2] = ["1", "chat"];

/// Whose rows a scope has, said twice: for the API, and as a predicate over LiteLLM's JSON rows.
struct Case {
    name: &'static str,
    scope: Scope,
    has: fn(&Value) -> bool,
}

fn owned(names: impl FnOnce(OwnRows) -> OwnRows) -> Scope {
    Scope::Own(names(OwnRows::default()))
}

fn one(name: &str) -> [String; 1] {
    [name.to_owned()]
}

fn cases() -> Vec<Case> {
    vec![
        Case { name: "nobody", scope: owned(|own| own), has: |_| false },
        Case { name: "the user none", scope: owned(|own| own.of_users(one(""))), has: |_| false },
        Case {
            name: "a user",
            scope: owned(|own| own.of_users(one("alice"))),
            has: |row| rows::text(row, "user") == Some("alice"),
        },
        Case {
            name: "a team",
            scope: owned(|own| own.of_teams(one("team-support"))),
            has: |row| rows::text(row, "team_id") == Some("team-support"),
        },
        Case {
            name: "a user and the teams she leads",
            scope: owned(|own| own.of_users(one("bob")).of_teams(["team-data".into(), "team-of-nobody".into()])),
            has: |row| rows::text(row, "user") == Some("bob") || rows::text(row, "team_id") == Some("team-data"),
        },
        Case { name: "all", scope: Scope::AllRows, has: |_| true },
    ]
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

/// What is asked: every endpoint, for shared sessions and for requests of all owners, with filters that reach beyond.
fn questions() -> Vec<(Method, String)> {
    let log = rows::log(RELEASE);
    let requests: Vec<&str> = log.iter().step_by(97).map(|row| row["request_id"].as_str().expect("an id")).collect();
    let sessions: Vec<&str> = log.iter().step_by(131).map(rows::session).chain(SHARED).collect();
    let mut questions = Vec::new();
    for endpoint in endpoints::over_the_log() {
        let ids = match endpoint.path_parameter() {
            Some("session_id") => sessions.clone(),
            Some(_) => requests.clone(),
            None => vec![""],
        };
        for path in ids.into_iter().map(|id| endpoint.with_id(id)) {
            questions.push((endpoint.method.clone(), path.clone()));
            for filter in [
                "user_id=alice",
                "user_id=bob",
                "team_id=team-data",
                "team_id=unknown",
                "sort=cost",
                "group_by=user",
                "group_by=key",
                "group_by=tag",
                "status=failure",
                "limit=3",
                "min_cost=0.001",
            ] {
                if endpoint.takes(filter.split_once('=').expect("a filter").0) {
                    questions.push((endpoint.method.clone(), format!("{path}?{filter}")));
                }
            }
        }
    }
    questions
}

/// An answer without the request's own id and its cursor's check sum.
async fn ask(app: &App, method: &Method, path: &str) -> (u16, String, Option<String>) {
    let answer = if *method == Method::POST { app.post(path, &json!({})).await } else { app.get(path).await };
    let id = answer.headers["x-request-id"].to_str().expect("an id");
    (answer.status.as_u16(), answer.text.replace(id, "id"), answer.next())
}

#[tokio::test]
async fn every_answer_is_as_if_there_were_no_other_rows() {
    let whole = app("scopes_whole", |_| true).await;
    let mut differences = 0;
    for (index, case) in cases().into_iter().enumerate() {
        let alone = app(&format!("scopes_{index}"), case.has).await;
        let mut state = whole.state.clone();
        state.scope = case.scope.clone();
        let scoped = App::with_state(Arc::clone(&whole.database), now(), state);
        for (method, path) in questions() {
            let (seen, expected) = (ask(&scoped, &method, &path).await, ask(&alone, &method, &path).await);
            assert_eq!(seen, expected, "{}: {method} {path}", case.name);
            differences += usize::from(seen != ask(&whole, &method, &path).await);
        }
        alone.state.db.close().await;
    }
    assert!(differences > 200, "the scopes make a difference for {differences} answers only");
}

#[tokio::test]
async fn what_is_out_of_scope_is_what_does_not_exist() {
    let whole = app("scopes_hidden", |_| true).await;
    let mut state = whole.state.clone();
    state.scope = owned(|own| own.of_users(one("alice")));
    let scoped = App::with_state(Arc::clone(&whole.database), now(), state);
    let log = rows::log(RELEASE);
    let foreign = log.iter().filter(|row| rows::text(row, "user") != Some("alice")).step_by(50);
    for row in foreign {
        let id = row["request_id"].as_str().expect("an id");
        for path in ["/api/v1/requests/{}", "/api/v1/requests/{}/messages"] {
            let mut answers = Vec::new();
            for id in [id, "no-such-request"] {
                let path = path.replace("{}", &encode(id));
                let (status, text, _) = ask(&scoped, &Method::GET, &path).await;
                answers.push((status, text.replace(&path, "path")));
            }
            assert_eq!(answers[0], answers[1]);
            assert_eq!(answers[0].0, 404);
        }
    }
}

#[tokio::test]
async fn a_scope_of_agents_has_the_rows_that_go_by_their_names() {
    let whole = app("scopes_agents", |_| true).await;
    let mut agents = whole.get("/api/v1/analytics/agents?days=365").await.ok();
    let agents = agents.as_array_mut().expect("a list");
    assert!(agents.len() > 3, "{agents:?}");
    for agent in agents.iter().filter(|agent| agent["agent_name"] != "unknown") {
        let name = agent["agent_name"].as_str().expect("a name");
        let mut state = whole.state.clone();
        state.scope = owned(|own| own.of_agents(one(name)));
        let scoped = App::with_state(Arc::clone(&whole.database), now(), state);
        let seen = scoped.get("/api/v1/analytics/agents?days=365").await.ok();
        assert_eq!(seen, json!([agent]), "{name}");
        let overview = scoped.get("/api/v1/analytics/overview?days=365").await.ok();
        assert_eq!(overview["total_requests"], agent["total_interactions"], "{name}");
        let asked = whole.get(&format!("/api/v1/analytics/overview?days=365&agent_name={}", encode(name))).await.ok();
        assert_eq!(overview, asked, "{name}");
    }
}
