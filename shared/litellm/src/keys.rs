//! What LiteLLM's own tables say of a virtual key: whether it is good, whose it is, and what its owner may read.

use chrono::NaiveDateTime;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::Log;
use super::bounds;
use super::tables::{DEPRECATED_KEYS, KEYS, TEAMS, USERS};

/// A virtual key with its user and its team, as they are at this moment.
#[derive(Debug, Clone, FromRow)]
pub struct KeyRecord {
    /// The hash of the key in force: after a rotation, the new one's.
    pub token: String,
    /// The key's alias.
    pub key_alias: Option<String>,
    /// The user who owns it.
    pub user_id: Option<String>,
    /// The team it belongs to.
    pub team_id: Option<String>,
    /// When it ends, in UTC.
    pub expires: Option<NaiveDateTime>,
    /// Whether somebody blocked it, or its team.
    pub blocked: bool,
    /// The routes it is limited to; empty for none in particular.
    pub allowed_routes: Vec<String>,
    /// `llm_api`, `management`, `read_only` or `default`; null in releases without.
    pub key_type: Option<String>,
    /// The user's role; null where there is no such user.
    pub user_role: Option<String>,
    /// The user's teams whose logs the user may read: as their admin, or because their members may.
    pub readable_teams: Vec<String>,
}

/// The route whose permission lets a team's members read its logs.
const LOGS_ROUTE: &str = "/spend/logs";

impl Log {
    /// The question for the key with this hash, or with one that a rotation has replaced but not ended yet. `None` where the
    /// role may not read what it takes to judge a key.
    #[must_use]
    pub fn key_query(&self, hash: &str, now: NaiveDateTime) -> Option<QueryBuilder<Postgres>> {
        let has = |table: &str, column: &str| self.schema.table_has(table, column);
        let judged = [
            (KEYS, &["token", "user_id", "team_id", "expires", "blocked"][..]),
            (USERS, &["user_id", "user_role", "teams"]),
            (TEAMS, &["team_id", "blocked", "members_with_roles"]),
        ];
        if !judged.iter().all(|(table, columns)| columns.iter().all(|column| has(table, column))) {
            return None;
        }
        // What limits a key must not be overlooked for want of a right; older releases do not have it at all.
        if ["allowed_routes", "key_type"].iter().any(|column| self.schema.table_hides(KEYS, column)) {
            return None;
        }
        let newer = |column: &str, sql: &str, absent: &str| if has(KEYS, column) { sql } else { absent }.to_owned();
        let by_permission = if has(TEAMS, "team_member_permissions") {
            format!("OR '{LOGS_ROUTE}' = ANY(t.team_member_permissions)")
        } else {
            String::new()
        };
        let mut sql = QueryBuilder::new(format!(
            r#"SELECT v.token, {alias} AS key_alias, NULLIF(v.user_id, '') AS user_id, NULLIF(v.team_id, '') AS team_id,
                      {expires} AS expires, (v.blocked IS TRUE OR own.blocked IS TRUE) AS blocked,
                      {routes} AS allowed_routes, {key_type} AS key_type, u.user_role,
                      ARRAY(SELECT t.team_id FROM "{TEAMS}" t
                            WHERE t.team_id = ANY(u.teams) AND jsonb_typeof(t.members_with_roles) = 'array'
                              AND EXISTS (SELECT 1 FROM jsonb_array_elements(t.members_with_roles) m
                                          WHERE m ->> 'user_id' = v.user_id
                                            AND (m ->> 'role' = 'admin' {by_permission}))) AS readable_teams
               FROM "{KEYS}" v
               LEFT JOIN "{USERS}" u ON u.user_id = v.user_id
               LEFT JOIN "{TEAMS}" own ON own.team_id = v.team_id
               WHERE v.token = "#,
            expires = bounds::within_or_null("v.expires"),
            alias = newer("key_alias", "NULLIF(v.key_alias, '')", "NULL::text"),
            routes = newer("allowed_routes", "COALESCE(v.allowed_routes, '{}')", "'{}'::text[]"),
            key_type = newer("key_type", "v.key_type", "NULL::text"),
        ));
        if ["token", "active_token_id", "revoke_at"].iter().all(|column| has(DEPRECATED_KEYS, column)) {
            // The key itself first: a hash that is both good and replaced is good.
            sql.push("COALESCE((SELECT k.token FROM \"").push(KEYS).push("\" k WHERE k.token = ");
            sql.push_bind(hash.to_owned());
            sql.push("), (SELECT d.active_token_id FROM \"").push(DEPRECATED_KEYS).push("\" d WHERE d.token = ");
            sql.push_bind(hash.to_owned()).push(" AND d.revoke_at > ").push_bind(now).push(" LIMIT 1))");
        } else {
            sql.push_bind(hash.to_owned());
        }
        Some(sql)
    }
}
