//! Amounts as people are shown them: rounded, so that the rounded parts still sum to the rounded whole.

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive as _};
use traceability_core::money::Money;

/// How many decimals the amounts of a report have, by the largest of them.
pub(super) fn decimals(largest: &Money) -> i64 {
    match largest.as_f64().abs() {
        size if size >= 100.0 => 2,
        size if size >= 1.0 || largest.is_zero() => 4,
        size if size >= 0.01 => 6,
        _ => 8,
    }
}

/// The parts, rounded: each up or down, those with the largest remainders up, so that they sum to what their sum is rounded
/// to.
pub(super) fn apportion(parts: &[&Money], decimals: i64) -> Vec<Money> {
    let whole: BigDecimal = parts.iter().map(|part| &part.0).sum();
    let whole = whole.with_scale_round(decimals, RoundingMode::HalfUp);
    let mut rounded: Vec<BigDecimal> =
        parts.iter().map(|part| part.0.with_scale_round(decimals, RoundingMode::Floor)).collect();
    let missing = whole - rounded.iter().sum::<BigDecimal>();
    let unit = BigDecimal::new(1.into(), decimals);
    let units = (missing / &unit).to_usize().unwrap_or_default();
    let mut places: Vec<usize> = (0..parts.len()).collect();
    // Stable: of equal remainders those of the first parts go up.
    places.sort_by(|one, other| {
        let remainder = |place: usize| &parts[place].0 - &rounded[place];
        remainder(*other).cmp(&remainder(*one))
    });
    for place in places.into_iter().take(units) {
        rounded[place] += &unit;
    }
    rounded.into_iter().map(Money).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thirds_sum_to_their_whole() {
        let third: Money = "0.333333".parse().expect("an amount");
        let shown = apportion(&[&third, &third, &third], 2);
        assert_eq!(shown.iter().map(Money::to_string).collect::<Vec<_>>(), ["0.34", "0.33", "0.33"]);
    }

    proptest! {
        #[test]
        fn rounded_parts_sum_to_the_rounded_whole(parts in prop::collection::vec(-1_000_000i64..100_000_000, 0..40)) {
            let parts: Vec<Money> = parts.into_iter().map(|part| Money(BigDecimal::new(part.into(), 7))).collect();
            let whole: Money = parts.iter().sum();
            for decimals in [2, 4, 6, 8] {
                let shown = apportion(&parts.iter().collect::<Vec<_>>(), decimals);
                prop_assert_eq!(shown.iter().sum::<Money>(), whole.rounded(decimals));
                for (shown, part) in shown.iter().zip(&parts) {
                    let unit = BigDecimal::new(1.into(), decimals);
                    prop_assert!((&shown.0 - &part.0).abs() <= unit);
                }
            }
        }
    }
}
