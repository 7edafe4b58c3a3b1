//! The settings of reports.

use url::Url;

use super::budget::Budgets;
use crate::config::{ConfigError, Environment};

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
        let budgets =
            budgets.map_err(|error: super::InvalidBudgets| ConfigError { name: "BUDGETS", reason: error.0 })?;
        let links: Option<Url> = environment.parse("API_URL", URL)?;
        if links.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https") || !url.has_host()) {
            return Err(ConfigError { name: "API_URL", reason: format!("must be {URL}") });
        }
        Ok(Self { budgets: budgets.unwrap_or_default(), links })
    }
}

/// What a URL is.
const URL: &str = "the URL at which readers reach the API, such as https://traces.example.com";
