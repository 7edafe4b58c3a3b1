//! What must not be seen: addresses that whoever knows them may post to, and keys.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Mutex;
use traceability_core::environment::Environment;

use crate::aws::{Aws, reason};
use crate::state::SendError;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretRef {
    /// A variable of the environment.
    Env(String),
    /// A field of the secret of `REPORT_SECRET_ARN`, which is a JSON object.
    Secret(String),
}

/// Looks secrets up.
#[derive(Debug)]
pub struct Secrets {
    environment: BTreeMap<String, SecretString>,
    arn: Option<String>,
    known: Mutex<Option<BTreeMap<String, SecretString>>>,
}

impl Secrets {
    /// Keeps the variables that are referred to, and remembers where the others are.
    #[must_use]
    pub fn of<'w>(environment: &Environment, all: impl IntoIterator<Item = &'w SecretRef>) -> Self {
        let named = all.into_iter().filter_map(|reference| match reference {
            SecretRef::Env(name) => Some((name.clone(), SecretString::from(environment.get(name)?))),
            SecretRef::Secret(_) => None,
        });
        let arn = environment.get("REPORT_SECRET_ARN").map(str::to_owned);
        Self { environment: named.collect(), arn, known: Mutex::default() }
    }

    /// Whether a secret can be looked up at all.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self, reference: &SecretRef) -> Result<(), String> {
        match reference {
            SecretRef::Env(name) if !self.environment.contains_key(name) => {
                Err(format!("the variable {name} is not set"))
            }
            SecretRef::Secret(_) if self.arn.is_none() => {
                Err("REPORT_SECRET_ARN is not set, which names the secret with its fields".into())
            }
            _ => Ok(()),
        }
    }

    /// The secret. That of Secrets Manager is read once for each run, so that a rotation is noticed.
    ///
    /// # Errors
    /// Why it cannot be had: nothing was sent.
    pub async fn find(&self, reference: &SecretRef, aws: &Aws) -> Result<SecretString, SendError> {
        let refused = |reason: String| SendError::Refused(reason);
        match reference {
            SecretRef::Env(name) => {
                let found = self.environment.get(name).cloned();
                found.ok_or_else(|| refused(format!("the variable {name} is not set")))
            }
            SecretRef::Secret(field) => {
                let mut known = self.known.lock().await;
                let fields = match known.as_ref() {
                    Some(fields) => fields,
                    None => known.insert(self.read(aws).await.map_err(refused)?),
                };
                let found = fields.get(field).cloned();
                found.ok_or_else(|| refused(format!("the secret of REPORT_SECRET_ARN has no field {field}")))
            }
        }
    }

    /// Reads them anew the next time.
    pub async fn forget(&self) {
        *self.known.lock().await = None;
    }

    async fn read(&self, aws: &Aws) -> Result<BTreeMap<String, SecretString>, String> {
        let arn = self.arn.as_deref().ok_or("REPORT_SECRET_ARN is not set")?;
        let client = aws.secrets().await;
        let secret = client.get_secret_value().secret_id(arn).send().await;
        let secret =
            secret.map_err(|error| format!("the secret of REPORT_SECRET_ARN cannot be read: {}", reason(&error)))?;
        let text = secret.secret_string().unwrap_or_default();
        // The text of serde's error could quote the secret.
        let fields: BTreeMap<String, String> = serde_json::from_str(text)
            .map_err(|_| "the secret of REPORT_SECRET_ARN must be a JSON object of names and texts")?;
        Ok(fields.into_iter().map(|(name, text)| (name, SecretString::from(text))).collect())
    }
}
