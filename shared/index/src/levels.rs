//! Which spans of time a grouping has roll-ups of.
//!
//! A roll-up pays where it stands for many requests. Of a grouping with nearly as many groups as requests, such as users by
//! model in a quiet log, the roll-ups of an hour would take more room than the requests of that hour, and be read no
//! faster. So each month that is over tells which levels its groupings keep, from then on and for the month itself: what a
//! level does not cover is read from the facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Level, Slot};

/// The levels that a grouping has roll-ups of. Always that of months, so that long windows stay cheap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub struct LevelSet(u8);

impl LevelSet {
    /// All levels: of a month nobody has decided about.
    pub const ALL: Self = Self(0b1_1111);

    const fn bit(level: Level) -> u8 {
        1 << level as u8
    }

    /// Whether the level is one of them.
    #[must_use]
    pub const fn contains(self, level: Level) -> bool {
        self.0 & Self::bit(level) != 0
    }

    /// These, with another one.
    #[must_use]
    const fn with(self, level: Level) -> Self {
        Self(self.0 | Self::bit(level))
    }

    /// The shortest.
    #[must_use]
    pub fn finest(self) -> Level {
        self.below(Level::Month).map_or(Level::Month, |_| {
            Level::ALL.into_iter().find(|level| self.contains(*level)).unwrap_or(Level::Month)
        })
    }

    /// The longest that is shorter than this one.
    #[must_use]
    pub fn below(self, level: Level) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|below| *below < level && self.contains(*below))
    }

    /// The levels that a grouping keeps after a month with so many requests in it, of which it has had roll-ups of the levels
    /// `self`, so many of each.
    ///
    /// From the longest to the shortest, a level is kept where it saves reading: without it, what is shorter than a span of
    /// the level above is read from the facts. The more requests such a span has, the more roll-ups a level may have for each
    /// of them.
    #[must_use]
    pub fn after_month(self, requests: u64, rollups: &BTreeMap<Level, u64>) -> Self {
        let mut kept = Self(Self::bit(Level::Month));
        let mut above = Level::Month;
        let mut share_above = share(rollups.get(&Level::Month).copied().unwrap_or_default(), requests);
        for level in Level::ALL.into_iter().rev().skip(1) {
            let limit = (requests_of_span(requests, above) / MOST_READ).max(LEAST_SHARE);
            let is_kept = if self.contains(level) {
                let share = share(rollups.get(&level).copied().unwrap_or_default(), requests);
                let is_kept = share <= limit;
                if is_kept {
                    share_above = share;
                }
                is_kept
            } else {
                // How many there would be is not known. It is tried again where the log has grown.
                limit > TRIED || share_above < LEAST_SHARE / 8.0
            };
            if is_kept {
                kept = kept.with(level);
                above = level;
            }
        }
        kept
    }

    /// Those of these levels that are in the other set, too.
    #[must_use]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self((self.0 & other.0) | Self::bit(Level::Month))
    }
}

impl From<u8> for LevelSet {
    fn from(bits: u8) -> Self {
        Self(bits & Self::ALL.0 | Self::bit(Level::Month))
    }
}

impl From<LevelSet> for u8 {
    fn from(levels: LevelSet) -> Self {
        levels.0
    }
}

/// So many requests may be read of the facts where a level is missing, at most: a level with as many roll-ups as requests
/// is kept from here on.
const MOST_READ: f64 = 300_000.0;
/// A level with fewer roll-ups for each request is kept in any log.
const LEAST_SHARE: f64 = 0.05;
/// A level that is missing is tried again above this limit.
const TRIED: f64 = 0.5;

#[expect(clippy::cast_precision_loss, reason = "a month has fewer than 2^52 requests")]
fn share(rollups: u64, requests: u64) -> f64 {
    rollups as f64 / requests.max(1) as f64
}

/// The requests of an average span of a level in a month with so many.
#[expect(clippy::cast_precision_loss, reason = "a month has fewer than 2^52 requests")]
fn requests_of_span(requests: u64, level: Level) -> f64 {
    let spans = match level {
        Level::Slot => 2_976.0,
        Level::Hour => 744.0,
        Level::Day => 31.0,
        Level::QuarterMonth => 4.0,
        Level::Month => 1.0,
    };
    requests as f64 / spans
}

/// The levels of all groupings, as they changed over time: for each by its name, from which slot on it has which. Before the
/// first of them it has all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RollupLevels(BTreeMap<String, Vec<(i32, LevelSet)>>);

impl RollupLevels {
    /// The levels that a grouping has at a slot.
    #[must_use]
    pub fn at(&self, grouping: &str, slot: Slot) -> LevelSet {
        let changes = self.0.get(grouping).map_or(&[][..], Vec::as_slice);
        let place = changes.partition_point(|(since, _)| *since <= slot.0);
        place.checked_sub(1).map_or(LevelSet::ALL, |last| changes[last].1)
    }

    /// Notes that a grouping has these levels in the month that begins here, and `then` those ones.
    pub(crate) fn set(&mut self, grouping: &str, month: Slot, levels: LevelSet, then: LevelSet) {
        let next = Level::Month.next(month);
        let changes = self.0.entry(grouping.to_owned()).or_default();
        changes.retain(|(since, _)| *since < month.0 || *since > next.0);
        changes.extend([(month.0, levels), (next.0, then)]);
        changes.sort_by_key(|(since, _)| *since);
        changes.dedup_by_key(|(_, levels)| *levels);
        if changes.first().is_some_and(|(_, levels)| *levels == LevelSet::ALL) {
            changes.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(of: [u64; 5]) -> BTreeMap<Level, u64> {
        Level::ALL.into_iter().zip(of).collect()
    }

    fn levels(set: LevelSet) -> Vec<Level> {
        Level::ALL.into_iter().filter(|level| set.contains(*level)).collect()
    }

    #[test]
    fn a_level_is_kept_where_it_stands_for_many_requests() {
        let month = |requests, rollups| levels(LevelSet::ALL.after_month(requests, &counts(rollups)));
        assert_eq!(month(41_000, [1_700, 620, 31, 4, 1]), Level::ALL, "all requests");
        assert_eq!(month(41_000, [9_000, 8_200, 7_600, 6_700, 5_200]), [Level::Month], "users by model, few requests");
        let agents = month(41_000, [4_100, 3_200, 1_100, 200, 50]);
        assert_eq!(agents, [Level::Day, Level::QuarterMonth, Level::Month], "agents, few requests");
        let many = month(8_000_000, [1_500_000, 500_000, 40_000, 12_000, 5_000]);
        assert_eq!(many[..2], [Level::Hour, Level::Day], "agents, many requests: of an hour there are few");
    }

    #[test]
    fn a_level_that_is_missing_comes_back_when_the_log_grows() {
        let month = LevelSet::from(0b1_0000);
        assert_eq!(month.after_month(41_000, &counts([0, 0, 0, 0, 5_200])), month);
        assert!(month.after_month(400_000, &counts([0, 0, 0, 0, 9_000])).contains(Level::QuarterMonth));
    }

    #[test]
    fn before_anything_is_decided_there_are_all_levels() {
        let mut all = RollupLevels::default();
        let (november, december) = (Slot(1_992_768), Slot(1_995_648));
        assert_eq!(Level::Month.next(november), december);
        assert_eq!(all.at("agent", november), LevelSet::ALL);
        let (day, month) = (LevelSet::from(0b1_0100), LevelSet::from(0b1_0000));
        all.set("agent", november, month, day);
        assert_eq!(all.at("agent", Slot(november.0 - 1)), LevelSet::ALL);
        assert_eq!((all.at("agent", november), all.at("agent", december)), (month, day));
        assert_eq!(all.at("user", december), LevelSet::ALL);
        all.set("agent", december, day, day);
        assert_eq!((all.at("agent", november), all.at("agent", december)), (month, day));
    }

    proptest! {
        #[test]
        fn there_is_always_a_level_to_sum_up(bits: u8, requests in 0u64..10_000_000, of: [u32; 5]) {
            let set = LevelSet::from(bits);
            let kept = set.after_month(requests, &counts(of.map(u64::from)));
            prop_assert!(kept.contains(Level::Month));
            prop_assert!(kept.contains(kept.finest()));
            prop_assert_eq!(kept.below(kept.finest()), None);
        }
    }
}
