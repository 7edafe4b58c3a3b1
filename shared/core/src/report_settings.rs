//! What reports are told beside what they are asked: budgets, and where the API is.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::environment::{ConfigError, Environment};
use crate::money::Money;

/// Monthly amounts in US dollars, from the setting `BUDGETS`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Of all.
    #[serde(default)]
    pub total: Option<Money>,
    /// By the id of the team.
    #[serde(default)]
    pub team: BTreeMap<String, Money>,
    /// By the agent's name.
    #[serde(default)]
    pub agent: BTreeMap<String, Money>,
    /// By the id of LiteLLM's user.
    #[serde(default)]
    pub user: BTreeMap<String, Money>,
}

/// Why budgets were not understood.
#[derive(Debug, thiserror::Error)]
#[error("BUDGETS {0}")]
pub struct InvalidBudgets(String);

impl std::str::FromStr for Budgets {
    type Err = InvalidBudgets;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ALLOWED: &str = "must be a JSON object of US dollars a month, such as \
                               {\"total\": 1000, \"team\": {\"a team's id\": 200}, \"agent\": {\"a name\": 50}, \
                               \"user\": {\"an id\": 20}}";
        // A list would be taken for the values of the fields in their order.
        if text.trim_start().starts_with('[') {
            return Err(InvalidBudgets(ALLOWED.into()));
        }
        let budgets: Self =
            serde_json::from_str(text).map_err(|error| InvalidBudgets(format!("{ALLOWED}: {error}")))?;
        let named = [&budgets.team, &budgets.agent, &budgets.user].into_iter().flat_map(BTreeMap::values);
        if budgets.total.iter().chain(named).any(|amount| *amount <= Money::zero()) {
            return Err(InvalidBudgets(format!("{ALLOWED}; each more than 0")));
        }
        Ok(budgets)
    }
}

impl Budgets {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// What reports are told beside what they are asked.
#[derive(Debug, Clone, Default)]
pub struct ReportSettings {
    /// `BUDGETS`: US dollars a month, as a JSON object.
    pub budgets: Budgets,
    /// `API_URL`: where readers reach the API, for links to sessions.
    pub links: Option<Url>,
}

impl ReportSettings {
    /// Reads them.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let budgets = environment.get("BUDGETS").map(str::parse).transpose();
        let budgets = budgets.map_err(|error: InvalidBudgets| ConfigError { name: "BUDGETS", reason: error.0 })?;
        let links: Option<Url> = environment.parse("API_URL", URL)?;
        if links.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https") || !url.has_host()) {
            return Err(ConfigError { name: "API_URL", reason: format!("must be {URL}") });
        }
        Ok(Self { budgets: budgets.unwrap_or_default(), links })
    }
}

/// What a URL is.
const URL: &str = "the URL at which readers reach the API, such as https://traces.example.com";
