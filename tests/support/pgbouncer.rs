//! A PgBouncer in transaction mode, in front of the server that the tests run on.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use url::Url;

/// A running PgBouncer, which ends with this value. All its clients share one server connection.
pub struct PgBouncer {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl PgBouncer {
    /// Starts one in front of the server of a database, for its user. `extra` is added to its configuration.
    pub async fn before(database: &str, extra: &str) -> Self {
        let url = Url::parse(database).expect("a database URL");
        let folder = tempfile::tempdir().expect("a folder");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let login = format!("\"{}\" \"{}\"\n", url.username(), url.password().unwrap_or_default());
        let configuration = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {folder}/users\nlogfile = {folder}/log\n\
             pool_mode = transaction\ndefault_pool_size = 1\nmax_client_conn = 100\n{extra}\n",
            server = url.port().unwrap_or(5432),
            folder = folder.path().display(),
        );
        write(&folder.path().join("users"), &login);
        write(&folder.path().join("pgbouncer.ini"), &configuration);
        write(&folder.path().join("log"), "");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("the folder can be opened");
        let mut command = Command::new("pgbouncer");
        command.arg("--quiet").arg(folder.path().join("pgbouncer.ini")).stdout(Stdio::null()).stderr(Stdio::null());
        if fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0) {
            // It refuses to run as root, and takes another user's rights itself.
            command.args(["--user", "nobody"]);
        }
        let process = command.spawn().expect("there is pgbouncer: install Debian's package of this name");
        let pooler = Self { process, port, folder };
        pooler.wait(database).await;
        pooler
    }

    /// The URL of a database behind it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let mut url = Url::parse(database).expect("a database URL");
        url.set_port(Some(self.port)).expect("a port");
        url.into()
    }

    /// A client's connection, such as LiteLLM's own.
    pub async fn connect(&self, database: &str) -> PgConnection {
        let options: sqlx::postgres::PgConnectOptions = self.url(database).parse().expect("a database URL");
        let options = options.extra_float_digits(None);
        PgConnection::connect_with(&options).await.expect("PgBouncer answers")
    }

    async fn wait(&self, database: &str) {
        for _ in 0..200 {
            let options: sqlx::postgres::PgConnectOptions = self.url(database).parse().expect("a database URL");
            if let Ok(conn) = PgConnection::connect_with(&options.extra_float_digits(None)).await {
                let _ = conn.close().await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("pgbouncer does not answer: {log}");
    }
}

/// Writes a file that PgBouncer's own user can read and append to.
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("the file is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("the file can be opened");
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
