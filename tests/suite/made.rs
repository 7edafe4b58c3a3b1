//! Rows made by hand, for what LiteLLM's own rows do not show.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::{SCHEMA_VERSIONS, unqualified};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::Database;

/// A streamless success of one second, with the fields of `other` in place of its own.
pub fn row(id: &str, start: DateTime<Utc>, other: Value) -> Value {
    let time = |milliseconds| (start + TimeDelta::milliseconds(milliseconds)).naive_utc();
    let mut row = json!({
        "request_id": id, "call_type": "acompletion", "api_key": "hash", "spend": 0.001,
        "total_tokens": 15, "prompt_tokens": 10, "completion_tokens": 5,
        "startTime": time(0), "endTime": time(1000), "completionStartTime": time(1000),
        "model": "openai/gpt-4o", "model_id": "", "model_group": "gpt-4o", "custom_llm_provider": "openai",
        "api_base": "", "user": "", "metadata": {}, "cache_hit": "None", "cache_key": "Cache OFF", "request_tags": [],
        "team_id": "", "end_user": "", "requester_ip_address": null, "messages": {}, "response": {},
        "proxy_server_request": {}, "session_id": id, "status": "success", "mcp_namespaced_tool_name": null,
        "organization_id": "", "agent_id": null, "request_duration_ms": 1000, "created_at": time(0),
        "updated_at": time(0), "litellm_call_id": null, "billing_agent_id": null,
    });
    let fields = row.as_object_mut().expect("an object");
    let Value::Object(other) = other else { panic!("fields are an object") };
    for (name, value) in other {
        assert!(fields.insert(name.clone(), value).is_some(), "there is no column {name}");
    }
    row
}

/// Creates the log of a schema version, from 1, and its companions where the `search_path` points.
pub async fn create_tables(conn: &mut PgConnection, version: usize) {
    let ddl = unqualified(SCHEMA_VERSIONS[version - 1]);
    sqlx::raw_sql(AssertSqlSafe(ddl)).execute(conn).await.expect("the tables are made");
}

/// Adds rows; fields that the table has no column for are left out. Also through a connection of the API's, which only
/// reads by itself.
pub async fn insert(conn: &mut PgConnection, rows: &[Value]) {
    let insert = r#"INSERT INTO "LiteLLM_SpendLogs"
                    SELECT * FROM jsonb_populate_recordset(NULL::"LiteLLM_SpendLogs", $1)"#;
    sqlx::raw_sql("BEGIN READ WRITE").execute(&mut *conn).await.expect("a transaction");
    sqlx::query(insert).bind(Value::from(rows.to_vec())).execute(&mut *conn).await.expect("the rows fit");
    sqlx::raw_sql("COMMIT").execute(conn).await.expect("the rows are kept");
}

/// A database of its own with the newest tables and these rows.
pub async fn database(name: &str, rows: &[Value]) -> Arc<Database> {
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    create_tables(&mut conn, SCHEMA_VERSIONS.len()).await;
    insert(&mut conn, rows).await;
    sqlx::raw_sql("ANALYZE").execute(&mut conn).await.expect("ANALYZE");
    conn.close().await.expect("closed");
    Arc::new(database)
}
