//! Serving the whole API from one process.

use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use tokio::net::TcpListener;
use traceability::access::Exposure;
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
        let is_private = state.access.is_open() && settings.exposure() == Exposure::ThisMachine;
        let door = Door { hosts: settings.hosts.clone(), is_private };
        let router = api::router().layer(from_fn_with_state(door, addressed_to_this_server));
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

/// Who is let in before anybody is asked who they are.
#[derive(Clone)]
struct Door {
    hosts: Hosts,
    /// Nobody is asked, since only this machine can reach the server.
    is_private: bool,
}

/// What proxies add to requests that they pass on: then it is not this machine alone that can reach the server.
const PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Refuses a page that reaches this server under a name of its own: a name that its owner points to 127.0.0.1 makes the
/// page and this server one origin to the browser, and CORS would not be asked.
async fn addressed_to_this_server(State(door): State<Door>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    let was_passed_on = PROXIES.iter().any(|name| request.headers().contains_key(*name));
    if door.is_private && was_passed_on {
        return ApiError::Forbidden(
            "A proxy passed this on, and this server asks nobody who they are: set AUTH_MODE before others can reach it."
                .into(),
        )
        .into_response();
    }
    if host.is_none_or(|host| door.hosts.contain(host)) {
        return next.run(request).await;
    }
    ApiError::Forbidden(
        "This server answers to localhost and 127.0.0.1 only; ALLOWED_HOSTS names further hosts.".into(),
    )
    .into_response()
}
