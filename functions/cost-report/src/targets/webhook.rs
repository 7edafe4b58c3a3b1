//! A program of one's own: JSON, signed as Standard Webhooks has it, so that libraries of many languages verify it.
//!
//! Three headers go with a message: `webhook-id`, by which a receiver knows one that it has had already; the seconds since
//! 1970 in `webhook-timestamp`; and `webhook-signature`, `v1,` and the base64 of the HMAC-SHA256 over
//! `<id>.<timestamp>.<body>`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::hmac::{HMAC_SHA256, Key, sign};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::{DeliveryContext, Message, Sender};
use crate::secret::SecretRef;
use crate::settings::Target;
use crate::state::SendError;

/// Fewer bytes could be guessed.
const SHORTEST_KEY: usize = 24;

/// A program that verifies signatures by this key.
pub(super) struct Webhook<'a> {
    pub(super) target: &'a Target,
    pub(super) url: &'a SecretRef,
    pub(super) key: &'a SecretRef,
}

impl Sender for Webhook<'_> {
    async fn send(&self, context: &DeliveryContext<'_>, message: &Message) -> Result<(), SendError> {
        let Self { target, url, key } = *self;
        let url = context.secrets.find(url, context.aws).await?;
        let key = context.secrets.find(key, context.aws).await?;
        let key = Signer::new(&key).map_err(|reason| SendError::Refused(reason.into()))?;
        let body = json!({
            "id": message.id,
            "type": message.kind,
            "target": target.name,
            "title": message.title,
            "lines": message.lines,
            "link": message.link.as_ref().map(Url::as_str),
            "data": message.data,
        })
        .to_string();
        // Signed anew for each attempt: a receiver refuses what was signed long ago.
        let headers = || {
            let now = Utc::now();
            let signature = key.sign(&message.id, now, &body);
            let timestamp = now.timestamp().to_string();
            vec![("webhook-id", message.id.clone()), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
        };
        context.http.post(&url, &body, target.guarantee, headers).await
    }
}

/// Signs messages.
struct Signer(Key);

impl Signer {
    /// A key is `whsec_` and base64, as Standard Webhooks has it, or any other text.
    fn new(key: &SecretString) -> Result<Self, &'static str> {
        let bytes = match key.expose_secret().strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| "its key must have base64 after whsec_")?,
            None => key.expose_secret().as_bytes().to_vec(),
        };
        if bytes.len() < SHORTEST_KEY {
            return Err("its key must have at least 24 bytes");
        }
        Ok(Self(Key::new(HMAC_SHA256, &bytes)))
    }

    fn sign(&self, id: &str, now: DateTime<Utc>, body: &str) -> String {
        let signature = sign(&self.0, format!("{id}.{}.{body}", now.timestamp()).as_bytes());
        format!("v1,{}", STANDARD.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let signer = Signer::new(&SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).expect("a key");
        let now = DateTime::from_timestamp(1_614_265_330, 0).expect("a time");
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", now, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_is_long_enough() {
        for bad in ["short", "whsec_c2hvcnQ=", "whsec_???"] {
            assert!(Signer::new(&SecretString::from(bad)).is_err(), "{bad}");
        }
        assert!(Signer::new(&SecretString::from("a text of twenty-four bytes")).is_ok());
    }
}
