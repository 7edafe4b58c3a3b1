//! Opaque page tokens that carry all that a list needs to go on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::ParameterProblem;

/// A token, as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

/// The format of the token; another one is refused, not misread.
const VERSION: &str = "1";
const CHECK_BYTES: usize = 12;
/// Room for a request id of 8,000 bytes and the positions that a conversation carries.
const MAX_LENGTH: usize = 14_000;

impl Cursor {
    /// The token for `position` in the list that `query` names: the endpoint with its filters and its order. The check
    /// sum ties the token to that list, so that a cursor of other filters cannot skip or repeat items unnoticed.
    #[must_use]
    pub fn encode(query: &impl Serialize, position: &impl Serialize) -> String {
        let payload = serde_json::to_vec(position).unwrap_or_default();
        let mut token = check(query, &payload).to_vec();
        token.extend_from_slice(&payload);
        format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(token))
    }

    /// The position that the token carries.
    ///
    /// # Errors
    /// [`ParameterProblem`], when the token was altered or belongs to another list.
    pub fn decode<T: DeserializeOwned>(&self, query: &impl Serialize) -> Result<T, ParameterProblem> {
        self.try_decode(query).ok_or_else(|| {
            ParameterProblem::new(
                "cursor",
                "is not a cursor of this list: take it from the Link header as it is, and keep the other parameters",
            )
        })
    }

    fn try_decode<T: DeserializeOwned>(&self, query: &impl Serialize) -> Option<T> {
        if self.0.len() > MAX_LENGTH {
            return None;
        }
        let token = URL_SAFE_NO_PAD.decode(self.0.strip_prefix(VERSION)?).ok()?;
        let (sum, payload) = token.split_at_checked(CHECK_BYTES)?;
        if check(query, payload) != sum {
            return None;
        }
        serde_json::from_slice(payload).ok()
    }
}

fn check(query: &impl Serialize, payload: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hash = Sha256::new();
    let query = serde_json::to_vec(query).unwrap_or_default();
    hash.update(query.len().to_le_bytes());
    hash.update(query);
    hash.update(payload);
    let digest = hash.finalize();
    let mut sum = [0; CHECK_BYTES];
    sum.copy_from_slice(&digest[..CHECK_BYTES]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_brings_back_its_position(query: String, time: i64, id: String) {
            let cursor = Cursor(Cursor::encode(&query, &(time, &id)));
            prop_assert_eq!(cursor.decode::<(i64, String)>(&query).ok(), Some((time, id)));
        }

        #[test]
        fn a_cursor_of_another_query_is_refused(a: String, b: String, position: i64) {
            prop_assume!(a != b);
            let cursor = Cursor(Cursor::encode(&a, &position));
            prop_assert!(cursor.decode::<i64>(&b).is_err());
        }

        #[test]
        fn an_altered_cursor_is_refused(id: String, at: prop::sample::Index, with in "[A-Za-z0-9_-]") {
            let token = Cursor::encode(&"q", &id);
            let at = at.index(token.len());
            let altered = format!("{}{with}{}", &token[..at], &token[at + 1..]);
            prop_assume!(altered != token);
            prop_assert!(Cursor(altered).decode::<String>(&"q").is_err());
        }

        #[test]
        fn any_text_is_refused(text: String) {
            prop_assert!(Cursor(text).decode::<serde_json::Value>(&"q").is_err());
        }
    }
}
