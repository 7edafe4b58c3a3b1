//! Two sessions side by side: which step of the one stands beside which of the other.
//!
//! Steps with the same prompt come first, since they are what two runs of one task have in common. Between them, steps of the same
//! kind: the same model and called tools. What is then left stands beside each other in its order.

use std::ops::Range;
use std::time::Instant;

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// What is known of a step to find the other session's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StepKey {
    /// Equal for equal prompts; `None` where it is not known.
    pub prompt: Option<u64>,
    /// Equal for steps of a kind.
    pub kind: u64,
}

/// A step of each session, or of one where the other has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The step of the first session, from 0.
    pub a: Option<usize>,
    /// That of the second.
    pub b: Option<usize>,
}

/// All steps of both sessions in their order, each once. After `until` the rest is paired with less care.
#[must_use]
pub fn pairs(a: &[StepKey], b: &[StepKey], until: Instant) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(a.len().max(b.len()));
    each(a, b, until, |part| match part {
        Part::Same(a, b) => pairs.extend(a.zip(b).map(|(a, b)| Pair { a: Some(a), b: Some(b) })),
        Part::Other(of_a, of_b) => {
            let kind = |keys: &[StepKey], part: &Range<usize>| -> Vec<u64> {
                keys[part.clone()].iter().map(|key| key.kind).collect()
            };
            each(&kind(a, &of_a), &kind(b, &of_b), until, |part| {
                let (Part::Same(a, b) | Part::Other(a, b)) = part;
                push_beside(&mut pairs, moved(a, of_a.start), moved(b, of_b.start));
            });
        }
    });
    pairs
}

/// A part of both sessions.
enum Part {
    /// As long in both, with equal steps.
    Same(Range<usize>, Range<usize>),
    /// What stands there instead.
    Other(Range<usize>, Range<usize>),
}

fn each<T: Eq + std::hash::Hash>(a: &[T], b: &[T], until: Instant, mut take: impl FnMut(Part)) {
    for operation in capture_diff_slices_deadline(Algorithm::Myers, a, b, Some(until)) {
        let (of_a, of_b) = (operation.old_range(), operation.new_range());
        take(if matches!(operation, DiffOp::Equal { .. }) { Part::Same(of_a, of_b) } else { Part::Other(of_a, of_b) });
    }
}

fn moved(part: Range<usize>, by: usize) -> Range<usize> {
    part.start + by..part.end + by
}

/// Adds these steps beside each other, and those that are left over by themselves.
fn push_beside(pairs: &mut Vec<Pair>, mut a: Range<usize>, mut b: Range<usize>) {
    loop {
        let pair = Pair { a: a.next(), b: b.next() };
        if pair == (Pair { a: None, b: None }) {
            return;
        }
        pairs.push(pair);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn later() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    fn keys(steps: &[(Option<u64>, u64)]) -> Vec<StepKey> {
        steps.iter().map(|(prompt, kind)| StepKey { prompt: *prompt, kind: *kind }).collect()
    }

    fn places(a: &[(Option<u64>, u64)], b: &[(Option<u64>, u64)]) -> Vec<(Option<usize>, Option<usize>)> {
        pairs(&keys(a), &keys(b), later()).into_iter().map(|pair| (pair.a, pair.b)).collect()
    }

    #[test]
    fn the_same_prompts_stand_beside_each_other() {
        let a = [(Some(1), 0), (Some(2), 0), (Some(3), 0)];
        let b = [(Some(1), 0), (Some(9), 0), (Some(2), 0), (Some(3), 0)];
        assert_eq!(places(&a, &b), [(Some(0), Some(0)), (None, Some(1)), (Some(1), Some(2)), (Some(2), Some(3))]);
    }

    #[test]
    fn without_prompts_steps_of_a_kind_do() {
        let a = [(None, 1), (None, 2), (None, 1)];
        let b = [(None, 1), (None, 1)];
        assert_eq!(places(&a, &b), [(Some(0), Some(0)), (Some(1), None), (Some(2), Some(1))]);
    }

    #[test]
    fn what_is_left_stands_in_its_order() {
        let a = [(Some(1), 1), (Some(2), 2), (Some(3), 3)];
        let b = [(Some(4), 4), (Some(5), 5)];
        assert_eq!(places(&a, &b), [(Some(0), Some(0)), (Some(1), Some(1)), (Some(2), None)]);
    }

    #[test]
    fn the_longest_sessions_that_have_nothing_in_common_are_paired_in_bounded_time() {
        let of = |prompts: Range<u64>| prompts.map(|prompt| StepKey { prompt: Some(prompt), kind: prompt % 7 });
        let (a, b): (Vec<_>, Vec<_>) = (of(0..20_000).collect(), of(30_000..50_000).collect());
        let until = Instant::now() + Duration::from_secs(1);
        assert!(pairs(&a, &b, until).len() >= 20_000);
    }

    proptest! {
        #[test]
        fn each_step_is_there_once_and_in_order(
            a in vec((proptest::option::of(0..6u64), 0..3u64), 0..30),
            b in vec((proptest::option::of(0..6u64), 0..3u64), 0..30),
        ) {
            let found = places(&a, &b);
            let of_a: Vec<usize> = found.iter().filter_map(|pair| pair.0).collect();
            let of_b: Vec<usize> = found.iter().filter_map(|pair| pair.1).collect();
            prop_assert_eq!(of_a, (0..a.len()).collect::<Vec<_>>());
            prop_assert_eq!(of_b, (0..b.len()).collect::<Vec<_>>());
            let turned: Vec<_> = places(&a, &a);
            prop_assert!(turned.iter().all(|pair| pair.0 == pair.1));
        }
    }
}
