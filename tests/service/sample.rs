//! The sample in a database that is not the runner's own.

use chrono::{DateTime, TimeDelta, Utc};
use local::Error;
use local::sample::{self, Filled};
use sqlx::{Connection, PgConnection};
use tests::Database;

async fn times(conn: &mut PgConnection) -> (i64, DateTime<Utc>) {
    sqlx::query_as(r#"SELECT count(*), max("endTime") AT TIME ZONE 'UTC' FROM "LiteLLM_SpendLogs""#)
        .fetch_one(conn)
        .await
        .expect("the log")
}

#[tokio::test]
async fn the_sample_is_loaded_once_and_never_moved() {
    let database = Database::empty("sample_once").await;
    let mut conn = database.connect().await;
    let now = Utc::now();
    assert!(matches!(sample::fill(&mut conn, now).await.expect("it is empty"), Filled::Now(rows) if rows > 1_700));
    let (count, newest) = times(&mut conn).await;
    assert!(newest < now && now - newest < TimeDelta::minutes(2), "{newest}");
    // The runner's own database would have moved its rows by now.
    let later = now + TimeDelta::days(7);
    assert_eq!(sample::fill(&mut conn, later).await.expect("it is ours"), Filled::Before);
    assert_eq!(times(&mut conn).await, (count, newest));
    conn.close().await.expect("closed");
}

#[tokio::test]
async fn a_database_of_litellm_is_not_touched() {
    let database = Database::empty("sample_foreign").await;
    let mut conn = database.connect().await;
    // Not where the sample would go, and not the log: a LiteLLM that was told to use a schema of its own, in the middle
    // of its first start.
    sqlx::raw_sql(r#"CREATE SCHEMA proxy; CREATE TABLE proxy."LiteLLM_BudgetTable" (budget_id text)"#)
        .execute(&mut conn)
        .await
        .expect("a table");
    let refused = sample::fill(&mut conn, Utc::now()).await;
    assert!(matches!(refused, Err(Error::Foreign)), "{refused:?}");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s.%s', schemaname, tablename) FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&mut conn)
    .await
    .expect("the tables");
    assert_eq!(tables, ["proxy.LiteLLM_BudgetTable"]);
    conn.close().await.expect("closed");
}
