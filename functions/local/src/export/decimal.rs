//! Numbers of JSON as decimals: without an exponent, and with a fixed number of digits after the point.

/// How many digits after the point a decimal has in Parquet.
pub(super) const SCALE: u8 = 18;
/// How many digits it has in all.
pub(super) const PRECISION: u8 = 38;

/// A number without an exponent, as short as it can be told from its neighbours.
pub(super) fn plain(number: &str) -> Option<String> {
    let number: f64 = number.parse().ok()?;
    number.is_finite().then(|| number.to_string())
}

/// A number in units of the last digit after the point, rounded.
pub(super) fn scaled(number: &str) -> Option<i128> {
    let plain = plain(number)?;
    let (sign, digits) = plain.strip_prefix('-').map_or((1, plain.as_str()), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(SCALE.into()).collect();
    let magnitude: i128 = format!("{whole}{kept}").parse().ok()?;
    let rounded =
        magnitude + i128::from(fraction.as_bytes().get(usize::from(SCALE)).is_some_and(|digit| *digit >= b'5'));
    let most = 10_i128.pow(PRECISION.into()) - 1;
    (rounded <= most).then_some(sign * rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_no_exponent() {
        for (number, expected) in
            [("0.0", "0"), ("1e-7", "0.0000001"), ("12", "12"), ("2.5e3", "2500"), ("-0.25", "-0.25")]
        {
            assert_eq!(plain(number).as_deref(), Some(expected), "{number}");
        }
    }

    #[test]
    fn decimals_are_rounded_at_their_last_digit() {
        for (number, expected) in [
            ("0", 0),
            ("1", 1_000_000_000_000_000_000),
            ("-1.5", -1_500_000_000_000_000_000),
            ("1e-18", 1),
            ("4e-19", 0),
            ("5e-19", 1),
            ("0.0000123", 12_300_000_000_000),
        ] {
            assert_eq!(scaled(number), Some(expected), "{number}");
        }
        assert_eq!(scaled("1e30"), None);
    }
}
