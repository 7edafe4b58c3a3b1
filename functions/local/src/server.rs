//! Serving the whole API from one process.

use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use traceability::api::{AppState, layers};

use crate::api;
use crate::settings::Settings;

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
        let service = layers::service(api::router(), state).layer(settings.origins.layer());
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
