//! What of LiteLLM's schema this database has.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgExecutor, Row};
use traceability_db::DbError;

use super::error::SchemaError;
use super::tables::{AGENTS, DEPRECATED_KEYS, KEYS, SPEND_LOGS, TEAMS, TOOL_INDEX, USERS};
use super::types;

/// The columns that every release has had since LiteLLM's migrations have a baseline. Columns were only ever added.
const BASELINE: [&str; 25] = [
    "request_id",
    "call_type",
    "api_key",
    "spend",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
    "startTime",
    "endTime",
    "completionStartTime",
    "model",
    "model_id",
    "model_group",
    "custom_llm_provider",
    "api_base",
    "user",
    "metadata",
    "cache_hit",
    "cache_key",
    "request_tags",
    "team_id",
    "end_user",
    "requester_ip_address",
    "messages",
    "response",
];

/// Which tables of LiteLLM's can be read here, and their columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Schema {
    tables: BTreeMap<String, BTreeSet<String>>,
    /// Columns that are there, but not for this role, or of a type that is not LiteLLM's.
    hidden: BTreeMap<String, BTreeSet<String>>,
}

impl Schema {
    /// Asks the catalogue, in one query and by the connection's `search_path`.
    ///
    /// # Errors
    /// [`DbError`] when the log table is missing, unreadable, lacks a column that every release has, or has one of another
    /// type.
    pub(super) async fn probe(conn: impl PgExecutor<'_>) -> Result<Self, DbError> {
        let names = [SPEND_LOGS, TOOL_INDEX, AGENTS, KEYS, TEAMS, USERS, DEPRECATED_KEYS];
        // What the role may not read of a companion, table or column, is as good as absent for facts: they then come from
        // their other carriers.
        let rows = sqlx::query(
            r"SELECT t.name,
                     has_table_privilege(to_regclass(quote_ident(t.name)), 'SELECT') AS readable,
                     c.columns, c.types, c.type_names, c.hidden
              FROM unnest($1::text[]) AS t(name),
              LATERAL (SELECT COALESCE(array_agg(a.attname::text) FILTER (WHERE a.readable), '{}') AS columns,
                              COALESCE(array_agg(a.type) FILTER (WHERE a.readable), '{}') AS types,
                              COALESCE(array_agg(a.type_name) FILTER (WHERE a.readable), '{}') AS type_names,
                              COALESCE(array_agg(a.attname::text) FILTER (WHERE NOT a.readable), '{}') AS hidden
                       FROM (SELECT a.attname, has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable,
                                    COALESCE(b.typname, y.typname)::text AS type,
                                    format_type(a.atttypid, a.atttypmod) AS type_name
                             FROM pg_attribute a
                             JOIN pg_type y ON y.oid = a.atttypid
                             LEFT JOIN pg_type b ON b.oid = y.typbasetype
                             WHERE a.attrelid = to_regclass(quote_ident(t.name)) AND a.attnum > 0
                               AND NOT a.attisdropped) a) c
              WHERE to_regclass(quote_ident(t.name)) IS NOT NULL",
        )
        .bind(names.as_slice())
        .fetch_all(conn)
        .await?;

        let (mut tables, mut hidden) = (BTreeMap::new(), BTreeMap::new());
        for row in rows {
            let name: String = row.try_get("name")?;
            if name == SPEND_LOGS && !row.try_get::<bool, _>("readable")? {
                return Err(SchemaError::NotReadable.into());
            }
            let list = |part: &str| row.try_get::<Vec<String>, _>(part);
            let types = list("types")?.into_iter().zip(list("type_names")?);
            let (mut readable, mut unread) = (BTreeSet::new(), list("hidden")?.into_iter().collect::<BTreeSet<_>>());
            for (column, (found, found_name)) in list("columns")?.into_iter().zip(types) {
                match types::column(&name, &column) {
                    Some((_, kind)) if kind.takes(&found) => drop(readable.insert(column)),
                    Some((column, kind)) if name == SPEND_LOGS => {
                        let expected = kind.expected();
                        return Err(SchemaError::ColumnType { column, found: found_name, expected }.into());
                    }
                    // Of a companion, it is as good as one that may not be read.
                    Some(_) => drop(unread.insert(column)),
                    None => drop(readable.insert(column)),
                }
            }
            tables.insert(name.clone(), readable);
            hidden.insert(name, unread);
        }
        let schema = Self { tables, hidden };
        schema.check()?;
        Ok(schema)
    }

    fn check(&self) -> Result<(), DbError> {
        let columns = self.tables.get(SPEND_LOGS).ok_or(SchemaError::TableMissing)?;
        match BASELINE.iter().find(|name| !columns.contains(**name)) {
            Some(name) => Err(SchemaError::ColumnMissing(name).into()),
            None => Ok(()),
        }
    }

    /// Whether the log table has this column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.table_has(SPEND_LOGS, column)
    }

    /// Whether `table` has this column, and the role may read it.
    pub(super) fn table_has(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.contains(column))
    }
    /// Whether `table` has this column, and the role may not read it.
    pub(super) fn table_hides(&self, table: &str, column: &str) -> bool {
        self.hidden.get(table).is_some_and(|columns| columns.contains(column))
    }
}
