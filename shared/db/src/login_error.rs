//! Why there is no login.

/// Why there is no login at the moment. Names what is missing, never what is secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoginError(String);

impl LoginError {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<LoginError> for sqlx::Error {
    fn from(error: LoginError) -> Self {
        Self::Configuration(Box::new(error))
    }
}
