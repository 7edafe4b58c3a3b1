//! What requests are grouped by.

use crate::choice;

/// What makes a group of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The model's public name.
    Model,
    /// The agent.
    Agent,
    /// The LiteLLM user who owns the key.
    User,
    /// The end user that the caller named.
    EndUser,
    /// The key's team.
    Team,
    /// The virtual key.
    Key,
    /// The provider.
    Provider,
    /// Each tag; a request with several counts in each of their groups.
    Tag,
    /// Each called tool; a request that called several counts in each of their groups, one that called none in none.
    Tool,
    /// The class of the error; a request that did not fail counts in no group.
    ErrorClass,
}

choice! {
    /// The dimensions that a caller may ask for.
    GroupBy {
        /// The model's public name.
        Model = "model",
        /// The agent.
        Agent = "agent",
        /// The LiteLLM user who owns the key.
        User = "user",
        /// The end user that the caller named.
        EndUser = "end_user",
        /// The key's team.
        Team = "team",
        /// The virtual key.
        Key = "key",
        /// The provider.
        Provider = "provider",
        /// Each tag.
        Tag = "tag",
        /// Each called tool.
        Tool = "tool",
    }
}

impl From<GroupBy> for Dimension {
    fn from(word: GroupBy) -> Self {
        match word {
            GroupBy::Model => Self::Model,
            GroupBy::Agent => Self::Agent,
            GroupBy::User => Self::User,
            GroupBy::EndUser => Self::EndUser,
            GroupBy::Team => Self::Team,
            GroupBy::Key => Self::Key,
            GroupBy::Provider => Self::Provider,
            GroupBy::Tag => Self::Tag,
            GroupBy::Tool => Self::Tool,
        }
    }
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Model,
        Self::Agent,
        Self::User,
        Self::EndUser,
        Self::Team,
        Self::Key,
        Self::Provider,
        Self::Tag,
        Self::Tool,
        Self::ErrorClass,
    ];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Agent => "agent",
            Self::User => "user",
            Self::EndUser => "end_user",
            Self::Team => "team",
            Self::Key => "key",
            Self::Provider => "provider",
            Self::Tag => "tag",
            Self::Tool => "tool",
            Self::ErrorClass => "error_class",
        }
    }

    /// Whether each request is in exactly one group, so that the groups sum to the window.
    #[must_use]
    pub const fn is_partition(self) -> bool {
        !matches!(self, Self::Tag | Self::Tool | Self::ErrorClass)
    }
}
