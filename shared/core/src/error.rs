//! Errors as text for the log.

use std::error::Error;

/// An error and what caused it, in words: its debugging text could hold a response, and secrets with it.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
