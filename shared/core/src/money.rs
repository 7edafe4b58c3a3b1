//! US dollars, exactly.

use std::fmt::{self, Display, Formatter};
use std::iter::Sum;
use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive as _, Zero as _};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::scalar::Scalar;

/// An amount of US dollars, as it was summed up, not rounded: parts add up to their whole, digit for digit. In JSON it is a
/// text, since a number of JSON is not exact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(pub BigDecimal);

impl Money {
    /// Nothing.
    #[must_use]
    pub fn zero() -> Self {
        Self(BigDecimal::zero())
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// The nearest number.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        self.0.to_f64().unwrap_or_default()
    }

    /// An estimate, which has no more than eight decimals to tell; `None` if the number is none.
    #[must_use]
    pub fn estimate(dollars: f64) -> Option<Self> {
        let amount = BigDecimal::try_from(dollars).ok()?;
        Some(Self(amount.with_scale_round(8, RoundingMode::HalfUp)))
    }

    /// Rounded half up, with so many decimals.
    #[must_use]
    pub fn rounded(&self, decimals: i64) -> Self {
        Self(self.0.with_scale_round(decimals, RoundingMode::HalfUp))
    }

    /// How many in 100 of `whole` it is, rounded to two decimals; 0 of nothing.
    #[must_use]
    pub fn share_of(&self, whole: &Self) -> f64 {
        if whole.is_zero() {
            return 0.0;
        }
        let percent = &self.0 * BigDecimal::from(100) / &whole.0;
        percent.with_scale_round(2, RoundingMode::HalfUp).to_f64().unwrap_or_default()
    }
}

impl Default for Money {
    fn default() -> Self {
        Self::zero()
    }
}

impl Display for Money {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.normalized().to_plain_string())
    }
}

impl FromStr for Money {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // An exponent could make it longer than the memory is.
        let is_short = text.len() <= 60 && !text.contains(['e', 'E']);
        let amount = is_short.then(|| text.parse().ok()).flatten();
        amount.map(Self).ok_or("must be an amount in US dollars, such as 0.25")
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Scalar::deserialize(deserializer)?.0.parse().map_err(D::Error::custom)
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("US dollars, exactly: a decimal number as text"))
            .examples(["1.07571412"])
            .into()
    }
}

impl utoipa::ToSchema for Money {}

impl<'a> Sum<&'a Self> for Money {
    fn sum<I: Iterator<Item = &'a Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| &amount.0).sum())
    }
}

impl std::ops::Sub for &Money {
    type Output = Money;

    fn sub(self, other: Self) -> Money {
        Money(&self.0 - &other.0)
    }
}

impl std::ops::Add for &Money {
    type Output = Money;

    fn add(self, other: Self) -> Money {
        Money(&self.0 + &other.0)
    }
}

impl Money {
    /// As people read it: with cents, or where it is less than a dollar with as many decimals as tell something.
    #[must_use]
    pub fn shown(&self) -> String {
        let size = self.as_f64().abs();
        let decimals = match size {
            size if size >= 1.0 || self.is_zero() => 2,
            size if size >= 0.01 => 4,
            size if size >= 0.000_1 => 6,
            _ => 8,
        };
        self.with_decimals(decimals)
    }

    /// With a dollar sign, so many decimals, and a comma between thousands.
    #[must_use]
    pub fn with_decimals(&self, decimals: i64) -> String {
        let text = self.rounded(decimals).0.to_plain_string();
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
        let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
        format!("{sign}${}{fraction}", thousands(whole))
    }
}

/// A whole number's digits with a comma between thousands.
#[must_use]
pub fn thousands(digits: &str) -> String {
    let first = digits.len() % 3;
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && place % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().expect("an amount")
    }

    #[test]
    fn amounts_are_shown_as_people_read_them() {
        for (amount, shown) in [
            ("0", "$0.00"),
            ("1234567.891", "$1,234,567.89"),
            ("999.999", "$1,000.00"),
            ("-12.5", "-$12.50"),
            ("-0.5", "-$0.5000"),
            ("0.25", "$0.2500"),
            ("0.00123", "$0.001230"),
            ("1.005", "$1.01"),
            ("0.0000349", "$0.00003490"),
            ("123", "$123.00"),
        ] {
            assert_eq!(money(amount).shown(), shown, "{amount}");
        }
    }

    #[test]
    fn amounts_are_exact_in_json() {
        let text = "123456789012345678.000000000000000000012345";
        assert_eq!(money(text).to_string(), text);
        assert_eq!(serde_json::to_string(&money("1.500")).expect("json"), "\"1.5\"");
        assert_eq!(serde_json::from_str::<Money>("\"1.5\"").expect("money"), money("1.5"));
        assert_eq!(serde_json::from_str::<Money>("1.5").expect("money"), money("1.5"));
        for bad in ["", "1e9", "a", "NaN", "1,5"] {
            assert!(bad.parse::<Money>().is_err(), "{bad} was taken");
        }
    }
}
