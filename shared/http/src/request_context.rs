//! What a handler's extractors tell the layers around it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use traceability_access::Principal;
use traceability_core::scope::Scope;

/// What a handler's extractors tell the layers around it.
#[derive(Clone, Default)]
pub(super) struct RequestContext(Arc<Mutex<Context>>);

/// See [`RequestContext`].
#[derive(Default)]
pub(super) struct Context {
    /// Who is calling, once that is proved.
    pub(super) principal: Option<Arc<Principal>>,
    /// The content that was asked for.
    pub(super) read: Option<Read>,
    /// What was read before it, where an answer has several sessions.
    pub(super) earlier: Vec<Read>,
}

/// A read of content.
#[derive(Default)]
pub(super) struct Read {
    pub(super) session_id: Option<String>,
    pub(super) request: Option<String>,
    pub(super) rows: u64,
    pub(super) withheld: u64,
}

impl RequestContext {
    pub(super) fn lock(&self) -> MutexGuard<'_, Context> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller is known, and may not see every row.
    pub(super) fn is_scoped(&self) -> bool {
        self.lock().principal.as_ref().is_some_and(|principal| principal.scope != Scope::AllRows)
    }

    pub(super) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }
}
