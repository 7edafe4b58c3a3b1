//! Where the database is, and how much the connection must be able to trust it.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::rds;

/// The parameters that are passed on. Others, Prisma's among them, are read here or are none of ours; the driver would
/// write their values to the log.
const DRIVER_PARAMETERS: [&str; 14] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// A database's address, with what its URL says of the way there.
#[derive(Clone)]
pub(super) struct Target {
    /// Everything but the settings of a session, which depend on whether a pooler is in between.
    pub(super) options: PgConnectOptions,
    /// The user of the URL.
    pub(super) user: Option<String>,
    /// Whether the URL has a password.
    pub(super) has_password: bool,
    /// Whether the URL names a database. PostgreSQL would otherwise take the user's name for it.
    pub(super) has_database: bool,
    /// Where Prisma was told to put LiteLLM's tables.
    pub(super) schema: Option<String>,
    /// Prisma's word for a pooler that shares server connections.
    pub(super) pgbouncer: bool,
}

impl Target {
    /// Reads a URL; `allow_unverified_tls` lets it ask for less than a verified server.
    ///
    /// # Errors
    /// A reason, without the URL: it may hold a password.
    pub(super) fn parse(url: &str, allow_unverified_tls: bool) -> Result<Self, String> {
        let mut url = Url::parse(url).map_err(
            |_| "is not a URL: write postgres://user:password@host:5432/database, special characters percent-encoded",
        )?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err("must start with postgres:// or postgresql://".into());
        }
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let parameter = |names: &[&str]| {
            parameters.iter().find(|(key, _)| names.contains(&key.as_str())).map(|(_, value)| value.as_str())
        };
        let kept: Vec<_> = parameters.iter().filter(|(name, _)| DRIVER_PARAMETERS.contains(&name.as_str())).collect();
        if kept.is_empty() {
            url.set_query(None);
        } else {
            url.query_pairs_mut().clear().extend_pairs(kept);
        }
        let options = PgConnectOptions::from_str(url.as_str())
            .map_err(|_| "is not understood: write postgres://user:password@host:5432/database")?;
        // Not the port of PostgreSQL's own variables, which may be another server's.
        let options = match url.port().or_else(|| parameter(&["port"])?.parse().ok()) {
            Some(port) => options.port(port),
            None => options.port(5432),
        };
        let has_database = url.path().len() > 1 || parameter(&["dbname"]).is_some();
        let host = options.get_host().to_owned();
        let local = is_local(&host) || options.get_socket().is_some();
        let requested = requested_mode(parameter(&["sslmode", "ssl-mode"]), parameter(&["sslaccept"]))?;
        let options = options.ssl_mode(ssl_mode(requested, local, allow_unverified_tls)?);
        let options = match rds::authorities(&host) {
            Some(authorities) if parameter(&["sslrootcert", "ssl-root-cert", "ssl-ca"]).is_none() => {
                options.ssl_root_cert_from_pem(authorities)
            }
            _ => options,
        };
        Ok(Self {
            user: Some(url.username()).filter(|user| !user.is_empty()).map(|_| options.get_username().to_owned()),
            has_password: url.password().is_some() || parameter(&["password"]).is_some(),
            has_database,
            schema: parameter(&["schema"]).map(quoted),
            pgbouncer: parameter(&["pgbouncer"]) == Some("true"),
            options: options.application_name("llm-traceability-api"),
        })
    }

    /// The same place, with a user and a password of another source.
    pub(super) fn with_login(&self, user: &str, password: &str) -> Self {
        Self { options: self.options.clone().username(user).password(password), ..self.clone() }
    }

    /// The same server, with a database of another source.
    pub(super) fn with_database(&self, database: &str) -> Self {
        Self { options: self.options.clone().database(database), has_database: true, ..self.clone() }
    }

    /// Whether what is said to the server can be heard by nobody else.
    pub(super) fn is_confidential(&self) -> bool {
        let mode = self.options.get_ssl_mode();
        is_local(self.options.get_host()) || !matches!(mode, PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer)
    }
}

/// A name as Prisma means it: PostgreSQL would fold its capitals.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether the way to the host leaves this machine.
fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What the URL asks for, in PostgreSQL's words or in Prisma's.
fn requested_mode(sslmode: Option<&str>, sslaccept: Option<&str>) -> Result<Option<PgSslMode>, String> {
    match (sslmode, sslaccept) {
        (_, Some("strict")) => Ok(Some(PgSslMode::VerifyFull)),
        (None, Some("accept_invalid_certs")) => Ok(Some(PgSslMode::Require)),
        (None, _) => Ok(None),
        (Some(mode), _) => mode.parse().map(Some).map_err(|_| {
            "has an sslmode that is not known: verify-full, verify-ca, require, prefer, allow or disable".into()
        }),
    }
}

fn ssl_mode(requested: Option<PgSslMode>, local: bool, allow_unverified: bool) -> Result<PgSslMode, String> {
    match requested {
        Some(PgSslMode::VerifyFull) => Ok(PgSslMode::VerifyFull),
        Some(mode) if local || allow_unverified => Ok(mode),
        None if local => Ok(PgSslMode::Prefer),
        None => Ok(PgSslMode::VerifyFull),
        Some(_) => Err("asks for an sslmode that does not verify the server, so that anyone in between could read \
                        prompts and the password: write sslmode=verify-full (with sslrootcert=<file> for an authority \
                        of your own), or allow it with DATABASE_ALLOW_UNVERIFIED_TLS=true"
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, allow: bool) -> Result<PgSslMode, String> {
        Target::parse(url, allow).map(|target| target.options.get_ssl_mode())
    }

    fn same(a: PgSslMode, b: PgSslMode) -> bool {
        std::mem::discriminant(&a) == std::mem::discriminant(&b)
    }

    #[test]
    fn servers_elsewhere_are_verified() {
        for url in [
            "postgres://u:p@db.example.com/litellm",
            "postgres://u:p@10.0.0.7:5432/litellm?sslmode=verify-full",
            "postgres://u:p@db.example.com/litellm?sslaccept=strict",
            "postgres://u:p@db.example.com/litellm?sslmode=require&sslaccept=strict",
            "postgresql://u:p@localhost.example.com/litellm",
        ] {
            assert!(same(mode(url, false).expect(url), PgSslMode::VerifyFull), "{url}");
            assert!(same(mode(url, true).expect(url), PgSslMode::VerifyFull), "{url}");
        }
    }

    #[test]
    fn less_is_refused_with_the_way_out_unless_it_is_allowed() {
        for requested in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let url = format!("postgres://u:hunter2@db.example.com/litellm?sslmode={requested}");
            let reason = mode(&url, false).expect_err("refused");
            assert!(reason.contains("DATABASE_ALLOW_UNVERIFIED_TLS") && !reason.contains("hunter2"), "{reason}");
            assert!(same(mode(&url, true).expect("allowed"), requested.parse().expect("a mode")), "{requested}");
        }
        assert!(mode("postgres://u:p@db.example.com/x?sslaccept=accept_invalid_certs", false).is_err());
        assert!(mode("postgres://u:p@db.example.com/x?sslmode=sometimes", true).is_err());
    }

    #[test]
    fn this_machine_needs_no_certificate() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            let url = format!("postgres://u:p@{host}:5432/litellm");
            assert!(same(mode(&url, false).expect(&url), PgSslMode::Prefer), "{url}");
            let url = format!("{url}?sslmode=disable");
            assert!(same(mode(&url, false).expect(&url), PgSslMode::Disable), "{url}");
        }
        assert!(mode("postgres:///litellm?host=/var/run/postgresql", false).is_ok_and(|m| same(m, PgSslMode::Prefer)));
    }

    #[test]
    fn what_a_url_has_is_seen() {
        let target =
            Target::parse("postgres://b%C3%B8b:p@h.example/db?schema=Lite&pgbouncer=true", false).expect("a URL");
        assert_eq!(target.user.as_deref(), Some("bøb"));
        assert!(target.has_password && target.has_database && target.pgbouncer);
        assert_eq!(target.schema.as_deref(), Some("\"Lite\""));
        let bare = Target::parse("postgres://h.example", false).expect("a URL");
        assert!(bare.user.is_none() && !bare.has_password && !bare.has_database && !bare.pgbouncer);
    }
}
