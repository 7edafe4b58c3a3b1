//! How a window is made of spans with roll-ups.

use chrono::{DateTime, Utc};
use traceability_core::time::TimeWindow;

use super::{Index, Level, LevelSet, Slot, Span};

/// How the index answers a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowPlan {
    /// Spans with roll-ups, in order, as long as possible each.
    pub spans: Vec<Span>,
    /// What no roll-up covers: the facts have to answer it.
    pub edges: Vec<TimeWindow>,
    /// The part from the first to the last of the spans, if roll-ups cover it without a gap.
    pub whole: Option<(Slot, Slot)>,
}

impl WindowPlan {
    /// The plan of a window for one of the groupings, from what is rolled up of it.
    #[must_use]
    pub fn of(window: &TimeWindow, index: &Index, grouping: &str) -> Self {
        let levels = |slot| index.levels.at(grouping, slot);
        let (from, until) = (Slot::from(window.start), Slot::of(window.end).min(index.rolled_until));
        let mut plan = Self::default();
        if from >= until {
            plan.edges.push(*window);
            return plan;
        }
        plan.add_edge(window.start, from.start());
        let mut start = from;
        let first = index.stale.partition_point(|stale| *stale < from);
        for stale in index.stale[first..].iter().take_while(|stale| **stale < until) {
            plan.add_spans(start, *stale, levels);
            start = Slot(stale.0 + 1);
            plan.add_edge(stale.start(), start.start());
        }
        plan.add_spans(start, until, levels);
        plan.add_edge(until.start(), window.end);
        let has_gap = plan.spans.windows(2).any(|pair| pair[0].until != pair[1].from);
        let ends = plan.spans.first().zip(plan.spans.last());
        plan.whole = ends.filter(|_| !has_gap).map(|(first, last)| (first.from, last.until));
        plan
    }

    fn add_edge(&mut self, start: DateTime<Utc>, end: DateTime<Utc>) {
        match self.edges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ if start < end => self.edges.push(TimeWindow { start, end }),
            _ => {}
        }
    }

    fn add_spans(&mut self, from: Slot, until: Slot, levels: impl Fn(Slot) -> LevelSet) {
        let mut start = from;
        while start < until {
            // They change with a month, where spans of all levels begin: a span never has two sets.
            let there_are = levels(start);
            let fits =
                |level: &Level| there_are.contains(*level) && level.floor(start) == start && level.next(start) <= until;
            let Some(level) = Level::ALL.into_iter().rev().find(fits) else {
                let end = there_are.finest().next(start).min(until);
                self.add_edge(start.start(), end.start());
                start = end;
                continue;
            };
            let end = level.next(start);
            match self.spans.last_mut() {
                Some(last) if last.level == level && last.until == start => last.until = end,
                _ => self.spans.push(Span { level, from: start, until: end }),
            }
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RollupLevels;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn index(rolled_until: &str, stale: &[&str]) -> Index {
        let stale = stale.iter().map(|start| Slot::of(at(start))).collect();
        Index {
            as_of: at("2027-01-01T00:00:00Z"),
            rolled_until: Slot::of(at(rolled_until)),
            stale,
            levels: RollupLevels::default(),
        }
    }

    #[test]
    fn a_window_is_made_of_spans_as_long_as_possible() {
        let window = TimeWindow { start: at("2026-09-29T22:40:00Z"), end: at("2026-12-27T01:20:00Z") };
        let plan = WindowPlan::of(&window, &index("2026-12-28T00:00:00Z", &[]), "agent");
        let spans: Vec<_> = plan.spans.iter().map(|span| (span.level, span.from.start().to_rfc3339())).collect();
        let expected = [
            (Level::Slot, "2026-09-29T22:45:00+00:00"),
            (Level::Hour, "2026-09-29T23:00:00+00:00"),
            (Level::Day, "2026-09-30T00:00:00+00:00"),
            (Level::Month, "2026-10-01T00:00:00+00:00"),
            (Level::QuarterMonth, "2026-12-01T00:00:00+00:00"),
            (Level::Day, "2026-12-25T00:00:00+00:00"),
            (Level::Hour, "2026-12-27T00:00:00+00:00"),
            (Level::Slot, "2026-12-27T01:00:00+00:00"),
        ];
        assert_eq!(spans, expected.map(|(level, start)| (level, start.to_owned())));
        assert_eq!(plan.edges.len(), 2);
        assert!(plan.whole.is_some());
    }

    #[test]
    fn what_is_not_rolled_up_comes_from_facts() {
        let window = TimeWindow { start: at("2026-11-24T10:00:00Z"), end: at("2026-11-24T12:07:00Z") };
        let none = WindowPlan::of(&window, &index("2026-11-24T10:00:00Z", &[]), "agent");
        assert_eq!((none.spans.len(), none.edges), (0, vec![window]));
        let stale = WindowPlan::of(&window, &index("2026-11-24T11:30:00Z", &["2026-11-24T10:15:00Z"]), "agent");
        assert_eq!(stale.whole, None, "10:15 is missing");
        assert_eq!(stale.edges.len(), 2);
        assert_eq!(stale.edges[0].start, at("2026-11-24T10:15:00Z"));
        assert_eq!(stale.edges[1].start, at("2026-11-24T11:30:00Z"));
    }

    proptest! {
        #[test]
        fn every_instant_is_covered_once(
            start in 1_700_000_000i64..1_800_000_000,
            length in 1i64..40_000_000,
            rolled in 1_700_000_000i64..1_850_000_000,
            stale in proptest::collection::btree_set(1_888_000i32..2_000_000, 0..20),
            months in proptest::collection::vec((1_888_000i32..2_000_000, any::<u8>(), any::<u8>()), 0..4),
        ) {
            let instant = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
            let window = TimeWindow { start: instant(start), end: instant(start + length) };
            let rolled_until = Slot::of(instant(rolled));
            let stale: Vec<_> = stale.into_iter().map(Slot).filter(|slot| *slot < rolled_until).collect();
            let mut levels = RollupLevels::default();
            for (slot, in_it, after) in months {
                levels.set("agent", Level::Month.floor(Slot(slot)), in_it.into(), after.into());
            }
            let index = Index { as_of: window.end, rolled_until, stale: stale.clone(), levels };
            let plan = WindowPlan::of(&window, &index, "agent");
            let spans = plan.spans.iter().map(|span| (span.from.start(), span.until.start()));
            let mut parts: Vec<_> = spans.chain(plan.edges.iter().map(|edge| (edge.start, edge.end))).collect();
            parts.sort_unstable();
            prop_assert_eq!(parts.first().map(|part| part.0), Some(window.start));
            prop_assert_eq!(parts.last().map(|part| part.1), Some(window.end));
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0));
            for span in &plan.spans {
                prop_assert!(span.until <= rolled_until);
                prop_assert!(!stale.iter().any(|slot| (span.from..span.until).contains(slot)));
                prop_assert_eq!(span.level.floor(span.from), span.from);
                prop_assert_eq!(span.level.floor(span.until), span.until);
                let mut part = span.from;
                while part < span.until {
                    prop_assert!(index.levels.at("agent", part).contains(span.level));
                    part = span.level.next(part);
                }
            }
            let gaps = plan.spans.windows(2).filter(|pair| pair[0].until != pair[1].from).count();
            prop_assert_eq!(plan.whole.is_some(), gaps == 0 && !plan.spans.is_empty());
        }
    }
}
