//! Which rows a caller may see, in SQL.

use sqlx::{Postgres, QueryBuilder};
use traceability_core::scope::Scope;

use super::Conditions;
use super::session::SessionName;

/// The columns that say whose a row is, as SQL over the log row.
pub struct Owners<'a> {
    /// The LiteLLM user.
    pub user: &'a str,
    /// The team.
    pub team: &'a str,
    /// The agent.
    pub agent: &'a str,
}

/// A caller's scope in SQL.
pub trait ScopeSql {
    /// Whether it asks for a row's agent, which lies in the payload.
    fn asks_for_agents(&self) -> bool;

    /// Appends the scope's condition. None for callers who see all rows.
    fn push(&self, conditions: &mut Conditions<'_>, owners: &Owners<'_>);

    /// Appends `joint`, such as ` AND `, and the condition that all requests of a session are the caller's, over a row `o` of
    /// the index. Nothing for callers who see all rows.
    fn push_whole(&self, sql: &mut QueryBuilder<Postgres>, joint: &str);

    /// Appends ` AND …`: that some request of a session is the caller's, over a row `o` of the index. Nothing for callers who
    /// see all rows.
    fn push_part(&self, sql: &mut QueryBuilder<Postgres>);
}

impl ScopeSql for Scope {
    fn asks_for_agents(&self) -> bool {
        matches!(self, Self::Own(own) if !own.agents().is_empty())
    }

    fn push(&self, conditions: &mut Conditions<'_>, owners: &Owners<'_>) {
        let Self::Own(own) = self else { return };
        let sql = conditions.and();
        sql.push("(false");
        for (owner, names) in [(owners.user, own.users()), (owners.team, own.teams()), (owners.agent, own.agents())] {
            if !names.is_empty() {
                sql.push(format!(" OR {owner} = ANY(")).push_bind(names.to_vec()).push(")");
            }
        }
        sql.push(")");
    }

    fn push_whole(&self, sql: &mut QueryBuilder<Postgres>, joint: &str) {
        let Self::Own(own) = self else { return };
        sql.push(joint).push("(false");
        for (owners, names) in [("o.users", own.users()), ("o.teams", own.teams()), ("o.agents", own.agents())] {
            if !names.is_empty() {
                sql.push(format!(" OR {owners} <@ ")).push_bind(names.to_vec()).push("::text[]");
            }
        }
        sql.push(")");
    }

    fn push_part(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Self::Own(own) = self {
            let kinds = [
                (SessionName::User, own.users()),
                (SessionName::Team, own.teams()),
                (SessionName::Agent, own.agents()),
            ];
            let names = kinds.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| kind.listed(name)));
            sql.push(" AND o.names && ").push_bind(names.collect::<Vec<_>>()).push("::text[]");
        }
    }
}
