//! Values of a query string or of a JSON body: `5` and `"5"` mean the same.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// A value as text, from whichever form it came in. What parses from text can then be a parameter in both.
#[derive(Debug, Clone)]
pub struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl Visitor<'_> for AnyScalar {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

/// Implements `Deserialize` by `FromStr`, for parameters.
#[macro_export]
macro_rules! parameter {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let scalar = <$crate::scalar::Scalar as serde::Deserialize>::deserialize(deserializer)?;
                scalar.0.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// The text of a filter: 1 to 1,000 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text(pub String);

impl std::str::FromStr for Text {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.chars().count() {
            1..=1000 if !text.contains('\0') => Ok(Self(text.to_owned())),
            1..=1000 => Err("must not contain a NUL character"),
            _ => Err("must have 1 to 1000 characters"),
        }
    }
}

parameter!(Text);

/// The most texts of one filter.
const MOST_TEXTS: usize = 50;

/// The texts of a filter, of which a request has to have one: a single [`Text`], or a list of 1 to 50.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Texts(pub Vec<Text>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value or a list of values")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Texts, E> {
                value.parse().map(|text| Texts(vec![text])).map_err(E::custom)
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Texts, E> {
                self.visit_str(&value.to_string())
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Texts, E> {
                self.visit_str(&value.to_string())
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Texts, E> {
                self.visit_str(&value.to_string())
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Texts, E> {
                self.visit_str(&value.to_string())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = values.next_element::<Text>()? {
                    if texts.len() == MOST_TEXTS {
                        return Err(A::Error::custom(format!("must not have more than {MOST_TEXTS} values")));
                    }
                    if !texts.contains(&text) {
                        texts.push(text);
                    }
                }
                if texts.is_empty() { Err(A::Error::custom("must have a value")) } else { Ok(Texts(texts)) }
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}

// By hand: one value need not stand in a list.
impl utoipa::PartialSchema for Texts {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
        let text = || ObjectBuilder::new().schema_type(Type::String);
        OneOfBuilder::new()
            .item(text())
            .item(ArrayBuilder::new().items(text()).min_items(Some(1)).max_items(Some(MOST_TEXTS)))
            .description(Some("One value, or several of which one has to be met."))
            .into()
    }
}

impl utoipa::ToSchema for Texts {}

/// An amount in US dollars, zero or more.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Dollars(pub f64);

impl std::str::FromStr for Dollars {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(Self(amount)),
            _ => Err("must be an amount in US dollars, 0 or more, such as 0.25"),
        }
    }
}

parameter!(Dollars);

/// Seconds, zero or more.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Seconds(pub f64);

impl std::str::FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(Self(seconds)),
            _ => Err("must be a number of seconds, 0 or more, such as 2.5"),
        }
    }
}

parameter!(Seconds);

/// `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Flag(pub bool);

impl std::str::FromStr for Flag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "true" | "1" => Ok(Self(true)),
            "false" | "0" => Ok(Self(false)),
            _ => Err("must be true or false"),
        }
    }
}

parameter!(Flag);

/// A whole number between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Bounded<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> std::str::FromStr for Bounded<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(format!("must be a whole number from {MIN} to {MAX}")),
        }
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Scalar::deserialize(deserializer)?.0.parse().map_err(Error::custom)
    }
}

/// Declares an enum whose values are the words of a parameter, with the words in its error and in the API document. There it
/// has its own name, or the one after `as`.
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident $(as $schema:literal)? { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant),+
        }

        // By hand: the derived schema does not see words that come out of a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .title(Some(<Self as utoipa::ToSchema>::name()))
                    .enum_values(Some([$($word),+]))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                [$($schema,)? stringify!($name)][0].into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("must be one of: {}", [$($word),+].join(", "))),
                }
            }
        }

        $crate::parameter!($name);
    };
}

choice! {
    /// The direction of a sort.
    SortOrder {
        /// The largest or latest first.
        Desc = "desc",
        /// The smallest or earliest first.
        Asc = "asc",
    }
}

choice! {
    /// How a request ended.
    Outcome {
        /// It was answered.
        Success = "success",
        /// It failed.
        Failure = "failure",
    }
}

choice! {
    /// Who made a request.
    Origin {
        /// A caller of LiteLLM's; also what LiteLLM charges for such a request later, in a row of its own.
        User = "user",
        /// LiteLLM itself: health checks, and calls on behalf of a request, such as those of its router's classifier.
        Internal = "internal",
        /// A caller who only read what was there: a poll of a response or a batch, a list, a download.
        Read = "read",
        /// That is not known: LiteLLM's log had lost the request when the index began to note it.
        Unknown = "unknown",
    }
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::User, Self::Internal, Self::Read, Self::Unknown];

    /// The word, as the facts have it; `None` for those that have none.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            known => Some(known.as_str()),
        }
    }

    /// The word, as a filter has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Internal => "internal",
            Self::Read => "read",
            Self::Unknown => "unknown",
        }
    }
}

impl Outcome {
    /// The word, as the facts have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}
