//! A cursor is good for the list it came from, with the filters it came from, and for nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::fixtures::Release;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tests::{App, encode, rows};
use traceability_http::Cursor;

const RELEASE: Release = Release::V1_109_1;

/// Sessions that have several requests.
fn long_sessions() -> Vec<String> {
    let log = rows::log(RELEASE);
    let of = |id: &str| log.iter().filter(|row| rows::session(row) == id).count();
    let mut sessions: Vec<String> = log.iter().map(|row| rows::session(row).to_owned()).collect();
    sessions.sort();
    sessions.dedup();
    sessions.into_iter().filter(|id| of(id) > 3).take(2).collect()
}

/// Lists with a page to come, no two of them the same list.
fn lists() -> Vec<String> {
    let mut lists: Vec<String> = [
        "/api/v1/requests?limit=1",
        "/api/v1/requests?limit=1&status=success",
        "/api/v1/requests?limit=1&timezone=Europe/Berlin",
        "/api/v1/requests?limit=1&start_date=2026-11-01",
        "/api/v1/sessions?limit=1",
        "/api/v1/sessions?limit=1&sort=cost",
        "/api/v1/sessions?limit=1&sort=cost&order=asc",
        "/api/v1/sessions?limit=1&status=success",
        "/api/v1/sessions?limit=1&min_cost=0.00001",
    ]
    .map(str::to_owned)
    .to_vec();
    lists.extend(long_sessions().iter().map(|id| format!("/api/v1/sessions/{}/messages?limit=1", encode(id))));
    lists
}

async fn cursor_of(app: &App, list: &str) -> String {
    let answer = app.get(list).await;
    let _ = answer.ok();
    let next = answer.next().unwrap_or_else(|| panic!("{list} has one page"));
    next.split_once("cursor=").expect("the link has a cursor").1.to_owned()
}

#[tokio::test]
async fn a_cursor_leads_on_in_its_own_list_and_is_refused_in_every_other() {
    let app = App::of_release(RELEASE).await;
    let lists = lists();
    for own in &lists {
        let cursor = cursor_of(&app, own).await;
        for list in &lists {
            let answer = app.get(&format!("{list}&cursor={cursor}")).await;
            if list == own {
                assert_eq!(answer.status, 200, "{}", answer.text);
            } else {
                assert_eq!(answer.blamed(), ["cursor"], "the cursor of {own} in {list}");
            }
        }
        let wider = own.replace("limit=1", "limit=5");
        assert_eq!(app.get(&format!("{wider}&cursor={cursor}")).await.status, 200, "a page may be of another size");
        if !own.contains("/messages") {
            let answer = app.get(&format!("{own}&offset=1&cursor={cursor}")).await;
            assert_eq!(answer.blamed(), ["offset"]);
            assert!(answer.text.contains("must not be combined with cursor"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn listing_and_searching_with_the_same_filters_are_one_list() {
    let app = App::of_release(RELEASE).await;
    let cursor = cursor_of(&app, "/api/v1/sessions?limit=2&status=success").await;
    let listed = app.get(&format!("/api/v1/sessions?limit=2&status=success&cursor={cursor}")).await.ok();
    let target = format!("/api/v1/sessions/search?limit=2&cursor={cursor}");
    assert_eq!(app.post(&target, &json!({"status": "success"})).await.ok(), listed);
    assert_eq!(app.post(&target, &json!({})).await.blamed(), ["cursor"]);
    assert_eq!(app.post(&target, &json!({"status": "failure"})).await.blamed(), ["cursor"]);
}

#[tokio::test]
async fn a_cursor_that_was_altered_cut_or_lengthened_is_refused() {
    let app = App::of_release(RELEASE).await;
    for list in ["/api/v1/requests?limit=1", "/api/v1/sessions?limit=1"] {
        let cursor = cursor_of(&app, list).await;
        let mut altered: Vec<String> = (1..cursor.len()).step_by(5).map(|end| cursor[..end].to_owned()).collect();
        for at in (0..cursor.len()).step_by(3) {
            let with = if cursor.as_bytes()[at] == b'A' { 'B' } else { 'A' };
            altered.push(format!("{}{with}{}", &cursor[..at], &cursor[at + 1..]));
        }
        altered.extend([format!("{cursor}A"), format!("{cursor}=="), cursor.to_lowercase(), "A".repeat(10_000)]);
        altered.push(format!("2{}", &cursor[1..]));
        for altered in altered {
            assert_eq!(app.get(&format!("{list}&cursor={altered}")).await.blamed(), ["cursor"], "{altered}");
        }
    }
}

/// The caller, where nobody has to log in, as a cursor has it.
const ANYONE: (&str, &str, Option<&str>) = ("anonymous", "anyone", None);

/// The check sum of a cursor keeps it from being mixed up; it is no secret, so that anybody can make one up.
#[tokio::test]
async fn a_cursor_that_was_forged_is_refused_or_leads_somewhere_but_breaks_nothing() {
    let app = App::of_release(RELEASE).await;
    for sort in ["start", "last_activity", "cost", "tokens", "duration", "requests"] {
        let list = format!("/api/v1/sessions?limit=1&sort={sort}");
        let genuine = cursor_of(&app, &list).await;
        let position = payload(&genuine);
        let query = sessions_query(sort);
        assert_eq!(Cursor::encode(&query, &RawValue::from_string(position.clone()).expect("JSON")), genuine);
        let genuine: Value = serde_json::from_str(&position).expect("JSON");
        for value in
            ["", "abc", "NaN", "Infinity", "1e999999999", "-1", "1e400", "9999999999999999999999", "0x1", "1; --"]
        {
            let mut forged = genuine.clone();
            forged["value"] = json!(value);
            let cursor = Cursor::encode(&query, &forged);
            let answer = app.get(&format!("{list}&cursor={cursor}")).await;
            assert!(matches!(answer.status.as_u16(), 200 | 422), "{sort} from {value:?}: {}", answer.text);
        }
        for (field, value) in [
            ("as_of", json!("1970-01-01T00:00:00Z")),
            ("as_of", json!("+262142-12-31T23:59:59Z")),
            ("as_of", json!("-262143-01-01T00:00:00Z")),
            ("as_of", json!(1)),
            ("session_id", json!("a\u{0}b")),
            ("session_id", json!("")),
            ("session_id", json!(null)),
        ] {
            let mut forged = genuine.clone();
            forged[field] = value.clone();
            let cursor = Cursor::encode(&query, &forged);
            let answer = app.get(&format!("{list}&cursor={cursor}")).await;
            assert!(matches!(answer.status.as_u16(), 200 | 422), "{sort}, {field} {value}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_forged_place_in_a_session_breaks_nothing() {
    let app = App::of_release(RELEASE).await;
    let session = long_sessions().remove(0);
    let list = format!("/api/v1/sessions/{}/messages?limit=1", encode(&session));
    let genuine: Value = serde_json::from_str(&payload(&cursor_of(&app, &list).await)).expect("JSON");
    for (field, value) in [
        ("sequence", json!(u64::MAX)),
        ("sequence", json!(-1)),
        ("started_at", json!("+262142-12-31T23:59:59Z")),
        ("started_at", json!("-262143-01-01T00:00:00Z")),
        ("request_id", json!("a\u{0}b")),
        ("tips", json!([[i64::MAX, 0], [i64::MIN, u32::MAX], [0, 0]])),
        ("tips", json!([[8_210_266_876_799_999_i64, 0]])),
        ("tips", json!("x")),
    ] {
        let mut forged = genuine.clone();
        forged[field] = value.clone();
        let cursor = Cursor::encode(&(ANYONE, "session messages", &session), &forged);
        let answer = app.get(&format!("{list}&cursor={cursor}")).await;
        assert!(matches!(answer.status.as_u16(), 200 | 404 | 422), "{field} {value}: {}", answer.text);
    }
}

/// What a cursor carries.
fn payload(cursor: &str) -> String {
    let token = URL_SAFE_NO_PAD.decode(&cursor[1..]).expect("a cursor is base64");
    String::from_utf8(token[12..].to_vec()).expect("its payload is text")
}

/// What names a list of all sessions, as the API hashes it.
fn sessions_query(sort: &str) -> Box<RawValue> {
    let filters = "{\"agent_name\":null,\"user_id\":null,\"model\":null,\"provider\":null,\"end_user\":null,\"team_id\":null,\
         \"key\":null,\"tag\":null,\"tool\":null,\"conversation_name\":null,\"id_prefix\":null,\"origin\":null,\"start_date\":null,\
         \"end_date\":null,\"timezone\":\"UTC\",\"min_cost\":null,\"max_cost\":null,\"min_requests\":null,\"min_tokens\":null,\
         \"min_duration\":null,\"has_tool_calls\":null,\"status\":null}";
    let query = format!(r#"[["anonymous","anyone",null],"sessions",{filters},{{"sort":"{sort}","order":"desc"}}]"#);
    RawValue::from_string(query).expect("JSON")
}
