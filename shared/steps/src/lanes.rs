//! Which steps run beside each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::span::Span;

/// A lane for each step, from 0, so that steps that ran at the same time lie in different ones: each takes the lowest lane
/// that is free when it starts. There are as many lanes as steps ever ran at once. The steps must be in the order of their
/// start.
#[must_use]
pub fn lanes(spans: &[Span]) -> Vec<u32> {
    let mut busy: BinaryHeap<Reverse<(i64, u32)>> = BinaryHeap::new();
    let mut free: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
    let mut count = 0;
    let lane_of = |span: &Span| {
        while let Some(Reverse((end, lane))) = busy.peek().copied()
            && end <= span.start
        {
            busy.pop();
            free.push(Reverse(lane));
        }
        let lane = free.pop().map_or_else(
            || {
                count += 1;
                count - 1
            },
            |Reverse(lane)| lane,
        );
        busy.push(Reverse((span.end, lane)));
        lane
    };
    spans.iter().map(lane_of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        vec((0_i64..200, 0_i64..60), 0..60).prop_map(|mut spans| {
            spans.sort_unstable();
            spans.into_iter().map(|(start, length)| Span::new(start, start + length)).collect()
        })
    }

    proptest! {
        #[test]
        fn no_two_steps_of_a_lane_overlap_and_none_is_too_many(spans in spans()) {
            let lanes = lanes(&spans);
            for (at, span) in spans.iter().enumerate() {
                for (earlier, other) in spans[..at].iter().enumerate() {
                    prop_assert!(lanes[at] != lanes[earlier] || other.end <= span.start);
                }
            }
            let at_once = |span: &Span| {
                let runs = |other: &&Span| other.start <= span.start && other.end > span.start;
                spans.iter().filter(runs).count()
            };
            // A step without length takes a lane, too.
            let most = spans.iter().map(at_once).max().unwrap_or_default() + 1;
            prop_assert!(lanes.iter().all(|lane| (*lane as usize) < most));
        }
    }

    #[test]
    fn the_lowest_free_lane_is_taken() {
        let spans = [(0, 10), (2, 4), (3, 9), (5, 6), (10, 11)].map(|(start, end)| Span::new(start, end));
        assert_eq!(lanes(&spans), [0, 1, 2, 1, 0]);
    }
}
