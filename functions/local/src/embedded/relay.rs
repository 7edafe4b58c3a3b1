//! Stands between the embedded server and its clients, because the server ends for good when a client disappears while
//! an answer is on its way, as any cancelled request does.
//!
//! The relay takes one client at a time, reads every answer to its end whether or not the client still wants it, and
//! then closes in order. Threads, not tasks: the database outlives the async runtime that started it (each test has its
//! own).

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A running relay. It lets its client go and stops when this is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    /// The client being served, to let it go when the relay stops.
    client: Mutex<Option<TcpStream>>,
}

impl Relay {
    /// Starts to listen on a free port of this machine for clients of `server`.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("database-relay".into()).spawn(move || serve(&listener, server, &shared))?
        };
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.let_go();
        // Wakes the thread if it waits for a client.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn remember(&self, client: &TcpStream) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client.try_clone().ok();
    }

    fn let_go(&self) {
        if let Some(client) = self.client.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

fn serve(listener: &TcpListener, server: SocketAddr, shared: &Shared) {
    for client in listener.incoming() {
        if shared.stopping() {
            return;
        }
        let Ok(client) = client else { continue };
        shared.remember(&client);
        // Stopping may have begun just before there was a client to let go.
        if !shared.stopping()
            && let Err(error) = TcpStream::connect(server).and_then(|server| relay(&client, &server))
        {
            tracing::warn!("a connection to the local database failed: {error}");
        }
        shared.let_go();
    }
}

/// Serves one client to its end. Whatever fails on the client's side just ends it.
fn relay(mut client: &TcpStream, mut server: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut from, mut to) = (client, server);
            let _ = io::copy(&mut from, &mut to);
            // To the server this is a client that says goodbye, once its last statement has been answered.
            let _ = server.shutdown(Shutdown::Write);
        });
        let mut buffer = vec![0; 64 * 1024];
        let mut listening = true;
        let result = loop {
            match server.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(length) => listening = listening && client.write_all(&buffer[..length]).is_ok(),
                Err(error) => break Err(error),
            }
        };
        let _ = client.shutdown(Shutdown::Both);
        result
    })
}
