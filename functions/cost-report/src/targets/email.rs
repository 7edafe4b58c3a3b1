//! A mail by SES: HTML, and the same as text.

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as Mail};

use super::{DeliveryContext, Message, Sender};
use crate::aws::send_error;
use crate::settings::Target;
use crate::state::SendError;

/// A mail to these addresses.
pub(super) struct Email<'a> {
    pub(super) target: &'a Target,
    pub(super) from: &'a str,
    pub(super) to: &'a [String],
}

impl Sender for Email<'_> {
    async fn send(&self, context: &DeliveryContext<'_>, message: &Message) -> Result<(), SendError> {
        let Self { target, from, to } = *self;
        let utf8 = |text: &str| {
            // Never: there is a text.
            let none = |_| SendError::Refused("the mail has a part that is none".into());
            Content::builder().data(text).charset("UTF-8").build().map_err(none)
        };
        let body = Body::builder().text(utf8(message.text.as_deref().unwrap_or(&message.plain()))?);
        let body = match &message.html {
            Some(html) => body.html(utf8(html)?),
            None => body,
        };
        let mail = Mail::builder().subject(utf8(&one_line(&message.title))?).body(body.build()).build();
        let client = context.aws.ses(target.guarantee).await;
        let sent = client
            .send_email()
            .from_email_address(from)
            .destination(Destination::builder().set_to_addresses(Some(to.to_vec())).build())
            .content(EmailContent::builder().simple(mail).build())
            .send()
            .await;
        sent.map(|_| ()).map_err(|error| send_error(&error))
    }
}

/// A line break in a subject would be the end of it.
fn one_line(title: &str) -> String {
    title.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(super::one_line("a\r\nBcc: b\tc"), "a Bcc: b c");
    }
}
