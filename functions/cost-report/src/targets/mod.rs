//! Bringing a message to a target.

mod email;
mod files;
mod slack;
mod sns;
pub mod webhook;

use std::fmt::Write as _;

use serde_json::Value;
use url::Url;

use self::email::Email;
use self::slack::Slack;
use self::sns::Sns;
use self::webhook::Webhook;
use crate::aws::Aws;
use crate::http::HttpClient;
use crate::rendered_report::RenderedReport;
use crate::secret::Secrets;
use crate::settings::{Kind, Target};
use crate::state::{SendError, Store};

/// What a target gets to read.
#[derive(Debug, Clone)]
pub struct Message {
    /// What tells it from every other message: the same however often it is sent.
    pub id: String,
    /// `cost_report` or `budget_alert`.
    pub kind: &'static str,
    /// One line.
    pub title: String,
    /// What matters most, a line each.
    pub lines: Vec<String>,
    /// Where there is more.
    pub link: Option<Url>,
    /// As a document of its own, for mail clients.
    pub html: Option<String>,
    /// As text, for mail clients that show none.
    pub text: Option<String>,
    /// For programs.
    pub data: Value,
}

impl Message {
    /// As plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for line in &self.lines {
            let _ = write!(text, "\n{line}");
        }
        if let Some(link) = &self.link {
            let _ = write!(text, "\n\n{link}");
        }
        text.push('\n');
        text
    }
}

/// A way to bring a message to somebody.
trait Sender {
    /// Sends a message.
    ///
    /// # Errors
    /// Why it was not sent.
    async fn send(&self, context: &DeliveryContext<'_>, message: &Message) -> Result<(), SendError>;
}

/// What delivering needs.
#[derive(Debug)]
pub struct DeliveryContext<'a> {
    /// AWS.
    pub aws: &'a Aws,
    /// The web.
    pub http: &'a HttpClient,
    /// Addresses and keys.
    pub secrets: &'a Secrets,
    /// Where reports are kept.
    pub store: &'a Store,
}

impl DeliveryContext<'_> {
    /// Sends a message.
    ///
    /// # Errors
    /// Why it was not sent.
    pub async fn send(&self, target: &Target, message: &Message) -> Result<(), SendError> {
        match &target.kind {
            // What is in the bucket is the message.
            Kind::S3 { .. } => Ok(()),
            Kind::Sns { topic_arn } => Box::pin(Sns { target, topic_arn }.send(self, message)).await,
            Kind::Email { from, to } => Box::pin(Email { target, from, to }.send(self, message)).await,
            Kind::Slack { url } => Box::pin(Slack { target, url }.send(self, message)).await,
            Kind::Webhook { url, key } => Box::pin(Webhook { target, url, key }.send(self, message)).await,
        }
    }

    /// Writes a report's files, under a folder of the bucket.
    ///
    /// # Errors
    /// Why they are not there.
    pub async fn upload_files(
        &self,
        bucket: Option<&str>,
        folder: &str,
        report: &RenderedReport,
    ) -> Result<(), SendError> {
        files::send(self, bucket, folder, report).await
    }
}
