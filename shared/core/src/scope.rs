//! Which rows a caller may see.

use crate::dimension::Dimension;

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
    /// LiteLLM's users, without the empty name.
    #[must_use]
    pub fn users(&self) -> &[String] {
        &self.users
    }

    /// The teams, without the empty name.
    #[must_use]
    pub fn teams(&self) -> &[String] {
        &self.teams
    }

    /// The agents, without the empty name.
    #[must_use]
    pub fn agents(&self) -> &[String] {
        &self.agents
    }

    /// The one owner, if there is no more than one.
    #[must_use]
    pub fn only(&self) -> Option<(Dimension, &str)> {
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
