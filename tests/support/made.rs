//! Rows made by hand, for what LiteLLM's own rows do not show.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Database;
use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::{SCHEMA_VERSIONS, unqualified};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgExecutor, Postgres, QueryBuilder};
use tokio::sync::{MutexGuard, OnceCell};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_db::DbError;
use traceability_facts::{Beside, Fact, RowSelector};
use traceability_queries::source::RequestSource;

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
pub async fn insert<C>(conn: &mut C, rows: &[Value])
where
    for<'c> &'c mut C: PgExecutor<'c>,
{
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

/// Adds rows to a database.
pub async fn add(database: &Database, rows: &[Value]) {
    let mut conn = database.connect().await;
    insert(&mut conn, rows).await;
    conn.close().await.expect("closed");
}

/// A schema of its own, empty, in a database that tests of the projection share.
pub struct Scratch {
    /// The database's one connection, on that schema.
    pub conn: PgConnection,
    _turn: MutexGuard<'static, ()>,
}

impl Scratch {
    /// Creates the schema.
    pub async fn new(name: &str) -> Self {
        static SHARED: OnceCell<Database> = OnceCell::const_new();
        let database = SHARED.get_or_init(|| Database::empty("scratch")).await;
        let turn = database.exclusively().await;
        let mut conn = database.connect().await;
        let statements = format!("CREATE SCHEMA {name}; SET search_path TO {name};");
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut conn).await.expect("a schema");
        Self { conn, _turn: turn }
    }

    /// All facts of all rows, by request.
    pub async fn facts(&mut self, paths: &NamePaths) -> BTreeMap<String, Value> {
        let facts = RequestSource::probe(&mut self.conn, paths).await.expect("there is a log");
        let mut sql = QueryBuilder::<Postgres>::new("SELECT to_jsonb(f) FROM ");
        facts.push_requests(&mut sql, &Fact::ALL, Beside::Nothing, RowSelector::All, &Scope::AllRows);
        sql.push(" AS f");
        let rows: Vec<Value> = sql.build_query_scalar().fetch_all(&mut self.conn).await.expect("the facts are read");
        rows.into_iter().map(|row| (row["request_id"].as_str().expect("an id").to_owned(), row)).collect()
    }

    /// Why there are no facts.
    pub async fn refusal(&mut self) -> DbError {
        RequestSource::probe(&mut self.conn, &NamePaths::default()).await.expect_err("there is no readable log")
    }

    /// Runs statements.
    pub async fn run(&mut self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut self.conn).await.expect(statements);
    }
}
