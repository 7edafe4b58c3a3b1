//! A bucket that is as strict about conditional writes as S3, and can be killed at any moment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use http::{HeaderMap, Method, Response, StatusCode, Uri};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::function::REGION;

/// When a run dies: each request of its counts twice, when it arrives and when it has had its effect.
#[derive(Debug, Clone, Default)]
pub struct Fate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    moment: Mutex<(u32, Option<u32>)>,
    struck: Notify,
}

impl Fate {
    /// Strikes at the moment of this number, from 1, counted from now on.
    pub fn strike_at(&self, moment: Option<u32>) {
        *self.0.moment.lock().unwrap_or_else(PoisonError::into_inner) = (0, moment);
    }

    /// Waits until it strikes.
    pub async fn struck(&self) {
        self.0.struck.notified().await;
    }

    /// A moment. Where fate strikes, nothing comes after it.
    pub async fn moment(&self) {
        let is_struck = {
            let mut moment = self.0.moment.lock().unwrap_or_else(PoisonError::into_inner);
            moment.0 += 1;
            Some(moment.0) == moment.1
        };
        if is_struck {
            self.0.struck.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// The bucket, until it is dropped.
#[derive(Debug)]
pub struct StrictBucket {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Shared {
    fate: Fate,
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

/// The bucket's name.
pub const BUCKET: &str = "reports-of-tests";

impl StrictBucket {
    /// Serves it on a free port.
    pub async fn start(fate: Fate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Shared { fate, objects: Arc::default() };
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, shared, server }
    }

    /// An AWS that is no more than this.
    #[must_use]
    pub fn aws(&self) -> ConfigLoader {
        aws_at(self.address)
    }

    /// The keys of its objects.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.shared.objects.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// An object.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<String> {
        let objects = self.shared.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.get(key).map(|bytes| String::from_utf8(bytes.to_vec()).expect("a text"))
    }
}

impl Drop for StrictBucket {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Whatever is at this address, as AWS.
#[must_use]
pub fn aws_at(address: SocketAddr) -> ConfigLoader {
    let credentials =
        Credentials::new("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None, None, "tests");
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(credentials)
        .endpoint_url(format!("http://{address}"))
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    shared.fate.moment().await;
    let key = uri.path().trim_start_matches('/').trim_start_matches(BUCKET).trim_start_matches('/').to_owned();
    let response = {
        let mut objects = shared.objects.lock().unwrap_or_else(PoisonError::into_inner);
        match method {
            Method::GET => objects.get(&key).map_or_else(missing, |object| found(object.clone())),
            Method::PUT => put(&mut objects, key, &headers, body),
            _ => refuse(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        }
    };
    shared.fate.moment().await;
    response
}

fn put(objects: &mut BTreeMap<String, Bytes>, key: String, headers: &HeaderMap, body: Bytes) -> Response<Body> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let present = objects.get(&key).map(tag);
    let may = match (header("if-none-match"), header("if-match"), &present) {
        (Some("*"), None, None) | (None, None, _) => true,
        (None, Some(wanted), Some(present)) => wanted == present,
        (None, Some(_), None) => return missing(),
        _ => false,
    };
    if !may {
        return refuse(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let response = Response::builder().header("etag", tag(&body)).body(Body::empty()).expect("a response");
    objects.insert(key, body);
    response
}

fn tag(body: &Bytes) -> String {
    let digest = Sha256::digest(body);
    format!("\"{}\"", digest[..16].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")))
}

fn found(object: Bytes) -> Response<Body> {
    Response::builder().header("etag", tag(&object)).body(Body::from(object)).expect("a response")
}

fn missing() -> Response<Body> {
    refuse(StatusCode::NOT_FOUND, "NoSuchKey")
}

fn refuse(status: StatusCode, code: &str) -> Response<Body> {
    let xml = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>");
    Response::builder().status(status).header("content-type", "application/xml").body(xml.into()).expect("a response")
}
