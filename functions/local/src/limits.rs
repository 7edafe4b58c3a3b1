//! What the local server gives its clients: how many connections, for how long, and how much memory for their answers.

use std::time::Duration;

/// The limits of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are open at once. Further clients wait to be accepted.
    pub connections: usize,
    /// How long a connection may have no request under way: before the first, between two, or while the head of one is
    /// not complete.
    pub idle: Duration,
    /// The same while as many connections are open as may be.
    pub idle_when_full: Duration,
    /// How long a client may take for the next 64 KiB of an answer.
    pub stall: Duration,
    /// How many bytes of an answer a client has to read in a second, on average, after the time of `stall`.
    pub slowest_reader: u32,
    /// How many bytes answers may have together that clients have not read yet; answers of up to 64 KiB do not count. One
    /// answer is delivered in any case.
    pub unread_bytes: usize,
    /// How long requests that are under way may take when the server is told to stop.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            idle: Duration::from_secs(30),
            idle_when_full: Duration::from_secs(1),
            stall: Duration::from_secs(30),
            slowest_reader: 32 * 1024,
            unread_bytes: 256 * 1024 * 1024,
            // Longer than a request takes, and shorter than the 10 s after which Docker ends a container by force.
            shutdown: Duration::from_secs(8),
        }
    }
}

impl Limits {
    /// How often to look whether a connection has lasted too long.
    pub(crate) fn look_every(&self) -> Duration {
        let shortest = self.idle.min(self.idle_when_full).min(self.stall);
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_millis(250))
    }
}
