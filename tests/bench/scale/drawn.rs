//! What the questions are about: sessions, requests, names and windows, in an order that has nothing to do with time.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};
use traceability_core::time::TimeWindow;

use super::log::{Cast, Draw, Log, MODELS, session_id, team, user};

/// How many there are of each, so many that a measurement meets none twice.
pub const DRAWN: u64 = 60;

/// The days over which the log spreads.
const DAYS: i64 = 365;

/// Parameters.
pub struct Drawn {
    /// Any sessions.
    pub sessions: Vec<String>,
    /// The largest sessions.
    pub largest: Vec<String>,
    /// Sessions of which it is known what was said.
    pub with_content: Vec<String>,
    /// Any requests.
    pub requests: Vec<String>,
    cast: Cast,
    until: DateTime<Utc>,
}

impl Drawn {
    /// From this log.
    pub async fn from(log: &Log) -> sqlx::Result<Self> {
        let mut conn = PgConnection::connect(log.url.as_str()).await?;
        let cast = Cast::new();
        let sessions = u64::try_from(log.filled.sessions).unwrap_or_default();
        let any = |index| session_id(&cast, u32::try_from(Draw::of(6, index).below(sessions)).unwrap_or_default());
        let limit = DRAWN.cast_signed();
        // Some pages of the table: to sort ten million rows takes longer than to measure them.
        #[expect(clippy::cast_precision_loss, reason = "a log has far fewer than 2^53 rows")]
        let percent = (2e6 / log.rows as f64).min(100.0);
        Ok(Self {
            sessions: (0..DRAWN).map(any).collect(),
            largest: sqlx::query_scalar(LARGEST).bind(limit).fetch_all(&mut conn).await?,
            with_content: sqlx::query_scalar(WITH_CONTENT).bind(limit).fetch_all(&mut conn).await?,
            requests: sqlx::query_scalar(REQUESTS).bind(percent).bind(limit).fetch_all(&mut conn).await?,
            cast,
            until: log.filled.until,
        })
    }

    /// A window of so many days: every other one ends with the log, the others somewhere in the year before.
    pub fn window(&self, days: i64, index: u64) -> TimeWindow {
        let slack = TimeDelta::days((DAYS - days).max(30));
        let mut draw = Draw::of(7, index);
        let ago = if index.is_multiple_of(2) {
            TimeDelta::zero()
        } else {
            TimeDelta::milliseconds(draw.below(slack.num_milliseconds().cast_unsigned()).cast_signed())
        };
        let end = self.until - ago;
        TimeWindow { start: end - TimeDelta::days(days), end }
    }

    /// An agent, a frequent one more often than a rare one; so with the others.
    pub fn agent(&self, index: u64) -> String {
        self.cast.agents[self.cast.agent_ranks.one(&mut Draw::of(8, index))].name.clone()
    }

    /// A user.
    pub fn user(&self, index: u64) -> String {
        let key = &self.cast.keys[self.cast.key_ranks.one(&mut Draw::of(9, index))];
        // A key that is nobody's.
        if key.user.is_empty() { user(0) } else { key.user.clone() }
    }

    /// A model.
    pub fn model(&self, index: u64) -> String {
        MODELS[self.cast.model_ranks.one(&mut Draw::of(10, index))].group.to_owned()
    }

    /// A team.
    pub fn team(&self, index: u64) -> String {
        let key = &self.cast.keys[self.cast.key_ranks.one(&mut Draw::of(11, index))];
        if key.team.is_empty() { team(0).0 } else { key.team.clone() }
    }

    /// A tag.
    pub fn tag(&self, index: u64) -> String {
        self.cast.tags[self.cast.tag_ranks.one(&mut Draw::of(12, index))].clone()
    }
}

const LARGEST: &str = r#"
SELECT session_id FROM "LiteLLM_SpendLogs" GROUP BY session_id ORDER BY count(*) DESC, session_id LIMIT $1"#;

const WITH_CONTENT: &str = r#"
SELECT session_id
FROM (SELECT DISTINCT session_id
      FROM (SELECT session_id FROM "LiteLLM_SpendLogs" ORDER BY "startTime" DESC LIMIT 20000) newest) sessions
ORDER BY md5(session_id) LIMIT $1"#;

const REQUESTS: &str = r#"
SELECT request_id FROM "LiteLLM_SpendLogs" TABLESAMPLE SYSTEM ($1) REPEATABLE (1) ORDER BY md5(request_id) LIMIT $2"#;
