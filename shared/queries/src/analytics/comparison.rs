//! The figures of a row beside those of the same group in the window before.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::hundredths;

/// A figure of a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// Counted.
    Count(i64),
    /// Computed.
    Amount(f64),
    /// Not known, or of nothing.
    None,
}

impl Figure {
    fn amount(self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(super::as_f64(count)),
            Self::Amount(amount) => Some(amount),
            Self::None => None,
        }
    }
}

impl From<i64> for Figure {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Figure {
    fn from(amount: f64) -> Self {
        Self::Amount(amount)
    }
}

impl<T: Into<Self>> From<Option<T>> for Figure {
    fn from(figure: Option<T>) -> Self {
        figure.map_or(Self::None, Into::into)
    }
}

/// The figures of a row, by the names of its fields.
pub type RowFigures = BTreeMap<&'static str, Figure>;

/// The [`RowFigures`] of these fields of a row.
macro_rules! row_figures {
    ($row:expr, $($field:ident),+ $(,)?) => {
        $crate::analytics::RowFigures::from([$((stringify!($field), $crate::analytics::Figure::from($row.$field))),+])
    };
}
pub(crate) use row_figures;

/// How a figure differs from the previous window's.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// By how much.
    #[schema(value_type = f64)]
    pub absolute: Figure,
    /// By how many in 100 of the previous figure; null where that is 0.
    pub percent: Option<f64>,
}

impl Change {
    /// `None` where one of the two is not known.
    fn between(now: Figure, before: Figure) -> Option<Self> {
        let difference = now.amount()? - before.amount()?;
        let absolute = match (now, before) {
            (Figure::Count(now), Figure::Count(before)) => Figure::Count(now - before),
            _ if difference.is_finite() => Figure::Amount(difference),
            _ => return None,
        };
        let before = before.amount().filter(|before| *before != 0.0);
        Some(Self { absolute, percent: before.map(|before| hundredths(100.0 * difference / before)) })
    }

    /// How each figure that both windows have differs.
    pub(super) fn of_all(now: &RowFigures, before: &RowFigures) -> BTreeMap<String, Self> {
        let change =
            |(name, now): (&&str, &Figure)| Some(((*name).to_owned(), Self::between(*now, *before.get(name)?)?));
        now.iter().filter_map(change).collect()
    }
}
