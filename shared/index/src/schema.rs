//! Making the schema, and taking it away again.

use std::sync::LazyLock;

use chrono::NaiveDateTime;
use sqlx::migrate::{MigrateError, Migration as Step, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, FromRow, PgConnection, SqlSafeStr};

/// The schema of the index.
pub const SCHEMA: &str = "traceability";

/// What [`migrate`] does beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migration {
    /// The tables of one server.
    Single,
    /// They are distributed over the servers of a Citus cluster.
    Citus,
}

/// A step of the schema, and the way back.
struct SchemaStep {
    version: i64,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! steps {
    ($($version:literal $name:literal),+ $(,)?) => {
        [$(SchemaStep {
            version: $version,
            name: $name,
            up: include_str!(concat!("../migrations/", $version, "_", $name, ".up.sql")),
            down: include_str!(concat!("../migrations/", $version, "_", $name, ".down.sql")),
        }),+]
    };
}

/// All steps, oldest first. One that was released is never changed, not even by a comment: its checksum tells whether an index
/// is this version's. A further one carries along what the index holds, since the index may be the only place that has it.
const STEPS: [SchemaStep; 6] = steps![
    20_261_124_000_000 "index",
    20_261_127_000_000 "data_quality",
    20_261_128_000_000 "cluster",
    20_261_128_120_000 "levels",
    20_261_128_180_000 "narrow",
    20_261_128_200_000 "columns",
];

fn migrator() -> Migrator {
    let both = |step: SchemaStep| {
        let of = |migration_type, sql: &'static str| {
            Step::new(step.version, step.name.into(), migration_type, sql.into_sql_str(), false)
        };
        [of(MigrationType::ReversibleUp, step.up), of(MigrationType::ReversibleDown, step.down)]
    };
    let mut migrator = Migrator::with_migrations(STEPS.into_iter().flat_map(both).collect());
    // Its own list of what was run lies beside the tables: in LiteLLM's schema it has no business.
    migrator.create_schema(SCHEMA);
    migrator.dangerous_set_table_name(format!("{SCHEMA}.migrations"));
    migrator
}

/// Why the schema could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer version of this program has made it, or one whose steps were never released.
    #[error(
        "the schema {SCHEMA} has steps that this version of the program does not know: use the version that made it, or \
         drop it with 'make migrate-down', then make and fill it again with 'make migrate' and 'make index'. Dropping it \
         loses what LiteLLM's log no longer has"
    )]
    OtherVersion,
    /// The database does not take a step.
    #[error(transparent)]
    Step(#[from] MigrateError),
}

/// Makes the schema, or brings that of an earlier version up to this one, with all that it holds. The API answers from LiteLLM's
/// log until an API of this version asks.
///
/// # Errors
/// [`MigrationError`] when a newer version has made it, or the database does not take a step.
pub async fn migrate(conn: &mut PgConnection, migration: Migration) -> Result<(), MigrationError> {
    migrator().run(&mut *conn).await.map_err(|error| match error {
        MigrateError::VersionMismatch(_) | MigrateError::VersionMissing(_) => MigrationError::OtherVersion,
        error => error.into(),
    })?;
    if migration == Migration::Citus || is_distributed(conn).await.map_err(MigrateError::from)? {
        sqlx::raw_sql(DISTRIBUTE).execute(conn).await.map_err(MigrateError::from)?;
    }
    Ok(())
}

/// SQL of whether the last step was run, as it is here: `$1` is its [`checksum`]. Another version's tables may lack what this
/// one reads.
pub(super) const IS_OF_THIS_VERSION: &str = "\
    COALESCE((SELECT m.success AND m.checksum = $1 FROM traceability.migrations m ORDER BY m.version DESC LIMIT 1), false)";

/// The checksum of the last step, by which a version knows its schema.
pub(super) fn checksum() -> &'static [u8] {
    static CHECKSUM: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let migrator = migrator();
        let last = migrator.iter().rfind(|step| step.migration_type.is_up_migration());
        last.map(|step| step.checksum.to_vec()).unwrap_or_default()
    });
    &CHECKSUM
}

/// Takes the schema away. Whoever asks is answered from LiteLLM's log again.
///
/// # Errors
/// [`MigrateError`] when the database does not let go of it.
pub async fn undo(conn: &mut PgConnection) -> Result<(), MigrateError> {
    if !is_there(conn).await? {
        return Ok(());
    }
    // Also what another version has made, whose steps this one does not know.
    migrator().set_ignore_missing(true).undo(&mut *conn, 0).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA {SCHEMA} CASCADE"))).execute(conn).await?;
    Ok(())
}

/// Keeps readers from using the index from now on.
///
/// # Errors
/// Whatever the database reports.
pub async fn stop_use(conn: &mut PgConnection) -> sqlx::Result<()> {
    if is_there(conn).await? {
        sqlx::query("UPDATE traceability.state SET ready = false").execute(conn).await?;
    }
    Ok(())
}

/// What the index has of requests that LiteLLM's log has no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct OnlyCopy {
    /// The requests.
    pub requests: i64,
    /// When the first of them started.
    pub first: NaiveDateTime,
    /// When the last of them started.
    pub last: NaiveDateTime,
}

/// What is lost when the schema is dropped; `None` if the log has all of it, as far as an indexer has noticed.
///
/// # Errors
/// Whatever the database reports.
pub async fn only_copy(conn: &mut PgConnection) -> sqlx::Result<Option<OnlyCopy>> {
    if !is_there(conn).await? {
        return Ok(None);
    }
    sqlx::query_as(
        "SELECT count(*) AS requests, min(f.started_at) AS first, max(f.started_at) AS last FROM traceability.facts f \
         WHERE f.gone HAVING count(*) > 0",
    )
    .fetch_optional(conn)
    .await
}

async fn is_there(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass('traceability.state') IS NOT NULL").fetch_one(conn).await
}

/// Whether the tables are distributed over the servers of a Citus cluster.
async fn is_distributed(conn: &mut PgConnection) -> sqlx::Result<bool> {
    let is_coordinator = "SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(is_coordinator).fetch_one(&mut *conn).await? {
        return Ok(false);
    }
    let is_listed = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_dist_partition p \
                     WHERE p.logicalrelid = to_regclass('traceability.sessions'))";
    sqlx::query_scalar(is_listed).fetch_one(conn).await
}

/// Sessions and their facts lie together, so that a question about one goes to one server; roll-ups lie by dimension. What facts
/// have in common, and the rest, is small, and copied to each. What a slice passes through lies as the facts do, and is made anew
/// by each migration, since it has their columns.
const DISTRIBUTE: &str = "
CREATE EXTENSION IF NOT EXISTS citus;
DROP TABLE IF EXISTS traceability.staging, traceability.altered, traceability.touched;
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT unnest(ARRAY['owners', 'deployments', 'sessions', 'facts', 'rollups', 'stale', 'labels', 'state']) LOOP
        IF EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = format('traceability.%I', name)::regclass) THEN
            CONTINUE;
        END IF;
        IF name = 'sessions' THEN
            PERFORM create_distributed_table('traceability.sessions', 'session_id');
        ELSIF name = 'facts' THEN
            PERFORM create_distributed_table('traceability.facts', 'session_id', colocate_with => 'traceability.sessions');
        ELSIF name = 'rollups' THEN
            PERFORM create_distributed_table('traceability.rollups', 'dimension', colocate_with => 'none');
        ELSE
            PERFORM create_reference_table(format('traceability.%I', name)::regclass);
        END IF;
    END LOOP;
    CREATE TABLE traceability.staging AS SELECT * FROM traceability.requests WITH NO DATA;
    CREATE TABLE traceability.altered AS SELECT * FROM traceability.requests WITH NO DATA;
    CREATE TABLE traceability.touched (session_id text NOT NULL, since timestamp(3), until timestamp(3));
    FOREACH name IN ARRAY ARRAY['staging', 'altered', 'touched'] LOOP
        PERFORM create_distributed_table(format('traceability.%I', name)::regclass, 'session_id',
                                         colocate_with => 'traceability.facts');
    END LOOP;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'traceability_indexer') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON traceability.staging, traceability.altered, traceability.touched
            TO traceability_indexer;
    END IF;
END
$$;
";
