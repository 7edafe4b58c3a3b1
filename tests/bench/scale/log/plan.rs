//! When which session makes its requests.

use chrono::{DateTime, TimeDelta, Utc};
use local::generate::rhythm;

use super::draw::Draw;

/// The days before its end over which the log spreads.
pub const DAYS: u16 = 365;

/// One request to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planned {
    /// When it starts, in milliseconds since 1970.
    pub start: i64,
    /// Its session.
    pub session: u32,
    /// Its place in the session, from 0.
    pub number: u32,
}

/// So long before the end of the log the last request starts: longer than any takes.
const BEFORE_THE_END: TimeDelta = TimeDelta::minutes(3);

/// `rows` requests in order of time, twelve a session on average: half of the sessions have five or fewer, some
/// hundreds, a few some thousands; and a few go on for weeks.
pub fn plan(rows: u64, until: DateTime<Utc>) -> Vec<Planned> {
    let end = until - BEFORE_THE_END;
    let begin = end - TimeDelta::days(DAYS.into());
    let rhythm = rhythm(begin.naive_utc(), DAYS);
    let length = i64::from(DAYS) * 24 * HOUR;
    let wanted = usize::try_from(rows).unwrap_or(usize::MAX);
    let mut planned = Vec::with_capacity(wanted);
    for session in 0.. {
        if planned.len() >= wanted {
            break;
        }
        let mut draw = Draw::of(3, session.into());
        let mut offsets = offsets(session, &mut draw);
        offsets.truncate(wanted - planned.len());
        let span = offsets.last().copied().unwrap_or_default();
        let place = draw.unit();
        let hour = rhythm.partition_point(|before| *before <= place).saturating_sub(1);
        let start = i64::try_from(hour).unwrap_or_default() * HOUR + milliseconds(draw.unit() * 3_600_000.0);
        // One that would not end in time begins earlier.
        let start = if start + span < length { start } else { milliseconds(place * fraction(length - span)) };
        let start = begin.timestamp_millis() + start;
        planned.extend(offsets.into_iter().zip(0..).map(|(offset, number)| Planned {
            start: start + offset,
            session,
            number,
        }));
    }
    planned.sort_unstable();
    planned
}

const HOUR: i64 = 3_600_000;

/// How long after its start a session makes each of its requests, in milliseconds, ascending.
fn offsets(session: u32, draw: &mut Draw) -> Vec<i64> {
    if session % 4_000 == 17 {
        // A conversation that somebody comes back to for two to six weeks.
        let days = 14.0 + 28.0 * draw.unit();
        let requests = 30 + draw.below(270);
        let mut offsets: Vec<i64> = (0..requests).map(|_| milliseconds(draw.unit() * days * 86_400_000.0)).collect();
        offsets.sort_unstable();
        let first = offsets[0];
        return offsets.into_iter().map(|offset| offset - first).collect();
    }
    // An agent that runs for a day, now and then.
    let requests =
        if session % 40_000 == 23 { draw.about(2_500.0, 0.3, 1_000, 5_000) } else { draw.about(5.6, 1.3, 1, 400) };
    let mut offset = 0;
    let mut offsets = Vec::with_capacity(requests as usize);
    for _ in 0..requests {
        offsets.push(offset);
        offset += milliseconds(draw.log_normal(9_000.0, 1.0)).min(HOUR);
    }
    offsets
}

#[expect(clippy::cast_possible_truncation, reason = "a year has far fewer than 2^53 milliseconds")]
const fn milliseconds(milliseconds: f64) -> i64 {
    milliseconds as i64
}

#[expect(clippy::cast_precision_loss, reason = "a year has far fewer than 2^53 milliseconds")]
const fn fraction(milliseconds: i64) -> f64 {
    milliseconds as f64
}
