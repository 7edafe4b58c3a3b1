//! Progress on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use traceability_index::refresh::Progress;

/// A bar for each part of the work; without a terminal it draws nothing.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        Self(ProgressBar::hidden())
    }
}

impl Progress for Bar {
    fn begin(&mut self, part: &'static str, steps: u64) {
        self.0.finish_and_clear();
        if steps > 0 {
            let style = ProgressStyle::with_template("{msg:16} {wide_bar} {human_pos}/{human_len}, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            self.0 = ProgressBar::new(steps).with_style(style).with_message(part);
        }
    }

    fn advance(&mut self, steps: u64) {
        self.0.inc(steps);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
