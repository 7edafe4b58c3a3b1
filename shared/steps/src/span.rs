//! From when to when a step ran.

/// From when to when a step ran, in microseconds since any instant that all steps of a session have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it started.
    pub start: i64,
    /// When it was over: not before its start.
    pub end: i64,
}

impl Span {
    /// From one instant to another. What ended before it started was over at its start.
    #[must_use]
    pub fn new(start: i64, end: i64) -> Self {
        Self { start, end: end.max(start) }
    }
}

/// Microseconds as seconds: the nearest number, as PostgreSQL has it of the exact decimal.
#[must_use]
pub fn seconds(microseconds: i64) -> f64 {
    let (sign, exact) = (if microseconds < 0 { "-" } else { "" }, microseconds.unsigned_abs());
    // Through the decimal: a division of numbers beyond 2^53 would round twice.
    format!("{sign}{}.{:06}", exact / 1_000_000, exact % 1_000_000).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_the_nearest_number() {
        for (microseconds, expected) in [
            (0, 0.0),
            (1, 0.000_001),
            (-1_500_000, -1.5),
            (123_456_789_012, 123_456.789_012),
            (253_402_300_799_999_000, 253_402_300_799.999),
        ] {
            assert_eq!(seconds(microseconds).to_bits(), f64::to_bits(expected), "{microseconds}");
        }
    }
}
