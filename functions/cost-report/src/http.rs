//! Posting to addresses that somebody else serves.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};
use url::{Host, Url};

use crate::aws::never_connected;
use crate::settings::DeliveryGuarantee;
use crate::state::SendError;
use http::Request;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, USER_AGENT};

/// How long to wait for whom.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// For the answer to one attempt.
    pub attempt: Duration,
    /// Before the second attempt; each further one comes after three times as long, less a random part.
    pub pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempt: Duration::from_secs(8), pause: Duration::from_millis(500) }
    }
}

/// How often something is posted at most.
const ATTEMPTS: u32 = 4;
/// How long another server may make us wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Redirects that are followed, to the same server.
const REDIRECTS: u32 = 3;

/// Posts JSON.
#[derive(Debug, Default)]
pub struct HttpClient {
    retry_policy: RetryPolicy,
    connector: OnceLock<Connector>,
}

/// How one attempt ended.
enum Attempt {
    Taken,
    /// Not now.
    Later(SendError, Option<Duration>),
    /// Never.
    Refused(SendError),
}

impl HttpClient {
    /// Waits so long.
    #[must_use]
    pub fn new(retry_policy: RetryPolicy) -> Self {
        Self { retry_policy, connector: OnceLock::new() }
    }

    /// Posts a body until it is taken, with headers that are made for each attempt.
    ///
    /// # Errors
    /// Why it was not taken, without the address. What may have arrived is posted again only if the target wants that.
    pub async fn post(
        &self,
        address: &SecretString,
        body: &str,
        guarantee: DeliveryGuarantee,
        headers: impl Fn() -> Vec<(&'static str, String)> + Send,
    ) -> Result<(), SendError> {
        let url = parse(address).map_err(|reason| SendError::Refused(reason.into()))?;
        let mut pause = self.retry_policy.pause;
        for number in 1.. {
            let (error, wanted) = match self.attempt(&url, body, &headers()).await {
                Attempt::Taken => return Ok(()),
                Attempt::Refused(error) => return Err(error),
                Attempt::Later(error, wanted) => (error, wanted),
            };
            let may_have_arrived = matches!(error, SendError::Unsure(_)) && guarantee == DeliveryGuarantee::AtMostOnce;
            if number == ATTEMPTS || may_have_arrived {
                return Err(error);
            }
            let jittered = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            sleep(wanted.unwrap_or_default().max(jittered).min(LONGEST_PAUSE)).await;
            pause *= 3;
        }
        unreachable!("the loop ends by its last attempt")
    }

    async fn attempt(&self, url: &Url, body: &str, headers: &[(&'static str, String)]) -> Attempt {
        let slow = |_| {
            let waited = self.retry_policy.attempt.as_secs_f32();
            Attempt::Later(SendError::Unsure(format!("no answer within {waited} s")), None)
        };
        timeout(self.retry_policy.attempt, self.follow(url, body, headers)).await.unwrap_or_else(slow)
    }

    async fn follow(&self, url: &Url, body: &str, headers: &[(&'static str, String)]) -> Attempt {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let answer = match self.send(&url, body, headers).await {
                Ok(answer) => answer,
                Err(error) => return Attempt::Later(error, None),
            };
            let status = answer.status().as_u16();
            match status {
                200..=299 => return Attempt::Taken,
                // The others would make a GET of it.
                307 | 308 => match target(&url, &answer) {
                    Some(target) => url = target,
                    None => return refused(format!("redirects to another server with {status}: set its own address")),
                },
                300..=399 => return refused(format!("redirects with {status}: set the address that takes POST")),
                // What a gateway says of a server that it lost sight of.
                502 | 504 => return later(SendError::Unsure, status, &answer),
                408 | 425 | 429 | 500..=599 => return later(SendError::Refused, status, &answer),
                _ => return refused(format!("is answered with {status}")),
            }
        }
        refused("redirects in a circle".into())
    }

    async fn send(&self, url: &Url, body: &str, headers: &[(&'static str, String)]) -> Result<HttpResponse, SendError> {
        let unusable = || SendError::Refused("its address is none".into());
        let request = Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("llm-traceability-api/", env!("CARGO_PKG_VERSION")));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = request.body(SdkBody::from(body)).map_err(|_| unusable())?;
        let request = HttpRequest::try_from(request).map_err(|_| unusable())?;
        // The error's own text may have the address in it.
        self.connector().call(request).await.map_err(|error| {
            if never_connected(&error) {
                SendError::Refused("cannot be reached".into())
            } else {
                SendError::Unsure("breaks off before it answers".into())
            }
        })
    }

    /// Without a pool: a connection from before the function was frozen is dead.
    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let tls = Provider::Rustls(CryptoMode::Ring);
            Connector::builder().pool_max_idle_per_host(0).tls_provider(tls).build()
        })
    }
}

fn refused(reason: String) -> Attempt {
    Attempt::Refused(SendError::Refused(reason))
}

fn later(kind: fn(String) -> SendError, status: u16, answer: &HttpResponse) -> Attempt {
    let wanted = answer.headers().get(RETRY_AFTER.as_str()).and_then(|value| value.trim().parse().ok());
    Attempt::Later(kind(format!("is answered with {status}")), wanted.map(Duration::from_secs))
}

/// Where a redirect leads, if it is to the same server.
fn target(url: &Url, answer: &HttpResponse) -> Option<Url> {
    let location = answer.headers().get(LOCATION.as_str())?;
    url.join(location).ok().filter(|target| target.origin() == url.origin())
}

/// An address over TLS, or of this machine.
fn parse(address: &SecretString) -> Result<Url, &'static str> {
    let url = Url::parse(address.expose_secret()).map_err(|_| "its address is none")?;
    let on_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("its address is none"),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && on_this_machine);
    if is_safe { Ok(url) } else { Err("its address must begin with https://") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_safe_or_of_this_machine() {
        for good in ["https://hooks.example.com/x", "http://localhost:8000/x", "http://[::1]/x"] {
            assert!(parse(&SecretString::from(good)).is_ok(), "{good}");
        }
        for bad in ["http://hooks.example.com/x", "ftp://localhost/x", "hooks.example.com", "data:x"] {
            assert!(parse(&SecretString::from(bad)).is_err(), "{bad}");
        }
    }
}
