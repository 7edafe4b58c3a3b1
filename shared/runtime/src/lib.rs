//! What a process of this service needs, whatever it does: [`telemetry`], and running a scheduled [`job`] on AWS Lambda.

pub mod job;
pub mod telemetry;

/// Whether Lambda has started this process.
#[must_use]
pub fn is_on_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}
