//! Databases of a Citus cluster, whose coordinator `TEST_DATABASE_URL` names: the database there has to have the extension, and
//! the workers as its nodes.

use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;
use url::Url;

use crate::database::execute;

/// Whether the tests' indexes are distributed over a cluster: `TEST_CITUS=on`.
#[must_use]
pub fn is_cluster() -> bool {
    std::env::var("TEST_CITUS").is_ok_and(|value| value == "on")
}

/// Makes the new, empty database of the coordinator one of the cluster: with a database of its name on every worker.
pub(crate) async fn join(admin: &mut PgConnection, coordinator: &Url, name: &str) {
    // Workers are told of each other's databases by one statement at a time.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    let nodes = "SELECT nodename, nodeport FROM pg_dist_node WHERE isactive AND noderole = 'primary' AND groupid <> 0";
    let nodes: Vec<(String, i32)> =
        sqlx::query_as(nodes).fetch_all(admin).await.expect("the database of TEST_DATABASE_URL is a coordinator's");
    assert!(!nodes.is_empty(), "the coordinator of TEST_DATABASE_URL has workers");
    for (host, port) in &nodes {
        let mut worker = coordinator.clone();
        worker.set_host(Some(host)).expect("a host");
        worker.set_port(Some(u16::try_from(*port).expect("a port"))).expect("a port");
        let mut conn = PgConnection::connect(worker.as_str()).await.expect("the worker answers");
        execute(&mut conn, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        execute(&mut conn, &format!("CREATE DATABASE {name}")).await;
        worker.set_path(name);
        let mut conn = PgConnection::connect(worker.as_str()).await.expect("the worker's database answers");
        execute(&mut conn, "CREATE EXTENSION citus").await;
    }
    let mut own = coordinator.clone();
    own.set_path(name);
    let mut conn = PgConnection::connect(own.as_str()).await.expect("the coordinator's database answers");
    execute(&mut conn, "CREATE EXTENSION citus").await;
    let (host, port) = (own.host_str().unwrap_or("127.0.0.1"), own.port().unwrap_or(5432));
    execute(&mut conn, &format!("SELECT citus_set_coordinator_host('{host}', {port})")).await;
    for (host, port) in &nodes {
        execute(&mut conn, &format!("SELECT citus_add_node('{host}', {port})")).await;
    }
}
