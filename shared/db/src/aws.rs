//! What is asked of AWS: the secret with the login, and the credentials that sign a token.

use std::time::{Duration, SystemTime};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tokio::sync::OnceCell;
use traceability_core::error::causes;

use super::iam::Token;
use super::login_error::LoginError;
use super::rds;

/// A request waits three seconds for a connection; this is a part of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const OPERATION_TIMEOUT: Duration = Duration::from_millis(1_800);

/// AWS as the environment describes it. Nothing is read before it is needed, so that a function without AWS's help starts
/// as fast as ever.
#[derive(Default)]
pub(super) struct Aws(OnceCell<SdkConfig>);

impl Aws {
    async fn config(&self) -> &SdkConfig {
        let load = || async {
            let https =
                aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
            let timeouts =
                TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT).build();
            aws_config::defaults(BehaviorVersion::latest()).http_client(https).timeout_config(timeouts).load().await
        };
        self.0.get_or_init(load).await
    }

    /// The text of a secret.
    pub(super) async fn secret(&self, arn: &str) -> Result<String, LoginError> {
        let client = aws_sdk_secretsmanager::Client::new(self.config().await);
        let secret = client.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            let reason = match (error.code(), error.message()) {
                (Some(code), message) => format!("{code}: {}", message.unwrap_or("no message")),
                _ => causes(&error),
            };
            LoginError::new(format!("the secret of DATABASE_SECRET_ARN cannot be read: {reason}"))
        })?;
        let text = secret.secret_string().map(str::to_owned);
        text.ok_or_else(|| LoginError::new("the secret of DATABASE_SECRET_ARN is binary: keep it as text"))
    }

    /// A token for a user of an RDS server.
    pub(super) async fn rds_token(&self, host: &str, port: u16, user: &str) -> Result<Token, LoginError> {
        let config = self.config().await;
        let region = rds::region(host)
            .or(config.region().map(AsRef::as_ref))
            .ok_or_else(|| LoginError::new("the region of the database is not known: set AWS_REGION"))?;
        let provider = config
            .credentials_provider()
            .ok_or_else(|| LoginError::new("there are no AWS credentials to sign a token for RDS with"))?;
        let credentials = provider.provide_credentials().await.map_err(|error| {
            LoginError::new(format!("there are no AWS credentials to sign a token for RDS with: {}", causes(&error)))
        })?;
        Token::sign(host, port, user, region, &credentials, SystemTime::now())
    }
}
