//! The rows of LiteLLM's other tables: keys, users, teams and agents.

use sqlx::PgConnection;

use super::cast::{self, Agent, Cast, Naming};

/// Adds all of them.
pub async fn add(conn: &mut PgConnection, cast: &Cast) -> sqlx::Result<()> {
    let teams: Vec<(String, String)> = (0..cast::TEAMS).map(cast::team).collect();
    let users: Vec<String> = (0..cast::USERS).map(cast::user).collect();
    let of_keys = |value: fn(&cast::Key) -> &str| cast.keys.iter().map(|key| value(key).to_owned()).collect::<Vec<_>>();
    let listed: Vec<&Agent> = cast.agents.iter().filter(|agent| agent.naming == Naming::Table).collect();
    let of_agents = |value: fn(&Agent) -> &str| listed.iter().map(|agent| value(agent).to_owned()).collect::<Vec<_>>();
    let (ids, aliases): (Vec<String>, Vec<String>) = teams.into_iter().unzip();
    sqlx::query(TEAMS).bind(ids).bind(aliases).execute(&mut *conn).await?;
    sqlx::query(USERS).bind(users).execute(&mut *conn).await?;
    sqlx::query(KEYS)
        .bind(of_keys(|key| &key.token))
        .bind(of_keys(|key| &key.alias))
        .bind(of_keys(|key| &key.user))
        .bind(of_keys(|key| &key.team))
        .execute(&mut *conn)
        .await?;
    sqlx::query(AGENTS).bind(of_agents(|agent| &agent.id)).bind(of_agents(|agent| &agent.name)).execute(conn).await?;
    Ok(())
}

const TEAMS: &str = r#"
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias) SELECT * FROM unnest($1::text[], $2::text[])"#;

const USERS: &str = r#"
INSERT INTO "LiteLLM_UserTable" (user_id, user_role) SELECT *, 'internal_user' FROM unnest($1::text[])"#;

const KEYS: &str = r#"
INSERT INTO "LiteLLM_VerificationToken" (token, key_alias, user_id, team_id)
SELECT token, alias, NULLIF(user_id, ''), NULLIF(team_id, '')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS key (token, alias, user_id, team_id)"#;

const AGENTS: &str = r#"
INSERT INTO "LiteLLM_AgentsTable" (agent_id, agent_name, agent_card_params, created_by, updated_by)
SELECT id, name, '{}', 'bench', 'bench' FROM unnest($1::text[], $2::text[]) AS agent (id, name)"#;
