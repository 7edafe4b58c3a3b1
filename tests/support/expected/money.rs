//! Dollars as exact decimals.

use std::iter::Sum;
use std::ops::AddAssign;

/// Dollars in units of 10^-30: what a `double precision` shows as 15 digits, summed without rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// Decimals that are kept.
const SCALE: i32 = 30;
/// Digits of a `double precision` that PostgreSQL takes over into a decimal number.
const DIGITS: usize = 15;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount with its 15 first digits.
    pub fn of(dollars: f64) -> Self {
        let text = format!("{dollars:.*e}", DIGITS - 1);
        let (digits, exponent) = text.split_once('e').expect("scientific notation");
        let digits: i128 = digits.replace('.', "").parse().expect("digits");
        let exponent: i32 = exponent.parse().expect("an exponent");
        let shift = SCALE + exponent - 14;
        let power = 10_i128.pow(shift.unsigned_abs());
        Self(if shift >= 0 { digits * power } else { digits / power })
    }

    /// The amount that a decimal number says.
    pub fn parse(text: &str) -> Self {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let decimals = usize::try_from(SCALE).expect("a few");
        assert!(fraction.len() <= decimals, "{text} has more decimals than a sum of rows");
        let units: i128 = format!("{whole}{fraction:0<decimals$}").parse().expect("a decimal number");
        Self(sign * units)
    }

    /// The number of units, to sort by.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// As a JSON number has it.
    #[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e30
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

#[test]
fn money_adds_up_exactly() {
    assert_eq!([0.1, 0.2].map(Money::of).into_iter().sum::<Money>(), Money::of(0.3));
    assert_eq!(Money::of(8.25e-05).0, 825 * 10_i128.pow(23));
    assert!(Money::of(1e-12) > Money::ZERO);
}
