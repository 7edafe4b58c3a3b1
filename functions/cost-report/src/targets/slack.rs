//! A message in Slack, by an incoming webhook.

use serde_json::{Value, json};

use super::{DeliveryContext, Message, Sender};
use crate::secret::SecretRef;
use crate::settings::Target;
use crate::state::SendError;

/// Slack takes 3,000 characters in a section, and 150 in a heading.
const LONGEST_SECTION: usize = 2_900;
const LONGEST_HEADING: usize = 150;

/// An incoming webhook of Slack.
pub(super) struct Slack<'a> {
    pub(super) target: &'a Target,
    pub(super) url: &'a SecretRef,
}

impl Sender for Slack<'_> {
    async fn send(&self, context: &DeliveryContext<'_>, message: &Message) -> Result<(), SendError> {
        let Self { target, url } = *self;
        let url = context.secrets.find(url, context.aws).await?;
        context.http.post(&url, &body(message).to_string(), target.guarantee, Vec::new).await
    }
}

fn body(message: &Message) -> Value {
    let heading: String = message.title.chars().take(LONGEST_HEADING).collect();
    let mut blocks = vec![json!({"type": "header", "text": {"type": "plain_text", "text": heading}})];
    let mut section = String::new();
    for line in message.lines.iter().map(|line| escaped(line)) {
        if section.chars().count() + line.chars().count() > LONGEST_SECTION {
            break;
        }
        section.push_str(&line);
        section.push('\n');
    }
    if !section.is_empty() {
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": section, "verbatim": true}}));
    }
    if let Some(link) = &message.link {
        // No button: one would want an app that answers to it.
        let text = format!("<{}|Open the report>", escaped(link.as_str()));
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}));
    }
    // The text is what a notification shows.
    json!({"text": escaped(&message.title), "blocks": blocks, "unfurl_links": false})
}

/// As Slack wants what is no markup of its own. A name in the log could otherwise call everybody in the channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        let message = Message {
            id: "x".into(),
            kind: "cost_report",
            title: "Cost <!channel>".into(),
            lines: vec!["Dearest team: <!here> & co".into(), "y".repeat(5_000)],
            link: Some("https://traces.example.com/?a=1&b=2".parse().expect("a URL")),
            html: None,
            text: None,
            data: Value::Null,
        };
        let body = body(&message);
        assert_eq!(body["text"], "Cost &lt;!channel&gt;");
        assert_eq!(body["blocks"][1]["text"]["text"], "Dearest team: &lt;!here&gt; &amp; co\n");
        let link = "<https://traces.example.com/?a=1&amp;b=2|Open the report>";
        assert_eq!(body["blocks"][2]["elements"][0]["text"], link);
    }
}
