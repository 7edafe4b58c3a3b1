//! A wire between the API and its database, which can go silent as a network does: without a word to either end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// A relay on a port of its own.
pub struct Wire {
    url: String,
    /// Connections with a lower number carry nothing any more.
    silent_below: watch::Sender<usize>,
    connections: Arc<AtomicUsize>,
}

impl Wire {
    /// A wire to the server of this database.
    pub async fn to(database: &str) -> Self {
        let mut url = Url::parse(database).expect("a database URL");
        let server = ("127.0.0.1", url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
        let (silent_below, silence) = watch::channel(0);
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) =
                    TcpStream::connect(server).await.expect("the server answers").into_split();
                tokio::spawn(carry(from_client, to_server, number, silence.clone()));
                tokio::spawn(carry(from_server, to_client, number, silence.clone()));
            }
        });
        Self { url: url.into(), silent_below, connections }
    }

    /// The database's URL by way of the wire.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Lets no connection carry anything from now on, new ones neither.
    pub fn go_dead(&self) {
        self.silent_below.send_replace(usize::MAX);
    }

    /// Lets the connections that there are carry nothing from now on, and stay open. New ones work.
    pub fn silence(&self) {
        self.silent_below.send_replace(self.connections());
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, number: usize, mut silence: watch::Receiver<usize>) {
    let mut bytes = vec![0; 65_536];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => Some(read),
            _ = silence.wait_for(|below| number < *below) => None,
        };
        let Some(read) = read else { return std::future::pending().await };
        match read {
            Ok(count) if count > 0 && to.write_all(&bytes[..count]).await.is_ok() => {}
            _ => return,
        }
    }
}
