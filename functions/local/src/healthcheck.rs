//! Asking the running server whether it lives, for a container that has no other program to ask with.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than the server ever needs without the database.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the server that listens on `address` for `/health/live`.
///
/// # Errors
/// When it does not answer 200 within seconds.
pub fn ask(mut address: SocketAddr) -> io::Result<()> {
    // What listens on all addresses is asked on this machine's own.
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let mut server = TcpStream::connect_timeout(&address, TIMEOUT)
        .map_err(|error| io::Error::other(format!("no server answers on {address} (API_HOST, API_PORT): {error}")))?;
    server.set_read_timeout(Some(TIMEOUT))?;
    server.set_write_timeout(Some(TIMEOUT))?;
    server.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; "HTTP/1.1 200".len()];
    server.read_exact(&mut status)?;
    if &status == b"HTTP/1.1 200" {
        return Ok(());
    }
    Err(io::Error::other(format!("{address} answers {}", String::from_utf8_lossy(&status))))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answered(answer: &'static [u8]) -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let address = listener.local_addr()?;
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept()?;
            let _ = client.read(&mut [0; 1024])?;
            client.write_all(answer)
        });
        let result = ask(address);
        server.join().expect("the server does not panic")?;
        result
    }

    #[test]
    fn only_200_is_alive() {
        assert!(answered(b"HTTP/1.1 200 OK\r\n\r\n").is_ok());
        for answer in [&b"HTTP/1.1 503 Service Unavailable\r\n\r\n"[..], b"SSH-2.0-OpenSSH\r\n", b""] {
            assert!(answered(answer).is_err(), "{} is taken for alive", String::from_utf8_lossy(answer));
        }
    }
}
