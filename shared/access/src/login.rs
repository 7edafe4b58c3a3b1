//! From what a request brings to who is calling.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use traceability_core::environment::{ConfigError, Environment};
use traceability_core::scope::{OwnRows, Scope};
use traceability_db::DbError;
use traceability_litellm::keys::KeyRecord;

use super::cache::PrincipalCache;
use super::jwt::{self, Jwt, JwtConfig};
use super::litellm::{self, Denied};
use super::service_keys::{self, KeyHash, ServiceKeys, hash_of};
use super::settings::{self, AuthMode, Exposure};
use super::{ContentAccess, Login, Principal};

/// What a request brings to prove who sent it. It has no `Debug`: it must not end up in a log.
pub enum Credential<'a> {
    /// A key or a token, as the client sent it.
    Secret(&'a str),
    /// The claims of a token that a gateway has verified.
    Claims(&'a Map<String, Value>),
}

/// Where LiteLLM's virtual keys are looked up.
pub trait KeyLookup: Sync {
    /// The key with this SHA-256, in hexadecimal digits; `None` where LiteLLM knows none.
    ///
    /// # Errors
    /// [`DbError`] when LiteLLM's tables cannot be asked.
    fn key(&self, hash: &str, now: DateTime<Utc>) -> impl Future<Output = Result<Option<KeyRecord>, DbError>> + Send;
}

/// Why a request is not served.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It brings nothing, or nothing that could be a key or a token.
    #[error("no credentials")]
    Missing,
    /// What it brings opens nothing. Why is for the log: the caller is told nothing of it.
    #[error("{0}")]
    Invalid(String),
    /// It does not bring the token that the local server printed when it started.
    #[error("no token of this local server")]
    NoLocalToken,
    /// It brings something else than that token.
    #[error("not the token of this local server")]
    WrongLocalToken,
    /// Who it is is clear, but they may not read logs.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// The issuer's keys could not be had, so that a token cannot be judged.
    #[error("{0}")]
    IssuerUnavailable(String),
    /// LiteLLM's tables could not be asked.
    #[error(transparent)]
    RequestSource(#[from] DbError),
}

/// How callers prove who they are, and what follows from it.
pub struct Access {
    mode: AuthMode,
    /// Where nobody has to log in: what they bring instead.
    local_token: Option<KeyHash>,
    master_key: Option<KeyHash>,
    service_keys: ServiceKeys,
    jwt: Option<Jwt>,
    content: ContentAccess,
    cache: PrincipalCache,
    anyone: Arc<Principal>,
}

/// What every key of LiteLLM's begins with. A hash that somebody read in its database does not, so that none opens
/// anything.
const LITELLM_PREFIX: &str = "sk-";
/// LiteLLM's user for requests with the master key.
const MASTER_USER: &str = "default_user_id";

impl Access {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] where one is missing, wrong, or would let everybody in without having said so.
    pub fn from_environment(environment: &Environment, exposure: Exposure) -> Result<Self, ConfigError> {
        let mode = AuthMode::from_environment(environment, exposure)?;
        let ways = mode.ways();
        let content = ContentAccess::from_environment(environment)?;
        let jwt = if ways.jwt { Some(Jwt::new(JwtConfig::from_environment(environment)?)) } else { None };
        Ok(Self {
            master_key: if ways.litellm { settings::master_key(environment)? } else { None },
            service_keys: service_keys::from_environment(environment, content)?,
            jwt,
            mode,
            local_token: None,
            content,
            cache: PrincipalCache::new(),
            anyone: Arc::new(Principal {
                login: Login::Anonymous,
                name: "anyone".into(),
                key: None,
                scope: Scope::AllRows,
                content: content.right(false, None),
            }),
        })
    }

    /// Asks for this token where nobody has to log in otherwise. A server that listens on one machine only cannot tell its
    /// programs from those of others, whose requests a proxy or a tunnel passes on.
    #[must_use]
    pub fn with_local_token(self, token: &str) -> Self {
        let local_token = (self.mode == AuthMode::None).then(|| hash_of(token));
        Self { local_token, ..self }
    }

    /// Whether nobody is asked for anything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.mode == AuthMode::None && self.local_token.is_none()
    }

    fn of_local_token(&self, token: &KeyHash, credential: Option<&Credential<'_>>) -> Result<Arc<Principal>, Refusal> {
        match credential {
            Some(Credential::Secret(secret)) if bool::from(token.ct_eq(&hash_of(secret))) => {
                Ok(Arc::clone(&self.anyone))
            }
            Some(Credential::Secret(_)) => Err(Refusal::WrongLocalToken),
            Some(Credential::Claims(_)) | None => Err(Refusal::NoLocalToken),
        }
    }

    /// Whether the claims of the gateway's own authorizer count.
    #[must_use]
    pub fn trusts_gateway(&self) -> bool {
        self.jwt.as_ref().is_some_and(Jwt::trusts_gateway)
    }

    /// Who is calling.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn principal(
        &self,
        credential: Option<Credential<'_>>,
        keys: &impl KeyLookup,
        now: DateTime<Utc>,
    ) -> Result<Arc<Principal>, Refusal> {
        if let Some(token) = &self.local_token {
            return self.of_local_token(token, credential.as_ref());
        }
        match credential {
            _ if self.is_open() => Ok(Arc::clone(&self.anyone)),
            None => Err(Refusal::Missing),
            Some(Credential::Claims(claims)) => match &self.jwt {
                Some(jwt) if jwt.trusts_gateway() => self.of_token(jwt.of_gateway(claims, now)?).map(Arc::new),
                _ => Err(Refusal::Missing),
            },
            Some(Credential::Secret(secret)) => self.of_secret(secret, keys, now).await,
        }
    }

    async fn of_secret(
        &self,
        secret: &str,
        keys: &impl KeyLookup,
        now: DateTime<Utc>,
    ) -> Result<Arc<Principal>, Refusal> {
        let hash = hash_of(secret);
        if let Some(principal) = self.service_keys.get(&hash) {
            return Ok(Arc::clone(principal));
        }
        let is_master = self.master_key.is_some_and(|master| bool::from(master.ct_eq(&hash)));
        if is_master {
            return Ok(Arc::new(self.master()));
        }
        if let Some(principal) = self.cache.get(&hash, now) {
            return Ok(principal);
        }
        let (principal, end) = match &self.jwt {
            _ if self.mode.ways().litellm && secret.starts_with(LITELLM_PREFIX) => {
                self.of_litellm(&hash, keys, now).await?
            }
            Some(jwt) if !jwt.trusts_gateway() => {
                let identity = jwt.verify(secret, now).await?;
                let end = identity.expires;
                (self.of_token(identity)?, Some(end))
            }
            _ => return Err(Denied::Unknown.into()),
        };
        let principal = Arc::new(principal);
        self.cache.put(hash, Arc::clone(&principal), now, end);
        Ok(principal)
    }

    /// Asks LiteLLM's tables, by one look-up of the key's hash.
    async fn of_litellm(
        &self,
        hash: &KeyHash,
        keys: &impl KeyLookup,
        now: DateTime<Utc>,
    ) -> Result<(Principal, Option<DateTime<Utc>>), Refusal> {
        let record = keys.key(&hex::encode(hash), now).await?;
        let record = record.ok_or(Denied::Unknown)?;
        let principal = litellm::principal(record, self.content, now)?;
        Ok(principal)
    }

    fn master(&self) -> Principal {
        Principal {
            login: Login::MasterKey,
            name: MASTER_USER.into(),
            key: None,
            scope: Scope::AllRows,
            content: self.content.right(true, Some(MASTER_USER)),
        }
    }

    fn of_token(&self, identity: jwt::Identity) -> Result<Principal, Refusal> {
        let content = self.content.right(identity.is_admin, identity.user.as_deref());
        let own = OwnRows::default().of_users(identity.user).of_teams(identity.teams);
        let scope = if identity.is_admin { Scope::AllRows } else { Scope::Own(own) };
        if scope == Scope::Own(OwnRows::default()) {
            return Err(Refusal::NotAllowed(
                "This token names neither a user nor a team of LiteLLM's, nor a role that may read everything.",
            ));
        }
        Ok(Principal { login: Login::Token, name: identity.subject, key: None, scope, content })
    }
}

/// The beginning of a secret's SHA-256: whoever has the secret, or LiteLLM's key table, can tell which one it was.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    hex::encode(&hash_of(secret)[..4])
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotForLogs => {
                Self::NotAllowed("This key may not read logs: its type, or the routes it is limited to, keep it out.")
            }
            denied => Self::Invalid(denied.to_string()),
        }
    }
}

impl From<jwt::Refused> for Refusal {
    fn from(refused: jwt::Refused) -> Self {
        match refused {
            jwt::Refused::Invalid(reason) => Self::Invalid(reason.to_string()),
            jwt::Refused::Unverifiable(reason) => Self::IssuerUnavailable(reason),
        }
    }
}
