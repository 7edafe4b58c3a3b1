//! The log belongs to LiteLLM: nothing that is asked of the API changes a row, a table, or anything else.

use local::fixtures::Release;
use sqlx::{AssertSqlSafe, Connection};
use tests::{App, Database, encode, endpoints, rows};

const RELEASE: Release = Release::V1_80_0;

/// Everything in the database: each table's name, rows and columns.
async fn content(database: &Database) -> Vec<(String, i64, Option<String>)> {
    let mut conn = database.connect().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    )
    .fetch_all(&mut conn)
    .await
    .expect("the tables");
    let mut content = Vec::new();
    for table in tables {
        let sql = format!("SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM {table} t");
        let (count, sum) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut conn).await.expect("a sum");
        content.push((table, count, sum));
    }
    conn.close().await.expect("closed");
    content
}

#[tokio::test]
async fn asking_everything_changes_nothing() {
    let database = Database::of_release(RELEASE).await;
    let before = content(&database).await;
    assert!(before.iter().any(|(_, count, _)| *count > 200), "{before:?}");
    let app = App::of_release(RELEASE).await;
    for row in rows::log(RELEASE).iter().step_by(20) {
        for endpoint in endpoints::all() {
            let id = if endpoint.path.contains("session_id") {
                rows::session(row)
            } else {
                row["request_id"].as_str().expect("")
            };
            let path = endpoint.with_id(id);
            let answer = if endpoint.method == http::Method::POST {
                app.post(&path, &serde_json::json!({"user_id": "'; DELETE FROM \"LiteLLM_SpendLogs\"; --"})).await
            } else {
                app.get(&path).await
            };
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        }
        let evil = encode("x'; UPDATE \"LiteLLM_SpendLogs\" SET spend = 0; --");
        let _ = app.get(&format!("/api/v1/requests?tag={evil}")).await.ok();
    }
    app.state.db.close().await;
    assert_eq!(content(&database).await, before);
}

#[tokio::test]
async fn its_sessions_cannot_write() {
    let app = App::of_release(RELEASE).await;
    let mut connection = app.state.db.connect().await.expect("a connection");
    for write in [
        "CREATE TABLE written ()",
        "DELETE FROM \"LiteLLM_SpendLogs\"",
        "UPDATE \"LiteLLM_SpendLogs\" SET spend = 0",
        "DROP INDEX IF EXISTS \"LiteLLM_SpendLogs_startTime_idx\"",
    ] {
        let error = sqlx::raw_sql(write).execute(&mut connection.conn).await.expect_err(write);
        let code =
            error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned);
        assert_eq!(code.as_deref(), Some("25006"), "{write}: {error}");
    }
    drop(connection);
}
