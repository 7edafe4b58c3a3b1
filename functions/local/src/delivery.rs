//! What goes over a connection: the rest of a request that nobody read, and answers, in pieces that show whether the client
//! still reads.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use traceability_http::ApiError;

use crate::connection::Exchange;

/// The size of a piece. An answer of up to one piece is taken for read.
const PIECE: usize = 64 * 1024;

/// How many bytes of a refused body are read, so that the next request on the connection is found.
const MOST_UNREAD: usize = 8 * 1024 * 1024;
/// How long that may take.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(2);

/// Room for answers that clients have not read yet.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    permits: Arc<Semaphore>,
    size: usize,
}

/// The room that an answer takes, for as long as it does.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let size = bytes.div_ceil(PIECE).clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(size)), size }
    }

    /// The answer, with its room; or that there is none. It does not wait for some, since it would hold its memory for so
    /// long.
    pub(crate) fn admit(&self, mut response: Response) -> Response {
        let Some(bytes) = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()) else {
            return response;
        };
        if bytes <= PIECE {
            return response;
        }
        let pieces = u32::try_from(bytes.div_ceil(PIECE).min(self.size)).unwrap_or(u32::MAX);
        match Arc::clone(&self.permits).try_acquire_many_owned(pieces) {
            Ok(permit) => {
                response.extensions_mut().insert(Taken { _permit: Arc::new(permit) });
                response
            }
            Err(_) => ApiError::Busy(
                "Other clients have not read their large answers yet. Try again in a few seconds, or ask for fewer items, \
                 with limit.",
            )
            .into_response(),
        }
    }
}

/// An answer on its way.
pub(crate) struct Delivered {
    body: Body,
    /// What is left of a piece that was too large.
    rest: Bytes,
    exchange: Exchange,
    _taken: Option<Taken>,
}

impl Delivered {
    pub(crate) fn response(mut response: Response, exchange: Exchange) -> Response<Self> {
        let taken = response.extensions_mut().remove();
        // From now on the client has to read.
        exchange.hand_over(0);
        response.map(|body| Self { body, rest: Bytes::new(), exchange, _taken: taken })
    }

    fn piece(&mut self) -> Bytes {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.exchange.hand_over(piece.len());
        piece
    }
}

impl HttpBody for Delivered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Poll::Pending => {
                    self.exchange.wait();
                    return Poll::Pending;
                }
                over @ Poll::Ready(_) => return over,
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(body.lower().saturating_add(rest));
        hint
    }
}

/// The body of a request, which is not lost when a handler drops it unread.
struct Returned {
    body: Option<Body>,
    was_polled: bool,
    left: Arc<Mutex<Option<Left>>>,
}

/// A body that a handler is done with.
struct Left {
    body: Body,
    was_polled: bool,
}

/// Where a request's body is when its handler is done with it.
pub(crate) struct Unread {
    left: Arc<Mutex<Option<Left>>>,
    version: Version,
    /// The client sends the body when it is told to go on.
    waits: bool,
}

impl Unread {
    /// Keeps hold of the request's body.
    pub(crate) fn of(request: Request) -> (Request, Self) {
        let left = Arc::new(Mutex::new(None));
        let waits = request.headers().contains_key(header::EXPECT);
        let unread = Self { left: Arc::clone(&left), version: request.version(), waits };
        let request = request.map(|body| Body::new(Returned { body: Some(body), was_polled: false, left }));
        (request, unread)
    }

    /// Reads what the handler did not, within limits; or else tells the client that no request is taken after this one. Over
    /// HTTP/2 each request has a stream of its own, and nothing is in the way of the next.
    pub(crate) async fn settle(self, response: &mut Response) {
        if self.version >= Version::HTTP_2 {
            return;
        }
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_read = match left {
            Some(left) if left.body.is_end_stream() => true,
            // To read would ask the client to send it.
            Some(left) if self.waits && !left.was_polled => false,
            Some(left) => timeout(UNREAD_TIMEOUT, skip(left.body)).await.unwrap_or(false),
            None => false,
        };
        if !is_read {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Reads to the end, and says whether that was reached.
async fn skip(mut body: Body) -> bool {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > MOST_UNREAD {
            return false;
        }
    }
    true
}

impl HttpBody for Returned {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.was_polled = true;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            let left = Left { body, was_polled: self.was_polled };
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
        }
    }
}
