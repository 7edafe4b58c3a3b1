//! The environment, one struct per concern.
//!
//! A missing or contradictory setting fails at start, with a message that names it.

use std::time::Duration;

use traceability_core::environment::{ConfigError, Environment};
use traceability_core::name_paths::{NamePath, NamePaths};

/// Where the user and the password come from.
#[derive(Clone)]
pub enum LoginSource {
    /// The URL.
    Url,
    /// `DATABASE_SECRET_ARN`: a secret of AWS Secrets Manager, JSON as RDS keeps it, or a `postgres://` URL.
    Secret(String),
    /// `DATABASE_IAM_AUTH`: a token that is signed with the function's own AWS credentials, for the user of the URL.
    Iam,
}

/// Where facts are looked for beside LiteLLM's log.
#[derive(Clone)]
pub enum IndexPlace {
    /// `INDEX=off`: nowhere.
    Off,
    /// In LiteLLM's database.
    Here,
    /// `INDEX_DATABASE_URL` or `INDEX_DATABASE_SECRET_ARN`: in another one.
    Elsewhere(Box<DatabaseConfig>),
}

/// How to reach LiteLLM's database.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_READER_URL` (a replica) or else `DATABASE_URL`, with its name: a `postgres://` URL. The parameters that
    /// Prisma adds to LiteLLM's own are understood. May be absent where a secret names the place, too.
    pub url: Option<(&'static str, String)>,
    /// Where the login comes from.
    pub login: LoginSource,
    /// `DATABASE_POOLER`: whether a pooler such as RDS Proxy or PgBouncer shares server connections between transactions.
    /// Also found out by itself.
    pub pooler: bool,
    /// `DATABASE_ALLOW_UNVERIFIED_TLS`: whether the URL may ask for less than a verified server.
    pub allow_unverified_tls: bool,
    /// `DATABASE_MAX_CONNECTIONS`; default: what one Lambda environment answers at a time
    /// (`AWS_LAMBDA_MAX_CONCURRENCY`), at least 2; 10 where many callers share the process.
    pub max_connections: u32,
    /// `STATEMENT_TIMEOUT_MS`: how long one statement may run in the database, 100 to 28000, default 4000.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock, such as that of a migration of LiteLLM's. Two seconds.
    pub lock_timeout: Duration,
    /// How long a request waits for a connection before it answers 503.
    pub acquire_timeout: Duration,
    /// `AGENT_NAME_PATHS` and `CONVERSATION_NAME_PATHS`: further places to look for names, separated by commas.
    pub names: NamePaths,
    /// Where the index may be.
    pub index: IndexPlace,
    /// How callers share the connections.
    pub sharing: Sharing,
}

/// How the callers of one process share its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Whoever comes first has them: a Lambda environment answers few requests at a time.
    FirstCome,
    /// One is kept for health checks and look-ups of keys, and one caller's questions over time windows have half of them at
    /// most.
    Fair,
}

/// How many connections a process has that many callers share.
const SHARED_CONNECTIONS: u32 = 10;

/// Longer than a lock of LiteLLM's own is held, but for its migrations.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Long enough for a handshake across regions, short enough to answer within 5 s.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// The default of `STATEMENT_TIMEOUT_MS`: with connecting and answering, a request is over within 5 s.
const STATEMENT_TIMEOUT_MS: u64 = 4_000;
/// API Gateway gives up after 29 s (REST APIs) or 30 s (HTTP APIs).
const LONGEST_STATEMENT_TIMEOUT_MS: u64 = 28_000;

impl DatabaseConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting is missing, does not parse or contradicts another.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let url = |name| environment.get(name).map(|url| (name, url.to_owned()));
        let iam = environment.flag("DATABASE_IAM_AUTH")?;
        let login = match (environment.get("DATABASE_SECRET_ARN"), iam) {
            (Some(_), true) => {
                return Err(ConfigError {
                    name: "DATABASE_IAM_AUTH",
                    reason: "contradicts DATABASE_SECRET_ARN: the password is either a token or in the secret".into(),
                });
            }
            (Some(arn), false) => LoginSource::Secret(arn.to_owned()),
            (None, true) => LoginSource::Iam,
            (None, false) => LoginSource::Url,
        };
        let config = Self::new(url("DATABASE_READER_URL").or_else(|| url("DATABASE_URL")), login, environment)?;
        Ok(Self { index: IndexPlace::from_environment(environment)?, ..config })
    }

    /// Whether the settings name a database at all.
    #[must_use]
    pub fn names_a_database(environment: &Environment) -> bool {
        let names = ["DATABASE_URL", "DATABASE_READER_URL", "DATABASE_SECRET_ARN"];
        let iam = environment.flag("DATABASE_IAM_AUTH").is_ok_and(|iam| iam);
        iam || names.iter().any(|name| environment.get(name).is_some())
    }

    /// Reads all settings but the URL, which has the login, too.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting does not parse.
    pub fn with_url(url: String, environment: &Environment) -> Result<Self, ConfigError> {
        let config = Self::new(Some(("DATABASE_URL", url)), LoginSource::Url, environment)?;
        Ok(Self { index: IndexPlace::from_environment(environment)?, ..config })
    }

    /// The same for a process that many callers share: ten connections, where `DATABASE_MAX_CONNECTIONS` does not say, and
    /// none of the callers can have all of them.
    #[must_use]
    pub fn shared(mut self, environment: &Environment) -> Self {
        self.sharing = Sharing::Fair;
        if environment.get("DATABASE_MAX_CONNECTIONS").is_none() {
            self.max_connections = SHARED_CONNECTIONS;
        }
        if let IndexPlace::Elsewhere(index) = self.index {
            self.index = IndexPlace::Elsewhere(Box::new(index.shared(environment)));
        }
        self
    }

    /// The database of the index: LiteLLM's, unless the settings name another.
    #[must_use]
    pub fn of_index(&self) -> &Self {
        match &self.index {
            IndexPlace::Elsewhere(config) => config,
            IndexPlace::Off | IndexPlace::Here => self,
        }
    }

    fn new(
        url: Option<(&'static str, String)>,
        login: LoginSource,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let concurrency: u32 = environment.parse("AWS_LAMBDA_MAX_CONCURRENCY", "a whole number")?.unwrap_or_default();
        let max_connections = environment
            .parse("DATABASE_MAX_CONNECTIONS", "a whole number from 1 to 500")?
            .unwrap_or(concurrency.max(2));
        if !(1..=500).contains(&max_connections) {
            return Err(ConfigError {
                name: "DATABASE_MAX_CONNECTIONS",
                reason: "must be a whole number from 1 to 500".into(),
            });
        }
        let allowed = "a whole number of milliseconds from 100 to 28000";
        let timeout = environment.parse("STATEMENT_TIMEOUT_MS", allowed)?.unwrap_or(STATEMENT_TIMEOUT_MS);
        if !(100..=LONGEST_STATEMENT_TIMEOUT_MS).contains(&timeout) {
            return Err(ConfigError { name: "STATEMENT_TIMEOUT_MS", reason: format!("must be {allowed}") });
        }
        let names = NamePaths {
            agent: name_paths(environment, "AGENT_NAME_PATHS")?,
            conversation: name_paths(environment, "CONVERSATION_NAME_PATHS")?,
        };
        Ok(Self {
            url,
            login,
            pooler: environment.flag("DATABASE_POOLER")?,
            allow_unverified_tls: environment.flag("DATABASE_ALLOW_UNVERIFIED_TLS")?,
            max_connections,
            statement_timeout: Duration::from_millis(timeout),
            lock_timeout: LOCK_TIMEOUT,
            acquire_timeout: ACQUIRE_TIMEOUT,
            names,
            index: IndexPlace::Off,
            sharing: Sharing::FirstCome,
        })
    }
}

impl IndexPlace {
    fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        match environment.get("INDEX") {
            None | Some("auto") => {}
            Some("off") => return Ok(Self::Off),
            Some(_) => {
                return Err(ConfigError {
                    name: "INDEX",
                    reason: "must be auto (use the index where there is one) or off".into(),
                });
            }
        }
        let url = environment.get("INDEX_DATABASE_URL").map(|url| ("INDEX_DATABASE_URL", url.to_owned()));
        let login = match environment.get("INDEX_DATABASE_SECRET_ARN") {
            Some(arn) => LoginSource::Secret(arn.to_owned()),
            None if url.is_some() => LoginSource::Url,
            None => return Ok(Self::Here),
        };
        Ok(Self::Elsewhere(Box::new(DatabaseConfig::new(url, login, environment)?)))
    }
}

fn name_paths(environment: &Environment, name: &'static str) -> Result<Vec<NamePath>, ConfigError> {
    let paths = environment.get(name).unwrap_or_default().split(',').map(str::trim).filter(|path| !path.is_empty());
    paths.map(|path| path.parse().map_err(|error| ConfigError { name, reason: format!("{error}") })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::of_config;

    fn read(pairs: &[(&str, &str)]) -> Result<DatabaseConfig, ConfigError> {
        let config = DatabaseConfig::from_environment(&pairs.iter().copied().collect())?;
        of_config(&config).map(|_| config)
    }

    #[test]
    fn a_missing_url_is_named() {
        let error = read(&[]).err().expect("no URL").to_string();
        assert!(error.contains("DATABASE_URL"), "{error}");
    }

    #[test]
    fn defaults_hold_where_nothing_is_set() {
        let config = read(&[("DATABASE_URL", "postgres://localhost/litellm")]).expect("a complete environment");
        assert_eq!(config.max_connections, 2);
        assert_eq!(config.statement_timeout, Duration::from_secs(4));
        assert!(!config.pooler && !config.allow_unverified_tls);
    }

    #[test]
    fn the_pool_has_a_connection_for_each_request_that_lambda_sends_at_once() {
        let url = ("DATABASE_URL", "postgres://localhost/litellm");
        let config = read(&[url, ("AWS_LAMBDA_MAX_CONCURRENCY", "16")]).expect("a complete environment");
        assert_eq!(config.max_connections, 16);
        let config =
            read(&[url, ("AWS_LAMBDA_MAX_CONCURRENCY", "16"), ("DATABASE_MAX_CONNECTIONS", "5")]).expect("both");
        assert_eq!(config.max_connections, 5);
    }

    #[test]
    fn a_process_that_many_share_has_ten_connections_unless_told() {
        let url = ("DATABASE_URL", "postgres://localhost/litellm");
        let index = ("INDEX_DATABASE_URL", "postgres://localhost/index");
        let max_connections = ("DATABASE_MAX_CONNECTIONS", "3");
        for (pairs, expected) in [(&[url, index][..], 10), (&[url, index, max_connections], 3)] {
            let environment = pairs.iter().copied().collect();
            let config = read(pairs).expect("a complete environment").shared(&environment);
            for config in [&config, config.of_index()] {
                assert_eq!((config.max_connections, config.sharing), (expected, Sharing::Fair));
            }
        }
    }

    #[test]
    fn a_replica_is_used_for_everything() {
        let urls = [("DATABASE_URL", "postgres://primary/x"), ("DATABASE_READER_URL", "postgres://replica/x")];
        let config = read(&urls).expect("a complete environment");
        assert_eq!(config.url, Some(("DATABASE_READER_URL", "postgres://replica/x".to_owned())));
    }

    #[test]
    fn a_login_comes_from_one_place() {
        let bare = ("DATABASE_URL", "postgres://db.example.com/litellm");
        let user = ("DATABASE_URL", "postgres://reader@db.example.com/litellm");
        let full = ("DATABASE_URL", "postgres://reader:hunter2@db.example.com/litellm");
        let clear = ("DATABASE_URL", "postgres://reader@db.example.com/litellm?sslmode=disable");
        let secret = ("DATABASE_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:litellm");
        let iam = ("DATABASE_IAM_AUTH", "true");
        for good in [&[secret][..], &[secret, bare], &[iam, user], &[full]] {
            assert!(read(good).is_ok(), "{good:?}");
        }
        for (bad, named) in [
            (&[secret, iam, user][..], "DATABASE_IAM_AUTH"),
            (&[secret, full], "DATABASE_URL"),
            (&[iam, full], "DATABASE_URL"),
            (&[iam, bare], "DATABASE_URL"),
            (&[iam], "DATABASE_URL"),
            (&[iam, clear, ("DATABASE_ALLOW_UNVERIFIED_TLS", "true")], "DATABASE_URL"),
            (
                &[("DATABASE_READER_URL", "postgres://replica.example.com/x?sslmode=require"), full],
                "DATABASE_READER_URL",
            ),
        ] {
            let error = read(bad).err().expect("a contradiction");
            assert_eq!(error.name, named, "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_bad_setting_is_named_and_its_value_kept_back() {
        let url = ("DATABASE_URL", "postgres://localhost/litellm");
        for (name, value) in [
            ("STATEMENT_TIMEOUT_MS", "99"),
            ("STATEMENT_TIMEOUT_MS", "soon"),
            ("DATABASE_MAX_CONNECTIONS", "0"),
            ("DATABASE_IAM_AUTH", "perhaps"),
            ("DATABASE_POOLER", "2"),
            ("DATABASE_ALLOW_UNVERIFIED_TLS", "certainly"),
            ("AGENT_NAME_PATHS", "response.agent"),
        ] {
            let error = read(&[url, (name, value)]).err().expect("a bad setting").to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
