//! The right to read what was said, which is more than to see that something was.

use traceability_core::environment::{ConfigError, Environment};

/// `CONTENT_ACCESS`: who may read the content of the rows they see. A service key says for itself, unless nobody may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentAccess {
    /// Whoever sees a row.
    All,
    /// Those who see every row by their role.
    Admins,
    /// The user whose key made the request, and nobody else: neither the team's admins nor the proxy's.
    Owners,
    /// Nobody.
    None,
}

/// Of which of the rows that a caller sees it may read the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentRight {
    /// Of all.
    All,
    /// Of those of this LiteLLM user.
    OfUser(String),
    /// Of none.
    None,
}

impl ContentAccess {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`ConfigError`] for another word.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        match environment.get("CONTENT_ACCESS") {
            None | Some("all") => Ok(Self::All),
            Some("admins") => Ok(Self::Admins),
            Some("owners") => Ok(Self::Owners),
            Some("none") => Ok(Self::None),
            Some(_) => {
                Err(ConfigError { name: "CONTENT_ACCESS", reason: "must be all, admins, owners or none".into() })
            }
        }
    }

    /// The right of a caller who is an admin or not, and perhaps a LiteLLM user.
    #[must_use]
    pub fn right(self, is_admin: bool, user: Option<&str>) -> ContentRight {
        match self {
            Self::All => ContentRight::All,
            Self::Admins if is_admin => ContentRight::All,
            Self::Owners => user
                .filter(|user| !user.is_empty())
                .map_or(ContentRight::None, |user| ContentRight::OfUser(user.to_owned())),
            Self::Admins | Self::None => ContentRight::None,
        }
    }
}

impl ContentRight {
    /// Whether the content of a row may be read whose key this user owns.
    #[must_use]
    pub fn permits(&self, owner: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::OfUser(user) => owner == Some(user.as_str()),
            Self::None => false,
        }
    }
}
