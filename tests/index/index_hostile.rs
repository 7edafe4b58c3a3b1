//! What clients can write into a log: nothing of it keeps the indexer from its work.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sqlx::Connection;
use tests::any_rows::{any_row, some_rows};
use tests::database::run;
use tests::expected::Dice;
use tests::made;
use tests::made::add;
use tests::{App, Database, Pair, index};

/// A text that does not compress, so that no index of the database takes it.
fn long(dice: &mut Dice, length: usize) -> String {
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['ä', '語', '🔑']).collect();
    (0..length).map(|_| *dice.pick(&letters)).collect()
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn names_too_long_for_an_index_are_no_obstacle() {
    let mut dice = Dice(41);
    let database = made::database("index_hostile_long", &some_rows(&mut dice, "row", 30, 10)).await;
    index::fill(&database).await;
    // LiteLLM's own indexes of some of the columns would not take them, but not all releases have these.
    let drop = r#"DO $$ DECLARE i record; BEGIN FOR i IN SELECT indexrelid::regclass AS name FROM pg_index
        WHERE indrelid = '"LiteLLM_SpendLogs"'::regclass AND NOT indisprimary
        LOOP EXECUTE 'DROP INDEX ' || i.name; END LOOP; END $$"#;
    run(&database, drop).await;
    let start = Utc::now() - TimeDelta::hours(2);
    let fields =
        ["session_id", "user", "team_id", "end_user", "model", "model_group", "custom_llm_provider", "api_key"];
    let mut rows: Vec<Value> = fields
        .iter()
        .map(|field| made::row(&format!("long-{field}"), start, json!({*field: long(&mut dice, 9000)})))
        .collect();
    let text = |dice: &mut Dice| long(dice, 9000);
    rows.push(made::row("long-tags", start, json!({"request_tags": ["short", text(&mut dice), text(&mut dice), 7]})));
    rows.push(made::row(
        "long-metadata",
        start,
        json!({"status": "failure", "metadata": {
            "agent_name": text(&mut dice), "error_information": {"error_class": text(&mut dice)},
            "spend_logs_metadata": {"agent_name": text(&mut dice), "conversation_name": text(&mut dice)},
        }}),
    ));
    let call = json!({"choices": [{"message": {"tool_calls": [{"function": {"name": text(&mut dice)}}]}}]});
    rows.push(made::row("long-tool", start, json!({"response": call})));
    add(&database, &rows).await;
    for task in [index::Task::Run, index::Task::Reconcile, index::Task::Run] {
        let outcome = index::perform(database.url(), &index::settings(), task).await.expect("the indexer does it");
        assert!(outcome.complete);
    }
    let mut conn = database.connect().await;
    index::assert_derived(&mut conn).await;
    let pair = Pair::over(&database, Utc::now());
    let overview = pair.get("/api/v1/analytics/overview?days=365&details=true&exact=true").await.ok();
    assert_eq!(overview["total_requests"], 30 + rows.len());
    // What was compared once is the same the next time.
    let again = index::perform(database.url(), &index::settings(), index::Task::Reconcile).await.expect("compared");
    assert_eq!((again.copied, again.changed), (0, 0));
}

/// LiteLLM writes the names of called tools after the row itself.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn tools_that_are_named_a_moment_later_are_found() {
    let mut dice = Dice(42);
    let start = Utc::now() - TimeDelta::minutes(30);
    let database = Arc::new(Database::empty("index_hostile_tools").await);
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    conn.close().await.expect("closed");
    add(&database, &[any_row(&mut dice, "first", start)]).await;
    index::fill(&database).await;
    add(&database, &[made::row("calls", start, json!({"session_id": "s"}))]).await;
    index::refresh(&database).await.expect("copied");
    let name = r#"INSERT INTO "LiteLLM_SpendLogToolIndex" (request_id, tool_name, start_time)
                  SELECT request_id, 'search', "startTime" FROM "LiteLLM_SpendLogs" WHERE request_id = 'calls'"#;
    run(&database, name).await;
    index::refresh(&database).await.expect("compared");
    index::assert_sound(&database).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    assert_eq!(app.get("/api/v1/sessions/s/summary").await.ok()["function_calls_count"], 1);
}
