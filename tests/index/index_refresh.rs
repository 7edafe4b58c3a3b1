//! The index follows the log, whatever happens to it.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use local::fixtures::SCHEMA_VERSIONS;
use serde_json::{Value, json};
use sqlx::Connection;
use tests::any_rows::{any_row, some_rows};
use tests::database::{number, run};
use tests::expected::Dice;
use tests::index::{self, Task};
use tests::made::{self, add};
use tests::{App, Database};
use traceability_core::time::TimeWindow;

/// A database of its own with the newest tables, some rows and an index of them.
async fn indexed(name: &str, rows: &[Value]) -> Arc<Database> {
    let database = made::database(name, rows).await;
    index::fill(&database).await;
    database
}

async fn perform(database: &Database, task: Task) {
    let outcome = index::perform(database.url(), &index::settings(), task).await.expect("the indexer does it");
    assert!(outcome.complete, "{task:?}: {outcome:?}");
}

/// Brings the index up to date by comparing everything, and checks it.
async fn reconcile(database: &Database) {
    perform(database, Task::Reconcile).await;
    index::assert_sound(database).await;
    assert_eq!(number(database, "SELECT count(*) FROM traceability.stale").await, 0, "all is rolled up");
}

fn overview(app: &App) -> impl Future<Output = tests::Answer> + '_ {
    app.get("/api/v1/analytics/overview?days=365")
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_empty_log_has_an_index_too() {
    let database = indexed("index_empty", &[]).await;
    index::assert_sound(&database).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    assert_eq!(overview(&app).await.ok()["total_requests"], 0);
    let row = made::row("first", Utc::now() - TimeDelta::minutes(30), json!({}));
    add(&database, &[row]).await;
    assert_eq!(overview(&app).await.ok()["total_requests"], 0, "it answers from the index");
    perform(&database, Task::Run).await;
    index::assert_sound(&database).await;
    assert_eq!(overview(&app).await.ok()["total_requests"], 1);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn rows_that_come_late_and_out_of_order_are_found() {
    let mut dice = Dice(11);
    let database = indexed("index_grows", &some_rows(&mut dice, "before", 60, 40)).await;
    for round in 0..12 {
        let now = Utc::now();
        let rows: Vec<Value> = (0..12)
            .map(|place| {
                let late = [2_000, 50_000, 600_000, 3_000_000, 40_000_000, 300_000_000, 6_000_000_000][dice.below(7)];
                let start = now - TimeDelta::milliseconds(dice.below(late) as i64);
                any_row(&mut dice, &format!("{round}-{place}"), start)
            })
            .collect();
        add(&database, &rows).await;
        // As it runs every minute: what came very late may have to wait for its turn.
        for _ in 0..=dice.below(3) {
            perform(&database, Task::Run).await;
        }
        let mut conn = database.connect().await;
        index::assert_derived(&mut conn).await;
        conn.close().await.expect("closed");
        if round % 3 == 2 {
            reconcile(&database).await;
        }
    }
}

/// What is older than the last hours has its turn, half a day at a time.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn the_comparison_goes_round() {
    let mut dice = Dice(12);
    let database = indexed("index_turns", &some_rows(&mut dice, "before", 80, 6)).await;
    run(&database, r#"UPDATE "LiteLLM_SpendLogs" SET spend = spend + 1, "user" = 'carol'"#).await;
    for _ in 0..14 {
        perform(&database, Task::Run).await;
    }
    index::assert_sound(&database).await;
    // Years without a row are no turns of their own.
    let old = Utc::now() - TimeDelta::days(9000);
    add(&database, &[any_row(&mut dice, "old", old)]).await;
    reconcile(&database).await;
    run(&database, r#"UPDATE "LiteLLM_SpendLogs" SET spend = spend + 1"#).await;
    for _ in 0..18 {
        perform(&database, Task::Run).await;
    }
    index::assert_sound(&database).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn altered_rows_are_found() {
    let mut dice = Dice(13);
    let database = indexed("index_altered", &some_rows(&mut dice, "row", 150, 70)).await;
    let changes = [
        "spend = spend * 3",
        "prompt_tokens = prompt_tokens + 7, total_tokens = total_tokens + 7",
        "model = 'azure/gpt-5', model_group = 'gpt-5'",
        r#""user" = 'dave'"#,
        "session_id = 'moved'",
        "session_id = ''",
        r#"request_tags = '["new", "prod"]'"#,
        "team_id = 'green', api_key = 'hash-3', end_user = 'other'",
        r#""endTime" = "endTime" + interval '10 seconds', request_duration_ms = request_duration_ms + 10000"#,
        r#""startTime" = "startTime" + interval '200 milliseconds'"#,
        r#""startTime" = "startTime" - interval '3 minutes'"#,
        r#""startTime" = "startTime" - interval '9 days'"#,
        r#""startTime" = "startTime" - interval '45 days', session_id = 'moved'"#,
        // Of these nothing but the payload tells.
        r#"metadata = COALESCE(metadata, '{}') || '{"agent_name": "renamed", "requester_metadata": {"agent_name": "renamed"}}'"#,
        r#"metadata = COALESCE(metadata, '{}') || '{"status": "failure", "error_information": {"error_class": "Altered"}}'"#,
        r#"metadata = COALESCE(metadata, '{}') || '{"usage_object": {"prompt_tokens_details": {"cached_tokens": 3}}}'"#,
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let some = format!("abs(hashtext(request_id)) % 16 = {place}");
        run(&database, &format!(r#"UPDATE "LiteLLM_SpendLogs" SET {change} WHERE {some}"#)).await;
        reconcile(&database).await;
    }
    // Among the last hours' by themselves.
    let now = Utc::now();
    let rows: Vec<Value> = (0..20)
        .map(|place| any_row(&mut dice, &format!("recent-{place}"), now - TimeDelta::minutes(5 * place)))
        .collect();
    add(&database, &rows).await;
    perform(&database, Task::Run).await;
    let recent = "request_id LIKE 'recent%'";
    for change in ["spend = 1", "session_id = 'again'", r#""startTime" = "startTime" - interval '20 minutes'"#] {
        run(&database, &format!(r#"UPDATE "LiteLLM_SpendLogs" SET {change} WHERE {recent}"#)).await;
        perform(&database, Task::Run).await;
        index::assert_sound(&database).await;
    }
}

/// One row goes and another comes: the minute has as many as before.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn the_comparison_finds_what_the_numbers_of_rows_hide() {
    let start = "2026-11-20T10:00:30Z".parse().expect("a time");
    let row = |id: &str| made::row(id, start, json!({"session_id": "s"}));
    let database = indexed("index_swapped", &[row("one"), row("two"), row("three")]).await;
    run(&database, r#"DELETE FROM "LiteLLM_SpendLogs" WHERE request_id = 'two'"#).await;
    add(&database, &[row("four")]).await;
    perform(&database, Task::Reconcile).await;
    index::assert_sound(&database).await;
    let all = "SELECT requests::bigint FROM traceability.sessions WHERE session_id = 's'";
    assert_eq!(number(&database, all).await, 4, "what was there stays");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn deleted_rows_stay_until_they_are_to_be_forgotten() {
    let mut dice = Dice(14);
    let said = json!({"messages": [{"role": "user", "content": "words"}]});
    let start = Utc::now() - TimeDelta::days(40);
    let mut rows = some_rows(&mut dice, "row", 120, 80);
    rows.push(made::row("told", start, json!({"session_id": "told", "proxy_server_request": said})));
    let database = indexed("index_deleted", &rows).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    let before = overview(&app).await.ok();
    assert_eq!(app.get("/api/v1/requests/told").await.ok()["content_available"], true);
    // As LiteLLM's retention does it.
    let half = r#"DELETE FROM "LiteLLM_SpendLogs" WHERE "startTime" < now() - interval '35 days'"#;
    run(&database, half).await;
    perform(&database, Task::Run).await;
    reconcile(&database).await;
    assert!(number(&database, "SELECT count(*) FROM traceability.facts WHERE gone").await > 30);
    assert_eq!(overview(&app).await.ok(), before, "what the past cost stays");
    let detail = app.get("/api/v1/requests/told").await.ok();
    assert_eq!(detail["content_unavailable_reason"], "deleted", "{detail}");
    let messages = app.get("/api/v1/requests/told/messages").await.ok();
    assert_eq!(messages["content_unavailable_reason"], "deleted", "{messages}");
    let messages = app.get("/api/v1/sessions/told/messages").await.ok();
    assert_eq!(messages[0]["content_unavailable_reason"], "deleted", "{messages}");
    assert_eq!(app.get("/api/v1/sessions/told/summary").await.ok()["session_id"], "told");
    // It comes back from a backup.
    add(&database, &rows[rows.len() - 1..]).await;
    reconcile(&database).await;
    assert_eq!(app.get("/api/v1/requests/told/messages").await.ok()["content_available"], true);
    run(&database, half).await;

    let window = TimeWindow { start: start - TimeDelta::days(100), end: Utc::now() };
    perform(&database, Task::Rebuild(window)).await;
    index::assert_sound(&database).await;
    assert_eq!(overview(&app).await.ok(), before);
    perform(&database, Task::Forget(window)).await;
    index::assert_sound(&database).await;
    assert_eq!(number(&database, "SELECT count(*) FROM traceability.facts WHERE gone").await, 0);
    let unused = "SELECT count(*) FROM traceability.owners o \
                  WHERE o.id NOT IN (SELECT f.owner FROM traceability.facts f)";
    assert_eq!(number(&database, unused).await, 0, "whose requests are forgotten is forgotten");
    let left = number(&database, r#"SELECT count(*) FROM "LiteLLM_SpendLogs""#).await;
    assert_eq!(overview(&app).await.ok()["total_requests"], left);
    let _ = app.get("/api/v1/requests/told").await.problem(404);
    let _ = app.get("/api/v1/sessions/told/summary").await.problem(404);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn clocks_that_are_badly_wrong_do_no_harm() {
    let mut dice = Dice(15);
    let database = indexed("index_clocks", &some_rows(&mut dice, "row", 40, 50)).await;
    let wrong = [
        "1969-12-31T23:50:00Z",
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59.999Z",
        "2099-06-01T12:00:00Z",
        "2150-01-01T00:00:00Z",
    ];
    for (place, start) in wrong.into_iter().enumerate() {
        add(&database, &[any_row(&mut dice, &format!("wrong-{place}"), start.parse().expect("a time"))]).await;
        perform(&database, Task::Run).await;
        reconcile(&database).await;
    }
    run(
        &database,
        r#"INSERT INTO "LiteLLM_SpendLogs" SELECT (jsonb_populate_record(s, jsonb_build_object('request_id', v.text,
               'startTime', v.text))).* FROM "LiteLLM_SpendLogs" s, (VALUES ('infinity'), ('-infinity')) AS v(text)
           WHERE s.request_id = 'row-0'"#,
    )
    .await;
    reconcile(&database).await;
    for _ in 0..3 {
        perform(&database, Task::Run).await;
    }
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    assert_eq!(overview(&app).await.ok()["total_requests"], 40);
    // A new database that begins with them.
    run(&database, "DROP SCHEMA traceability CASCADE").await;
    index::fill(&database).await;
    index::assert_sound(&database).await;
}

/// A newer LiteLLM adds columns while the indexer is not looking.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_upgrade_of_litellm_between_two_runs_is_noticed() {
    let database = Arc::new(Database::empty("index_upgrade").await);
    let mut conn = database.connect().await;
    made::create_tables(&mut conn, 1).await;
    let mut dice = Dice(16);
    let rows = some_rows(&mut dice, "old", 60, 30);
    made::insert(&mut conn, &rows).await;
    index::fill(&database).await;
    index::assert_sound(&database).await;
    for version in 2..=SCHEMA_VERSIONS.len() {
        sqlx::raw_sql("DROP SCHEMA IF EXISTS newer CASCADE; CREATE SCHEMA newer; SET search_path TO newer")
            .execute(&mut conn)
            .await
            .expect("a schema");
        made::create_tables(&mut conn, version).await;
        let upgrade = r#"SET search_path TO public; DO $$ DECLARE column_ record; BEGIN FOR column_ IN
            SELECT format('ALTER TABLE public."LiteLLM_SpendLogs" ADD COLUMN %I %s', n.attname,
                          format_type(n.atttypid, n.atttypmod)) AS ddl
            FROM pg_attribute n WHERE n.attrelid = 'newer."LiteLLM_SpendLogs"'::regclass AND n.attnum > 0
            AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attname = n.attname
                            AND o.attrelid = 'public."LiteLLM_SpendLogs"'::regclass)
            LOOP EXECUTE column_.ddl; END LOOP; END $$"#;
        sqlx::raw_sql(upgrade).execute(&mut conn).await.expect("the columns are added");
        made::insert(&mut conn, &some_rows(&mut dice, &format!("v{version}"), 8, 3)).await;
        perform(&database, Task::Run).await;
        perform(&database, Task::Reconcile).await;
        let mut checked = database.connect().await;
        index::assert_derived(&mut checked).await;
    }
    conn.close().await.expect("closed");
    index::assert_sound(&database).await;
}

/// Two at a time, again and again: one of them gives way where they meet.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn two_indexers_do_each_other_no_harm() {
    let mut dice = Dice(17);
    let database = made::database("index_two", &some_rows(&mut dice, "row", 900, 300)).await;
    index::migrate(&database).await;
    for round in 0..6 {
        let (one, two) = tokio::join!(index::refresh(&database), index::refresh(&database));
        let (one, two) = (one.expect("it ends well"), two.expect("it ends well"));
        println!("{one:?} {two:?}");
        let mut conn = database.connect().await;
        index::assert_derived(&mut conn).await;
        conn.close().await.expect("closed");
        add(&database, &some_rows(&mut dice, &format!("round-{round}"), 40, 2)).await;
    }
    perform(&database, Task::Run).await;
    reconcile(&database).await;
}

/// An indexer reads the next month of the log while it writes one. What it has read of it must not replace what another
/// indexer writes in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server"]
async fn what_was_read_before_another_indexers_merge_is_read_again() {
    // The tables of a cluster have no triggers, which are what makes one indexer slow here.
    if tests::cluster::is_cluster() {
        return;
    }
    let rows: Vec<Value> = ["2026-08-05T10:00:00Z", "2026-09-05T10:00:00Z"]
        .into_iter()
        .map(|start| made::row(start, start.parse().expect("a time"), json!({"spend": 1.0})))
        .collect();
    for attempt in 0..5 {
        let database = made::database(&format!("index_ahead_{attempt}"), &rows).await;
        index::migrate(&database).await;
        run(
            &database,
            "CREATE FUNCTION traceability.slow() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_sleep(2); RETURN NULL; END'; \
             CREATE TRIGGER slow AFTER INSERT ON traceability.facts FOR EACH STATEMENT EXECUTE FUNCTION traceability.slow()",
        )
        .await;
        let indexer = tokio::spawn({
            let database = Arc::clone(&database);
            async move { index::refresh(&database).await.expect("it ends well") }
        });
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        // September was read by now, while August is written. The other indexer's merge waits for August's end.
        run(&database, r#"UPDATE "LiteLLM_SpendLogs" SET spend = 7 WHERE "startTime" >= '2026-09-01'"#).await;
        let merges = number(&database, "UPDATE traceability.state SET merges = merges + 1 RETURNING merges").await;
        assert!(indexer.await.expect("it ends").complete);
        let spend = number(&database, "SELECT sum(spend)::bigint FROM traceability.facts").await;
        println!("attempt {attempt}: the other one's merge was number {merges}, the spend is {spend}");
        // Had the first indexer been quicker to go on, nothing would have come in between.
        if merges == 2 {
            assert_eq!(spend, 8);
            return;
        }
    }
    panic!("the other one's merge never came in between");
}
