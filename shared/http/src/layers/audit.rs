//! The record of who read what.

use std::io;

use http::StatusCode;
use traceability_access::Principal;

use crate::audit::{ContentRead, Outcome};
use crate::request_context::{Read, RequestContext};
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
    let Some(principal) = &context.principal else { return Ok(()) };
    context.earlier.iter().chain(&context.read).try_for_each(|read| {
        state.audit.content_read(&line(principal, read, route, status, request_id), state.clock.now())
    })
}

fn line<'a>(
    principal: &'a Principal,
    read: &'a Read,
    route: &'a str,
    status: StatusCode,
    request_id: &'a str,
) -> ContentRead<'a> {
    let outcome = match status.as_u16() {
        200..300 if read.rows == 0 && read.withheld > 0 => Outcome::Withheld,
        200..300 => Outcome::Read,
        404 => Outcome::NotFound,
        400..500 => Outcome::Refused,
        _ => Outcome::Failed,
    };
    ContentRead {
        principal,
        route,
        session_id: read.session_id.as_deref(),
        request: read.request.as_deref(),
        rows: if outcome == Outcome::Read { read.rows } else { 0 },
        outcome,
        status: status.as_u16(),
        request_id,
    }
}
