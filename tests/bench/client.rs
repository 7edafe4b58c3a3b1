//! A connection to the service: as much of HTTP/1.1 as the service speaks, and nothing that costs time.

use std::io::{Error, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The text of a `GET`, ready to be sent.
pub fn get(target: &str) -> Vec<u8> {
    get_with(target, None)
}

/// The same, with the key that the caller logs in with.
pub fn get_with(target: &str, key: Option<&str>) -> Vec<u8> {
    let login = key.map_or_else(String::new, |key| format!("authorization: Bearer {key}\r\n"));
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n{login}\r\n").into_bytes()
}

/// The text of a `POST` of this JSON.
pub fn post(target: &str, json: &str) -> Vec<u8> {
    let length = json.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
    )
    .into_bytes()
}

/// One connection, kept alive from request to request.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The path and the query string of the next page, if there is one.
    pub next: Option<String>,
    /// The body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request made by [`get`], [`get_with`] or [`post`] and reads the whole answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
            self.read_more().await?;
        };
        while self.buffer.len() < head.length + head.content_length {
            self.read_more().await?;
        }
        Ok(Answer { status: head.status, next: head.next, body: &self.buffer[head.length..] })
    }

    async fn read_more(&mut self) -> Result<()> {
        if self.buffer.capacity() == self.buffer.len() {
            self.buffer.reserve(self.buffer.len());
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(Error::other("the server closed the connection")),
            _ => Ok(()),
        }
    }
}

struct Head {
    length: usize,
    status: u16,
    next: Option<String>,
    content_length: usize,
}

/// The head, if it is complete. An answer without a length is refused: the service always knows it.
fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes).map_err(Error::other)? else { return Ok(None) };
    let header = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        str::from_utf8(header.value).ok()
    };
    // The service's only link is the one to the next page.
    let next = header("link").and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
    let content_length = header("content-length").and_then(|length| length.parse().ok());
    let content_length = content_length.ok_or_else(|| Error::other("the answer does not tell its length"))?;
    Ok(Some(Head { length, status: response.code.unwrap_or_default(), next, content_length }))
}
