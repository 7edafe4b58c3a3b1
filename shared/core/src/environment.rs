//! Settings: the environment's variables.
//!
//! A setting that is missing or contradicts another fails at start, with a message that names it.

use std::collections::HashMap;
use std::str::FromStr;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("setting {name}: {reason}")]
pub struct ConfigError {
    /// The variable's name.
    pub name: &'static str,
    /// What is wrong, and what to write. Never a URL: it may hold a password.
    pub reason: String,
}

/// The variables of the process, or of a test.
#[derive(Debug, Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        // A variable that is not UTF-8 is none of ours.
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// The variable's value; an empty one counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The parsed value.
    ///
    /// # Errors
    /// [`ConfigError`] with `allowed`, where the value does not parse.
    pub fn parse<T: FromStr>(&self, name: &'static str, allowed: &str) -> Result<Option<T>, ConfigError> {
        let parse = |value: &str| value.parse().map_err(|_| ConfigError { name, reason: format!("must be {allowed}") });
        self.get(name).map(parse).transpose()
    }

    /// Whether the variable says yes; an absent one does not.
    ///
    /// # Errors
    /// [`ConfigError`] where it says neither yes nor no.
    pub fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0" | "no" | "off") => Ok(false),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some(_) => Err(ConfigError { name, reason: "must be true or false".into() }),
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
