//! A server to which reports are posted, in place of Slack's and of other people's: it fails, hangs, and recovers.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use http::{HeaderMap, Response, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bucket::Fate;

/// What it does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// It answers with this status, and takes the message if that is 200.
    Status(u16),
    /// It says to come again after so many seconds.
    Later(u16, u32),
    /// It takes the message and says nothing, for ever.
    Hang,
    /// It takes the message and fails then.
    TakeAndFail(u16),
    /// It sends the sender elsewhere.
    Redirect(u16, String),
}

/// A message that it took.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Received {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The body.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// The server, until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

#[derive(Debug, Clone, Default)]
struct Shared {
    fate: Fate,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    hanging: Arc<Mutex<Vec<String>>>,
    /// Paths that answer only once others have had something.
    patient: Arc<Mutex<(Vec<String>, Vec<String>)>>,
    received: Arc<Mutex<Vec<Received>>>,
    asked: Arc<Mutex<u32>>,
}

impl Receiver {
    /// Serves on a free port.
    pub async fn start(fate: Fate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Shared { fate, ..Shared::default() };
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, shared, server }
    }

    /// The URL of a path of its.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How it is with the next requests; with those after them, it takes what comes.
    pub fn is_in(&self, moods: impl IntoIterator<Item = Mood>) {
        *self.shared.moods.lock().unwrap_or_else(PoisonError::into_inner) = moods.into_iter().collect();
    }

    /// From now on it takes what comes at these paths and says nothing, for ever.
    pub fn hangs_at(&self, paths: &[&str]) {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        *self.shared.hanging.lock().unwrap_or_else(PoisonError::into_inner) = paths;
    }

    /// From now on it answers at these paths only once it took something at each of the others.
    pub fn answers_after(&self, paths: &[&str], others: &[&str]) {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        *self.shared.patient.lock().unwrap_or_else(PoisonError::into_inner) = (owned(paths), owned(others));
    }

    /// What it took so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it took at a path.
    #[must_use]
    pub fn received_at(&self, path: &str) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.path == path).collect()
    }

    /// How many requests it had.
    #[must_use]
    pub fn asked(&self) -> u32 {
        *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    shared.fate.moment().await;
    *shared.asked.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    let hangs = shared.hanging.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|path| path == uri.path());
    let next = || shared.moods.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Mood::Status(200));
    let mood = if hangs { Mood::Hang } else { next() };
    if matches!(mood, Mood::Status(200) | Mood::Hang | Mood::TakeAndFail(_)) {
        let body = String::from_utf8(body.to_vec()).expect("a text");
        let received = Received { path: uri.path().to_owned(), headers, body };
        shared.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    }
    let (patient, others) = shared.patient.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if patient.iter().any(|path| path == uri.path()) {
        let has = |path: &String| {
            shared.received.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|it| it.path == *path)
        };
        while !others.iter().all(has) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    let response = match mood {
        Mood::Status(status) | Mood::TakeAndFail(status) => Response::builder().status(status),
        Mood::Later(status, seconds) => Response::builder().status(status).header("retry-after", seconds),
        Mood::Redirect(status, to) => Response::builder().status(status).header("location", to),
        Mood::Hang => std::future::pending().await,
    };
    shared.fate.moment().await;
    response.body(Body::empty()).expect("a response")
}
