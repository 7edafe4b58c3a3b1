//! Logins by the tokens of an OIDC issuer: JWTs that it signed, verified here or by API Gateway.

mod claims;
mod config;
mod fetch;
mod key_set;
mod keys;
mod signature;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Header, Validation};
use serde_json::{Map, Value};

pub use config::JwtConfig;

use claims::Source;
use fetch::Issuer;
use key_set::Wanted;
use keys::Keys;

/// The longest token that is looked at. Proxies take headers of 8 to 16 KB.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Who a token says is calling.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// For the audit: the issuer and the subject, `https://login.example.com#1234`.
    pub subject: String,
    /// LiteLLM's user id, where the token has one.
    pub user: Option<String>,
    /// LiteLLM's teams whose rows the caller may see.
    pub teams: Vec<String>,
    /// Whether one of its roles is among `JWT_ADMIN_ROLES`.
    pub is_admin: bool,
    /// The token's end, without leeway.
    pub expires: DateTime<Utc>,
}

impl fmt::Debug for Identity {
    // It would name people in the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Why a token opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not hold: 401.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// Nobody can tell, because the issuer's keys cannot be had at the moment: 503.
    #[error("the keys of the tokens' issuer cannot be had: {0}")]
    Unverifiable(String),
}

/// What is wrong with a token. For the log: the caller is told nothing of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// More than 16 KB.
    #[error("token is too long")]
    TooLong,
    /// Not three parts of base64url, of which two are JSON objects; or of an algorithm that nobody knows.
    #[error("token is not a JWT")]
    Malformed,
    /// It asks for an extension that must be understood, and none is.
    #[error("token has critical extensions")]
    Critical,
    /// Not one of `JWT_ALGORITHMS`.
    #[error("token's algorithm is not allowed")]
    Algorithm,
    /// It does not say which of several keys it was signed with.
    #[error("token names no key")]
    NoKeyId,
    /// The issuer has no such key.
    #[error("token names a key that its issuer does not have")]
    UnknownKey,
    /// The key is for another algorithm or for encryption.
    #[error("token's key is not for its algorithm")]
    WrongKey,
    /// It was changed, or signed by somebody else.
    #[error("token's signature is wrong")]
    Signature,
    /// Not of `JWT_ISSUER`.
    #[error("token is of another issuer")]
    Issuer,
    /// Not for one of `JWT_AUDIENCE`.
    #[error("token is for another audience")]
    Audience,
    /// It does not say whose it is.
    #[error("token has no subject")]
    NoSubject,
    /// It does not say until when it holds.
    #[error("token has no expiry")]
    NoExpiry,
    /// A time in it is not a number of seconds.
    #[error("token has a time that is none")]
    Time,
    /// Its time is over.
    #[error("token has expired")]
    Expired,
    /// Its time has not come.
    #[error("token is not valid yet")]
    NotYet,
    /// Where tokens are verified here, the claims of a gateway count for nothing; and the other way around.
    #[error("tokens are verified elsewhere")]
    Elsewhere,
}

/// What verifies tokens. One for the process: it keeps the issuer's keys.
pub struct Jwt {
    config: JwtConfig,
    /// Absent where the gateway verifies.
    keys: Option<Arc<Keys>>,
}

impl Jwt {
    /// With these settings. Nothing is fetched before it is needed.
    #[must_use]
    pub fn new(config: JwtConfig) -> Self {
        signature::install();
        let issuer = config.issuer.clone().filter(|_| !config.verified_by_gateway);
        let keys = issuer.map(|name| Arc::new(Keys::new(Issuer::new(name, config.jwks_url.clone()))));
        Self { config, keys }
    }

    /// Verifies a token and says whose it is.
    ///
    /// # Errors
    /// [`Refused`], also for every token where the gateway verifies them.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Identity, Refused> {
        let keys = self.keys.as_ref().ok_or(Invalid::Elsewhere)?;
        let header = self.header(token)?;
        let wanted = Wanted { id: header.kid, algorithm: header.alg };
        let key = keys.find(wanted, now).await?;
        let mut signature_alone = Validation::new(header.alg);
        // What the claims say is judged below, by the clock that is passed in.
        signature_alone.validate_exp = false;
        signature_alone.validate_aud = false;
        signature_alone.required_spec_claims.clear();
        let token = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &signature_alone).map_err(|error| {
            match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => Invalid::Signature,
                _ => Invalid::Malformed,
            }
        })?;
        Ok(claims::identity(&token.claims, Source::Token, &self.config, now)?)
    }

    /// Says who is calling from the claims of a token that API Gateway has verified. Its values may all be strings.
    ///
    /// # Errors
    /// [`Refused::Invalid`], for all claims where tokens are verified here.
    pub fn of_gateway(&self, claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<Identity, Refused> {
        if !self.trusts_gateway() {
            return Err(Invalid::Elsewhere.into());
        }
        Ok(claims::identity(claims, Source::Gateway, &self.config, now)?)
    }

    /// Whether API Gateway verifies the tokens (`JWT_VERIFIED_BY_GATEWAY`).
    #[must_use]
    pub fn trusts_gateway(&self) -> bool {
        self.config.verified_by_gateway
    }

    /// The header of a token that may be one.
    fn header(&self, token: &str) -> Result<Header, Invalid> {
        if token.len() > LONGEST_TOKEN {
            return Err(Invalid::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Invalid::Malformed)?;
        if header.crit.is_some() {
            return Err(Invalid::Critical);
        }
        if !self.config.algorithms.contains(&header.alg) {
            return Err(Invalid::Algorithm);
        }
        Ok(header)
    }
}
