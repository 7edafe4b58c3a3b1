//! Which rows a caller may see.

use sqlx::{Postgres, QueryBuilder};

use crate::queries::analytics::Dimension;

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

impl OwnRows {
    /// The one owner, if there is no more than one.
    pub(crate) fn only(&self) -> Option<(Dimension, &str)> {
        let kinds = [(Dimension::User, &self.users), (Dimension::Team, &self.teams), (Dimension::Agent, &self.agents)];
        let mut all = kinds.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| (kind, name.as_str())));
        let first = all.next();
        first.filter(|_| all.next().is_none())
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

    /// Appends the condition that all requests of a session are the caller's, over a row `o` of the index.
    pub(crate) fn push_whole(&self, sql: &mut QueryBuilder<Postgres>) {
        let Self::Own(own) = self else {
            sql.push("true");
            return;
        };
        sql.push("(false");
        for (owners, names) in [("o.users", &own.users), ("o.teams", &own.teams), ("o.agents", &own.agents)] {
            if !names.is_empty() {
                sql.push(format!(" OR {owners} <@ ")).push_bind(names.clone()).push("::text[]");
            }
        }
        sql.push(")");
    }

    /// Appends ` AND …`: that some request of a session is the caller's, over a row `o` of the index.
    pub(crate) fn push_part(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Self::Own(own) = self {
            let kinds = [("user", &own.users), ("team", &own.teams), ("agent", &own.agents)];
            let names =
                kinds.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind}:{name}")));
            sql.push(" AND o.names && ").push_bind(names.collect::<Vec<_>>()).push("::text[]");
        }
    }
}
