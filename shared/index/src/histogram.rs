//! Histograms of milliseconds whose bins grow with what they hold, so that a quantile is within 1 % of the exact one. The
//! histogram of a whole is the sum of those of its parts.

use integer_encoding::VarInt;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, Type};

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

/// How many values are in each bin. In the database it is a `bytea`: for each bin that is not empty its number, less that
/// of the bin before it, and how many are in it, as variable-length numbers. Most have a few values, and take as many bytes
/// as those would take as words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Bins and what is in them, ascending.
    bins: Vec<(i64, i64)>,
}

impl Histogram {
    /// Adds values of one bin.
    pub fn add(&mut self, bin: i64, values: i64) {
        match self.bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(place) => self.bins[place].1 += values,
            Err(place) => self.bins.insert(place, (bin, values)),
        }
    }

    /// Adds another one.
    pub fn merge(&mut self, other: &Self) {
        let mut place = 0;
        for (bin, values) in &other.bins {
            while self.bins.get(place).is_some_and(|(own, _)| own < bin) {
                place += 1;
            }
            match self.bins.get_mut(place) {
                Some((own, sum)) if own == bin => *sum += values,
                _ => self.bins.insert(place, (*bin, *values)),
            }
        }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// The quantiles, ascending, in milliseconds: between two values, as far from either as PostgreSQL's `percentile_cont`
    /// has it. `None` of nothing.
    #[must_use]
    pub fn quantiles<const N: usize>(&self, wanted: [f64; N]) -> Option<[f64; N]> {
        let total: i64 = self.bins.iter().map(|(_, values)| values).sum();
        let last = total - 1;
        if last < 0 {
            return None;
        }
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
        for (bin, values) in &self.bins {
            #[expect(clippy::cast_precision_loss, reason = "no log has 2^53 requests")]
            let values = *values as f64;
            before += values;
            if place < before {
                return middle(*bin);
            }
        }
        self.bins.last().map_or(0.0, |(bin, _)| middle(*bin))
    }

    /// As it is stored.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(3 * self.bins.len());
        let mut number = [0; 10];
        let mut before = 0;
        for (bin, values) in &self.bins {
            for part in [(bin - before).unsigned_abs(), values.unsigned_abs()] {
                let length = part.encode_var(&mut number);
                packed.extend_from_slice(&number[..length]);
            }
            before = *bin;
        }
        packed
    }

    fn unpack(mut bytes: &[u8]) -> Option<Self> {
        // Each has two bytes or more.
        let mut bins: Vec<(i64, i64)> = Vec::with_capacity(bytes.len() / 2);
        let mut number = || {
            let (number, length) = u64::decode_var(bytes)?;
            bytes = &bytes[length..];
            Some((i64::try_from(number).ok()?, bytes.is_empty()))
        };
        let mut bin = 0;
        loop {
            let (distance, _) = number()?;
            let (values, is_last) = number()?;
            bin = distance.checked_add(bin)?;
            bins.push((bin, values));
            if is_last {
                return Some(Self { bins });
            }
        }
    }
}

impl Type<Postgres> for Histogram {
    fn type_info() -> PgTypeInfo {
        <[u8] as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Histogram {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = <&[u8] as Decode<Postgres>>::decode(value)?;
        Self::unpack(bytes).ok_or_else(|| "a histogram of the index is cut off".into())
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

    fn histogram(values: &[i64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.add(bin_of(*value), 1);
        }
        histogram
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
            let histogram = histogram(&values);
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

        #[test]
        fn a_whole_is_the_sum_of_its_parts_also_when_stored(
            first in proptest::collection::vec(0i64..i64::MAX, 1..100),
            second in proptest::collection::vec(0i64..10_000, 0..100),
        ) {
            let mut sum = histogram(&first);
            sum.merge(&histogram(&second));
            prop_assert_eq!(&sum, &histogram(&[&first[..], &second].concat()));
            let stored = sum.packed();
            prop_assert_eq!(Histogram::unpack(&stored), Some(sum));
            prop_assert_eq!(Histogram::unpack(&stored[..stored.len() - 1]), None);
        }
    }
}
