//! `cargo lambda watch`, which stands in for API Gateway and Lambda before the built functions.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use local::fixtures::Release;

use crate::answer::Answer;
use crate::database::is_native;
use crate::http::Client;

/// Longer than any function takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often it is asked again. It loses one of some fifty large responses, never a function's state.
const ATTEMPTS: usize = 8;

/// The functions for one release, behind a port of this machine.
#[derive(Debug, Clone)]
pub struct Emulator {
    client: Client,
}

impl Emulator {
    /// What `E2E_GATEWAYS` names for the release: `1.80.0=http://127.0.0.1:9101 1.109.1=http://…`.
    #[must_use]
    pub fn of(release: Release) -> Option<Self> {
        Self::url(release).map(|url| Self { client: Client::of(&url) })
    }

    /// Where it is.
    #[must_use]
    pub fn url(release: Release) -> Option<String> {
        let gateways = std::env::var("E2E_GATEWAYS").ok()?;
        let mut pairs = gateways.split_whitespace().filter_map(|pair| pair.split_once('='));
        let (_, url) = pairs.find(|(version, _)| *version == release.version())?;
        assert!(is_native(), "the functions need a database that is not embedded, so set TEST_DATABASE_URL");
        Some(url.to_owned())
    }

    /// Sends a request.
    ///
    /// cargo-lambda 1.9 lets a function go before it has read its response. When that is larger than what the connection
    /// holds, it is now and then cut off: the emulator then answers 500 in its own words, or not at all. The functions
    /// only read, so such a request is sent again.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("the body is in memory").to_bytes();
        for _ in 0..ATTEMPTS {
            let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
            let answer = async { Answer::read(self.client.send(request).await.expect("the gateway answers")).await };
            match tokio::time::timeout(PATIENCE, answer).await {
                Ok(answer) if !is_its_own(&answer) => return answer,
                Ok(_) | Err(_) => {}
            }
        }
        panic!("{} {} got no answer in {ATTEMPTS} attempts", parts.method, parts.uri);
    }
}

/// Whether an answer is a fault of the emulator rather than a function's.
fn is_its_own(answer: &Answer) -> bool {
    answer.status == 500 && answer.text.contains("https://httpstatuses.com/500")
}
