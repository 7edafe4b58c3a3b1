//! How deliveries went.

use ring::digest::{SHA256, digest};
use traceability_report::Span;

use crate::settings::Target;
use crate::state::Delivered;

/// How one delivery went.
#[derive(Debug)]
pub struct Outcome {
    /// The target's name.
    pub target: String,
    /// `report` or `budget_alert`.
    pub what: &'static str,
    /// What became of it, or why it has to be tried again.
    pub result: Result<Delivered, String>,
}

impl Outcome {
    /// That of what was to be brought to a target.
    pub(crate) fn of(target: &Target, what: &'static str, result: Result<Delivered, String>) -> Self {
        Self { target: target.name.clone(), what, result }
    }

    pub(crate) fn log(&self, span: &Span) {
        let (target, what, time) = (&self.target, self.what, span.label());
        match &self.result {
            Ok(Delivered::Now) => tracing::info!(target_name = target, what, time, "delivered"),
            Ok(Delivered::Before) => tracing::info!(target_name = target, what, time, "delivered before"),
            Ok(Delivered::Left) => tracing::warn!(
                target_name = target,
                what,
                time,
                advice = "look whether it arrived: it will not be sent again",
                "perhaps delivered"
            ),
            Err(reason) => tracing::error!(target_name = target, what, time, reason, "not delivered"),
        }
    }
}

/// A name that is the same for the same thing.
pub(crate) fn id_of(kind: &str, parts: &[&str]) -> String {
    let digest = digest(&SHA256, parts.join("\n").as_bytes());
    format!("{kind}_{}", hex::encode(&digest.as_ref()[..16]))
}
