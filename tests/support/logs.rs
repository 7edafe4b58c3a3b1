//! What is logged while a test runs, at every level and from every library.

use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// Collects the log of this thread until it is dropped: a test's runtime and all its tasks are on one thread.
#[derive(Debug)]
pub struct Logs {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Logs {
    /// Begins to collect.
    #[must_use]
    pub fn collect() -> Self {
        // With one subscriber alone, a thread that has none could settle for all that an event interests nobody.
        static OTHER: OnceLock<Dispatch> = OnceLock::new();
        OTHER.get_or_init(|| Dispatch::new(Collector(Arc::default())));
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let guard = tracing::subscriber::set_default(Collector(Arc::clone(&lines)));
        Self { lines, _guard: guard }
    }

    /// The lines so far, each `target level field=value …`; they are not returned again.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The SQL statements among [`Self::take`], as they were sent.
    #[must_use]
    pub fn take_statements(&self) -> Vec<String> {
        let statement = |line: String| {
            let (_, rest) = line.strip_prefix("sqlx::query ")?.split_once("db.statement=")?;
            Some(rest.split('\u{1f}').next()?.trim().to_owned()).filter(|sql| !sql.is_empty())
        };
        self.take().into_iter().filter_map(statement).collect()
    }
}

struct Collector(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, "{}={value}\u{1f}", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{}={value:?}\u{1f}", field.name());
    }
}

impl Collector {
    fn add(&self, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!("{} span ", span.metadata().target()));
        span.record(&mut line);
        self.add(line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line("span ".to_owned());
        values.record(&mut line);
        self.add(line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {} ", event.metadata().target(), event.metadata().level()));
        event.record(&mut line);
        self.add(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
