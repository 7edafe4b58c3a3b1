//! How long an answer took, as far as the caller may know.

use std::time::{Duration, Instant};

use http::HeaderName;

/// How long an answer took, and how much of that in the database.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// How long an answer took, for the client's own measurements.
pub(super) struct Timing {
    pub(super) total: Duration,
    pub(super) database: Duration,
}

impl Timing {
    /// As a `Server-Timing` header has it, in milliseconds; without the database's time where that could tell what the
    /// caller may not know.
    pub(super) fn header(&self, hides: bool) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        if hides {
            return format!("total;dur={:.0}", ms(self.total));
        }
        format!("db;dur={:.3}, total;dur={:.3}", ms(self.database), ms(self.total))
    }
}

/// What is out of a caller's rows takes a little longer not to be found than what does not exist: the database looks at
/// it first. Such an answer therefore leaves at the next multiple of this time, where the difference is not seen.
const QUANTUM: Duration = Duration::from_millis(20);

/// Waits for the next multiple of [`QUANTUM`] since the start.
pub(super) async fn pad_to_quantum(started: Instant) {
    let quanta = started.elapsed().as_micros() / QUANTUM.as_micros() + 1;
    let until = QUANTUM.saturating_mul(u32::try_from(quanta).unwrap_or(u32::MAX));
    tokio::time::sleep(until.saturating_sub(started.elapsed())).await;
}
