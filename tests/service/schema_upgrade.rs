//! LiteLLM is upgraded under the running service, or somebody changes its tables.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use local::fixtures::SCHEMA_VERSIONS;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::clock::HandClock;
use tests::database::{number, run};
use tests::index::{self, Task};
use tests::made;
use tests::{App, Database, Logs};
use traceability_core::environment::Environment;
use traceability_db::config::DatabaseConfig;
use traceability_index::refresh::{Refresh, RefreshConfig};
use traceability_queries::source::RequestSource;

const LISTING: &str = "/api/v1/requests";
const KEY: &str = "sk-of-alice";

/// A database with the tables of the oldest release, a request of alice's, and her key.
async fn oldest(name: &str, start: DateTime<Utc>) -> Arc<Database> {
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    made::create_tables(&mut conn, 1).await;
    made::insert(&mut conn, &[made::row("before", start, json!({"user": "alice"}))]).await;
    sqlx::Connection::close(conn).await.expect("closed");
    let hash = format!("{:x}", Sha256::digest(KEY));
    let sql = format!(r#"INSERT INTO "LiteLLM_VerificationToken" (token, user_id) VALUES ('{hash}', 'alice')"#);
    run(&database, &sql).await;
    Arc::new(database)
}

/// Adds the tables and columns that the newest release has.
async fn upgrade(database: &Database) {
    let mut conn = database.connect().await;
    sqlx::raw_sql("CREATE SCHEMA newest; SET search_path TO newest").execute(&mut conn).await.expect("a schema");
    made::create_tables(&mut conn, SCHEMA_VERSIONS.len()).await;
    sqlx::Connection::close(conn).await.expect("closed");
    run(
        database,
        r"DO $$
          DECLARE n record;
          BEGIN
            FOR n IN SELECT t.relname AS name, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type,
                            COALESCE('DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS value,
                            to_regclass('public.' || quote_ident(t.relname)) IS NULL AS is_new
                     FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
                     LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
                     WHERE t.relnamespace = 'newest'::regnamespace AND t.relkind = 'r' LOOP
              IF NOT n.is_new THEN
                EXECUTE format('ALTER TABLE public.%I ADD COLUMN IF NOT EXISTS %I %s %s', n.name, n.column, n.type, n.value);
              ELSIF to_regclass('public.' || quote_ident(n.name)) IS NULL THEN
                EXECUTE format('ALTER TABLE newest.%I SET SCHEMA public', n.name);
              END IF;
            END LOOP;
          END $$",
    )
    .await;
}

async fn sessions(app: &App) -> Vec<Value> {
    let list = app.get(LISTING).await.ok();
    list.as_array().expect("a list").iter().map(|row| row["session_id"].clone()).collect()
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_upgrade_of_litellm_is_noticed_within_a_minute() {
    let start = Utc::now() - TimeDelta::hours(1);
    for (name, settings) in [("upgrade_off", &[("INDEX", "off")][..]), ("upgrade_index", &[])] {
        let database = oldest(name, start).await;
        if settings.is_empty() {
            index::fill(&database).await;
        }
        let hand = HandClock::at(Utc::now());
        let app = hand.of(&App::over(Arc::clone(&database), Utc::now(), settings));
        let alice = app.with_access(&[("AUTH_MODE", "litellm")]).with_key(KEY);
        assert_eq!(sessions(&alice).await, ["before"], "{name}");
        upgrade(&database).await;
        let limit = r#"UPDATE "LiteLLM_VerificationToken" SET allowed_routes = '{/chat/completions}'"#;
        run(&database, limit).await;
        run(&database, r#"UPDATE "LiteLLM_SpendLogs" SET session_id = 'of-before'"#).await;
        hand.moves_by(61);
        assert_eq!(alice.get(LISTING).await.status, 403, "{name}: the key is limited now");
        if !settings.is_empty() {
            assert_eq!(sessions(&app).await, ["of-before"], "{name}");
        }
        for (key_type, blocked, status) in [("'llm_api'", "NULL", 403), ("NULL", "true", 401), ("NULL", "false", 200)] {
            let sql = format!(
                r#"UPDATE "LiteLLM_VerificationToken"
                   SET allowed_routes = '{{}}', key_type = {key_type}, blocked = {blocked}"#
            );
            run(&database, &sql).await;
            hand.moves_by(31);
            assert_eq!(alice.get(LISTING).await.status, status, "{name}: {key_type}, {blocked}");
        }

        // What cannot be known again opens nothing by what was known before.
        run(&database, r#"ALTER TABLE "LiteLLM_SpendLogs" RENAME COLUMN cache_key TO hidden"#).await;
        hand.moves_by(61);
        let _ = alice.get(LISTING).await.problem(503);
        hand.moves_by(-61);
        let _ = alice.get(LISTING).await.problem(503);
        run(&database, r#"ALTER TABLE "LiteLLM_SpendLogs" RENAME COLUMN hidden TO cache_key"#).await;
        assert_eq!(alice.get(LISTING).await.status, 200, "{name}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn requests_at_once_ask_for_the_columns_once() {
    let database = made::database("upgrade_once", &[]).await;
    let hand = HandClock::at(Utc::now());
    let app =
        hand.of(&App::over(Arc::clone(&database), Utc::now(), &[("DATABASE_MAX_CONNECTIONS", "8"), ("INDEX", "off")]));
    let facts = || async {
        let direct = |_| async {
            match app.state.db.log().await.expect("a session").facts {
                RequestSource::Log(direct) => direct,
                RequestSource::Index(_) => panic!("it is the log"),
            }
        };
        let directs = join_all((0..20).map(direct)).await;
        assert!(directs.iter().all(|direct| Arc::ptr_eq(direct, &directs[0])), "it was asked several times");
        Arc::clone(&directs[0])
    };
    let first = facts().await;
    hand.moves_by(59);
    assert!(Arc::ptr_eq(&first, &facts().await));
    hand.moves_by(1);
    assert!(!Arc::ptr_eq(&first, &facts().await), "a minute later it is asked again");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_indexer_under_way_notices_the_upgrade() {
    let start = Utc::now() - TimeDelta::hours(1);
    let database = oldest("upgrade_indexer", start).await;
    index::migrate(&database).await;
    let environment: Environment = index::settings().into_iter().collect();
    let config = DatabaseConfig::with_url(database.url().to_owned(), &environment).expect("the settings are allowed");
    let settings = RefreshConfig::from_environment(&environment).expect("the settings are allowed");
    let mut nobody = ();
    let mut refresh = Refresh::open(&config, &config, settings, None, &mut nobody).await.expect("it starts");
    upgrade(&database).await;
    run(&database, r#"UPDATE "LiteLLM_SpendLogs" SET session_id = 'of-before'"#).await;
    assert!(refresh.run().await.expect("it ends well").complete);
    let known = "SELECT count(*) FROM traceability.facts WHERE session_id = 'of-before' AND NOT session_is_generated";
    assert_eq!(number(&database, known).await, 1);
}

/// An `ALTER TABLE` that waits for others, for instance.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_lock_on_the_log_ends_a_run_of_the_indexer_and_the_next_one_goes_on() {
    let start = Utc::now() - TimeDelta::hours(1);
    let database = made::database("log_locked", &[made::row("one", start, json!({}))]).await;
    index::migrate(&database).await;
    let environment: Environment = index::settings().into_iter().collect();
    let config = DatabaseConfig::with_url(database.url().to_owned(), &environment).expect("the settings are allowed");
    let settings = RefreshConfig::from_environment(&environment).expect("the settings are allowed");
    let settings = RefreshConfig { lock_timeout: std::time::Duration::from_millis(200), ..settings };
    let mut conn = database.connect().await;
    let lock = r#"BEGIN; LOCK TABLE "LiteLLM_SpendLogs" IN ACCESS EXCLUSIVE MODE"#;
    sqlx::raw_sql(lock).execute(&mut conn).await.expect("locked");
    let mut nobody = ();
    let refreshed = async { Refresh::open(&config, &config, settings, None, &mut nobody).await?.run().await };
    let error = refreshed.await.expect_err("the log is locked").to_string();
    assert!(error.starts_with("another connection holds a lock on LiteLLM's log"), "{error}");
    // Readers are told as well, before their statement is too slow.
    let app = tests::faults::api_at(database.url(), &[]);
    let logs = Logs::collect();
    let _ = app.get("/api/v1/analytics/overview").await.problem(503);
    let lines = logs.take().join("\n");
    assert!(lines.contains("holds a lock on LiteLLM's tables"), "{lines}");
    sqlx::raw_sql("ROLLBACK").execute(&mut conn).await.expect("unlocked");
    sqlx::Connection::close(conn).await.expect("closed");
    assert!(index::perform(database.url(), &index::settings(), Task::Run).await.expect("it goes on").complete);
    assert_eq!(number(&database, "SELECT count(*) FROM traceability.facts").await, 1);
}
