//! What `/health` tells of the index.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::{self, Release};
use serde_json::{Value, json};
use sqlx::Connection;
use tests::database::Database;
use tests::{App, index};

const NOW: &str = "2026-11-24T12:00:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().expect("a time")
}

/// The `index` of `/health`, asked of an API that starts now.
async fn index_of(database: &Arc<Database>) -> Value {
    let app = App::over(Arc::clone(database), now(), &[]);
    app.get("/health").await.ok()["index"].clone()
}

async fn is_as_of(database: &Database, as_of: DateTime<Utc>) {
    let mut conn = database.connect().await;
    let sql = "UPDATE traceability.state SET as_of = $1";
    sqlx::query(sql).bind(as_of).execute(&mut conn).await.expect("the state is set");
    conn.close().await.expect("closed");
}

/// A database of its own with the rows of a release.
async fn indexable(name: &str) -> Database {
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    let release = Release::ALL[0];
    fixtures::load_schema(&mut conn, release).await.expect("the release's schema loads");
    fixtures::load_rows(&mut conn, release, None).await.expect("the release's rows load");
    conn.close().await.expect("closed");
    database
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn health_tells_how_far_the_index_is() {
    let database = Arc::new(indexable("index_health").await);
    assert_eq!(index_of(&database).await, Value::Null, "there is none");

    index::migrate(&database).await;
    let filling = json!({"state": "filling", "as_of": null, "lag_seconds": null});
    assert_eq!(index_of(&database).await, filling);

    index::fill(&database).await;
    for (age, state) in [(0, "ready"), (90, "ready"), (600, "ready"), (601, "behind")] {
        let as_of = now() - TimeDelta::seconds(age);
        is_as_of(&database, as_of).await;
        let as_of = as_of.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let expected = json!({"state": state, "as_of": as_of, "lag_seconds": age});
        assert_eq!(index_of(&database).await, expected);
    }
    // An answer may be newer than this machine's clock.
    is_as_of(&database, now() + TimeDelta::seconds(3)).await;
    assert_eq!(index_of(&database).await["lag_seconds"], 0);

    // Whoever has not logged in learns how old answers are, and no time.
    is_as_of(&database, now() - TimeDelta::seconds(90)).await;
    let app = App::over(Arc::clone(&database), now(), &[]);
    let service_keys = r#"[{"name": "wall", "sha256": "0000000000000000000000000000000000000000000000000000000000000000",
                            "scope": "all", "content": false}]"#;
    let closed = app.with_access(&[("AUTH_MODE", "keys"), ("SERVICE_KEYS", service_keys)]);
    let health = closed.get("/health").await.ok();
    assert_eq!(health["index"], json!({"state": "ready", "as_of": null, "lag_seconds": 90}));
    assert_eq!(health["newest_request"], Value::Null);

    // One that is not to be used is none.
    let direct = App::over(database, now(), &[("INDEX", "off")]);
    assert_eq!(direct.get("/health").await.ok()["index"], Value::Null);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn nobody_notices_that_the_index_is_taken_away() {
    let database = Arc::new(indexable("index_taken_away").await);
    index::fill(&database).await;
    let apps = [App::over(Arc::clone(&database), now(), &[]), App::over(Arc::clone(&database), now(), &[])];
    for app in &apps {
        assert_eq!(app.get("/health").await.ok()["status"], "healthy");
    }
    let before = apps[0].get("/api/v1/analytics/overview?days=365&details=false").await.ok();

    let mut conn = database.connect().await;
    traceability_index::undo(&mut conn).await.expect("the schema is gone");
    conn.close().await.expect("closed");
    let health = apps[0].get("/health").await.ok();
    assert_eq!((&health["status"], &health["index"]), (&json!("healthy"), &Value::Null));
    assert_eq!(apps[1].get("/api/v1/analytics/overview?days=365&details=false").await.ok(), before);
}
