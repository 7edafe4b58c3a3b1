//! Histograms of milliseconds whose bins grow with what they hold, so that a quantile is within 1 % of the exact one. The
//! histogram of a whole is the sum of those of its parts.

use std::collections::BTreeMap;

/// The bins grow by this factor: the middle of a bin is within 0.99 % of everything in it.
const FACTOR: f64 = 1.02;

/// SQL of the bin of so many milliseconds, from 1; 0 is for none at all.
#[must_use]
pub fn bin(milliseconds: &str) -> String {
    format!(
        "CASE WHEN {milliseconds} > 0 THEN 1 + ceil(ln({milliseconds}::float8) / ln({FACTOR}::float8))::bigint ELSE 0 END"
    )
}

/// The middle of a bin, in milliseconds.
fn middle(bin: i64) -> f64 {
    if bin <= 0 {
        return 0.0;
    }
    let upper = FACTOR.powi(i32::try_from(bin - 1).unwrap_or(i32::MAX));
    2.0 * upper / (FACTOR + 1.0)
}

/// How many values are in each bin.
#[derive(Debug, Clone, Default)]
pub struct Histogram(BTreeMap<i64, u64>);

impl Histogram {
    /// Adds one as the index stores it: the number of a bin in the upper 24 bits of each element, how many are in it in the
    /// lower 40.
    pub fn add(&mut self, elements: &[i64]) {
        for element in elements {
            *self.0.entry(element >> 40).or_default() += (element & ((1 << 40) - 1)).unsigned_abs();
        }
    }

    /// The quantiles, ascending, in milliseconds: between two values, as far from either as PostgreSQL's `percentile_cont`
    /// has it. `None` of nothing.
    #[must_use]
    pub fn quantiles<const N: usize>(&self, wanted: [f64; N]) -> Option<[f64; N]> {
        let total: u64 = self.0.values().sum();
        let last = total.checked_sub(1)?;
        #[expect(clippy::cast_precision_loss, reason = "no log has 2^53 requests")]
        let places = wanted.map(|fraction| fraction * last as f64);
        Some(places.map(|place| {
            let (low, high) = (self.value(place.floor()), self.value(place.ceil()));
            low + (high - low) * place.fract()
        }))
    }

    /// The value at a place in order, from 0.
    fn value(&self, place: f64) -> f64 {
        let mut before = 0.0;
        for (bin, values) in &self.0 {
            #[expect(clippy::cast_precision_loss, reason = "no log has 2^53 requests")]
            let values = *values as f64;
            before += values;
            if place < before {
                return middle(*bin);
            }
        }
        self.0.last_key_value().map_or(0.0, |(bin, _)| middle(*bin))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the SQL has it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few thousand bins at most")]
    fn bin_of(milliseconds: i64) -> i64 {
        if milliseconds > 0 { 1 + ((milliseconds as f64).ln() / FACTOR.ln()).ceil() as i64 } else { 0 }
    }

    proptest! {
        #[test]
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds, and places among a few hundred"
        )]
        fn a_quantile_is_within_one_percent(mut values in proptest::collection::vec(0i64..100_000_000, 1..400)) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.add(&[(bin_of(*value) << 40) | 1]);
            }
            values.sort_unstable();
            let wanted = [0.0, 0.5, 0.9, 0.95, 0.99, 1.0];
            let found = histogram.quantiles(wanted).expect("there are values");
            for (fraction, found) in wanted.into_iter().zip(found) {
                let place = fraction * (values.len() - 1) as f64;
                let at = |place: f64| values.iter().copied().nth(place as usize).unwrap_or_default() as f64;
                let exact = at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract();
                prop_assert!((found - exact).abs() <= exact * 0.01 + 1e-9, "{found} is not {exact}");
            }
        }
    }
}
