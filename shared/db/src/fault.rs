//! What an error of a database means, and what to do about it.

use super::error::DbError;
use super::login_error::LoginError;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The database does not do its part now.
    Unavailable,
    /// It took too long.
    TooSlow,
    /// This service asked it something wrong.
    Bug,
}

/// What an error means.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Whose fault it is.
    pub kind: FaultKind,
    /// For the log: what to do about it.
    pub advice: &'static str,
    /// Whether the tables are not, or may no longer be, what is known of them.
    pub tables_changed: bool,
}

/// What to do about a question that took too long.
pub const SLOW_ADVICE: &str =
    "the database is slow or the question large: check its load, narrow the window, or raise STATEMENT_TIMEOUT_MS";
const INDEX_ADVICE: &str = "check that the database of INDEX_DATABASE_URL or INDEX_DATABASE_SECRET_ARN runs and can be reached \
     from here, and that its role may read the schema traceability; with INDEX=off, LiteLLM's log answers";
const LOCKED_ADVICE: &str =
    "another connection holds a lock on LiteLLM's tables, such as a migration or VACUUM FULL: see pg_locks";
const TLS_ADVICE: &str = "the server's certificate could not be verified, or it speaks no TLS: check the host's name, give \
     its authority with sslrootcert=<file>, or, where the network is trusted, write sslmode=require or sslmode=disable and \
     set DATABASE_ALLOW_UNVERIFIED_TLS=true";

impl DbError {
    /// What it means.
    #[must_use]
    pub fn fault(&self) -> Fault {
        fault_of(self)
    }

    /// Which database it is of, as the log says it.
    #[must_use]
    pub const fn database(&self) -> &'static str {
        match self {
            Self::IndexDatabase(_) => "index",
            _ => "log",
        }
    }

    /// Tells the log, with what to do about it. Values of a query never stand in it.
    pub fn log(&self) {
        tracing::error!(database = self.database(), error = self.safe_text(), advice = self.fault().advice);
    }
}

fn fault_of(error: &DbError) -> Fault {
    let unavailable = |advice| Fault { kind: FaultKind::Unavailable, advice, tables_changed: false };
    let error = match error {
        DbError::Database(error) => error,
        DbError::IndexDatabase(error) => {
            let fault = database_fault(error);
            let is_plain = fault.kind == FaultKind::Unavailable && fault.advice != TLS_ADVICE;
            return if is_plain { Fault { advice: INDEX_ADVICE, ..fault } } else { fault };
        }
        // What is missing may come at any time: a migration, a right.
        DbError::Tables(_) => {
            let advice = "see the error: it says which table, column or right is not as it should be";
            return Fault { tables_changed: true, ..unavailable(advice) };
        }
        DbError::CallerBusy => return unavailable("see the error"),
    };
    database_fault(error)
}

fn database_fault(error: &sqlx::Error) -> Fault {
    let unavailable = |advice| Fault { kind: FaultKind::Unavailable, advice, tables_changed: false };
    match error {
        sqlx::Error::Database(error) => match error.code().as_deref().unwrap_or_default() {
            "57014" => Fault { kind: FaultKind::TooSlow, advice: SLOW_ADVICE, tables_changed: false },
            "42P01" | "42703" => Fault {
                tables_changed: true,
                ..unavailable("LiteLLM's tables changed: they are looked at again on the next request")
            },
            "42501" => {
                Fault { tables_changed: true, ..unavailable("grant the database role SELECT on LiteLLM's tables") }
            }
            code if code.starts_with("28") => unavailable(
                "check the user and password, where DATABASE_URL, DATABASE_SECRET_ARN or DATABASE_IAM_AUTH has them from",
            ),
            code if code.starts_with("3D") => unavailable("check the database name of DATABASE_URL"),
            code if code.starts_with("53") => unavailable(
                "the database is out of connections, memory or disk: lower DATABASE_MAX_CONNECTIONS or give it more",
            ),
            "55P03" => unavailable(LOCKED_ADVICE),
            code if ["08", "57", "40", "55"].iter().any(|class| code.starts_with(class)) => {
                unavailable("the database is restarting, failing over or recovering: it should be back soon")
            }
            _ => Fault { kind: FaultKind::Bug, advice: "a fault of this service: report it", tables_changed: false },
        },
        sqlx::Error::Configuration(error) if error.is::<LoginError>() => {
            unavailable("see the error: it says what the login needs")
        }
        sqlx::Error::Tls(_) => unavailable(TLS_ADVICE),
        // A certificate that is refused ends the handshake so.
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => unavailable(TLS_ADVICE),
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => {
            unavailable("check that the database of DATABASE_URL runs and can be reached from here")
        }
        _ => Fault { kind: FaultKind::Bug, advice: "a fault of this service: report it", tables_changed: false },
    }
}
