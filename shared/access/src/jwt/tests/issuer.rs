//! An issuer on this machine, which can be made to fail in every way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Signer;

pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(super) const KEYS: &str = "/keys";

/// What a path is answered with.
#[derive(Clone)]
pub(super) enum Answer {
    Json(Value),
    Text(u16, String),
    Redirect(String),
    /// So many bytes of spaces before a JSON, of a length that is told or not.
    Padded(usize, Value, bool),
    After(Duration, Value),
    Hang,
    /// The connection ends within the body.
    BreakOff,
}

pub(super) struct TestIssuer {
    pub(super) name: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl TestIssuer {
    pub(super) async fn start(keys: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let name = format!("http://{}", listener.local_addr().expect("an address"));
        let (answers, asked) = <(Arc<Mutex<HashMap<String, Answer>>>, Arc<Mutex<Vec<String>>>)>::default();
        let (answering, asking) = (Arc::clone(&answers), Arc::clone(&asked));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answering), Arc::clone(&asking)));
            }
        });
        let issuer = Self { name, answers, asked, server };
        let discovery = json!({"issuer": issuer.name, "jwks_uri": format!("{}{KEYS}", issuer.name)});
        issuer.answer(DISCOVERY, Answer::Json(discovery));
        issuer.has(&keys.iter().map(|key| key.jwk()).collect::<Vec<_>>());
        issuer
    }

    pub(super) fn answer(&self, path: &str, answer: Answer) {
        self.answers.lock().expect("the answers").insert(path.into(), answer);
    }

    /// Gives it other keys.
    pub(super) fn has(&self, keys: &[Value]) {
        self.answer(KEYS, Answer::Json(json!({"keys": keys})));
    }

    /// How often its keys, or what comes before them, were asked for.
    pub(super) fn fetches(&self) -> usize {
        let asked = self.asked.lock().expect("the requests");
        asked.iter().filter(|path| *path == DISCOVERY).count()
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the requests").clone()
    }

    /// From now on nobody listens.
    pub(super) async fn stop(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

async fn serve(
    mut stream: TcpStream,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.ok()?);
    }
    let request = String::from_utf8(request).ok()?;
    let path = request.split(' ').nth(1)?.to_owned();
    asked.lock().ok()?.push(path.clone());
    let answer = answers.lock().ok()?.get(&path).cloned();
    let (head, body) = match answer.unwrap_or(Answer::Text(404, String::new())) {
        Answer::Json(json) => complete(200, &json.to_string()),
        Answer::Text(status, text) => complete(status, &text),
        Answer::Redirect(to) => (format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0"), String::new()),
        Answer::Padded(bytes, json, true) => complete(200, &padded(bytes, &json)),
        Answer::Padded(bytes, json, false) => ("HTTP/1.1 200 OK".into(), padded(bytes, &json)),
        Answer::After(pause, json) => {
            tokio::time::sleep(pause).await;
            complete(200, &json.to_string())
        }
        Answer::Hang => std::future::pending().await,
        Answer::BreakOff => ("HTTP/1.1 200 OK\r\ncontent-length: 1000".into(), "{".into()),
    };
    stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes()).await.ok()
}

fn complete(status: u16, body: &str) -> (String, String) {
    (format!("HTTP/1.1 {status} Status\r\ncontent-length: {}", body.len()), body.into())
}

fn padded(bytes: usize, json: &Value) -> String {
    format!("{}{json}", " ".repeat(bytes))
}
