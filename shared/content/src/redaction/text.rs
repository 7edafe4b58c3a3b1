//! A text in which matches are looked for, and how what was found becomes one list.

use std::ops::Range;

/// A text, with the places where something has been replaced before.
///
/// Those count as part of a word: what begins right after one was not found when it still stood beside a letter.
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) placeholders: Vec<Range<usize>>,
}

/// A place to replace, and the index of the rule that found it.
pub(super) type Found = (Range<usize>, usize);

impl Text<'_> {
    /// The part of a match that is not within what was replaced before; `None` if nothing is left of it.
    pub(super) fn outside(&self, mut range: Range<usize>) -> Option<Range<usize>> {
        let first = self.placeholders.partition_point(|before| before.end <= range.start);
        let end = self.placeholders.partition_point(|before| before.start < range.end);
        for before in self.placeholders.get(first..end).unwrap_or_default() {
            if before.start <= range.start {
                range.start = before.end.min(range.end);
            } else if range.end <= before.end {
                range.end = before.start;
            }
        }
        (!range.is_empty()).then_some(range)
    }

    /// Whether a word goes on before this place.
    pub(super) fn word_before(&self, at: usize) -> bool {
        self.replaced_before(at) || self.text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
    }

    /// Whether a word goes on at this place.
    pub(super) fn word_after(&self, at: usize) -> bool {
        self.replaced_after(at) || self.text[at..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
    }

    /// Where the placeholder ends that this place is within.
    pub(super) fn replaced_around(&self, at: usize) -> Option<usize> {
        let around = self.placeholders.partition_point(|range| range.end <= at);
        self.placeholders.get(around).filter(|range| range.start <= at).map(|range| range.end)
    }

    /// Whether a placeholder ends here.
    pub(super) fn replaced_before(&self, at: usize) -> bool {
        self.placeholders.binary_search_by_key(&at, |range| range.end).is_ok()
    }

    /// Whether a placeholder begins here.
    pub(super) fn replaced_after(&self, at: usize) -> bool {
        self.placeholders.binary_search_by_key(&at, |range| range.start).is_ok()
    }
}

/// In order, with those that overlap made one.
pub(super) fn joined(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|(range, index)| (range.start, *index));
    let mut joined: Vec<Found> = Vec::with_capacity(found.len());
    for (range, index) in found {
        match joined.last_mut() {
            Some((last, first)) if range.start < last.end => {
                last.end = last.end.max(range.end);
                *first = index.min(*first);
            }
            _ => joined.push((range, index)),
        }
    }
    joined
}
