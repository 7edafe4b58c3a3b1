//! What the page is told before anybody has logged in. Nothing here is a secret.

use serde::Serialize;
use traceability_core::environment::{ConfigError, Environment};
use url::Url;

/// The page's settings, as `/dashboard/config.json` has them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dashboard {
    /// How callers prove who they are, as `AUTH_MODE` lists it.
    login: Vec<String>,
    /// The company's login; null without `DASHBOARD_OIDC_CLIENT_ID`.
    oidc: Option<Oidc>,
    /// The origins that the page may ask beside its own.
    #[serde(skip)]
    origins: Vec<String>,
}

/// A login by OpenID Connect, with authorization code and PKCE.
#[derive(Debug, Clone, Serialize)]
pub struct Oidc {
    /// `JWT_ISSUER`.
    issuer: String,
    /// `DASHBOARD_OIDC_CLIENT_ID`: the id of a public client, which has no secret.
    client_id: String,
    /// `DASHBOARD_OIDC_SCOPE`; `openid` if not given.
    scope: String,
    /// `DASHBOARD_OIDC_TOKEN`: the token that the API takes, `access_token` (the default) or `id_token`.
    token: &'static str,
    /// `DASHBOARD_OIDC_AUDIENCE`, for issuers that have to be told whom an access token is for.
    audience: Option<String>,
}

impl Dashboard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] when one cannot be used.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let modes = environment.get("AUTH_MODE").unwrap_or_default();
        let login = modes.split(',').map(|mode| mode.trim().to_owned()).filter(|mode| !mode.is_empty()).collect();
        let Some(client_id) = environment.get("DASHBOARD_OIDC_CLIENT_ID") else {
            return Ok(Self { login, oidc: None, origins: Vec::new() });
        };
        let issuer = environment.get("JWT_ISSUER").ok_or_else(|| ConfigError {
            name: "DASHBOARD_OIDC_CLIENT_ID",
            reason: "needs JWT_ISSUER, whose tokens the API takes".into(),
        })?;
        let mut origins = vec![origin_of("JWT_ISSUER", issuer)?];
        let further = environment.get("DASHBOARD_OIDC_ORIGINS").unwrap_or_default();
        for origin in further.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            origins.push(origin_of("DASHBOARD_OIDC_ORIGINS", origin)?);
        }
        let oidc = Oidc {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            scope: environment.get("DASHBOARD_OIDC_SCOPE").unwrap_or("openid").to_owned(),
            token: token(environment)?,
            audience: environment.get("DASHBOARD_OIDC_AUDIENCE").map(str::to_owned),
        };
        Ok(Self { login, oidc: Some(oidc), origins })
    }

    /// The origins that the page may ask beside its own.
    pub(crate) fn origins(&self) -> &[String] {
        &self.origins
    }
}

fn token(environment: &Environment) -> Result<&'static str, ConfigError> {
    match environment.get("DASHBOARD_OIDC_TOKEN") {
        None | Some("access_token") => Ok("access_token"),
        Some("id_token") => Ok("id_token"),
        Some(_) => Err(ConfigError { name: "DASHBOARD_OIDC_TOKEN", reason: "must be access_token or id_token".into() }),
    }
}

/// An address's origin. It becomes a part of a header, so nothing else of the address may stay.
fn origin_of(name: &'static str, address: &str) -> Result<String, ConfigError> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    url.map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| ConfigError { name, reason: "must be an address such as https://login.example.com".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Dashboard, ConfigError> {
        Dashboard::from_environment(&pairs.iter().copied().collect())
    }

    #[test]
    fn a_client_id_alone_is_no_login() {
        let error = read(&[("DASHBOARD_OIDC_CLIENT_ID", "page")]).expect_err("there is no issuer");
        assert_eq!(error.name, "DASHBOARD_OIDC_CLIENT_ID");
    }

    #[test]
    fn nothing_but_origins_gets_into_the_policy() {
        let issuer = ("JWT_ISSUER", "https://login.example.com/realm; script-src *");
        let client = ("DASHBOARD_OIDC_CLIENT_ID", "page");
        let dashboard = read(&[issuer, client, ("DASHBOARD_OIDC_ORIGINS", "https://tokens.example.com:8443/x")]);
        let dashboard = dashboard.expect("settings");
        assert_eq!(dashboard.origins(), ["https://login.example.com", "https://tokens.example.com:8443"]);
        for bad in ["javascript:alert(1)", "login.example.com", "file:///etc"] {
            assert!(read(&[issuer, client, ("DASHBOARD_OIDC_ORIGINS", bad)]).is_err(), "{bad} was taken");
        }
    }
}
