//! The record of who read what.

use std::io;

use http::StatusCode;

use crate::audit::{ContentRead, Outcome};
use crate::request_context::RequestContext;
use crate::state::AppState;

/// Writes a read of content to the audit log. An answer that cannot be recorded must not leave.
pub(super) fn record(
    state: &AppState,
    request_context: &RequestContext,
    route: &str,
    status: StatusCode,
    request_id: &str,
) -> io::Result<()> {
    let context = request_context.lock();
    let (Some(principal), Some(read)) = (&context.principal, &context.read) else { return Ok(()) };
    let outcome = match status.as_u16() {
        200..300 if read.rows == 0 && read.withheld > 0 => Outcome::Withheld,
        200..300 => Outcome::Read,
        404 => Outcome::NotFound,
        400..500 => Outcome::Refused,
        _ => Outcome::Failed,
    };
    let read = ContentRead {
        principal,
        route,
        session_id: read.session_id.as_deref(),
        request: read.request.as_deref(),
        rows: if outcome == Outcome::Read { read.rows } else { 0 },
        outcome,
        status: status.as_u16(),
        request_id,
    };
    state.audit.content_read(&read, state.clock.now())
}
