//! What there are roll-ups by.

use traceability_core::dimension::Dimension;
use traceability_facts::dimension::DimensionSql;

/// The groupings with roll-ups. Their sizes add up, so a further one costs what it holds itself; a question that none of
/// them answers is answered from the facts.
pub const ROLLED_UP: [&[Dimension]; 19] = [
    &[],
    &[Dimension::Model],
    &[Dimension::Agent],
    &[Dimension::User],
    &[Dimension::EndUser],
    &[Dimension::Team],
    &[Dimension::Key],
    &[Dimension::Provider],
    &[Dimension::Tag],
    &[Dimension::Tool],
    &[Dimension::ErrorClass, Dimension::Model],
    &[Dimension::Model, Dimension::Provider],
    &[Dimension::Agent, Dimension::Model],
    &[Dimension::User, Dimension::Model],
    &[Dimension::Team, Dimension::Model],
    &[Dimension::Key, Dimension::Model],
    &[Dimension::Agent, Dimension::User],
    &[Dimension::Team, Dimension::Agent],
    &[Dimension::Team, Dimension::User],
];

/// The grouping's name in the table.
#[must_use]
pub fn name(keys: &[Dimension]) -> String {
    if keys.is_empty() {
        return "total".into();
    }
    keys.iter().map(|key| key.word()).collect::<Vec<_>>().join(",")
}

/// The grouping with exactly these dimensions, in whatever order.
#[must_use]
pub fn with(dimensions: &[Dimension]) -> Option<&'static [Dimension]> {
    ROLLED_UP.into_iter().find(|keys| keys.len() == dimensions.len() && dimensions.iter().all(|one| keys.contains(one)))
}

/// SQL of the two keys of a grouping over the facts `f`, the empty text where there is none, what has to be joined for
/// them, and the conditions of the facts that have them.
pub(super) fn over_facts(keys: &[Dimension]) -> ([String; 2], String, Vec<&'static str>) {
    let join = keys.iter().map(|key| key.join()).collect();
    let conditions = keys.iter().filter_map(|key| key.condition()).collect();
    (Dimension::two_keys(keys), join, conditions)
}
