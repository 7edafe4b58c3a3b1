//! Making the schema, and taking it away again.

use std::sync::LazyLock;

use sqlx::migrate::{MigrateError, Migration as Step, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr};

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

const VERSION: i64 = 20_261_124_000_000;

fn migrator() -> Migrator {
    let step = |migration_type, sql: &'static str| {
        Step::new(VERSION, "index".into(), migration_type, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(vec![
        step(MigrationType::ReversibleUp, include_str!("../../migrations/20261124000000_index.up.sql")),
        step(MigrationType::ReversibleDown, include_str!("../../migrations/20261124000000_index.down.sql")),
    ]);
    // Its own list of what was run lies beside the tables: in LiteLLM's schema it has no business.
    migrator.create_schema(SCHEMA);
    migrator.dangerous_set_table_name(format!("{SCHEMA}.migrations"));
    migrator
}

/// Why the schema could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Another version of this program has made it.
    #[error(
        "another version of this program has made the schema {SCHEMA}: take it away with 'make migrate-down', then make \
         and fill it anew, with 'make migrate' and 'make index'. What the log no longer has is lost with it"
    )]
    OtherVersion,
    /// The database does not take a step.
    #[error(transparent)]
    Step(#[from] MigrateError),
}

/// Makes the schema.
///
/// # Errors
/// [`MigrationError`] when there is another version's, or the database does not take a step.
pub async fn migrate(conn: &mut PgConnection, migration: Migration) -> Result<(), MigrationError> {
    migrator().run(&mut *conn).await.map_err(|error| match error {
        MigrateError::VersionMismatch(_) | MigrateError::VersionMissing(_) => MigrationError::OtherVersion,
        error => error.into(),
    })?;
    if migration == Migration::Citus {
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
pub async fn retire(conn: &mut PgConnection) -> sqlx::Result<()> {
    if is_there(conn).await? {
        sqlx::query("UPDATE traceability.state SET ready = false").execute(conn).await?;
    }
    Ok(())
}

async fn is_there(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass('traceability.state') IS NOT NULL").fetch_one(conn).await
}

/// Sessions and their facts lie together, so that a question about one goes to one server; roll-ups lie by dimension. The
/// rest is small, and copied to each.
const DISTRIBUTE: &str = "
CREATE EXTENSION IF NOT EXISTS citus;
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT unnest(ARRAY['facts', 'sessions', 'rollups', 'stale', 'labels', 'state']) LOOP
        IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = format('traceability.%I', name)::regclass) THEN
            CONTINUE;
        END IF;
        IF name = 'facts' THEN
            PERFORM create_distributed_table('traceability.facts', 'session_id');
        ELSIF name = 'sessions' THEN
            PERFORM create_distributed_table('traceability.sessions', 'session_id', colocate_with => 'traceability.facts');
        ELSIF name = 'rollups' THEN
            PERFORM create_distributed_table('traceability.rollups', 'dimension', colocate_with => 'none');
        ELSE
            PERFORM create_reference_table(format('traceability.%I', name)::regclass);
        END IF;
    END LOOP;
END
$$;
";
