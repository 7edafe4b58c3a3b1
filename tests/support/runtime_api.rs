//! Lambda's runtime API: where a function asks for its events, and brings its answers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::routing::{get, post};
use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// How long Lambda gives an invocation: API Gateway waits no longer, either.
const TIMEOUT: Duration = Duration::from_secs(29);

/// What a function made of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its response.
    Response(Value),
    /// The error that it reported; Lambda would count it, and the gateway answer 500 or 502.
    Error {
        /// The kind of error, as the function names it in a header.
        kind: String,
        /// Its text and whatever else it says.
        error: Value,
    },
}

/// The API, for one function, until it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// An invocation that was asked for.
#[derive(Debug)]
struct Event {
    id: String,
    payload: String,
}

#[derive(Debug)]
struct Shared {
    name: String,
    events: UnboundedSender<Event>,
    /// Taken in turns: a function may ask for several events at once.
    waiting: tokio::sync::Mutex<UnboundedReceiver<Event>>,
    asked: Mutex<HashMap<String, oneshot::Sender<(Outcome, Instant)>>>,
    first_poll: watch::Sender<Option<Instant>>,
    init_error: watch::Sender<Option<Value>>,
    invocations: AtomicU32,
}

impl RuntimeApi {
    /// Serves on a free port of this machine.
    pub async fn serve(name: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (events, waiting) = unbounded_channel();
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            events,
            waiting: waiting.into(),
            asked: Mutex::default(),
            first_poll: watch::Sender::default(),
            init_error: watch::Sender::default(),
            invocations: AtomicU32::new(0),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves for ever") });
        Self { address, shared, server }
    }

    /// What the function finds in `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts an event before the function. The outcome arrives with the moment of its arrival.
    #[must_use]
    pub fn invoke(&self, payload: String) -> oneshot::Receiver<(Outcome, Instant)> {
        let number = self.shared.invocations.fetch_add(1, Ordering::Relaxed);
        let id = format!("8476a536-e9f4-11e8-9739-{number:012x}");
        let (answered, outcome) = oneshot::channel();
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), answered);
        self.shared.events.send(Event { id, payload }).expect("the API lives");
        outcome
    }

    /// When the function first asked for an event, which ends its initialisation.
    #[must_use]
    pub fn first_poll(&self) -> watch::Receiver<Option<Instant>> {
        self.shared.first_poll.subscribe()
    }

    /// The error that the function reported while it started, if it did.
    #[must_use]
    pub fn init_error(&self) -> Option<Value> {
        self.shared.init_error.borrow().clone()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(api): State<Arc<Shared>>) -> Response<Body> {
    let now = Instant::now();
    api.first_poll.send_if_modified(|first| first.is_none() && first.replace(now).is_none());
    let event = api.waiting.lock().await.recv().await.expect("the API lives");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let arn = format!("arn:aws:lambda:{}:{}:function:{}", crate::function::REGION, "123456789012", api.name);
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-deadline-ms", (now + TIMEOUT).as_millis().to_string())
        .header("lambda-runtime-invoked-function-arn", arn)
        .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
        .header("lambda-runtime-aws-request-id", event.id)
        .body(Body::from(event.payload))
        .expect("a response")
}

impl Shared {
    /// An invocation is answered once; whatever comes after is refused, as Lambda does.
    fn settle(&self, id: &str, outcome: Outcome) -> StatusCode {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        match asked.map(|asked| asked.send((outcome, Instant::now()))) {
            Some(_) => StatusCode::ACCEPTED,
            None => StatusCode::BAD_REQUEST,
        }
    }
}

async fn response(State(api): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.settle(&id, Outcome::Response(json(&body)))
}

async fn error(State(api): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let kind = headers.get("lambda-runtime-function-error-type").and_then(|kind| kind.to_str().ok());
    api.settle(&id, Outcome::Error { kind: kind.unwrap_or_default().to_owned(), error: json(&body) })
}

async fn init_error(State(api): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    api.init_error.send_replace(Some(json(&body)));
    StatusCode::ACCEPTED
}

/// What is no JSON is its text: a test will say that it expected something else.
fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body)))
}
