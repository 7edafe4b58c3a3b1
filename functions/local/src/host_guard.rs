//! Who is let in before the API itself asks who they are.

use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use traceability_access::litellm;
use traceability_http::ApiError;
use traceability_http::caller::LITELLM_API_KEY;
use uuid::Uuid;

use crate::delivery::Room;
use crate::settings::Hosts;

/// What opens a server that asks nobody to log in: made anew at each start, and known to whoever started it.
#[derive(Clone)]
pub struct LocalToken(String);

impl LocalToken {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        // 244 bits of the operating system's randomness.
        Self(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
    }

    /// To be printed for whoever started the server, and for nothing else.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    fn is(&self, text: &str) -> bool {
        // The time that a comparison of hashes takes tells nothing of the token.
        litellm::hash(&self.0) == litellm::hash(text)
    }
}

/// The guard before every route.
#[derive(Clone)]
pub(crate) struct HostGuard {
    pub(crate) hosts: Hosts,
    /// Nobody is asked for anything, since only this machine can reach the server.
    pub(crate) is_private: bool,
    pub(crate) link: Option<Link>,
    pub(crate) room: Room,
}

/// How a browser gets the token: by a link, and from then on by a cookie.
#[derive(Clone)]
pub(crate) struct Link {
    token: LocalToken,
    cookie: String,
}

impl Link {
    /// For the server on this port: cookies do not know ports, and another server on this machine has another token.
    pub(crate) fn new(token: LocalToken, port: u16) -> Self {
        Self { token, cookie: format!("llm-traceability-{port}") }
    }
}

/// What proxies add to requests that they pass on: then it is not this machine alone that can reach the server.
const PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Refuses what is not for this server, and takes the token from where browsers have it.
pub(crate) async fn guard(State(host_guard): State<HostGuard>, mut request: Request, next: Next) -> Response {
    if let Err(refused) = host_guard.check(&request) {
        return refused.into_response();
    }
    if let Some(link) = &host_guard.link
        && let Some(redirect) = link.follow(&mut request)
    {
        return redirect;
    }
    host_guard.room.admit(next.run(request).await)
}

impl HostGuard {
    /// Refuses a page that reaches this server under a name of its own: a name that its owner points to 127.0.0.1 makes the
    /// page and this server one origin to the browser, and CORS would not be asked.
    fn check(&self, request: &Request) -> Result<(), ApiError> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = hosts.next();
        // RFC 9112, section 3.2: who reads the one and who reads the other would disagree about whom this is for.
        if hosts.next().is_some() || (host.is_none() && request.version() == Version::HTTP_11) {
            return Err(ApiError::BadRequest("Send one Host header.".into()));
        }
        if self.is_private && PROXIES.iter().any(|name| request.headers().contains_key(*name)) {
            return Err(ApiError::Forbidden(
                "A proxy passed this on, and this server asks nobody who they are: set AUTH_MODE before others can reach it."
                    .into(),
            ));
        }
        // HTTP/2 has the name in the address, and so does HTTP/1 where a client takes this server for a proxy.
        let target = request.uri().authority().map(http::uri::Authority::as_str);
        let named = host.map(|host| host.to_str().unwrap_or_default()).into_iter().chain(target);
        if named.into_iter().all(|host| self.hosts.contain(host)) {
            return Ok(());
        }
        Err(ApiError::Forbidden(
            "This server answers to localhost and 127.0.0.1 only; ALLOWED_HOSTS names further hosts.".into(),
        ))
    }
}

impl Link {
    /// Turns the token of a link or of a cookie into a header, and takes it out of the address. A browser is sent to the
    /// address without it instead, so that it is neither bookmarked nor passed on, and gets the cookie.
    fn follow(&self, request: &mut Request) -> Option<Response> {
        let (token, rest) = without_token(request.uri());
        let linked = token.map(str::to_owned);
        if let Some(token) = &linked {
            if request.method() == Method::GET && wants_page(request.headers()) && self.token.is(token) {
                return Some(self.redirect(&rest));
            }
            set_target(request, &rest);
        }
        let headers = request.headers_mut();
        if headers.contains_key(AUTHORIZATION) || headers.contains_key(LITELLM_API_KEY) {
            return None;
        }
        let token = linked.or_else(|| cookie(headers, &self.cookie).map(str::to_owned))?;
        // What cannot stand in a header is not the token.
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap_or(HeaderValue::from_static("Bearer -"));
        headers.insert(AUTHORIZATION, bearer);
        None
    }

    fn redirect(&self, target: &str) -> Response {
        // Two slashes would begin another host's name.
        let target = format!("/{}", target.trim_start_matches(['/', '\\']));
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, self.token.0);
        let mut response = StatusCode::SEE_OTHER.into_response();
        for (name, value) in [(LOCATION, target), (SET_COOKIE, cookie), (REFERRER_POLICY, "no-referrer".into())] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The parameter `token` of an address, and its path and query without it.
fn without_token(uri: &Uri) -> (Option<&str>, String) {
    let mut token = None;
    let mut rest = Vec::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("token=") {
            Some(value) => token = Some(value),
            None => rest.push(pair),
        }
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    (token, format!("{}{query}", uri.path()))
}

fn set_target(request: &mut Request, target: &str) {
    let Ok(target) = target.parse::<PathAndQuery>() else { return };
    let replaced = |uri: &Uri| {
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(target.clone());
        Uri::from_parts(parts).ok()
    };
    if let Some(uri) = replaced(request.uri()) {
        *request.uri_mut() = uri;
    }
    // Links to next pages are made from this one.
    if let Some(uri) = request.extensions().get::<OriginalUri>().and_then(|uri| replaced(&uri.0)) {
        request.extensions_mut().insert(OriginalUri(uri));
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn host_guard(hosts: Hosts) -> HostGuard {
        HostGuard { hosts, is_private: true, link: None, room: Room::new(1) }
    }

    fn request(version: Version, target: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().version(version).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request")
    }

    #[test]
    fn a_request_names_one_host_and_it_is_this_one() {
        let (http10, http11, http2) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
        let here = ("host", "127.0.0.1:8000");
        let other = ("host", "rebound.example");
        let local = host_guard(Hosts::Listed(Vec::new()));
        for (version, target, headers, status) in [
            (http11, "/", &[here][..], 200),
            (http11, "/", &[], 400),
            (http11, "/", &[here, here], 400),
            (http11, "/", &[here, other], 400),
            (http11, "/", &[("host", "")], 403),
            (http11, "/", &[other], 403),
            (http11, "http://rebound.example/", &[here], 403),
            (http11, "http://localhost:8000/", &[here], 200),
            (http10, "/", &[], 200),
            (http10, "/", &[here, here], 400),
            (http2, "http://localhost:8000/", &[], 200),
            (http2, "http://rebound.example/", &[], 403),
            (http2, "http://localhost:8000/", &[other], 403),
            (http11, "/", &[here, ("x-forwarded-for", "192.0.2.1")], 403),
            (http11, "/", &[here, ("via", "1.1 proxy")], 403),
        ] {
            let request = request(version, target, headers);
            let answered = local.check(&request).map_or_else(|error| error.into_response().status().as_u16(), |()| 200);
            assert_eq!(answered, status, "{version:?} {target} {headers:?}");
        }
        assert!(host_guard(Hosts::All).check(&request(http11, "/", &[other])).is_ok());
    }

    const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

    #[test]
    fn a_browser_swaps_the_link_for_a_cookie_and_others_for_a_header() {
        let token = LocalToken::random();
        let link = Link::new(token.clone(), 8000);
        let text = token.text();
        let cookie = format!("a=b; llm-traceability-8000={text}");
        let bearer = format!("Bearer {text}");
        let right = format!("/api/v1/requests?limit=1&token={text}&order=asc");
        let rest = "/api/v1/requests?limit=1&order=asc";

        let redirect = link.follow(&mut request(Version::HTTP_11, &right, &[PAGE])).expect("a redirect");
        assert_eq!(redirect.status(), 303);
        assert_eq!(redirect.headers()[LOCATION], rest);
        let set = redirect.headers()[SET_COOKIE].to_str().expect("text");
        assert_eq!(set, format!("llm-traceability-8000={text}; Path=/; HttpOnly; SameSite=Strict"));
        let elsewhere = format!("//evil.example/?token={text}");
        let redirect = link.follow(&mut request(Version::HTTP_11, &elsewhere, &[PAGE])).expect("a redirect");
        assert_eq!(redirect.headers()[LOCATION], "/evil.example/");

        // target, headers, then the target and the authorization that the API sees
        let other = [("authorization", "Bearer other")];
        for (target, headers, seen, authorization) in [
            (right.as_str(), &[][..], rest, Some(bearer.as_str())),
            ("/docs?token=wrong", &[PAGE], "/docs", Some("Bearer wrong")),
            ("/docs?token=%0A", &[], "/docs", Some("Bearer %0A")),
            (rest, &[("cookie", cookie.as_str())], rest, Some(bearer.as_str())),
            (rest, &[("cookie", "llm-traceability-8001=x")], rest, None),
            (rest, &[], rest, None),
            (right.as_str(), &other, rest, Some("Bearer other")),
            (rest, &[other[0], ("cookie", cookie.as_str())], rest, Some("Bearer other")),
        ] {
            let mut request = request(Version::HTTP_11, target, headers);
            let original = OriginalUri(request.uri().clone());
            request.extensions_mut().insert(original);
            assert!(link.follow(&mut request).is_none(), "{target}");
            assert_eq!(request.uri(), seen);
            assert_eq!(request.extensions().get::<OriginalUri>().expect("kept").0, *request.uri());
            let found = request.headers().get(AUTHORIZATION).map(|value| value.to_str().expect("text"));
            assert_eq!(found, authorization, "{target}");
        }
        let mut keyed = request(Version::HTTP_11, rest, &[("x-litellm-api-key", "k"), ("cookie", &cookie)]);
        assert!(link.follow(&mut keyed).is_none() && !keyed.headers().contains_key(AUTHORIZATION));
    }
}
