//! Databases to test on: embedded ones, or databases of the server that `TEST_DATABASE_URL` names.
//!
//! Each test function takes what it needs by [`Database::of_release`] or makes one of its own with [`Database::empty`].

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use local::embedded::Embedded;
use local::fixtures::{self, Release};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use url::Url;

use crate::{cluster, index};

/// A database. The embedded server has one connection to give, so whoever uses it directly holds a lock for so long.
pub struct Database {
    url: String,
    _embedded: Option<Embedded>,
    lock: Mutex<()>,
}

/// By release, each made once, by the first test that needs it.
type Releases = HashMap<&'static str, Arc<OnceCell<Arc<Database>>>>;

static RELEASES: LazyLock<Mutex<Releases>> = LazyLock::new(Mutex::default);

/// Whether the tests run on a server of their own rather than on embedded ones.
#[must_use]
pub fn is_native() -> bool {
    server_url().is_some()
}

/// Whether the databases with a release's rows have an index of them, so that every test asks that.
#[must_use]
pub fn is_indexed() -> bool {
    is_native() && std::env::var("TEST_INDEX").is_ok_and(|value| value == "on")
}

fn server_url() -> Option<Url> {
    let url = std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())?;
    Some(Url::parse(&url).expect("TEST_DATABASE_URL is a URL"))
}

impl Database {
    /// The database with all rows of a release, shared by all tests: they only read it.
    pub async fn of_release(release: Release) -> Arc<Self> {
        let cell = Arc::clone(RELEASES.lock().await.entry(release.version()).or_default());
        let database = cell.get_or_init(|| async {
            let database = Self::empty(&format!("release_{}", release.version().replace('.', "_"))).await;
            let mut conn = database.connect().await;
            fixtures::load_schema(&mut conn, release).await.expect("the release's schema loads");
            fixtures::load_rows(&mut conn, release, None).await.expect("the release's rows load");
            sqlx::raw_sql("ANALYZE").execute(&mut conn).await.expect("ANALYZE");
            conn.close().await.expect("closed");
            if is_indexed() {
                index::fill(&database).await;
            }
            Arc::new(database)
        });
        Arc::clone(database.await)
    }

    /// An empty database, which is the test's own. `name` must be its own, too.
    pub async fn empty(name: &str) -> Self {
        let Some(server) = server_url() else {
            let embedded = Embedded::temporary().await.expect("the embedded PostgreSQL starts");
            let url = embedded.url().to_owned();
            return Self { url, _embedded: Some(embedded), lock: Mutex::default() };
        };
        let mut admin = PgConnection::connect(server.as_str()).await.expect("the server of TEST_DATABASE_URL answers");
        let name = format!("traceability_test_{name}");
        for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.expect("a database of our own");
        }
        if cluster::is_cluster() {
            cluster::join(&mut admin, &server, &name).await;
        }
        let mut url = server;
        url.set_path(&name);
        Self { url: url.into(), _embedded: None, lock: Mutex::default() }
    }

    /// What stands behind a URL of the test's own, if anything does.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), _embedded: None, lock: Mutex::default() }
    }

    /// The URL to connect with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection to write with, or to compute on independently. On the embedded server close it before the API is asked.
    pub async fn connect(&self) -> PgConnection {
        let options: PgConnectOptions = self.url.parse().expect("a database URL");
        PgConnection::connect_with(&options).await.expect("the test database answers")
    }

    /// Keeps others from using the database meanwhile.
    pub async fn exclusively(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().await
    }
}

/// Runs statements that return nothing, on a connection of their own.
pub async fn run(database: &Database, sql: &str) {
    let mut conn = database.connect().await;
    execute(&mut conn, sql).await;
    conn.close().await.expect("closed");
}

/// Runs statements that return nothing.
pub async fn execute(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.expect(sql);
}

/// The one number that a statement returns.
pub async fn number(database: &Database, sql: &str) -> i64 {
    let mut conn = database.connect().await;
    let number = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut conn).await.expect(sql);
    conn.close().await.expect("closed");
    number
}
