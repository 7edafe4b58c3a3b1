//! Finding what was altered, deleted, or written very late: log and index are compared by the hour, by what a row has
//! besides its payload, or by all that the index has of it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sqlx::{FromRow, PgConnection, QueryBuilder};
use traceability_core::scope::Scope;
use traceability_core::time::TimeWindow;
use traceability_db::DbError;
use traceability_facts::{Beside, Fact, RowSelector};
use traceability_litellm::PROJECTION;

use super::slices::{Facts, Slice};
use super::{OnMissing, Refresh, RefreshError, names};

/// So much of the recent past is compared in each run, and so much of what is older, in turns.
const RECENT: TimeDelta = TimeDelta::hours(3);
const TURN: TimeDelta = TimeDelta::hours(12);

/// By what log and index are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// By what lies in a row itself. To unpack its payload takes up to a hundred times as long.
    Rows,
    /// By all facts, also those of the payload: an agent that was renamed in `metadata`. Somebody watches how far it is.
    Everything,
}

impl Comparison {
    const fn facts(self) -> &'static [Fact] {
        match self {
            Self::Rows => &COMPARED,
            Self::Everything => &Fact::ALL,
        }
    }

    /// What is compared by one statement: a busy day of payloads would take longer than a statement may.
    const fn step(self) -> TimeDelta {
        match self {
            Self::Rows => TimeDelta::days(1),
            Self::Everything => TimeDelta::hours(1),
        }
    }
}

/// What lies in a row itself.
const COMPARED: [Fact; 20] = [
    Fact::RequestId,
    Fact::SessionId,
    Fact::SessionIsGenerated,
    Fact::StartedAt,
    Fact::EndedAt,
    Fact::DurationMs,
    Fact::TtftMs,
    Fact::UserId,
    Fact::EndUser,
    Fact::TeamId,
    Fact::ApiKeyHash,
    Fact::Model,
    Fact::ModelGroup,
    Fact::Provider,
    Fact::PromptTokens,
    Fact::CompletionTokens,
    Fact::TotalTokens,
    Fact::Spend,
    Fact::CacheHit,
    Fact::Tags,
];

/// One hour of one side.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
struct Hour {
    start: NaiveDateTime,
    rows: i64,
    spend: String,
    tokens: i64,
    digest: String,
    /// Rows that another version's projection has made.
    outdated: i64,
}

impl Refresh<'_> {
    /// Compares the last hours, and of what is older the part whose turn it is.
    pub(super) async fn compare_a_part(&mut self, now: DateTime<Utc>) -> Result<bool, RefreshError> {
        let Some(extent) = self.extent().await? else { return Ok(true) };
        let recent = TimeWindow { start: (now - RECENT).max(extent.start), end: now };
        if recent.start < recent.end && !self.compare(recent, Comparison::Rows).await? {
            return Ok(false);
        }
        let turn: Option<DateTime<Utc>> =
            sqlx::query_scalar("SELECT compared_until FROM traceability.state").fetch_one(&mut self.index).await?;
        let rest = TimeWindow { start: turn.unwrap_or(extent.start).max(extent.start), end: recent.start };
        let start = if rest.start < rest.end { self.next_row(rest, Facts::OfLog).await? } else { None };
        let end = start.map(|start| (start + TURN).min(recent.start));
        let complete = match start.zip(end) {
            Some((start, end)) => start >= end || self.compare(TimeWindow { start, end }, Comparison::Rows).await?,
            None => true,
        };
        if complete {
            // After the last turn comes the first.
            let turn = end.filter(|end| *end < recent.start);
            sqlx::query("UPDATE traceability.state SET compared_until = $1")
                .bind(turn)
                .execute(&mut self.index)
                .await?;
        }
        // What was found is rolled up anew.
        Ok(complete && self.roll(now).await?)
    }

    /// Compares the hours of a window, and copies those that differ.
    pub(super) async fn compare(&mut self, window: TimeWindow, comparison: Comparison) -> Result<bool, RefreshError> {
        let watched = comparison == Comparison::Everything;
        let hours = |window: TimeWindow| (window.end - window.start).num_hours().unsigned_abs();
        if watched {
            self.progress.begin("comparing hours", hours(window));
        }
        let mut start = whole_hours(window.start);
        // Years without a row are passed over.
        while let Some(next) = self.next_row(TimeWindow { start, end: window.end.max(start) }, Facts::OfLog).await? {
            if watched {
                self.progress.advance(hours(TimeWindow { start, end: whole_hours(next) }));
            }
            start = whole_hours(next);
            let part = TimeWindow {
                start,
                end: (start + comparison.step()).min(whole_hours(window.end + TimeDelta::hours(1))),
            };
            let altered = self.altered(part, comparison).await?;
            if !self.copy(altered, OnMissing::Keep).await? {
                return Ok(false);
            }
            if watched {
                self.progress.advance(hours(part));
            }
            start = part.end;
        }
        Ok(true)
    }

    async fn altered(&mut self, window: TimeWindow, comparison: Comparison) -> Result<Vec<Slice>, RefreshError> {
        let facts = comparison.facts();
        let mut log = QueryBuilder::new(digest(facts, "0"));
        self.projection.push_requests(&mut log, facts, Beside::Nothing, RowSelector::Started(&window), &Scope::AllRows);
        log.push(" AS f GROUP BY 1");
        let log: Vec<Hour> = log.build_query_as().fetch_all(&mut self.log).await.map_err(DbError::from)?;
        let index = index_hours(&mut self.index, window, facts).await?;
        let by_hour = |hours: Vec<Hour>| hours.into_iter().map(|hour| (hour.start, hour)).collect::<BTreeMap<_, _>>();
        let (log, index) = (by_hour(log), by_hour(index));
        let hours: std::collections::BTreeSet<_> = log.keys().chain(index.keys()).copied().collect();
        let different = hours.into_iter().filter(|hour| log.get(hour) != index.get(hour));
        let slice = |hour: NaiveDateTime| {
            let start = hour.and_utc();
            let rows = log.get(&hour).map_or(0, |hour| hour.rows);
            Slice { window: TimeWindow { start, end: start + TimeDelta::hours(1) }, rows }
        };
        Ok(different.map(slice).collect())
    }
}

async fn index_hours(conn: &mut PgConnection, window: TimeWindow, facts: &[Fact]) -> sqlx::Result<Vec<Hour>> {
    let outdated = format!("count(*) FILTER (WHERE f.projection <> {PROJECTION})");
    let mut sql = QueryBuilder::new(digest(facts, &outdated));
    sql.push("traceability.requests AS f WHERE NOT f.gone AND f.started_at >= ").push_bind(window.start.naive_utc());
    sql.push(" AND f.started_at < ").push_bind(window.end.naive_utc()).push(" GROUP BY 1");
    sql.build_query_as().fetch_all(conn).await
}

/// The same SQL for both sides, so that the same rows give the same digest. Digests of rows are added up, so their order
/// does not matter. `outdated` is SQL of the number of rows that are to be copied again whatever they hold.
fn digest(facts: &[Fact], outdated: &str) -> String {
    let columns: Vec<String> = facts.iter().map(|fact| names::stored("f", *fact)).collect();
    format!(
        "SELECT date_trunc('hour', f.started_at) AS start, count(*) AS rows, sum(f.spend::numeric)::text AS spend, \
         sum(f.total_tokens)::bigint AS tokens, sum(hashtextextended(ROW({})::text, 0)::numeric)::text AS digest, \
         ({outdated})::bigint AS outdated FROM ",
        columns.join(", ")
    )
}

fn whole_hours(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant - TimeDelta::milliseconds(instant.timestamp_millis().rem_euclid(3_600_000))
}
