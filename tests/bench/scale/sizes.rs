//! How much room everything takes, and on what machine.

use std::fs;

use sqlx::{Connection, PgConnection};
use url::Url;

/// A table with all that belongs to it; the parts of a partitioned one are summed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Table {
    /// Its schema and its name.
    pub name: String,
    /// Its rows, as the statistics know them.
    pub rows: i64,
    /// Bytes on the disk.
    pub total: i64,
    /// Of these, the indexes'.
    pub indexes: i64,
}

/// The tables of LiteLLM's and of the index, the largest first.
pub async fn tables(url: &Url) -> sqlx::Result<Vec<Table>> {
    let mut conn = PgConnection::connect(url.as_str()).await?;
    sqlx::query_as(TABLES).fetch_all(&mut conn).await
}

/// What everything ran on.
pub async fn machine(server: &Url) -> sqlx::Result<String> {
    let mut conn = PgConnection::connect(server.as_str()).await?;
    let (version, buffers): (String, String) =
        sqlx::query_as("SELECT current_setting('server_version'), current_setting('shared_buffers')")
            .fetch_one(&mut conn)
            .await?;
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_else(|| "?".into())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal");
    let memory: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    Ok(format!(
        "{cores} cores ({}), {:.0} GiB of memory, shared by the service, the database and this program. PostgreSQL \
         {version}, shared_buffers {buffers}.",
        field("/proc/cpuinfo", "model name"),
        memory / 1_048_576.0,
    ))
}

const TABLES: &str = "
SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || root.relname AS name,
       sum(GREATEST(c.reltuples, 0))::bigint AS rows,
       sum(pg_total_relation_size(c.oid))::bigint AS total,
       sum(pg_indexes_size(c.oid))::bigint AS indexes
FROM pg_class c
JOIN pg_class root ON root.oid = COALESCE(pg_partition_root(c.oid), c.oid)
JOIN pg_namespace n ON n.oid = root.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('public', 'traceability')
GROUP BY 1
HAVING sum(pg_total_relation_size(c.oid)) > 100000
ORDER BY total DESC, name";
