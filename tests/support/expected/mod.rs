//! What the API should say, computed from the rows' JSON by the simplest means and without any SQL.

pub mod analytics;
pub mod checks;
pub mod figures;
pub mod histograms;
pub mod log;
pub mod money;
pub mod report;
pub mod row;
pub mod session;
pub mod tools;

use serde_json::Value;

pub use log::{Companions, Filter, Log};
pub use money::Money;
pub use row::Row;

/// How far two sums of dollars or seconds may be apart.
const TOLERANCE: f64 = 1e-9;

/// Asserts that `actual` is `expected`: the same fields, no more and no fewer, numbers within [`TOLERANCE`], all else
/// exactly. `what` names the subject in the failure.
#[track_caller]
pub fn assert_same(actual: &Value, expected: &Value, what: &str) {
    if let Err(difference) = compare(actual, expected, "") {
        panic!("{what}: {difference}\n  actual: {actual}\nexpected: {expected}");
    }
}

fn compare(actual: &Value, expected: &Value, path: &str) -> Result<(), String> {
    match (actual, expected) {
        (Value::Object(a), Value::Object(e)) => {
            let (a_names, e_names): (Vec<_>, Vec<_>) = (a.keys().collect(), e.keys().collect());
            if let Some(name) = a_names.iter().find(|name| !e_names.contains(name)) {
                return Err(format!("{path}.{name} is not expected"));
            }
            e.iter().try_for_each(|(name, e)| match a.get(name) {
                Some(a) => compare(a, e, &format!("{path}.{name}")),
                None => Err(format!("{path}.{name} is missing")),
            })
        }
        (Value::Array(a), Value::Array(e)) if a.len() == e.len() => {
            a.iter().zip(e).enumerate().try_for_each(|(i, (a, e))| compare(a, e, &format!("{path}[{i}]")))
        }
        (Value::Number(a), Value::Number(e)) => {
            let (a, e) = (a.as_f64().unwrap_or(f64::NAN), e.as_f64().unwrap_or(f64::NAN));
            if (a - e).abs() <= TOLERANCE { Ok(()) } else { Err(format!("{path} is {a}, not {e}")) }
        }
        _ if actual == expected => Ok(()),
        _ => Err(format!("{path} is {actual}, not {expected}")),
    }
}

/// The `part` of a hundred in `whole`, rounded half up to two decimals; 0 of nothing.
pub fn percentage(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    let hundredths = (20_000 * part + whole) / (2 * whole);
    as_f64(hundredths) / 100.0
}

/// The average of milliseconds, in seconds; 0 of nothing.
pub fn average_seconds(milliseconds: &[i64]) -> f64 {
    if milliseconds.is_empty() {
        return 0.0;
    }
    as_f64(milliseconds.iter().sum()) / as_f64(count(milliseconds)) / 1000.0
}

/// How many there are.
pub fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).expect("a small number")
}

/// A number that is small enough to be exact.
#[expect(clippy::cast_precision_loss, reason = "the fixtures' numbers are far below 2^53")]
pub fn as_f64(number: i64) -> f64 {
    number as f64
}

/// Numbers that look random and are the same in each run (the generator is `SplitMix64`).
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).expect("a small number")
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
