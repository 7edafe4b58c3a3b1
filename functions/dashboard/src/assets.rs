//! The page's files, as `make ui` builds them. They are part of the binary.

use std::borrow::Cow;

use http::{HeaderMap, header};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

/// A file in the form that a browser takes it in.
pub(crate) struct Asset {
    pub(crate) content: Cow<'static, [u8]>,
    /// How it is compressed, if it is.
    pub(crate) encoding: Option<&'static str>,
    pub(crate) content_type: &'static str,
    /// SHA-256 of its content.
    pub(crate) hash: [u8; 32],
}

/// The compressed twins that `make ui` writes beside a file, the smallest first.
const TWINS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// The file of this name; `None` where there is none.
pub(crate) fn find(name: &str, request: &HeaderMap) -> Option<Asset> {
    let content_type = content_type(name)?;
    let asset = |file: EmbeddedFile, encoding| Asset {
        content: file.data,
        encoding,
        content_type,
        hash: file.metadata.sha256_hash(),
    };
    TWINS
        .iter()
        .filter(|(coding, _)| accepts(request, coding))
        .find_map(|(coding, ending)| Some(asset(Assets::get(&format!("{name}.{ending}"))?, Some(*coding))))
        .or_else(|| Some(asset(Assets::get(name)?, None)))
}

/// What the page consists of is of these kinds; nothing else is handed out, a compressed twin for instance.
fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Whether the client takes this coding: it is listed, and not with the weight 0.
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding))
            && !parts.any(|weight| weight.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn encoding_for(accepted: &'static str) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
        find("index.html", &headers).expect("the page is built").encoding
    }

    #[test]
    fn a_browser_gets_the_smallest_form_that_it_takes() {
        assert_eq!(encoding_for("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(encoding_for("gzip, br;q=0"), Some("gzip"));
        assert_eq!(encoding_for("identity"), None);
        assert!(find("index.html.br", &HeaderMap::new()).is_none());
    }
}
