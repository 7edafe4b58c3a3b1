//! Who is calling, as handlers get it: [`Caller`], [`ContentReader`] where the answer has content, and [`MayRead`] where it has
//! some if that is asked for.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use serde_json::{Map, Value};
use traceability_access::{Credential, KeyLookup, KeyRecord, Login, Principal, Refusal};
use traceability_content::{Disclosure, Redaction};
use traceability_core::scope::Scope;
use traceability_db::{DbError, DbStats};
use traceability_queries::content::ContentRow;
use traceability_queries::keys;
use traceability_queries::source::Database;

use super::error::ApiError;
use super::id::MAX_LENGTH;
use super::layers::REQUEST_ID;
use super::request_context::{Read, RequestContext};
use super::state::AppState;
use crate::audit::FailedLogin;

/// LiteLLM's own header for a key, for where `Authorization` is taken: by a gateway's signature, for instance.
pub const LITELLM_API_KEY: HeaderName = HeaderName::from_static("x-litellm-api-key");

/// The longest key or token. Tokens that list a user's groups are a few kilobytes long.
const LONGEST_SECRET: usize = 16 * 1024;

/// The claims of a token that the gateway in front has verified. Whoever puts them into a request vouches for them.
#[derive(Debug, Clone)]
pub struct GatewayClaims(pub Map<String, Value>);

/// Who is calling. A handler that takes one, as its first extractor, answers nobody else, and looks at nothing else of
/// a request before.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Principal>);

impl Caller {
    /// The rows that the caller may see.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// Who it is, and what it may see.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.0
    }

    /// Who it is, for what must not be passed on to another caller.
    #[must_use]
    pub fn identity(&self) -> (Login, &str, Option<&str>) {
        self.0.identity()
    }
}

/// Who is calling for content. What such a handler answers is written to the audit log.
pub struct ContentReader {
    caller: Caller,
    context: RequestContext,
    redaction: Arc<Redaction>,
}

impl ContentReader {
    /// The rows that the caller may see.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        self.caller.scope()
    }

    /// See [`Caller::identity`].
    #[must_use]
    pub fn identity(&self) -> (Login, &str, Option<&str>) {
        self.caller.identity()
    }

    /// From now on this session is read, of which there is an own line in the audit log.
    pub fn begin_session(&self, session_id: &str) {
        let mut context = self.context.lock();
        let next = Read { session_id: Some(session_id.chars().take(MAX_LENGTH).collect()), ..Read::default() };
        let before = context.read.replace(next);
        context.earlier.extend(before.filter(|read| read.session_id.is_some()));
    }

    /// Whether the caller may read what was said in a row.
    #[must_use]
    pub fn may_read(&self, row: &ContentRow) -> bool {
        self.caller.0.content.permits(row.owner.as_deref())
    }

    /// How much of the content of a row the caller gets. It is noted that the row is in the answer.
    #[must_use]
    pub fn disclosure(&self, row: &ContentRow) -> Disclosure<'_> {
        let may_read = self.may_read(row);
        if let Some(read) = &mut self.context.lock().read {
            read.rows += u64::from(may_read);
            read.withheld += u64::from(!may_read);
            read.session_id = Some(row.session_id.clone());
            if let Some(request) = &mut read.request {
                // It may have been asked for by its call id.
                request.clone_from(&row.request_id);
            }
        }
        if may_read { Disclosure::Content(&self.redaction) } else { Disclosure::Withheld }
    }
}

/// Who is calling for an answer that has content only where a parameter asks for it.
pub struct MayRead {
    reader: ContentReader,
    read: Read,
}

impl MayRead {
    /// The rows that the caller may see.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        self.reader.scope()
    }

    /// The caller as a reader of content: what is answered is written to the audit log from now on.
    #[must_use]
    pub fn for_content(self) -> ContentReader {
        self.reader.context.lock().read = Some(self.read);
        self.reader
    }
}

/// LiteLLM's own tables, where virtual keys are.
struct LiteLlmKeys<'a>(&'a Database);

impl KeyLookup for LiteLlmKeys<'_> {
    async fn key(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<KeyRecord>, DbError> {
        keys::key(self.0, hash, now).await
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let secret = secret(&parts.headers);
        let claims = parts.extensions.get::<GatewayClaims>().filter(|_| state.access.trusts_gateway());
        let credential = match (secret, claims) {
            // A key of its own says more than what the gateway asks of everybody.
            (Ok(Some(Secret { own_header: true, text })), _) => Ok(Some(Credential::Secret(text))),
            (_, Some(claims)) => Ok(Some(Credential::Claims(&claims.0))),
            (secret, None) => secret.map(|secret| secret.map(|secret| Credential::Secret(secret.text))),
        };
        let (now, keys) = (state.clock.now(), LiteLlmKeys(&state.db));
        let found = match credential {
            Err(_) if state.access.is_open() => state.access.principal(None, &keys, now).await,
            Err(reason) => Err(Refusal::Invalid(reason.into())),
            Ok(credential) => state.access.principal(credential, &keys, now).await,
        };
        match found {
            Ok(principal) => {
                if let Some(stats) = DbStats::current() {
                    stats.is_of(format!("{:?} {}", principal.login, principal.name));
                }
                RequestContext::of(parts).lock().principal = Some(Arc::clone(&principal));
                Ok(Self(principal))
            }
            Err(refusal) => {
                if matches!(refusal, Refusal::Invalid(_) | Refusal::WrongLocalToken | Refusal::NotAllowed(_)) {
                    let fingerprint = secret.ok().flatten().map(|secret| traceability_access::fingerprint(secret.text));
                    let route = parts.extensions.get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
                    let id = parts.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
                    let reason = refusal.to_string();
                    let failed = FailedLogin { reason: &reason, fingerprint, route, request_id: id };
                    state.audit.login_failed(&failed, now);
                }
                Err(refusal.into())
            }
        }
    }
}

impl FromRequestParts<AppState> for MayRead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let mut read = Read::default();
        // What cannot be decoded is for the extractor of the id to refuse.
        if let Ok(params) = RawPathParams::from_request_parts(parts, state).await {
            let value = |wanted| {
                params
                    .iter()
                    .find(|(name, _)| *name == wanted)
                    .map(|(_, value)| value.chars().take(MAX_LENGTH).collect())
            };
            read.session_id = value("session_id");
            read.request = value("request_id");
        }
        let context = RequestContext::of(parts);
        Ok(Self { reader: ContentReader { caller, context, redaction: Arc::clone(&state.redaction) }, read })
    }
}

impl FromRequestParts<AppState> for ContentReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(MayRead::from_request_parts(parts, state).await?.for_content())
    }
}

/// A key or a token.
#[derive(Clone, Copy)]
struct Secret<'a> {
    text: &'a str,
    /// It came in LiteLLM's own header.
    own_header: bool,
}

/// What the headers bring, or why it is no key and no token.
fn secret(headers: &HeaderMap) -> Result<Option<Secret<'_>>, &'static str> {
    for name in [LITELLM_API_KEY, header::AUTHORIZATION] {
        let mut values = headers.get_all(&name).iter();
        let Some(value) = values.next() else { continue };
        if values.next().is_some() {
            return Err("credentials given twice");
        }
        let value = value.to_str().map_err(|_| "credentials that are not ASCII")?.trim();
        let own_header = name == LITELLM_API_KEY;
        let text = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            None if own_header => value,
            _ => return Err("not a bearer token"),
        };
        if text.is_empty() || text.contains(' ') {
            return Err("not a bearer token");
        }
        if text.len() > LONGEST_SECRET {
            return Err("credentials too long");
        }
        return Ok(Some(Secret { text, own_header }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(pairs: &[(HeaderName, &[u8])]) -> Result<Option<(String, bool)>, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_bytes(value).expect("a header's bytes"));
        }
        secret(&headers).map(|secret| secret.map(|secret| (secret.text.to_owned(), secret.own_header)))
    }

    #[test]
    fn a_key_comes_in_either_header() {
        let authorization = || header::AUTHORIZATION;
        let own = Ok(Some(("sk-1".to_owned(), true)));
        let bearer = Ok(Some(("sk-1".to_owned(), false)));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[(authorization(), b"Bearer sk-1")]), bearer);
        assert_eq!(read(&[(authorization(), b"bEARER  sk-1 ")]), bearer);
        assert_eq!(read(&[(LITELLM_API_KEY, b"sk-1")]), own);
        assert_eq!(read(&[(LITELLM_API_KEY, b"Bearer sk-1")]), own);
        // A gateway's signature stands in the one, the key in the other.
        assert_eq!(read(&[(authorization(), b"AWS4-HMAC-SHA256 Credential=x"), (LITELLM_API_KEY, b"sk-1")]), own);
    }

    #[test]
    fn what_is_no_key_is_none() {
        let long = [b"Bearer sk-".to_vec(), vec![b'a'; LONGEST_SECRET]].concat();
        for value in [
            &b"Basic YWxpY2U6c2VjcmV0"[..],
            b"sk-1",
            b"Bearer",
            b"Bearer ",
            b"",
            b"Bearer a b",
            b"Bearer s\xc3\xa9",
            &long,
        ] {
            assert!(read(&[(header::AUTHORIZATION, value)]).is_err(), "{value:?}");
        }
        assert!(read(&[(header::AUTHORIZATION, b"Bearer a"), (header::AUTHORIZATION, b"Bearer b")]).is_err());
        assert!(read(&[(LITELLM_API_KEY, b"")]).is_err());
    }
}
