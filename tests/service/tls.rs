//! Who the server is gets checked, and a server that is not the one meant gets neither a password nor a question.

use local::fixtures::{self, Release};
use tests::database::Database;
use tests::faults::api_at;
use tests::{App, Logs};
use url::Url;

const OVERVIEW: &str = "/api/v1/analytics/overview";

/// A database of the test's server, by a URL that asks for TLS, and the authority that the server's certificate is from.
async fn over_tls(name: &str) -> (Url, String) {
    let authority =
        std::env::var("TEST_DATABASE_CA").expect("TEST_DATABASE_CA is set, as tests/native-postgres.sh does");
    let database = Database::empty(name).await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    (Url::parse(database.url()).expect("a URL"), authority)
}

fn api(url: &Url, host: &str, query: &[(&str, &str)]) -> App {
    let mut url = url.clone();
    url.set_host(Some(host)).expect("a host");
    url.query_pairs_mut().clear().extend_pairs(query);
    api_at(url.as_str(), &[])
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server with TLS"]
async fn a_server_that_can_prove_who_it_is_is_read() {
    let (url, authority) = over_tls("tls_verified").await;
    for host in ["127.0.0.1", "localhost"] {
        let app = api(&url, host, &[("sslmode", "verify-full"), ("sslrootcert", &authority)]);
        assert_eq!(app.get(OVERVIEW).await.ok()["total_requests"], 0);
        let mut connection = app.state.db.connect().await.expect("a connection");
        let encrypted: bool = sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .fetch_one(&mut connection.conn)
            .await
            .expect("an answer");
        assert!(encrypted);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server with TLS"]
async fn a_server_that_cannot_is_an_outage_that_the_log_explains() {
    let (url, _) = over_tls("tls_refused").await;
    // Its authority is one that no public list has.
    let app = api(&url, "127.0.0.1", &[("sslmode", "verify-full")]);
    let logs = Logs::collect();
    let _ = app.get(OVERVIEW).await.problem(503);
    let lines = logs.take();
    assert!(lines.iter().any(|line| line.contains("sslrootcert")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(url.password().expect("a password"))), "{lines:?}");
}
