//! Where the issuer's keys come from.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::header::{ACCEPT, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use traceability_core::error::causes;
use url::{Host, Url};

use super::key_set::KeySet;

/// For all that is fetched. A request is to be answered within 5 s, and the database wants its share.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Far more than any issuer has: dozens of keys with their certificates.
const LARGEST_ANSWER: usize = 512 * 1024;

/// An issuer of tokens.
pub(super) struct Issuer {
    name: String,
    jwks_url: Option<Url>,
    connector: OnceLock<Connector>,
}

/// What the discovery document says of an issuer, as far as it is used.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuer {
    pub(super) fn new(name: String, jwks_url: Option<Url>) -> Self {
        Self { name, jwks_url, connector: OnceLock::new() }
    }

    /// Fetches its keys, or says why not.
    pub(super) async fn keys(&self) -> Result<KeySet, String> {
        let slow = |_| format!("no answer within {} s", TIMEOUT.as_secs());
        tokio::time::timeout(TIMEOUT, self.fetch()).await.map_err(slow)?
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => self.discover().await.map_err(|reason| format!("its openid-configuration {reason}"))?,
        };
        let keys = self.get(&url).await.map_err(|reason| format!("its JWKS {reason}"))?;
        KeySet::parse(&keys).ok_or_else(|| "its JWKS is none".into())
    }

    /// Where the issuer says its keys are.
    async fn discover(&self) -> Result<Url, String> {
        // A slash at the issuer's end is left out here, and here alone.
        let url = format!("{}/.well-known/openid-configuration", self.name.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| "has no URL")?;
        let discovery = self.get(&url).await?;
        let discovery: Discovery = serde_json::from_slice(&discovery).map_err(|_| "is none")?;
        if discovery.issuer != self.name {
            return Err("is of another issuer than JWT_ISSUER: write it exactly as the issuer does".into());
        }
        let url = Url::parse(&discovery.jwks_uri).ok().filter(may_be_fetched);
        url.ok_or_else(|| "names a jwks_uri that is not https".into())
    }

    /// What is at a URL. Redirects are not followed: they could lead anywhere.
    async fn get(&self, url: &Url) -> Result<Vec<u8>, String> {
        let request = Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .body(SdkBody::empty())
            .map_err(|_| "has no URL")?;
        let request = HttpRequest::try_from(request).map_err(|_| "has no URL")?;
        let answer = self.connector().call(request).await;
        let answer = answer.map_err(|error| format!("cannot be reached: {}", causes(&error)))?;
        if answer.status().as_u16() != StatusCode::OK.as_u16() {
            return Err(format!("is answered with {}", answer.status().as_u16()));
        }
        match Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await {
            Ok(body) => Ok(body.to_bytes().into()),
            Err(error) if error.is::<LengthLimitError>() => Err(format!("has more than {} KB", LARGEST_ANSWER / 1024)),
            Err(error) => Err(format!("breaks off: {}", causes(&*error))),
        }
    }

    /// The client of the AWS SDK, which a function has anyway. Without a pool: keys are fetched every few minutes, and a
    /// connection from before a function was frozen is dead.
    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let tls = Provider::Rustls(CryptoMode::Ring);
            Connector::builder().pool_max_idle_per_host(0).tls_provider(tls).build()
        })
    }
}

/// Whether keys from there are the issuer's: over TLS, or from this machine.
pub(super) fn may_be_fetched(url: &Url) -> bool {
    let on_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let has_login = !url.username().is_empty() || url.password().is_some();
    !has_login && (url.scheme() == "https" || (url.scheme() == "http" && on_this_machine))
}
