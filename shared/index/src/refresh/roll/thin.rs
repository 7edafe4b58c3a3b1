//! Which levels of roll-ups are worth their room, and taking out the others; see [`RollupLevels`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use super::super::{Refresh, RefreshError, begin};
use super::delete;
use crate::dimensions::ROLLED_UP;
use crate::{Level, RollupLevels, Slot, dimensions};

/// How long roll-ups stay that nobody is to use any more, for those who asked before: longer than any answer takes.
const STAY_MINUTES: i32 = 10;

/// The levels of all groupings.
pub(super) async fn levels(conn: &mut PgConnection) -> sqlx::Result<RollupLevels> {
    let levels: Json<RollupLevels> =
        sqlx::query_scalar("SELECT rollup_levels FROM traceability.state").fetch_one(conn).await?;
    Ok(levels.0)
}

/// A month with requests.
#[derive(FromRow)]
struct Month {
    starts: i32,
    requests: i64,
}

impl Month {
    const fn start(&self) -> Slot {
        Slot(self.starts)
    }

    fn end(&self) -> Slot {
        Level::Month.next(self.start())
    }
}

/// Decides about the months that are rolled up by now: which levels each keeps, and which the next one has. One with fewer
/// requests than that decides nothing.
pub(super) async fn decide(conn: &mut PgConnection, least_decisive: i64) -> sqlx::Result<()> {
    let (rolled, decided): (Option<i32>, Option<i32>) =
        sqlx::query_as("SELECT rolled_until, levels_until FROM traceability.state").fetch_one(&mut *conn).await?;
    let Some(rolled) = rolled.map(Slot) else { return Ok(()) };
    let months = months(conn, decided, rolled).await?;
    let Some(last) = months.last() else { return Ok(()) };
    let mut levels = levels(conn).await?;
    for month in months.iter().filter(|month| month.requests >= least_decisive) {
        let rollups = rollups(conn, month).await?;
        for grouping in ROLLED_UP.map(dimensions::name) {
            let here = levels.at(&grouping, month.start());
            let none = BTreeMap::new();
            let kept = here.after_month(month.requests.unsigned_abs(), rollups.get(&grouping).unwrap_or(&none));
            // What is rolled up already has no further levels.
            let then = if rolled > month.end() { kept.and(levels.at(&grouping, month.end())) } else { kept };
            levels.set(&grouping, month.start(), here.and(kept), then);
        }
    }
    // A cluster does not let its servers ask their own clocks for a row that each of them has.
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut *conn).await?;
    sqlx::query("UPDATE traceability.state SET rollup_levels = $1, levels_until = $2, levels_at = $3")
        .bind(Json(levels))
        .bind(last.end().0)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// The months with requests that begin at or after `since`, if given, and are over by `until`.
async fn months(conn: &mut PgConnection, since: Option<i32>, until: Slot) -> sqlx::Result<Vec<Month>> {
    let mut months: Vec<Month> = sqlx::query_as(
        "SELECT r.starts, r.requests FROM traceability.rollups r WHERE r.dimension = $1 AND r.level = $2 \
         AND r.starts >= $3 AND r.starts < $4 ORDER BY r.starts",
    )
    .bind(dimensions::name(&[]))
    .bind(Level::Month as i16)
    .bind(since.unwrap_or(i32::MIN))
    .bind(until.0)
    .fetch_all(conn)
    .await?;
    months.retain(|month| month.end() <= until);
    Ok(months)
}

/// How many roll-ups of each level the groupings have in a month.
async fn rollups(conn: &mut PgConnection, month: &Month) -> sqlx::Result<BTreeMap<String, BTreeMap<Level, u64>>> {
    let counts: Vec<(String, i16, i64)> = sqlx::query_as(
        "SELECT r.dimension, r.level, count(*) FROM traceability.rollups r WHERE r.dimension = ANY($1) \
         AND r.level = ANY('{0,1,2,3,4}') AND r.starts >= $2 AND r.starts < $3 GROUP BY r.dimension, r.level",
    )
    .bind(ROLLED_UP.map(dimensions::name).to_vec())
    .bind(month.starts)
    .bind(month.end().0)
    .fetch_all(conn)
    .await?;
    let mut rollups: BTreeMap<String, BTreeMap<Level, u64>> = BTreeMap::new();
    for (grouping, level, count) in counts {
        if let Some(level) = Level::ALL.into_iter().find(|one| *one as i16 == level) {
            rollups.entry(grouping).or_default().insert(level, count.unsigned_abs());
        }
    }
    Ok(rollups)
}

impl Refresh<'_> {
    /// Decides about months that an earlier version has rolled up, and takes out what is not used any more; whether there was
    /// time for it.
    pub(super) async fn thin_out(&mut self) -> Result<bool, RefreshError> {
        let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(false) };
        decide(&mut transaction, self.config.least_decisive).await?;
        transaction.commit().await?;
        // Nobody has asked an index that was not ready.
        let due: Option<(Option<i32>, Option<i32>)> = sqlx::query_as(
            "SELECT thinned_until, levels_until FROM traceability.state \
             WHERE NOT ready OR levels_at < clock_timestamp() - make_interval(mins => $1)",
        )
        .bind(STAY_MINUTES)
        .fetch_optional(&mut self.index)
        .await?;
        let Some((thinned, Some(until))) = due else { return Ok(true) };
        let months = months(&mut self.index, thinned, Slot(until)).await?;
        self.progress.begin("thinning out roll-ups", months.len() as u64);
        for month in months {
            if !self.has_time() {
                return Ok(false);
            }
            let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(false) };
            let levels = levels(&mut transaction).await?;
            for level in Level::ALL {
                let lacks = |grouping: &String| !levels.at(grouping, month.start()).contains(level);
                let groupings: Vec<String> = ROLLED_UP.map(dimensions::name).into_iter().filter(lacks).collect();
                delete(&mut transaction, groupings, level, month.start(), month.end()).await?;
            }
            sqlx::query("UPDATE traceability.state SET thinned_until = $1")
                .bind(month.end().0)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            self.progress.advance(1);
        }
        Ok(true)
    }
}
