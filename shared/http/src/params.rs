//! Query strings, parsed strictly: a misspelt filter must never widen a result silently.

use std::collections::BTreeMap;
use std::fmt::Display;

use axum::extract::{FromRequestParts, MatchedPath};
use http::Method;
use http::request::Parts;
use serde::de::value::{Error as ValueError, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use url::form_urlencoded;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Schema};

use super::error::{ApiError, ParameterProblem};
use super::formats;

/// A struct of parameters: those of one endpoint, or some that several share.
pub trait Parameters: Sized {
    /// The names that are known.
    fn names() -> Vec<String>;

    /// Those of them that may be given several times.
    fn repeatable() -> Vec<String>;

    /// Parses the pairs that are its own.
    ///
    /// # Errors
    /// A [`ParameterProblem`] that names the first parameter at fault.
    fn parse(pairs: &[(String, String)]) -> Result<Self, ParameterProblem>;
}

impl<T: DeserializeOwned + IntoParams> Parameters for T {
    fn names() -> Vec<String> {
        T::into_params(|| Some(ParameterIn::Query)).into_iter().map(|parameter| parameter.name).collect()
    }

    fn repeatable() -> Vec<String> {
        fn has_list(schema: &RefOr<Schema>) -> bool {
            match schema {
                RefOr::T(Schema::Array(_)) => true,
                RefOr::T(Schema::OneOf(one)) => one.items.iter().any(has_list),
                _ => false,
            }
        }
        let is_list =
            |parameter: &Parameter| parameter.schema.as_ref().is_some_and(has_list) && parameter.explode != Some(false);
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        parameters.into_iter().filter(is_list).map(|parameter| parameter.name).collect()
    }

    fn parse(pairs: &[(String, String)]) -> Result<Self, ParameterProblem> {
        let mut values: BTreeMap<&str, Values> = BTreeMap::new();
        for (name, value) in pairs {
            values.entry(name).or_default().0.push(value.clone());
        }
        let source = MapDeserializer::<_, ValueError>::new(values.into_iter());
        serde_path_to_error::deserialize(source).map_err(problem)
    }
}

/// The problem of a value that is not allowed.
pub(super) fn problem(error: serde_path_to_error::Error<impl Display>) -> ParameterProblem {
    // The second of several values is `model[1]`.
    let path = error.path().to_string();
    let name = path.split('[').next().unwrap_or_default();
    ParameterProblem::new(name, error.into_inner().to_string())
}

/// The values of one parameter: a single one is that text, several are a list.
#[derive(Default)]
struct Values(Vec<String>);

impl IntoDeserializer<'_, ValueError> for Values {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Values {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0.pop() {
            Some(value) if self.0.is_empty() => visitor.visit_string(value),
            last => visitor.visit_seq(SeqDeserializer::new(self.0.into_iter().chain(last))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct enum identifier ignored_any
    }
}

/// Extracts parameters from the query string.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

/// Extracts two structs of parameters from the query string.
#[derive(Debug, Clone, Copy)]
pub struct Query2<A, B>(pub A, pub B);

/// Extracts three structs of parameters from the query string.
#[derive(Debug, Clone, Copy)]
pub struct Query3<A, B, C>(pub A, pub B, pub C);

/// Extracts four structs of parameters from the query string.
#[derive(Debug, Clone, Copy)]
pub struct Query4<A, B, C, D>(pub A, pub B, pub C, pub D);

/// Rejects any query string: for endpoints that take none.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl<S: Sync, T: Parameters> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = checked(parts, &T::repeatable(), T::names())?;
        Ok(Self(T::parse(&pairs)?))
    }
}

impl<S: Sync, A: Parameters, B: Parameters> FromRequestParts<S> for Query2<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let repeatable = [A::repeatable(), B::repeatable()].concat();
        let pairs = checked(parts, &repeatable, [A::names(), B::names()].concat())?;
        Ok(Self(own(&pairs)?, own(&pairs)?))
    }
}

impl<S: Sync, A: Parameters, B: Parameters, C: Parameters> FromRequestParts<S> for Query3<A, B, C> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let repeatable = [A::repeatable(), B::repeatable(), C::repeatable()].concat();
        let pairs = checked(parts, &repeatable, [A::names(), B::names(), C::names()].concat())?;
        Ok(Self(own(&pairs)?, own(&pairs)?, own(&pairs)?))
    }
}

impl<S: Sync, A: Parameters, B: Parameters, C: Parameters, D: Parameters> FromRequestParts<S> for Query4<A, B, C, D> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let repeatable = [A::repeatable(), B::repeatable(), C::repeatable(), D::repeatable()].concat();
        let pairs = checked(parts, &repeatable, [A::names(), B::names(), C::names(), D::names()].concat())?;
        Ok(Self(own(&pairs)?, own(&pairs)?, own(&pairs)?, own(&pairs)?))
    }
}

/// Parses the pairs that belong to `T`.
fn own<T: Parameters>(pairs: &[(String, String)]) -> Result<T, ParameterProblem> {
    let names = T::names();
    let own: Vec<_> = pairs.iter().filter(|(name, _)| names.contains(name)).cloned().collect();
    T::parse(&own)
}

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        check_names(&pairs(parts, &[])?, &[])?;
        Ok(Self)
    }
}

/// The pairs of the query, all of which are known. That of a list's format is left out: what gets here is answered as JSON.
fn checked(parts: &Parts, repeatable: &[String], mut known: Vec<String>) -> Result<Vec<(String, String)>, ApiError> {
    let mut pairs = pairs(parts, repeatable)?;
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    if parts.method == Method::GET && route.is_some_and(|route| formats::LISTS.contains(&route)) {
        formats::only_json(&pairs, &parts.headers)?;
        known.push(formats::FORMAT.to_owned());
        check_names(&pairs, &known)?;
        pairs.retain(|(name, _)| name != formats::FORMAT);
    } else {
        check_names(&pairs, &known)?;
    }
    Ok(pairs)
}

fn pairs(parts: &Parts, repeatable: &[String]) -> Result<Vec<(String, String)>, ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    // The decoder replaces what is not UTF-8: a filter would look for another text than was sent.
    let encoded = query.split('&').filter(|pair| !pair.is_empty());
    for (index, ((name, value), encoded)) in pairs.iter().zip(encoded).enumerate() {
        if !decodes(encoded) {
            return Err(ParameterProblem::new(shown(name), "must be UTF-8 where it is percent-decoded").into());
        }
        if value.contains('\0') || name.contains('\0') {
            return Err(
                ParameterProblem::new(shown(&name.replace('\0', "")), "must not contain a NUL character").into()
            );
        }
        if !repeatable.contains(name) && pairs[..index].iter().any(|(earlier, _)| earlier == name) {
            return Err(ParameterProblem::new(shown(name), "must be given once").into());
        }
    }
    Ok(pairs)
}

/// Whether the bytes of a percent-encoded text are UTF-8.
fn decodes(encoded: &str) -> bool {
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(16 * high + low));
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).is_ok()
}

fn check_names(pairs: &[(String, String)], known: &[String]) -> Result<(), ApiError> {
    let unknown = pairs.iter().filter(|(name, _)| !known.contains(name));
    let problems = unknown.take(MOST_PROBLEMS).map(|(name, _)| unknown_name(name, known.iter().map(String::as_str)));
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(ApiError::InvalidParameters(problems)) }
}

/// How many unknown names an answer lists: a small request must not get a large answer.
pub const MOST_PROBLEMS: usize = 10;

/// A name as it is echoed: a long one is cut.
#[must_use]
pub fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// The problem of an unknown parameter or field, with the known name that is nearest to it.
pub fn unknown_name<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> ParameterProblem {
    const SIMILAR: f64 = 0.75;
    let shown = shown(name);
    let nearest = known
        .clone()
        .map(|candidate| (strsim::jaro_winkler(&shown, candidate), candidate))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(similarity, _)| *similarity >= SIMILAR);
    let detail = match nearest {
        Some((_, candidate)) => format!("is not known; did you mean {candidate}?"),
        None if known.clone().next().is_none() => "is not known; this endpoint takes no parameters".into(),
        None => format!("is not known; known are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    ParameterProblem::new(shown, detail)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use traceability_core::scalar::{Bounded, Text, Texts};

    use super::*;

    #[derive(Debug, Deserialize, IntoParams)]
    #[expect(dead_code, reason = "only whether they can be read is looked at")]
    struct Params {
        #[param(inline, required = false)]
        model: Option<Texts>,
        #[param(value_type = Option<String>)]
        sort: Option<Text>,
        #[param(value_type = Vec<String>, style = Form, explode = false)]
        group_by: Option<Text>,
        #[param(value_type = Option<u32>)]
        limit: Option<Bounded<1, 5>>,
    }

    fn parse(pairs: &[(&str, &str)]) -> Result<Params, ParameterProblem> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Params::parse(&pairs)
    }

    #[test]
    fn only_lists_without_commas_can_be_repeated() {
        assert_eq!(Params::repeatable(), ["model"]);
    }

    #[test]
    fn one_value_or_several_are_a_list_of_those_that_differ() {
        let models = |pairs: &[(&str, &str)]| parse(pairs).expect("allowed").model.map(|texts| texts.0.len());
        assert_eq!(models(&[]), None);
        assert_eq!(models(&[("model", "a"), ("limit", "3")]), Some(1));
        assert_eq!(models(&[("model", "a"), ("sort", "x"), ("model", "b"), ("model", "a")]), Some(2));
    }

    #[test]
    fn a_bad_value_among_several_is_refused_by_the_parameters_name() {
        for pairs in [&[("model", "a"), ("model", "")][..], &[("limit", "9")], &[("limit", "1"), ("limit", "2")]] {
            assert_eq!(parse(pairs).expect_err("not allowed").parameter, pairs[0].0, "{pairs:?}");
        }
        let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|value| ("model", value.as_str())).collect();
        assert!(parse(&many[..50]).is_ok());
        assert!(parse(&many).expect_err("too many").detail.contains("50 values"));
    }
}
