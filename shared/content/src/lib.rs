//! What was said in a request, in one shape for every API and every release of LiteLLM.
//!
//! [`normalise`] reads what LiteLLM stored of a request into [`Message`]s. A [`Conversation`] then tells, over the
//! requests of a session, which messages of each prompt are new: a chat request repeats all that was said before it.
//!
//! None of it can be read outside of this crate before [`Content::disclose`] was told how much its reader may see.

mod alignment;
mod availability;
mod blocks;
mod branch_head;
mod call_kind;
pub mod calls;
mod chat;
mod content;
mod conversation;
mod credentials;
mod disclosure;
mod events;
mod fingerprint;
mod instructions;
mod json;
mod latest_turn;
mod marks;
mod media;
mod message;
mod metadata;
mod normalise;
mod other_apis;
mod outline;
mod parameters;
mod part;
mod prompt;
mod redaction;
mod response;
mod responses;
mod stored;
mod stream;
#[cfg(test)]
mod tests;
mod turn;
mod withheld;

pub use availability::{Availability, Reason, SideAvailability};
pub use call_kind::{History, repeats_history};
pub use content::Content;
pub use conversation::{Added, Conversation};
pub use credentials::RowKeys;
pub use disclosure::{Disclosed, Disclosure};
pub use message::{Message, Part, Source, ToolCall, Truncation};
pub use normalise::{normalise, normalise_with_sent};
pub use outline::{Call, Outline};
pub use parameters::bare_url;
pub use redaction::Redaction;
pub use stored::{PROMPTS, StoredContent};
pub use turn::Turn;
