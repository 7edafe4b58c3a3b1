//! What keeps other pages from making use of an answer in a browser.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What tells browsers to take an answer for nothing but what it says it is, and to show it in no page of others. The old
/// header is for those that do not know `frame-ancestors`.
const BROWSERS: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Adds the headers that protect a browser's user, unless the answer has stricter ones of its own.
pub fn protect_browsers(headers: &mut HeaderMap) {
    for (name, value) in BROWSERS {
        headers.entry(name).or_insert(value);
    }
}
