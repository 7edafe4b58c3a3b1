//! Behind a pooler that shares server connections between its clients, everything is as it is without, and nothing of
//! ours is left on a connection that LiteLLM gets next.

use std::sync::Arc;

use local::fixtures::Release;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::faults::{api_at, ask_everything};
use tests::pgbouncer::PgBouncer;
use tests::{App, Database, Logs, endpoints, rows};

const RELEASE: Release = Release::V1_80_0;
/// Ignores what it would refuse: then nothing tells of the pooler but what is missing afterwards.
const SILENT: &str = "ignore_startup_parameters = extra_float_digits,options";

async fn one<T>(conn: &mut PgConnection, sql: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_one(conn).await.expect("an answer")
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server and pgbouncer"]
async fn every_answer_is_the_same_as_without_a_pooler() {
    let direct = App::of_release(RELEASE).await;
    let url = direct.database.url().to_owned();
    let mut server = direct.database.connect().await;
    for (extra, parameters) in
        [("", ""), (SILENT, ""), ("", "?pgbouncer=true"), (SILENT, "?pgbouncer=true&connection_limit=1")]
    {
        let pooler = PgBouncer::before(&url, extra).await;
        let mut behind = url::Url::parse(&pooler.url(&url)).expect("a URL");
        behind.query_pairs_mut().extend_pairs(url::form_urlencoded::parse(parameters.as_bytes()));
        let database = Arc::new(Database::at(behind.as_str()));
        let app = App::over(database, direct.now, &[("DATABASE_MAX_CONNECTIONS", "4")]);
        for row in rows::log(RELEASE).iter().step_by(60) {
            for endpoint in
                endpoints::over_the_log().into_iter().filter(|endpoint| endpoint.method == http::Method::GET)
            {
                let session = endpoint.path.contains("session_id");
                let id = if session { rows::session(row) } else { row["request_id"].as_str().expect("an id") };
                let path = endpoint.with_id(id);
                assert_eq!(app.get(&path).await.text, direct.get(&path).await.text, "{path}");
                let open: i64 = one(
                    &mut server,
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'",
                )
                .await;
                assert_eq!(open, 0, "{path} keeps a transaction open after its answer");
            }
        }
        // Four at a time over the one server connection.
        for (path, answer) in ask_everything(&app, "no-such-id").await {
            assert!(matches!(answer.status.as_u16(), 200 | 404), "{path}: {}", answer.text);
        }
        // The same server connection, in the hands of another client.
        let mut client = pooler.connect(&url).await;
        assert_eq!(one::<String>(&mut client, "SELECT current_setting('default_transaction_read_only')").await, "off");
        assert_eq!(one::<String>(&mut client, "SELECT current_setting('statement_timeout')").await, "0");
        assert_eq!(one::<String>(&mut client, "SELECT current_setting('work_mem')").await, "4MB");
        let prepared: Option<String> =
            one(&mut client, "SELECT string_agg(statement, '; ') FROM pg_prepared_statements WHERE name <> ''").await;
        assert_eq!(prepared, None);
        app.state.db.close().await;
        client.close().await.expect("closed");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server and pgbouncer"]
async fn a_pooler_shares_no_right_to_write_and_no_endless_statement_with_us() {
    let database = tests::database::Database::empty("pooler_limits").await;
    let mut server = database.connect().await;
    local::fixtures::load_schema(&mut server, Release::V1_109_1).await.expect("the schema loads");
    let pooler = PgBouncer::before(database.url(), "").await;
    let app = api_at(&pooler.url(database.url()), &[("STATEMENT_TIMEOUT_MS", "300")]);
    let mut connection = app.state.db.connect().await.expect("a connection");
    let refused = sqlx::raw_sql("CREATE TABLE written ()").execute(&mut connection.conn).await.expect_err("read only");
    let code = refused.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    assert_eq!(code.as_deref(), Some("25006"), "{refused}");
    drop(connection);

    let overview = "/api/v1/analytics/overview";
    assert_eq!(app.get(overview).await.status, 200);
    let mut writer = server.begin().await.expect("a transaction");
    sqlx::raw_sql(r#"LOCK TABLE "LiteLLM_SpendLogs" IN ACCESS EXCLUSIVE MODE"#)
        .execute(&mut *writer)
        .await
        .expect("locked");
    let _ = app.get(overview).await.problem(504);
    // A client that hangs up in the middle leaves no transaction behind, which would keep LiteLLM out of the pooler.
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(100), app.get(overview)).await;
    assert!(given_up.is_err(), "the table was not locked");
    writer.rollback().await.expect("rolled back");
    let mut other = pooler.connect(database.url()).await;
    let answer = tokio::time::timeout(std::time::Duration::from_secs(5), one::<i32>(&mut other, "SELECT 1")).await;
    assert_eq!(answer, Ok(1), "another client waits for the server connection");
    assert_eq!(app.get(overview).await.status, 200);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server and pgbouncer"]
async fn what_the_role_has_set_already_is_not_set_again() {
    let database = tests::database::Database::empty("pooler_role").await;
    let mut server = database.connect().await;
    local::fixtures::load_schema(&mut server, Release::V1_109_1).await.expect("the schema loads");
    let role = "traceability_test_pooler_reader";
    let statements = format!(
        r#"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'hunter2';
           GRANT SELECT ON "LiteLLM_SpendLogs" TO {role};
           ALTER ROLE {role} SET statement_timeout = '3s'; ALTER ROLE {role} SET jit = off;
           ALTER ROLE {role} SET enable_memoize = off; ALTER ROLE {role} SET work_mem = '32MB';"#
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut server).await.expect("a role");
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username(role).expect("a name");
    url.set_password(Some("hunter2")).expect("a password");
    let pooler = PgBouncer::before(url.as_str(), "").await;
    let app = api_at(&pooler.url(url.as_str()), &[]);
    let logs = Logs::collect();
    for _ in 0..2 {
        assert_eq!(app.get("/api/v1/analytics/overview").await.status, 200);
    }
    let statements = logs.take_statements();
    assert!(statements.iter().any(|sql| sql.starts_with("BEGIN READ ONLY")), "{statements:?}");
    assert!(!statements.iter().any(|sql| sql.contains("SET ")), "{statements:?}");
    app.state.db.close().await;
    drop(pooler);
    sqlx::raw_sql(AssertSqlSafe(format!("DROP OWNED BY {role}; DROP ROLE {role}")))
        .execute(&mut server)
        .await
        .expect("dropped");
}
