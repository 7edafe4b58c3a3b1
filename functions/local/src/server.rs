//! Serving the whole API from one process.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tower::ServiceExt;
use traceability_access::Exposure;
use traceability_http::compression::compress;
use traceability_http::state::Dashboard;
use traceability_http::{AppState, layers};

use crate::api;
use crate::connection::{Activity, Exchange};
use crate::delivery::{Delivered, Room, Unread};
use crate::export::{Lists, export};
use crate::host_guard::{HostGuard, Link, LocalToken, guard};
use crate::limits::Limits;
use crate::settings::Settings;

/// How many requests one HTTP/2 connection may have under way.
const STREAMS: u32 = 32;
/// How many bytes of an answer wait in an HTTP/2 stream.
const SEND_BUFFER: usize = 64 * 1024;
/// How long an error of the listener is waited out, such as too many open files.
const LISTENER_PAUSE: Duration = Duration::from_millis(200);
/// How long a connection without a request may stay when the server is told to stop, for the last bytes of an answer.
const LAST_BYTES: Duration = Duration::from_millis(500);

/// A server that listens already.
pub struct Server {
    listener: TcpListener,
    service: Router,
    limits: Limits,
}

impl Server {
    /// Takes the address of the settings. A token makes browsers' links and cookies count; the state's access is what asks
    /// for it.
    ///
    /// # Errors
    /// When the address cannot be had, for instance because another server has it.
    pub async fn bind(settings: &Settings, state: AppState, token: Option<&LocalToken>) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.address).await?;
        let port = listener.local_addr()?.port();
        let host_guard = HostGuard {
            hosts: settings.hosts.clone(),
            is_private: state.access.is_open() && settings.exposure() == Exposure::ThisMachine,
            link: token.map(|token| Link::new(token.clone(), port)),
            room: Room::new(settings.limits.unread_bytes),
        };
        let state = AppState { compress: Some(compress), ..state };
        let routes = match state.dashboard {
            Dashboard::Served => api::router().merge(dashboard::router(&settings.dashboard)),
            Dashboard::Absent => api::router(),
        };
        let service = layers::guarded(routes, state, |routes| routes.layer(from_fn_with_state(host_guard, guard)))
            .layer(from_fn_with_state(Lists::new()?, export))
            .layer(settings.origins.layer());
        Ok(Self { listener, service, limits: settings.limits })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then finishes the requests that are under way, as far as the limits leave time.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { listener, service, limits } = self;
        let places = Arc::new(Semaphore::new(limits.connections));
        let (stopping, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = accept(&listener, &places) => accepted,
                () = &mut stop => break,
            };
            let Some((stream, place)) = accepted else { break };
            let connection = Connection { service: service.clone(), limits, places: Arc::clone(&places), place };
            connections.spawn(connection.serve(stream, stopped.clone()));
            while connections.try_join_next().is_some() {}
        }
        drop((listener, stopping));
        if timeout(limits.shutdown, async { while connections.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("{} connections are closed in the middle of a request", connections.len());
            connections.shutdown().await;
        }
    }
}

/// The next client, once there is a place for it. `None` in no case that can be helped.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A small answer must not wait for another packet.
                let _ = stream.set_nodelay(true);
                return Some((stream, place));
            }
            Err(error) => {
                // A client that is gone again, or a lack that passes: every other client needs the listener.
                tracing::debug!(%error, "a connection was not accepted");
                sleep(LISTENER_PAUSE).await;
            }
        }
    }
}

/// One client's connection.
struct Connection {
    service: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, mut stopped: watch::Receiver<()>) {
        let Self { service, limits, places, place: _place } = self;
        let activity = Arc::new(Activity::new());
        let exchanges = Arc::clone(&activity);
        let answer = service_fn(move |request| answer(service.clone(), exchanges.begin(), request));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http2().max_concurrent_streams(STREAMS).max_send_buf_size(SEND_BUFFER);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
        let mut look = interval(limits.look_every());
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_stopping = false;
        loop {
            tokio::select! {
                // A client that breaks off or speaks another protocol is no fault of the server's.
                _ = connection.as_mut() => return,
                _ = stopped.changed(), if !is_stopping => {
                    is_stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ = look.tick() => {
                    let idle = if is_stopping {
                        LAST_BYTES.min(limits.idle)
                    } else if places.available_permits() == 0 {
                        limits.idle_when_full
                    } else {
                        limits.idle
                    };
                    if activity.is_over(&limits, idle, Instant::now()) {
                        return;
                    }
                }
            }
        }
    }
}

/// Answers one request.
async fn answer(
    service: Router,
    exchange: Exchange,
    request: Request<Incoming>,
) -> Result<Response<Delivered>, Infallible> {
    let (request, unread) = Unread::of(request.map(Body::new));
    let mut response = service.oneshot(request).await?;
    unread.settle(&mut response).await;
    // Those of the layer for other origins' pages are not the API's own.
    layers::protect_browsers(response.headers_mut());
    Ok(Delivered::response(response, exchange))
}
