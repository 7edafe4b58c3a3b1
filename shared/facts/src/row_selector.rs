//! Which requests a source of facts is made of.

use traceability_core::time::TimeWindow;

/// Which rows of the log a source is made of, beside the caller's scope. Each is answered by an
/// index of LiteLLM's, where it has one: sessions since 1.72, call ids perhaps.
#[derive(Debug, Clone, Copy)]
pub enum RowSelector<'a> {
    /// All, for a query that takes the first of them by `started_at`.
    All,
    /// The requests that started in a window.
    Started(&'a TimeWindow),
    /// The requests of one session.
    Session(&'a str),
    /// The requests of the session that a column of an outer query names.
    SessionOf(&'static str),
    /// The request with this id, which is not unique by constraint where the table is partitioned.
    Request(&'a str),
    /// The requests with this call id; none in releases that do not store it.
    Call(&'a str),
    /// The requests with these ids.
    Requests(&'a [String]),
    /// The requests that started from one column of an outer query on and before another.
    Between(&'static str, &'static str),
}
