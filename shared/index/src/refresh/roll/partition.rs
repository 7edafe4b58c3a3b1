//! The groupings that one connection rolls up.

use crate::dimensions;
use crate::dimensions::ROLLED_UP;

/// Some groupings: a range of places in [`ROLLED_UP`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Partition {
    start: usize,
    end: usize,
}

/// Where the second half begins: about as many roll-ups come before as after.
const MIDDLE: usize = 13;

impl Partition {
    pub(super) const ALL: Self = Self { start: 0, end: ROLLED_UP.len() };

    /// Two that take about as long.
    pub(super) const HALVES: [Self; 2] = [Self { start: 0, end: MIDDLE }, Self { start: MIDDLE, end: ROLLED_UP.len() }];

    /// The places.
    pub(super) fn contains(self, place: usize) -> bool {
        (self.start..self.end).contains(&place)
    }

    /// The groupings' names in the table.
    pub(super) fn names(self) -> Vec<String> {
        ROLLED_UP[self.start..self.end].iter().map(|grouping| dimensions::name(grouping)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_all() {
        let halves: Vec<String> = Partition::HALVES.into_iter().flat_map(Partition::names).collect();
        assert_eq!(halves, Partition::ALL.names());
    }
}
