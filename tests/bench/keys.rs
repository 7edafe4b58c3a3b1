//! The keys that callers log in with, and whose they are in LiteLLM's tables.

use serde_json::json;
use sqlx::PgConnection;
use traceability_access::litellm;

/// How many keys there are, each of a user of its own, besides the key number 0.
pub const KEYS: u32 = 2_000;
/// How many teams the users are in.
const TEAMS: i32 = 100;

/// A LiteLLM key. Its user may see every row, so that a login changes nothing about the questions to the log.
pub fn litellm_key(number: u32) -> String {
    format!("sk-bench-{number}")
}

/// A key of the service's own.
pub const SERVICE_KEY: &str = "trace-bench";

/// The setting for [`SERVICE_KEY`], which opens every row and its content.
pub fn service_keys() -> String {
    json!([{"name": "bench", "sha256": litellm::hash(SERVICE_KEY), "scope": "all", "content": true}]).to_string()
}

/// Adds the LiteLLM keys that are missing, with their users and teams.
pub async fn add(conn: &mut PgConnection) -> sqlx::Result<()> {
    for statement in [TEAM_ROWS, USER_ROWS, KEY_ROWS] {
        sqlx::query(statement).bind(KEYS.cast_signed()).bind(TEAMS).execute(&mut *conn).await?;
    }
    let analyze = r#"VACUUM ANALYZE "LiteLLM_TeamTable", "LiteLLM_UserTable", "LiteLLM_VerificationToken""#;
    sqlx::raw_sql(analyze).execute(conn).await?;
    Ok(())
}

/// Each user is in three teams, which are sixty users each, one of them its admin.
const TEAM_ROWS: &str = r#"
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, members_with_roles, team_member_permissions)
SELECT 'bench-team-' || team, 'Team ' || team,
       jsonb_agg(jsonb_build_object('user_id', 'bench-user-' || number,
                                    'role', CASE number WHEN team THEN 'admin' ELSE 'user' END)),
       '{/key/info}'
FROM generate_series(0, $2 - 1) team
JOIN generate_series(0, $1) number ON (team - number % $2 + $2) % $2 < 3
GROUP BY team
ON CONFLICT DO NOTHING"#;

const USER_ROWS: &str = r#"
INSERT INTO "LiteLLM_UserTable" (user_id, user_role, teams)
SELECT 'bench-user-' || number, 'proxy_admin_viewer',
       ARRAY(SELECT 'bench-team-' || (number + step) % $2 FROM generate_series(0, 2) step)
FROM generate_series(0, $1) number
ON CONFLICT DO NOTHING"#;

const KEY_ROWS: &str = r#"
INSERT INTO "LiteLLM_VerificationToken" (token, key_alias, user_id, team_id)
SELECT encode(sha256(convert_to('sk-bench-' || number, 'UTF8')), 'hex'), 'bench-key-' || number,
       'bench-user-' || number, 'bench-team-' || number % $2
FROM generate_series(0, $1) number
ON CONFLICT DO NOTHING"#;
