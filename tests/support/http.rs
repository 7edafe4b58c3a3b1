//! Asking a server over HTTP.

use axum::body::Body;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use hyper_util::client::legacy::Client as Connections;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A server, and the connections to it, which are kept for the next request. They belong to the runtime of the test that
/// made them.
#[derive(Debug, Clone)]
pub struct Client {
    server: Uri,
    connections: Connections<HttpConnector, Body>,
}

impl Client {
    /// Of the server at `http://host:port`.
    #[must_use]
    pub fn of(server: &str) -> Self {
        let server = server.parse().expect("a server's URL");
        Self { server, connections: Connections::builder(TokioExecutor::new()).build_http() }
    }

    /// The same over HTTP/2, with the least room for what is not read.
    #[must_use]
    pub fn of_http2(server: &str) -> Self {
        let window = 65_535;
        let connections = Connections::builder(TokioExecutor::new())
            .http2_only(true)
            .http2_initial_stream_window_size(window)
            .http2_initial_connection_window_size(window)
            .build_http();
        Self { connections, ..Self::of(server) }
    }

    /// Sends a request to the server, whatever host it names.
    ///
    /// # Errors
    /// What keeps the answer from coming.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, hyper_util::client::legacy::Error> {
        let mut parts = self.server.clone().into_parts();
        parts.path_and_query = request.uri().path_and_query().cloned().or(Some(PathAndQuery::from_static("/")));
        *request.uri_mut() = Uri::from_parts(parts).expect("a server and a path are a URL");
        Ok(self.connections.request(request).await?.map(Body::new))
    }
}
