//! Serving the whole API from one process.

use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use tokio::net::TcpListener;
use traceability::api::{ApiError, AppState, layers};

use crate::api;
use crate::settings::{Hosts, Settings};

/// A server that listens already.
pub struct Server {
    listener: TcpListener,
    service: axum::Router,
}

impl Server {
    /// Takes the address of the settings.
    ///
    /// # Errors
    /// When the address cannot be had, for instance because another server has it.
    pub async fn bind(settings: &Settings, state: AppState) -> io::Result<Self> {
        let router = api::router().layer(from_fn_with_state(settings.hosts.clone(), addressed_to_this_server));
        let service = layers::service(router, state).layer(settings.origins.layer());
        let listener = TcpListener::bind(settings.address).await?;
        Ok(Self { listener, service })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then finishes the requests that are under way.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        use axum::serve::ListenerExt;
        // A small answer must not wait for another packet.
        let listener = self.listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, self.service).with_graceful_shutdown(stop).into_future().await
    }
}

/// Refuses a page that reaches this server under a name of its own: a name that its owner points to 127.0.0.1 makes the
/// page and this server one origin to the browser, and CORS would not be asked.
async fn addressed_to_this_server(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    if host.is_none_or(|host| hosts.contain(host)) {
        return next.run(request).await;
    }
    ApiError::Forbidden(
        "This server answers to localhost and 127.0.0.1 only; ALLOWED_HOSTS names further hosts.".into(),
    )
    .into_response()
}
