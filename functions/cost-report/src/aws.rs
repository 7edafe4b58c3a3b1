//! What is asked of AWS, and how its refusals are told.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::ConnectorError;
use tokio::sync::OnceCell;

use crate::settings::DeliveryGuarantee;
use crate::state::SendError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// AWS as the environment describes it. Nothing is read before it is needed.
#[derive(Debug, Default)]
pub struct Aws(OnceCell<SdkConfig>);

impl Aws {
    /// AWS as this says.
    pub async fn of(loader: ConfigLoader) -> Self {
        Self(OnceCell::from(load(loader).await))
    }

    async fn config(&self) -> &SdkConfig {
        self.0.get_or_init(|| load(aws_config::defaults(BehaviorVersion::latest()))).await
    }

    /// The region, where it is known.
    pub async fn region(&self) -> Option<String> {
        self.config().await.region().map(ToString::to_string)
    }

    /// A client of S3.
    pub async fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(self.config().await)
    }

    /// A client of Secrets Manager.
    pub async fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(self.config().await)
    }

    /// A client of SNS.
    pub async fn sns(&self, guarantee: DeliveryGuarantee) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.sending(guarantee).await)
    }

    /// A client of SES.
    pub async fn ses(&self, guarantee: DeliveryGuarantee) -> aws_sdk_sesv2::Client {
        aws_sdk_sesv2::Client::new(&self.sending(guarantee).await)
    }

    /// The SDK repeats what was not answered, which a target that wants a message at most once cannot have.
    async fn sending(&self, guarantee: DeliveryGuarantee) -> SdkConfig {
        let config = self.config().await;
        match guarantee {
            DeliveryGuarantee::AtLeastOnce => config.clone(),
            DeliveryGuarantee::AtMostOnce => config.to_builder().retry_config(RetryConfig::disabled()).build(),
        }
    }
}

async fn load(loader: ConfigLoader) -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    loader.http_client(https).timeout_config(timeouts).load().await
}

/// Why AWS did not do it, in words for a log: its own, without what was sent.
pub fn reason<E: ProvideErrorMetadata + Error + 'static, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(error) => match (error.err().code(), error.err().message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => "AWS refuses without a reason".into(),
        },
        SdkError::ConstructionFailure(_) => "the request cannot be made: check credentials and region".into(),
        SdkError::TimeoutError(_) => "no answer in time".into(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no answer in time".into(),
        SdkError::DispatchFailure(failure) if failure.is_io() => "AWS cannot be reached".into(),
        SdkError::DispatchFailure(_) => "the request cannot be sent: check credentials and region".into(),
        _ => "an answer that is not understood".into(),
    }
}

/// Whether a message that AWS did not confirm may have gone out.
pub fn send_error<E: ProvideErrorMetadata + Error + 'static, R>(error: &SdkError<E, R>) -> SendError {
    let reason = reason(error);
    match error {
        SdkError::ServiceError(_) | SdkError::ConstructionFailure(_) => SendError::Refused(reason),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) if never_connected(error) => SendError::Refused(reason),
            // No credentials, for example: nothing was sent.
            _ if failure.is_user() || failure.is_other() => SendError::Refused(reason),
            _ => SendError::Unsure(reason),
        },
        _ => SendError::Unsure(reason),
    }
}

/// Whether the connection was never made, so that nothing can have arrived.
#[must_use]
pub fn never_connected(error: &ConnectorError) -> bool {
    let first: Option<&(dyn Error + 'static)> = error.source();
    let mut causes = std::iter::successors(first, |error| (*error).source());
    causes.any(|error| {
        error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
    })
}
