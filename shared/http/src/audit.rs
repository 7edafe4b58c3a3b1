//! Who read what was said, and who tried to get in: a stream of lines beside the log.
//!
//! A line is one JSON object with `"log": "audit"`. No level and no filter keeps it back, and it holds no content, no key
//! and no token.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use traceability_access::{Login, Principal};
use traceability_core::environment::{ConfigError, Environment};

/// Where the lines go.
pub struct Audit {
    lines: Lines,
    failures: Mutex<Failures>,
}

enum Lines {
    To(Mutex<Box<dyn Write + Send>>),
    /// Opened for each line, so that none is lost in a file that was moved away or deleted.
    File(PathBuf),
}

/// A read of content, whatever came of it.
#[derive(Debug)]
pub struct ContentRead<'a> {
    /// Who read.
    pub principal: &'a Principal,
    /// The route, with its parameters in braces.
    pub route: &'a str,
    /// The session that was read, or of which a request was read; none where there is no such request.
    pub session_id: Option<&'a str>,
    /// The request that was read, or asked for.
    pub request: Option<&'a str>,
    /// How many requests' content was in the answer.
    pub rows: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// The answer's status.
    pub status: u16,
    /// The id of this call, which the log and the client have, too.
    pub request_id: &'a str,
}

/// What came of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Content was in the answer.
    Read,
    /// The answer left the content out, since the caller may not read it.
    Withheld,
    /// There is nothing under this id in the caller's rows.
    NotFound,
    /// The call was wrong.
    Refused,
    /// The service or the database failed.
    Failed,
}

/// An attempt to get in that failed.
#[derive(Debug)]
pub struct FailedLogin<'a> {
    /// Why, in words of the service's own.
    pub reason: &'a str,
    /// The beginning of the SHA-256 of what was brought, to tell a key by whose hash one has.
    pub fingerprint: Option<String>,
    /// The route, with its parameters in braces.
    pub route: &'a str,
    /// The id of this call.
    pub request_id: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    log: &'static str,
    #[serde(flatten)]
    event: Event<'a>,
    route: &'a str,
    request_id: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    ContentRead {
        login: Login,
        principal: &'a str,
        key: Option<&'a str>,
        session_id: Option<&'a str>,
        request: Option<&'a str>,
        rows: u64,
        outcome: Outcome,
        status: u16,
    },
    LoginFailed {
        reason: &'a str,
        fingerprint: Option<&'a str>,
        /// How many failed since the last line without one of their own.
        suppressed: u64,
    },
}

/// How many failed logins a minute get a line of their own: whoever guesses must not fill the log.
const FAILURES_A_MINUTE: u32 = 30;
/// Of those left out, one in so many gets a line that has their number: an attack that ends must not end unseen.
const FAILURES_A_LINE: u64 = 1_000;

#[derive(Default)]
struct Failures {
    minute: Option<DateTime<Utc>>,
    written: u32,
    suppressed: u64,
}

impl Failures {
    /// How many were left out before this one; none where this one is left out, too.
    fn admit(&mut self, now: DateTime<Utc>) -> Option<u64> {
        let goes_on = self.minute.is_some_and(|minute| minute <= now && now < minute + TimeDelta::minutes(1));
        if !goes_on {
            (self.minute, self.written) = (Some(now), 0);
        }
        if self.written == FAILURES_A_MINUTE {
            self.suppressed += 1;
            return (self.suppressed == FAILURES_A_LINE).then(|| std::mem::take(&mut self.suppressed));
        }
        self.written += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

impl Audit {
    /// `AUDIT_LOG`: `stdout`, where the log itself is elsewhere or can be filtered, or a file that is appended to.
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be written.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        match environment.get("AUDIT_LOG") {
            None | Some("stdout") => Ok(Self::to(io::stdout())),
            Some(path) => {
                let path = PathBuf::from(path);
                append(&path).map_err(|error| ConfigError {
                    name: "AUDIT_LOG",
                    reason: format!("must be stdout or a file that can be written to: {error}"),
                })?;
                Ok(Self { lines: Lines::File(path), failures: Mutex::default() })
            }
        }
    }

    /// Lines go there.
    pub fn to(lines: impl Write + Send + 'static) -> Self {
        Self { lines: Lines::To(Mutex::new(Box::new(lines))), failures: Mutex::default() }
    }

    /// Notes a read of content.
    ///
    /// # Errors
    /// Where the line cannot be written. The content must then not leave.
    pub fn content_read(&self, read: &ContentRead<'_>, now: DateTime<Utc>) -> io::Result<()> {
        let (login, principal, key) = read.principal.identity();
        let (session_id, request) = (read.session_id, read.request);
        let (rows, outcome, status) = (read.rows, read.outcome, read.status);
        let event = Event::ContentRead { login, principal, key, session_id, request, rows, outcome, status };
        self.write(event, read.route, read.request_id, now)
    }

    /// Notes a failed login, if there were not too many.
    pub fn login_failed(&self, failed: &FailedLogin<'_>, now: DateTime<Utc>) {
        let admitted = self.failures.lock().unwrap_or_else(PoisonError::into_inner).admit(now);
        let Some(suppressed) = admitted else { return };
        let event =
            Event::LoginFailed { reason: failed.reason, fingerprint: failed.fingerprint.as_deref(), suppressed };
        if let Err(error) = self.write(event, failed.route, failed.request_id, now) {
            tracing::error!(%error, advice = ADVICE, "a failed login could not be written to the audit log");
        }
    }

    fn write(&self, event: Event<'_>, route: &str, request_id: &str, now: DateTime<Utc>) -> io::Result<()> {
        let timestamp = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = Line { timestamp, level: "INFO", log: "audit", event, route, request_id };
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        // In one piece, so that lines of several processes do not mix.
        match &self.lines {
            Lines::File(path) => append(path)?.write_all(&line),
            Lines::To(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.write_all(&line)?;
                lines.flush()
            }
        }
    }
}

/// Opens a file that only its owner may read, at its end.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What to do about an audit log that cannot be written.
pub(crate) const ADVICE: &str = "see the error: AUDIT_LOG must be stdout or a file that can be written to";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    #[test]
    fn guessing_does_not_fill_the_log() {
        let mut failures = Failures::default();
        let written = (0..1_000).filter(|second| failures.admit(at(second / 100)).is_some()).count();
        assert_eq!(written, 30);
        assert_eq!(failures.admit(at(60)), Some(970));
        assert_eq!(failures.admit(at(61)), Some(0));
        // An attack is seen before it ends.
        let written: Vec<u64> = (0..5_000).filter_map(|_| failures.admit(at(61))).collect();
        assert_eq!(written.iter().filter(|suppressed| **suppressed == 1_000).count(), 4);
        // A clock that is set back begins another minute.
        assert_eq!(failures.admit(at(-500)), Some(972));
    }
}
