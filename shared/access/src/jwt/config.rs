//! The settings of logins by token.

use chrono::TimeDelta;
use jsonwebtoken::Algorithm;
use traceability_core::environment::{ConfigError, Environment};
use url::Url;

use super::fetch::may_be_fetched;

/// Whose tokens count, and what their claims mean.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// `JWT_ISSUER`: exactly as the tokens' `iss` has it. Absent only where the gateway verifies.
    pub(super) issuer: Option<String>,
    /// `JWT_AUDIENCE`, separated by commas: a token must be for one of them. Empty only where the gateway verifies.
    pub(super) audiences: Vec<String>,
    /// `JWT_JWKS_URL`; default: what the issuer's `/.well-known/openid-configuration` names.
    pub(super) jwks_url: Option<Url>,
    /// `JWT_ALGORITHMS`, separated by commas; default RS256.
    pub(super) algorithms: Vec<Algorithm>,
    /// `JWT_LEEWAY_SECONDS`: how far the issuer's clock may be off.
    pub(super) leeway: TimeDelta,
    /// `JWT_USER_CLAIM`: LiteLLM's user id; default `sub`.
    pub(super) user_claim: String,
    /// `JWT_TEAMS_CLAIM`: LiteLLM's teams whose rows the caller may see; default none.
    pub(super) teams_claim: Option<String>,
    /// `JWT_ROLE_CLAIM`: one or more roles; default none.
    pub(super) role_claim: Option<String>,
    /// `JWT_ADMIN_ROLES`, separated by commas: the roles that see all rows.
    pub(super) admin_roles: Vec<String>,
    /// `JWT_VERIFIED_BY_GATEWAY`: whether API Gateway's JWT authorizer verifies the tokens. The issuer and the audience,
    /// where they are set too, must be those of its claims.
    pub(super) verified_by_gateway: bool,
}

/// Those whose verifying key is public: with the others whoever can verify can sign.
const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// Enough for clocks that nobody sets.
const LONGEST_LEEWAY: i64 = 300;

impl JwtConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting is missing or does not parse.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let verified_by_gateway = environment.flag("JWT_VERIFIED_BY_GATEWAY")?;
        let issuer = issuer(environment)?;
        let audiences = list(environment, "JWT_AUDIENCE", "names of this API, separated by commas")?;
        if !verified_by_gateway {
            let missing = |name| ConfigError { name, reason: "is missing: set it, or JWT_VERIFIED_BY_GATEWAY".into() };
            issuer.as_ref().ok_or_else(|| missing("JWT_ISSUER"))?;
            audiences.as_ref().ok_or_else(|| missing("JWT_AUDIENCE"))?;
        }
        let text = |name| environment.get(name).map(str::to_owned);
        Ok(Self {
            issuer,
            audiences: audiences.unwrap_or_default(),
            jwks_url: jwks_url(environment)?,
            algorithms: algorithms(environment)?,
            leeway: leeway(environment)?,
            user_claim: text("JWT_USER_CLAIM").unwrap_or_else(|| "sub".into()),
            teams_claim: text("JWT_TEAMS_CLAIM"),
            role_claim: text("JWT_ROLE_CLAIM"),
            admin_roles: list(environment, "JWT_ADMIN_ROLES", "names of roles, separated by commas")?
                .unwrap_or_else(|| vec!["proxy_admin".into(), "proxy_admin_viewer".into()]),
            verified_by_gateway,
        })
    }
}

/// The issuer, as it is written: its tokens have the same text.
fn issuer(environment: &Environment) -> Result<Option<String>, ConfigError> {
    let name = "JWT_ISSUER";
    let Some(issuer) = environment.get(name) else { return Ok(None) };
    let url = Url::parse(issuer).ok().filter(may_be_fetched);
    if url.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
        let reason = "must be an https:// URL without a query (http:// only on this machine)".into();
        return Err(ConfigError { name, reason });
    }
    Ok(Some(issuer.to_owned()))
}

fn jwks_url(environment: &Environment) -> Result<Option<Url>, ConfigError> {
    let allowed = "an https:// URL (http:// only on this machine)";
    let url: Option<Url> = environment.parse("JWT_JWKS_URL", allowed)?;
    if url.as_ref().is_some_and(|url| !may_be_fetched(url)) {
        return Err(ConfigError { name: "JWT_JWKS_URL", reason: format!("must be {allowed}") });
    }
    Ok(url)
}

fn algorithms(environment: &Environment) -> Result<Vec<Algorithm>, ConfigError> {
    let name = "JWT_ALGORITHMS";
    let allowed = ALGORITHMS.map(|(name, _)| name).join(", ");
    let allowed = format!("one or more of {allowed}, separated by commas");
    let Some(names) = list(environment, name, &allowed)? else { return Ok(vec![Algorithm::RS256]) };
    let known = |wanted: &String| ALGORITHMS.iter().find(|(name, _)| name == wanted).map(|(_, algorithm)| *algorithm);
    let algorithms: Option<Vec<_>> = names.iter().map(known).collect();
    algorithms.ok_or_else(|| ConfigError { name, reason: format!("must be {allowed}") })
}

fn leeway(environment: &Environment) -> Result<TimeDelta, ConfigError> {
    let (name, allowed) = ("JWT_LEEWAY_SECONDS", "a whole number of seconds from 0 to 300");
    let seconds = environment.parse(name, allowed)?.unwrap_or(60);
    if !(0..=LONGEST_LEEWAY).contains(&seconds) {
        return Err(ConfigError { name, reason: format!("must be {allowed}") });
    }
    Ok(TimeDelta::seconds(seconds))
}

/// The parts of a text with commas, of which there must be one.
fn list(environment: &Environment, name: &'static str, allowed: &str) -> Result<Option<Vec<String>>, ConfigError> {
    let Some(text) = environment.get(name) else { return Ok(None) };
    let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if parts.is_empty() {
        return Err(ConfigError { name, reason: format!("must be {allowed}") });
    }
    Ok(Some(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: (&str, &str) = ("JWT_ISSUER", "https://login.example.com/realm/");
    const AUDIENCE: (&str, &str) = ("JWT_AUDIENCE", "traces, https://api.example.com");

    fn read(settings: &[(&str, &str)]) -> Result<JwtConfig, ConfigError> {
        JwtConfig::from_environment(&settings.iter().copied().collect())
    }

    #[test]
    fn an_issuer_and_an_audience_are_enough() {
        let config = read(&[ISSUER, AUDIENCE]).expect("complete settings");
        assert_eq!(config.issuer.as_deref(), Some("https://login.example.com/realm/"));
        assert_eq!(config.audiences, ["traces", "https://api.example.com"]);
        assert_eq!(config.algorithms, [Algorithm::RS256]);
        assert_eq!(config.leeway, TimeDelta::seconds(60));
        assert_eq!(config.user_claim, "sub");
        assert_eq!(config.admin_roles, ["proxy_admin", "proxy_admin_viewer"]);
        assert!(config.jwks_url.is_none() && config.teams_claim.is_none() && config.role_claim.is_none());
        assert!(!config.verified_by_gateway);
    }

    #[test]
    fn a_gateway_needs_neither() {
        assert!(read(&[("JWT_VERIFIED_BY_GATEWAY", "true")]).is_ok());
    }

    #[test]
    fn every_algorithm_with_a_public_key_is_allowed() {
        let names = "RS256,RS384, RS512,PS256,PS384,PS512,ES256,ES384,EdDSA";
        let config = read(&[ISSUER, AUDIENCE, ("JWT_ALGORITHMS", names)]).expect("known names");
        assert_eq!(config.algorithms, ALGORITHMS.map(|(_, algorithm)| algorithm));
    }

    #[test]
    fn this_machine_needs_no_tls() {
        for issuer in ["http://localhost:9000", "http://127.0.0.1/x", "http://[::1]:80"] {
            assert!(read(&[("JWT_ISSUER", issuer), AUDIENCE]).is_ok(), "{issuer}");
        }
    }

    #[test]
    fn a_missing_setting_is_named() {
        assert_eq!(read(&[AUDIENCE]).expect_err("no issuer").name, "JWT_ISSUER");
        assert_eq!(read(&[ISSUER]).expect_err("no audience").name, "JWT_AUDIENCE");
        assert_eq!(read(&[ISSUER, AUDIENCE, ("JWT_VERIFIED_BY_GATEWAY", "maybe")]).expect_err("no flag").name, {
            "JWT_VERIFIED_BY_GATEWAY"
        });
    }

    #[test]
    fn a_bad_setting_is_named_with_what_is_allowed() {
        for (name, value, allowed) in [
            ("JWT_ISSUER", "login.example.com", "https://"),
            ("JWT_ISSUER", "http://login.example.com", "https://"),
            ("JWT_ISSUER", "http://localhost.example.com", "https://"),
            ("JWT_ISSUER", "ftp://localhost", "https://"),
            ("JWT_ISSUER", "https://user:hunter2@login.example.com", "https://"),
            ("JWT_ISSUER", "https://login.example.com/?x=1", "https://"),
            ("JWT_ISSUER", "https://login.example.com/#x", "https://"),
            ("JWT_AUDIENCE", " , ", "commas"),
            ("JWT_JWKS_URL", "keys.json", "https://"),
            ("JWT_JWKS_URL", "http://login.example.com/keys", "https://"),
            ("JWT_JWKS_URL", "file:///etc/passwd", "https://"),
            ("JWT_ALGORITHMS", "HS256", "RS256, RS384"),
            ("JWT_ALGORITHMS", "RS256,none", "RS256, RS384"),
            ("JWT_ALGORITHMS", "rs256", "RS256, RS384"),
            ("JWT_ALGORITHMS", ",", "RS256, RS384"),
            ("JWT_LEEWAY_SECONDS", "-1", "0 to 300"),
            ("JWT_LEEWAY_SECONDS", "301", "0 to 300"),
            ("JWT_LEEWAY_SECONDS", "1m", "0 to 300"),
            ("JWT_ADMIN_ROLES", ",", "commas"),
        ] {
            let error = read(&[ISSUER, AUDIENCE, (name, value)]).expect_err(value);
            assert_eq!(error.name, name, "{value}");
            assert!(error.to_string().contains(allowed), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
