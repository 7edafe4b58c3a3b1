//! Whatever happens to an indexer or to a database, the index is right, and so is every answer meanwhile.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use serde_json::Value;
use sqlx::Connection;
use tests::index::{self, Task};
use tests::{App, Database, Pair};

use crate::index_equality;
use tests::any_rows::some_rows;
use tests::database::{number, run};
use tests::expected::Dice;
use tests::made;
use tests::made::add;

/// Names the log that [`the_indexer_itself`] indexes.
const LOG: &str = "TRACEABILITY_TEST_LOG";

/// What the other tests start as a process of its own.
#[tokio::test]
#[ignore = "is started by the tests that end it"]
async fn the_indexer_itself() {
    let Ok(url) = std::env::var(LOG) else { return };
    let settings = [("INDEX_SETTLE_MINUTES", "1"), ("INDEX_ROWS_PER_SECOND", "2000")];
    index::perform(&url, &settings, Task::Run).await.expect("it ends well");
}

fn start_indexer(database: &Database) -> std::process::Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "index_faults::the_indexer_itself", "--ignored"])
        .env(LOG, database.url())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the indexer starts")
}

/// An indexer that was killed leaves its transaction to the server, which may take a moment to notice.
async fn finish(database: &Database) {
    for _ in 0..200 {
        if index::refresh(database).await.expect("the indexer does it").complete {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the index does not become complete");
}

async fn assert_derived(database: &Database) {
    let mut conn = database.connect().await;
    index::assert_derived(&mut conn).await;
    conn.close().await.expect("closed");
}

async fn total(app: &App) -> i64 {
    let overview = app.get("/api/v1/analytics/overview?days=365").await.ok();
    overview["total_requests"].as_i64().expect("a number")
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_indexer_that_is_killed_leaves_nothing_to_mend() {
    let mut dice = Dice(21);
    let database = made::database("index_killed", &some_rows(&mut dice, "row", 3000, 300)).await;
    index::migrate(&database).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    let mut killed = 0;
    for round in 0..15 {
        let mut child = start_indexer(&database);
        tokio::time::sleep(Duration::from_millis(100 + dice.below(900) as u64)).await;
        killed += i32::from(child.try_wait().expect("it can be asked").is_none());
        child.kill().expect("killed");
        child.wait().expect("it has ended");
        if round % 5 == 4 {
            assert_derived(&database).await;
        }
        assert_eq!(total(&app).await, 3000, "in round {round}");
    }
    assert!(killed > 5, "only {killed} were still at work");
    finish(&database).await;
    index::assert_sound(&database).await;
    assert_eq!(total(&app).await, 3000);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_log_that_goes_away_in_the_middle_is_copied_later() {
    let mut dice = Dice(22);
    let database = made::database("index_log_gone", &some_rows(&mut dice, "row", 300, 60)).await;
    index::migrate(&database).await;
    // Slow, so that it can be met in the middle.
    let slow = r#"ALTER TABLE "LiteLLM_SpendLogs" RENAME TO "Fast"; CREATE FUNCTION slow() RETURNS boolean LANGUAGE sql
                  VOLATILE AS 'SELECT pg_sleep(0.004) IS NOT NULL'; CREATE VIEW "LiteLLM_SpendLogs" AS
                  SELECT * FROM "Fast" WHERE slow()"#;
    run(&database, slow).await;
    let mut ended = 0;
    let mut conn = database.connect().await;
    for _ in 0..4 {
        let refresh = index::refresh(&database);
        let mut fault = Box::pin(async {
            loop {
                tokio::time::sleep(Duration::from_millis(30)).await;
                let copies: Vec<bool> = sqlx::query_scalar(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active' \
                     AND datname = current_database() AND query LIKE 'COPY (SELECT%'",
                )
                .fetch_all(&mut conn)
                .await
                .expect("the backend ends");
                if !copies.is_empty() {
                    return;
                }
            }
        });
        tokio::pin!(refresh);
        let outcome = tokio::select! {
            outcome = &mut refresh => outcome,
            () = &mut fault => refresh.await,
        };
        drop(fault);
        if let Err(error) = outcome {
            ended += 1;
            assert!(error.to_string().starts_with("LiteLLM's database: "), "{error}");
        }
        assert_derived(&database).await;
    }
    assert!(ended > 0, "no copy was met");
    run(&database, r#"DROP VIEW "LiteLLM_SpendLogs"; ALTER TABLE "Fast" RENAME TO "LiteLLM_SpendLogs""#).await;
    finish(&database).await;
    index::assert_sound(&database).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_database_that_takes_no_writes_is_said_to_and_loses_nothing() {
    let mut dice = Dice(23);
    let database = made::database("index_refused", &some_rows(&mut dice, "row", 150, 40)).await;
    index::fill(&database).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    let name = "traceability_test_index_refused";
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    add(&database, &some_rows(&mut dice, "more", 20, 1)).await;
    run(&database, &read_only).await;
    let error = index::refresh(&database).await.expect_err("nothing can be written").to_string();
    assert!(error.contains("the database of the index") && error.contains("read-only"), "{error}");
    assert_eq!(total(&app).await, 150);
    // Through a connection that may write all the same.
    let writable =
        format!("SET default_transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only");
    let mut conn = database.connect().await;
    for statement in writable.split("; ") {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.expect("written");
    }
    conn.close().await.expect("closed");

    // A role that may read everything and write nothing.
    run(&database, "DROP ROLE IF EXISTS traceability_test_index_reader").await;
    run(
        &database,
        "CREATE ROLE traceability_test_index_reader LOGIN PASSWORD 'hunter2' IN ROLE traceability_reader; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO traceability_test_index_reader",
    )
    .await;
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username("traceability_test_index_reader").expect("a name");
    url.set_password(Some("hunter2")).expect("a password");
    let error = index::perform(url.as_str(), &index::settings(), Task::Run).await.expect_err("no rights").to_string();
    assert!(error.contains("the database of the index") && error.contains("permission denied"), "{error}");
    assert_eq!(total(&App::over(Arc::new(Database::at(url.as_str())), Utc::now(), &[])).await, 150);
    run(&database, "DROP OWNED BY traceability_test_index_reader; DROP ROLE traceability_test_index_reader").await;

    finish(&database).await;
    index::perform(database.url(), &index::settings(), Task::Reconcile).await.expect("compared");
    index::assert_sound(&database).await;
    assert_eq!(total(&app).await, 170);
}

/// A disk that is full, for instance.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_write_that_fails_in_the_middle_leaves_nothing_half_done() {
    let mut dice = Dice(24);
    let database = made::database("index_full", &some_rows(&mut dice, "row", 150, 40)).await;
    run(
        &database,
        "CREATE SEQUENCE written; CREATE FUNCTION full_() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('written') > 7 THEN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END IF; \
         RETURN COALESCE(NEW, OLD); END $$",
    )
    .await;
    index::migrate(&database).await;
    // Rows are still to come, on a slow machine minutes later.
    let app = App::over(Arc::clone(&database), Utc::now() + chrono::TimeDelta::hours(1), &[]);
    let mut rows = 150;
    for (table, first) in [
        ("facts", 1),
        ("facts", 5),
        ("sessions", 1),
        ("sessions", 6),
        ("rollups", 1),
        ("rollups", 7),
        ("state", 7),
        ("stale", 7),
        ("state", 6),
    ] {
        run(
            &database,
            &format!(
                "SELECT setval('written', {first}); CREATE TRIGGER full_ BEFORE INSERT OR UPDATE OR DELETE \
                 ON traceability.{table} FOR EACH ROW EXECUTE FUNCTION full_()"
            ),
        )
        .await;
        let error = index::refresh(&database).await.expect_err("no space").to_string();
        assert_eq!(
            error.contains("the database of the index"),
            error.contains("no space left on device"),
            "{table}: {error}"
        );
        assert_derived(&database).await;
        let seen = total(&app).await;
        assert!((150..=rows).contains(&seen), "{table}: {seen} of {rows}");
        run(&database, &format!("DROP TRIGGER full_ ON traceability.{table}")).await;
        finish(&database).await;
        index::perform(database.url(), &index::settings(), Task::Reconcile).await.expect("compared");
        index::assert_sound(&database).await;
        assert_eq!(total(&app).await, rows, "{table}");
        // The last hour's rows are found at once; those of quarters that are rolled up make these stale.
        let prefix = format!("{table}-{first}");
        let now = Utc::now();
        let more: Vec<Value> = (1..=20)
            .map(|place| {
                let start = now - chrono::TimeDelta::minutes(3 * place);
                tests::any_rows::any_row(&mut dice, &format!("{prefix}-{place}"), start)
            })
            .collect();
        add(&database, &more).await;
        rows += 20;
    }
}

/// Rows come late while answers are given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server"]
async fn answers_are_consistent_while_the_indexer_works() {
    let mut dice = Dice(25);
    let database = made::database("index_readers", &some_rows(&mut dice, "row", 400, 30)).await;
    index::fill(&database).await;
    // Rows are still to come, on a slow machine minutes later.
    let app = App::over(Arc::clone(&database), Utc::now() + chrono::TimeDelta::hours(1), &[]);
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (app, done) = (app.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let (mut before, mut rounds) = (0, 0);
            let sum = |rows: &Value| -> i64 {
                rows.as_array().expect("a list").iter().filter_map(|row| row["total_requests"].as_i64()).sum()
            };
            while !done.load(Ordering::Relaxed) || rounds < 5 {
                let first = total(&app).await;
                let latency = app.get("/api/v1/analytics/latency?days=365&group_by=model").await.ok();
                let trends = app.get("/api/v1/analytics/usage-trends?days=31&granularity=hour").await.ok();
                let sessions = app.get("/api/v1/sessions?sort=requests&limit=100").await.ok();
                let last = total(&app).await;
                assert!(before <= first && first <= last, "{before}, {first}, {last}");
                for rows in [sum(&latency), sum(&trends)] {
                    assert!((first..=last).contains(&rows), "{rows} of {first} to {last}");
                }
                assert!(!sessions.as_array().expect("a list").is_empty());
                (before, rounds) = (last, rounds + 1);
            }
            rounds
        })
    };
    for round in 0..4 {
        add(&database, &some_rows(&mut dice, &format!("late-{round}"), 15, 8)).await;
        finish(&database).await;
        index::perform(database.url(), &index::settings(), Task::Reconcile).await.expect("compared");
    }
    done.store(true, Ordering::Relaxed);
    println!("{} rounds", reader.await.expect("all answers are consistent"));
    index::assert_sound(&database).await;
    assert_eq!(total(&app).await, 400 + 4 * 15);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn clocks_that_jump_change_nothing() {
    let mut dice = Dice(26);
    let database = made::database("index_jumps", &some_rows(&mut dice, "row", 150, 40)).await;
    index::fill(&database).await;
    let jumps = [
        "as_of = '2099-01-01'",
        "as_of = '1990-01-01'",
        "rolled_until = rolled_until - 96 * 20",
        "compared_until = '2099-01-01'",
        "compared_until = '1970-01-01'",
    ];
    for (place, jump) in jumps.into_iter().enumerate() {
        run(&database, &format!("UPDATE traceability.state SET {jump}")).await;
        assert_derived(&database).await;
        add(&database, &some_rows(&mut dice, &format!("jump-{place}"), 10, 1)).await;
        finish(&database).await;
        index::perform(database.url(), &index::settings(), Task::Reconcile).await.expect("compared");
        index::assert_sound(&database).await;
        let pair = Pair::over(&database, Utc::now());
        pair.get("/api/v1/analytics/overview?days=365&details=true&exact=true").await;
        assert_eq!(total(&pair.indexed).await, 150 + 10 * (place as i64 + 1), "{jump}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_index_that_comes_and_goes_is_noticed_without_a_restart() {
    let mut dice = Dice(27);
    let database = made::database("index_comes", &some_rows(&mut dice, "row", 60, 30)).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    let is_indexed = || async { app.state.db.connect().await.expect("a session").facts.rollups().is_some() };
    assert_eq!(total(&app).await, 60);
    for round in 0..2 {
        index::migrate(&database).await;
        app.state.db.forget_facts().await;
        assert!(!is_indexed().await, "it is not ready yet");
        assert_eq!(total(&app).await, 60);
        finish(&database).await;
        assert!(is_indexed().await);
        assert_eq!(total(&app).await, 60);
        let mut conn = database.connect().await;
        if round == 0 {
            // As `migrate --down` does it.
            traceability_index::stop_use(&mut conn).await.expect("no reader uses it");
            assert!(!is_indexed().await);
            assert_eq!(total(&app).await, 60);
        }
        traceability_index::undo(&mut conn).await.expect("gone");
        conn.close().await.expect("closed");
        assert_eq!(total(&app).await, 60, "the first answer after that");
        assert!(!is_indexed().await);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_index_in_another_database_says_the_same() {
    let database = index_equality::spread("index_apart_log", local::fixtures::Release::V1_109_1).await;
    let apart = Database::empty("index_apart").await;
    index::migrate(&apart).await;
    let settings = [("INDEX_SETTLE_MINUTES", "1"), ("INDEX_DATABASE_URL", apart.url())];
    let pair = Pair::with(&database, index_equality::now(), &settings);
    assert!(pair.indexed.state.db.connect().await.expect("a session").facts.rollups().is_none());
    assert_eq!(total(&pair.indexed).await, total(&pair.direct).await);
    assert!(index::perform(database.url(), &settings, Task::Run).await.expect("it is filled").complete);
    assert!(pair.indexed.state.db.connect().await.expect("a session").facts.rollups().is_some());
    let mut conn = apart.connect().await;
    index::assert_derived(&mut conn).await;
    conn.close().await.expect("closed");
    index_equality::ask_some(&pair, &mut Dice(28)).await;
    index_equality::ask_details(&pair, local::fixtures::Release::V1_109_1, 83).await;
    let log = number(&database, r#"SELECT count(*) FROM "LiteLLM_SpendLogs""#).await;
    assert_eq!(number(&apart, "SELECT count(*) FROM traceability.facts").await, log);
}

/// Its tables may lack what this version reads, or have it otherwise.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_index_of_another_version_is_not_used() {
    let mut dice = Dice(29);
    let database = made::database("index_version", &some_rows(&mut dice, "row", 40, 30)).await;
    index::fill(&database).await;
    let app = App::over(Arc::clone(&database), Utc::now(), &[]);
    let is_indexed = || async { app.state.db.connect().await.expect("a session").facts.rollups().is_some() };
    for another in ["checksum = '\\x00'", "checksum = '\\x00', version = version - 1"] {
        app.state.db.forget_facts().await;
        assert!(is_indexed().await);
        run(&database, &format!("UPDATE traceability.migrations SET {another}")).await;
        assert!(!is_indexed().await, "at once");
        app.state.db.forget_facts().await;
        assert!(!is_indexed().await, "and by whoever begins");
        assert_eq!(total(&app).await, 40);
        let error = index::refresh(&database).await.expect_err("it has another schema").to_string();
        assert!(error.contains("make migrate"), "{error}");
        let mut conn = database.connect().await;
        let error = traceability_index::migrate(&mut conn, traceability_index::Migration::Single).await;
        let error = error.expect_err("another version has made it").to_string();
        assert!(error.contains("make migrate-down"), "{error}");
        traceability_index::undo(&mut conn).await.expect("gone");
        conn.close().await.expect("closed");
        index::fill(&database).await;
    }
    app.state.db.forget_facts().await;
    assert!(is_indexed().await);
    assert_eq!(total(&app).await, 40);
}
