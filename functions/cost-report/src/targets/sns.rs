//! A topic of SNS: a short text with the link.

use aws_sdk_sns::types::MessageAttributeValue;

use super::{DeliveryContext, Message, Sender};
use crate::aws::send_error;
use crate::settings::Target;
use crate::state::SendError;

/// SNS takes no longer subject, and no other characters in it: mail servers would not, either.
const LONGEST_SUBJECT: usize = 99;

/// A topic of SNS.
pub(super) struct Sns<'a> {
    pub(super) target: &'a Target,
    pub(super) topic_arn: &'a str,
}

impl Sender for Sns<'_> {
    async fn send(&self, context: &DeliveryContext<'_>, message: &Message) -> Result<(), SendError> {
        let Self { target, topic_arn } = *self;
        let attribute = |text: &str| {
            MessageAttributeValue::builder().data_type("String").string_value(text).build().map_err(|_| {
                // Never: both fields are there.
                SendError::Refused("the message has an attribute that is none".into())
            })
        };
        let client = context.aws.sns(target.guarantee).await;
        let publish = client
            .publish()
            .topic_arn(topic_arn)
            .subject(subject(&message.title))
            .message(message.plain())
            .message_attributes("id", attribute(&message.id)?)
            .message_attributes("type", attribute(message.kind)?);
        // Such a topic drops what it has had within five minutes by itself.
        let is_fifo = topic_arn.strip_suffix(".fifo").is_some();
        let publish = if is_fifo {
            publish.message_group_id(&target.name).message_deduplication_id(&message.id)
        } else {
            publish
        };
        publish.send().await.map(|_| ()).map_err(|error| send_error(&error))
    }
}

fn subject(title: &str) -> String {
    let printable = title.chars().map(|letter| match letter {
        '–' | '—' => '-',
        ' '..='~' => letter,
        _ => '?',
    });
    let subject: String = printable.take(LONGEST_SUBJECT).collect();
    // It has to begin with a letter, a digit or a sign.
    if subject.starts_with(' ') { format!("-{}", subject.trim_start()) } else { subject }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_short_and_plain() {
        assert_eq!(subject("LLM cost, 16–22 November: $12.50"), "LLM cost, 16-22 November: $12.50");
        assert_eq!(subject("Günther\n😀"), "G?nther??");
        assert_eq!(subject(&"x".repeat(300)).len(), 99);
        assert_eq!(subject("  x"), "-x");
    }
}
