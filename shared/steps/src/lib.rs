//! What is computed of a session's steps, which are its requests in the order of their start. Pure functions: no I/O, no SQL,
//! no content.
//!
//! | module | holds |
//! |---|---|
//! | [`span`] | from when to when a step ran |
//! | [`lanes`] | which steps run beside each other |
//! | [`idle`] | when none ran, and how long at least one did |
//! | [`pairs`] | which step of one session stands beside which of another |
//! | [`repeated`] | how much of a prompt an earlier step had sent, by the numbers of tokens |

pub mod idle;
pub mod lanes;
pub mod pairs;
pub mod repeated;
pub mod span;

pub use idle::{IdleGap, busy, idle_gaps};
pub use lanes::lanes;
pub use pairs::{Pair, StepKey, pairs};
pub use repeated::{Prompt, repeated_percent, repeated_tokens};
pub use span::{Span, seconds};
