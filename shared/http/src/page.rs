//! Pages of a list: sizes, offsets and the link to the next one.

use std::convert::Infallible;

use axum::response::{IntoResponseParts, ResponseParts};
use http::header::LINK;
use http::{HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use traceability_core::scalar::{Bounded, Flag};
use url::form_urlencoded;
use utoipa::IntoParams;

use super::cursor::Cursor;
use super::error::{ApiResult, ParameterProblem};

/// The largest page.
pub const MAX_PAGE: u32 = 1000;

/// How many items a page has: 1 to 1000, default 50.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageSize(Bounded<1, MAX_PAGE>);

impl Default for PageSize {
    fn default() -> Self {
        Self(Bounded(50))
    }
}

impl PageSize {
    /// The largest page.
    #[must_use]
    pub const fn largest() -> Self {
        Self(Bounded(MAX_PAGE))
    }

    /// The number of items.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.0
    }
}

/// Which part of a list to return.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many items to return, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    pub limit: PageSize,
    /// How many items to skip. For more than a few pages follow the `Link` header instead: it stays right while
    /// requests arrive.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 0, maximum = 100_000, default = 0)]
    pub offset: Offset,
    /// Where the previous page ended: taken from its `Link` header, as it is, with the same filters.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
    /// Whether `X-Total-Count` says how many items the list has in all, up to 10,000. That reads more than a page does.
    #[param(value_type = Option<bool>, default = false)]
    pub count: Option<Flag>,
}

impl Page {
    /// Refuses a page that is asked for in two ways at once.
    ///
    /// # Errors
    /// [`ParameterProblem`], when both an offset and a cursor are given.
    pub fn check(&self) -> ApiResult<()> {
        if self.cursor.is_some() && self.offset.get() > 0 {
            return Err(ParameterProblem::new("offset", "must not be combined with cursor").into());
        }
        Ok(())
    }

    /// Whether all items are to be counted.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.count.is_some_and(|flag| flag.0)
    }
}

/// How far the items of a list are counted.
pub const MOST_COUNTED: u32 = 10_000;

/// How many items a list has in all, where that was asked for: `X-Total-Count: 17`, or `10000+` where they are more than are
/// counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TotalCount(Option<i64>);

/// How many items a list has in all.
pub const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

impl TotalCount {
    /// So many, counted up to one more than [`MOST_COUNTED`].
    #[must_use]
    pub const fn of(counted: i64) -> Self {
        Self(Some(counted))
    }

    fn text(self) -> Option<String> {
        let most = i64::from(MOST_COUNTED);
        self.0.map(|counted| if counted > most { format!("{most}+") } else { counted.to_string() })
    }
}

impl IntoResponseParts for TotalCount {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        if let Some(text) = self.text().and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(TOTAL_COUNT, text);
        }
        Ok(response)
    }
}

/// How many items to skip: 0 to 100,000, default 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(Bounded<0, 100_000>);

impl Default for Offset {
    fn default() -> Self {
        Self(Bounded(0))
    }
}

impl Offset {
    /// The number of items to skip.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.0
    }
}

/// What leads from one page of a list to the next and to the previous one, where there are any: `Link: <…>; rel="next"`
/// (RFC 8288), the same request with `cursor` in place of the page's own; and the next page's cursor by itself in
/// `X-Next-Cursor`.
#[derive(Debug, Default)]
pub struct NextPage {
    links: Vec<String>,
    cursor: Option<HeaderValue>,
    position: Option<PagePosition>,
}

/// The cursor of the next page, for clients that write the address themselves.
pub const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

/// Where the next page begins, without the moment at which the listing began: what tells two answers with a next page from
/// each other.
#[derive(Debug, Clone)]
pub struct PagePosition(pub Vec<u8>);

impl NextPage {
    /// The page after `position`, with its cursor. What a cursor carries beside the position does not tell answers apart.
    #[must_use]
    pub fn after(uri: &Uri, position: &impl Serialize, cursor: &str) -> Self {
        Self {
            links: vec![link(uri, cursor, "next")],
            cursor: HeaderValue::from_str(cursor).ok(),
            position: Some(PagePosition(serde_json::to_vec(position).unwrap_or_default())),
        }
    }

    /// The same with the page before, by its cursor.
    #[must_use]
    pub fn and_before(mut self, uri: &Uri, cursor: &str) -> Self {
        self.links.push(link(uri, cursor, "prev"));
        self
    }
}

/// The same request with this cursor in place of what says where the page begins.
fn link(uri: &Uri, cursor: &str, relation: &str) -> String {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs.filter(|(name, _)| !matches!(name.as_ref(), "around" | "cursor" | "offset")))
        .append_pair("cursor", cursor)
        .finish();
    format!("<{}?{query}>; rel=\"{relation}\"", uri.path())
}

impl IntoResponseParts for NextPage {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        let links = Some(self.links.join(", ")).filter(|links| !links.is_empty());
        if let Some(links) = links.and_then(|links| HeaderValue::from_str(&links).ok()) {
            response.headers_mut().insert(LINK, links);
        }
        if let Some(cursor) = self.cursor {
            response.headers_mut().insert(NEXT_CURSOR, cursor);
        }
        if let Some(position) = self.position {
            response.extensions_mut().insert(position);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_cut_is_marked() {
        for (counted, text) in [(0, "0"), (9_999, "9999"), (10_000, "10000"), (10_001, "10000+")] {
            assert_eq!(TotalCount::of(counted).text().as_deref(), Some(text));
        }
        assert_eq!(TotalCount::default().text(), None);
    }
}
