//! What must not be seen: addresses that whoever knows them may post to, and keys.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use tokio::sync::Mutex;
use traceability_core::environment::Environment;

use crate::aws::{Aws, reason};
use crate::state::SendError;

/// A secret text. It shows itself nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for its use.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

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
    environment: BTreeMap<String, Secret>,
    arn: Option<String>,
    known: Mutex<Option<BTreeMap<String, Secret>>>,
}

impl Secrets {
    /// Keeps the variables that are referred to, and remembers where the others are.
    #[must_use]
    pub fn of<'w>(environment: &Environment, all: impl IntoIterator<Item = &'w SecretRef>) -> Self {
        let named = all.into_iter().filter_map(|whereabouts| match whereabouts {
            SecretRef::Env(name) => Some((name.clone(), Secret::new(environment.get(name)?))),
            SecretRef::Secret(_) => None,
        });
        let arn = environment.get("REPORT_SECRET_ARN").map(str::to_owned);
        Self { environment: named.collect(), arn, known: Mutex::default() }
    }

    /// Whether a secret can be looked up at all.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self, whereabouts: &SecretRef) -> Result<(), String> {
        match whereabouts {
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
    pub async fn find(&self, whereabouts: &SecretRef, aws: &Aws) -> Result<Secret, SendError> {
        let refused = |reason: String| SendError::Refused(reason);
        match whereabouts {
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

    async fn read(&self, aws: &Aws) -> Result<BTreeMap<String, Secret>, String> {
        let arn = self.arn.as_deref().ok_or("REPORT_SECRET_ARN is not set")?;
        let client = aws.secrets().await;
        let secret = client.get_secret_value().secret_id(arn).send().await;
        let secret =
            secret.map_err(|error| format!("the secret of REPORT_SECRET_ARN cannot be read: {}", reason(&error)))?;
        let text = secret.secret_string().unwrap_or_default();
        // The text of serde's error could quote the secret.
        let fields: BTreeMap<String, String> = serde_json::from_str(text)
            .map_err(|_| "the secret of REPORT_SECRET_ARN must be a JSON object of names and texts")?;
        Ok(fields.into_iter().map(|(name, text)| (name, Secret::new(text))).collect())
    }
}
