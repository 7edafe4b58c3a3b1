//! The local server as it is, on a port of this machine.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use local::host_guard::LocalToken;
use local::limits::Limits;
use local::server::Server;
use local::settings::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traceability_http::AppState;

use crate::answer::Answer;
use crate::http::Client;
use http::Request;

/// Whatever must come at all comes within this time.
const BOUND: Duration = Duration::from_secs(30);

/// A running server.
pub struct LocalServer {
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl LocalServer {
    /// Starts one on any free port.
    pub async fn start(state: AppState, limits: Limits, token: Option<&LocalToken>) -> Self {
        let settings = Settings::from_environment(&[("API_PORT", "0")].into_iter().collect()).expect("settings");
        let server = Server::bind(&Settings { limits, ..settings }, state, token).await.expect("a free port");
        let address = server.address().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(self) {
        self.stop.send(()).expect("it runs");
        bounded(self.task).await.expect("the server does not panic");
    }

    /// A client that speaks HTTP/1.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::of(&format!("http://{}", self.address))
    }

    /// A client that speaks HTTP/2.
    #[must_use]
    pub fn http2_client(&self) -> Client {
        Client::of_http2(&format!("http://{}", self.address))
    }

    /// What a client of its own gets for a request.
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = bounded(self.client().send(request)).await.expect("an answer");
        bounded(Answer::read(response)).await
    }

    /// What a client of its own gets for `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// A connection whose client has little room for what it does not read.
    pub async fn connect(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        bounded(socket.connect(self.address)).await.expect("the server accepts")
    }

    /// A connection over which the client has said this.
    pub async fn say(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.expect("written");
        stream
    }
}

/// Waits, and fails where the end does not come.
pub async fn bounded<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, work).await.expect("it ends")
}

/// Reads until the server closes the connection, in whatever way.
pub async fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = bounded(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the next answer on a connection: its head, and the body that `Content-Length` announces.
pub async fn next_answer(stream: &mut TcpStream) -> (String, String) {
    bounded(async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a body");
        (head, String::from_utf8(body).expect("text"))
    })
    .await
}
