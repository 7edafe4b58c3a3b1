//! A clock for tests in which time passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use traceability_core::clock::Clock;

use crate::App;

/// A clock that goes on only when it is told to.
#[derive(Clone)]
pub struct HandClock(DateTime<Utc>, Arc<AtomicI64>);

impl HandClock {
    /// It stands at this time.
    #[must_use]
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(start, Arc::default())
    }

    /// It goes on.
    pub fn moves_by(&self, seconds: i64) {
        self.1.fetch_add(seconds, Ordering::Relaxed);
    }

    fn clock(&self) -> Clock {
        let Self(start, seconds) = self.clone();
        Clock::of(move || start + TimeDelta::seconds(seconds.load(Ordering::Relaxed)))
    }

    /// The API with this clock, also for what it knows of the tables.
    #[must_use]
    pub fn of(&self, app: &App) -> App {
        let mut state = app.state.clone();
        state.clock = self.clock();
        state.db = state.db.with_clock(self.clock());
        App::with_state(Arc::clone(&app.database), app.now, state)
    }
}
