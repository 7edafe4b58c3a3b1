//! With which user and password to connect, and where they come from.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use sqlx::Connection as _;
use tokio::sync::Mutex;
use traceability_core::environment::ConfigError;
use url::Url;

use super::aws::Aws;
use super::config::{DatabaseConfig, LoginSource};
use super::iam::Token;
use super::login_error::LoginError;
use super::target::Target;

/// Whether what is known of a login is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// As it was read last.
    Known,
    /// Read after this moment, at which a connection was tried with what was known then.
    NewerThan(SystemTime),
}

/// How old a secret may be when a connection fails for another reason than a refused login: it may name another server by
/// now, but an outage must not read it for every request.
const DOUBTED_AFTER: Duration = Duration::from_secs(10);

/// Where user and password come from.
pub(super) enum Login {
    /// `DATABASE_URL`.
    Url(Box<Target>),
    /// `DATABASE_SECRET_ARN`.
    Secret(Box<SecretLogin>),
    /// `DATABASE_IAM_AUTH`.
    Iam(Box<IamLogin>),
}

impl Login {
    /// The database with the login of this moment.
    pub(super) async fn target(&self, freshness: Freshness) -> Result<Target, LoginError> {
        match self {
            Self::Url(target) => Ok(Target::clone(target)),
            // Boxed: the SDK's futures are large, and would be part of every handler's.
            Self::Secret(secret) => Box::pin(secret.target(freshness)).await,
            Self::Iam(iam) => Box::pin(iam.target(freshness)).await,
        }
    }

    /// Whether it may be another one by now, after a connection with it failed.
    pub(super) async fn may_have_changed(&self, refused: bool) -> bool {
        match self {
            Self::Url(_) => false,
            Self::Iam(_) => refused,
            Self::Secret(secret) => refused || secret.is_old().await,
        }
    }
}

/// A login that AWS Secrets Manager keeps.
pub(super) struct SecretLogin {
    pub(super) arn: String,
    /// The server and the database, where `DATABASE_URL` names them.
    pub(super) place: Option<Target>,
    pub(super) allow_unverified_tls: bool,
    pub(super) aws: Aws,
    pub(super) known: Mutex<Option<KnownSecret>>,
}

/// What a secret said.
pub(super) struct KnownSecret {
    target: Target,
    read_at: SystemTime,
}

impl SecretLogin {
    async fn target(&self, freshness: Freshness) -> Result<Target, LoginError> {
        // Held while the secret is read: many requests that start, or fail, at once read it once.
        let mut known = self.known.lock().await;
        match (known.as_ref(), freshness) {
            (Some(known), Freshness::Known) => return Ok(known.target.clone()),
            (Some(known), Freshness::NewerThan(moment)) if known.read_at > moment => return Ok(known.target.clone()),
            _ => {}
        }
        let secret = self.aws.secret(&self.arn).await?;
        let target = target_of(&secret, self.place.as_ref(), self.allow_unverified_tls)?;
        Ok(known.insert(KnownSecret { target, read_at: SystemTime::now() }).target.clone())
    }

    async fn is_old(&self) -> bool {
        let known = self.known.lock().await;
        // Also where the clock was set back.
        known.as_ref().is_some_and(|known| known.read_at.elapsed().is_ok_and(|age| age > DOUBTED_AFTER))
    }
}

/// A secret as RDS keeps it. Where RDS manages the master password, it holds user and password alone.
#[derive(Deserialize)]
struct RdsSecret {
    username: String,
    password: String,
    host: Option<String>,
    port: Option<u16>,
    #[serde(alias = "dbName", alias = "database")]
    dbname: Option<String>,
}

/// The database of a secret: JSON as RDS keeps it, or a URL.
fn target_of(secret: &str, place: Option<&Target>, allow_unverified_tls: bool) -> Result<Target, LoginError> {
    let invalid = |reason: String| LoginError::new(format!("the secret of DATABASE_SECRET_ARN {reason}"));
    let secret = secret.trim();
    if secret.starts_with("postgres://") || secret.starts_with("postgresql://") {
        let target =
            Target::parse(secret, allow_unverified_tls).map_err(|reason| invalid(format!("is a URL that {reason}")))?;
        // The place may be a replica or a proxy: the login is what the secret is for.
        return match (place, login_of(secret)) {
            (None, _) => Ok(target),
            (Some(place), Some((user, password))) => {
                let place = place.with_login(&user, &password);
                Ok(match target.options.get_database() {
                    Some(database) if !place.has_database => place.with_database(database),
                    _ => place,
                })
            }
            (Some(_), None) => Err(invalid("is a URL without a user and a password".into())),
        };
    }
    let secret: RdsSecret = serde_json::from_str(secret).map_err(|_| {
        invalid("must be JSON with username and password, as RDS keeps it, or a postgres:// URL".into())
    })?;
    let target = match (place, &secret.host) {
        (Some(place), _) => place.clone(),
        (None, Some(host)) => {
            let mut url = Url::parse("postgres://host").map_err(|_| invalid("is not understood".into()))?;
            url.set_host(Some(host)).map_err(|_| invalid("names a host that is none".into()))?;
            url.set_port(secret.port).map_err(|()| invalid("names a port that is none".into()))?;
            Target::parse(url.as_str(), allow_unverified_tls).map_err(invalid)?
        }
        (None, None) => {
            return Err(invalid("names no host: set DATABASE_URL to postgres://<host>:5432/<database>".into()));
        }
    };
    let target = match (&secret.dbname, target.has_database) {
        (_, true) => target,
        (Some(database), false) => target.with_database(database),
        (None, false) => {
            return Err(invalid("names no dbname: set DATABASE_URL to postgres://<host>:5432/<database>".into()));
        }
    };
    Ok(target.with_login(&secret.username, &secret.password))
}

/// The user and the password of a URL.
fn login_of(url: &str) -> Option<(String, String)> {
    let url = Url::parse(url).ok()?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
    Some((decode(url.username()).filter(|user| !user.is_empty())?, decode(url.password()?)?))
}

/// A user of RDS whose password is a token, signed here.
pub(super) struct IamLogin {
    pub(super) target: Target,
    pub(super) user: String,
    pub(super) aws: Aws,
    pub(super) known: Mutex<Option<Token>>,
}

impl IamLogin {
    async fn target(&self, freshness: Freshness) -> Result<Target, LoginError> {
        let mut known = self.known.lock().await;
        let token = match known.as_ref() {
            Some(token) if freshness == Freshness::Known && token.is_fresh(SystemTime::now()) => token,
            _ => {
                let options = &self.target.options;
                known.insert(self.aws.rds_token(options.get_host(), options.get_port(), &self.user).await?)
            }
        };
        Ok(self.target.with_login(&self.user, token.as_str()))
    }
}

/// Where the login comes from, and whether the settings agree about it.
pub(super) fn of_config(config: &DatabaseConfig) -> Result<Login, ConfigError> {
    let (name, url) = match &config.url {
        Some((name, url)) => (*name, Some(url)),
        None => ("DATABASE_URL", None),
    };
    let refuse = |reason: &str| ConfigError { name, reason: reason.to_owned() };
    let allow = config.allow_unverified_tls;
    let target = url.map(|url| Target::parse(url, allow)).transpose().map_err(|reason| refuse(&reason))?;
    match (&config.login, target) {
        (LoginSource::Url, Some(target)) => Ok(Login::Url(Box::new(target))),
        (LoginSource::Url | LoginSource::Iam, None) => {
            Err(refuse("is missing: set it to LiteLLM's database, such as postgres://reader:…@host:5432/litellm"))
        }
        (LoginSource::Secret(_) | LoginSource::Iam, Some(target)) if target.has_password => {
            Err(refuse("has a password, though another setting says where the login comes from: remove one of the two"))
        }
        (LoginSource::Secret(arn), place) => Ok(Login::Secret(Box::new(SecretLogin {
            arn: arn.clone(),
            place,
            allow_unverified_tls: allow,
            aws: super::aws::Aws::default(),
            known: Mutex::default(),
        }))),
        (LoginSource::Iam, Some(target)) => {
            if !target.is_confidential() {
                return Err(refuse("asks for an sslmode that would send the token of DATABASE_IAM_AUTH in the clear"));
            }
            let Some(user) = target.user.clone() else {
                return Err(refuse(
                    "names no user, which DATABASE_IAM_AUTH needs: postgres://<user>@host:5432/<database>",
                ));
            };
            Ok(Login::Iam(Box::new(IamLogin {
                target,
                user,
                aws: super::aws::Aws::default(),
                known: Mutex::default(),
            })))
        }
    }
}

/// A connection outside of the pool, for a job that takes minutes, with settings of its own. The outer error is a setting's,
/// the inner one the database's.
///
/// # Errors
/// [`ConfigError`] when a setting cannot be used, or contradicts another.
pub async fn connect(
    config: &DatabaseConfig,
    settings: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<sqlx::Result<sqlx::PgConnection>, ConfigError> {
    let login = of_config(config)?;
    Ok(async move {
        let target = login.target(Freshness::Known).await.map_err(sqlx::Error::from)?;
        let mut options = target.options.application_name("llm-traceability-indexer").options(settings);
        if let Some(schema) = target.schema.as_deref() {
            options = options.options([("search_path", schema)]);
        }
        sqlx::PgConnection::connect_with(&options).await
    }
    .await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(secret: &str, place: Option<&str>) -> Result<(String, u16, String, Option<String>), String> {
        let place = place.map(|url| Target::parse(url, false).expect("a URL"));
        let target = target_of(secret, place.as_ref(), false).map_err(|error| error.to_string())?;
        let options = target.options;
        let database = options.get_database().map(str::to_owned);
        Ok((options.get_host().into(), options.get_port(), options.get_username().into(), database))
    }

    #[test]
    fn a_secret_of_rds_is_complete() {
        let secret = r#"{"engine":"postgres","host":"db.example","port":5433,"username":"r","password":"p@/?","dbname":"litellm"}"#;
        assert_eq!(options(secret, None), Ok(("db.example".into(), 5433, "r".into(), Some("litellm".into()))));
    }

    #[test]
    fn a_managed_secret_has_its_place_from_the_url() {
        let secret = r#"{"username":"r","password":"p"}"#;
        let place = Some("postgres://db.example:6000/litellm");
        assert_eq!(options(secret, place), Ok(("db.example".into(), 6000, "r".into(), Some("litellm".into()))));
        // The URL wins: it may be a replica or a proxy.
        let secret = r#"{"username":"r","password":"p","host":"other.example","port":1,"dbname":"litellm"}"#;
        let place = Some("postgres://db.example:6000");
        assert_eq!(options(secret, place), Ok(("db.example".into(), 6000, "r".into(), Some("litellm".into()))));
    }

    #[test]
    fn a_secret_may_be_a_url() {
        let url = "postgresql://r:p@db.example:5432/litellm";
        assert_eq!(options(url, None), Ok(("db.example".into(), 5432, "r".into(), Some("litellm".into()))));
        // Beside a place, it is the login of it.
        let place = Some("postgres://replica.example:6000/other");
        assert_eq!(options(url, place), Ok(("replica.example".into(), 6000, "r".into(), Some("other".into()))));
    }

    #[test]
    fn a_secret_that_does_not_do_says_why_and_not_what() {
        for (secret, place, expected) in [
            ("hunter2", None, "must be JSON"),
            (r#"{"password":"hunter2"}"#, None, "must be JSON"),
            (r#"{"username":"r","password":"hunter2"}"#, None, "names no host"),
            (r#"{"username":"r","password":"hunter2","host":"db.example"}"#, None, "names no dbname"),
            ("postgres://r:hunter2@db.example/x?sslmode=disable", None, "DATABASE_ALLOW_UNVERIFIED_TLS"),
            ("postgres://db.example/x?password=hunter2", Some("postgres://db.example/x"), "without a user"),
        ] {
            let reason = options(secret, place).expect_err("refused");
            assert!(reason.contains(expected) && !reason.contains("hunter2"), "{reason}");
        }
    }
}
