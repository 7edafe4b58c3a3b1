//! Which rows a caller may see.

use sqlx::{Postgres, QueryBuilder};

/// The rows a caller may see, decided once per request. Every query takes one, and the facts projection writes it into
/// the SQL, so that no query can be made without.
///
/// Session ids are chosen by clients and collide across tenants: of a session, too, a caller sees only its own rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every row of the log.
    AllRows,
    /// The rows of these users, teams and agents.
    Own(OwnRows),
}

/// Whose rows. Nobody's where all lists are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnRows {
    users: Vec<String>,
    teams: Vec<String>,
    agents: Vec<String>,
}

impl OwnRows {
    /// Those of these users: LiteLLM's, who own the keys.
    #[must_use]
    pub fn of_users(mut self, users: impl IntoIterator<Item = String>) -> Self {
        self.users.extend(named(users));
        self
    }

    /// Those of these teams' keys.
    #[must_use]
    pub fn of_teams(mut self, teams: impl IntoIterator<Item = String>) -> Self {
        self.teams.extend(named(teams));
        self
    }

    /// Those of the agents with these names.
    #[must_use]
    pub fn of_agents(mut self, agents: impl IntoIterator<Item = String>) -> Self {
        self.agents.extend(named(agents));
        self
    }
}

/// LiteLLM writes `''` for none, and none is nobody's.
fn named(names: impl IntoIterator<Item = String>) -> impl Iterator<Item = String> {
    names.into_iter().filter(|name| !name.is_empty())
}

/// The columns that say whose a row is, as SQL over the log row.
pub(crate) struct Owners<'a> {
    pub(crate) user: &'a str,
    pub(crate) team: &'a str,
    pub(crate) agent: &'a str,
}

impl Scope {
    /// Whether it asks for a row's agent, which lies in the payload.
    pub(crate) fn asks_for_agents(&self) -> bool {
        matches!(self, Self::Own(own) if !own.agents.is_empty())
    }

    /// Appends the scope's condition.
    pub(crate) fn push(&self, sql: &mut QueryBuilder<Postgres>, owners: &Owners<'_>) {
        let Self::Own(own) = self else {
            sql.push("true");
            return;
        };
        sql.push("(false");
        for (owner, names) in [(owners.user, &own.users), (owners.team, &own.teams), (owners.agent, &own.agents)] {
            if !names.is_empty() {
                sql.push(format!(" OR {owner} = ANY(")).push_bind(names.clone()).push(")");
            }
        }
        sql.push(")");
    }
}
