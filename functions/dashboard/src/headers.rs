//! What the page may do in a browser. It shows text that others wrote, so it may do very little.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::settings::Dashboard;

const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The policy of the page: its own files and this API, no inline code, no images of others, in no page of others. Trusted
/// types without a policy mean that no text ever becomes markup.
pub(crate) fn policy(dashboard: &Dashboard) -> HeaderValue {
    let mut connect = String::from("'self'");
    for origin in dashboard.origins() {
        connect.push(' ');
        connect.push_str(origin);
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {connect}; base-uri \
         'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    // An origin is ASCII without spaces.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// What every file of the page has.
pub(crate) fn protect(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(COOP, HeaderValue::from_static("same-origin"));
}
