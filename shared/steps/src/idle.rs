//! When no step ran, and how long at least one did.

use super::span::Span;

/// A time in which no step ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleGap {
    /// The step that was over last before it.
    pub after_step: usize,
    /// How long it was, in microseconds.
    pub length: i64,
}

/// The times of at least `shortest` microseconds between the first start and the last end in which no step ran. The steps must
/// be in the order of their start.
#[must_use]
pub fn idle_gaps(spans: &[Span], shortest: i64) -> Vec<IdleGap> {
    gaps(spans).filter(|gap| gap.length >= shortest).collect()
}

/// For how many microseconds at least one step ran: from the first start to the last end, without all idle gaps.
#[must_use]
pub fn busy(spans: &[Span]) -> i64 {
    let whole = |first: &Span| spans.iter().map(|span| span.end).max().unwrap_or(first.end) - first.start;
    spans.first().map_or(0, whole) - gaps(spans).map(|gap| gap.length).sum::<i64>()
}

fn gaps(spans: &[Span]) -> impl Iterator<Item = IdleGap> {
    let mut last: Option<(usize, i64)> = None;
    spans.iter().enumerate().filter_map(move |(step, span)| {
        let before = last;
        if before.is_none_or(|(_, end)| span.end >= end) {
            last = Some((step, span.end));
        }
        let (after_step, end) = before?;
        (span.start > end).then(|| IdleGap { after_step, length: span.start - end })
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_time_that_is_not_idle_is_busy(mut times in vec((0_i64..100, 0_i64..12), 1..30)) {
            times.sort_unstable();
            let spans: Vec<Span> = times.iter().map(|(start, length)| Span::new(*start, start + length)).collect();
            let runs = |at: &i64| spans.iter().any(|span| span.start <= *at && *at < span.end);
            prop_assert_eq!(busy(&spans), i64::try_from((0..200).filter(runs).count()).expect("a few"));
            for gap in idle_gaps(&spans, 1) {
                let from = spans[gap.after_step].end;
                prop_assert!((from..from + gap.length).all(|at| !runs(&at)));
                prop_assert!(spans.iter().any(|span| span.start == from + gap.length));
            }
        }
    }

    #[test]
    fn a_gap_follows_the_step_that_was_over_last() {
        let spans = [(0, 100), (1, 2), (400, 500), (501, 600)].map(|(start, end)| Span::new(start, end));
        assert_eq!(idle_gaps(&spans, 300), [IdleGap { after_step: 0, length: 300 }]);
        assert_eq!(idle_gaps(&spans, 1).len(), 2);
        assert_eq!(idle_gaps(&[], 0), []);
    }
}
