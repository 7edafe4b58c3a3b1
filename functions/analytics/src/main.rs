//! The Lambda entry of the analytics function.

use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    traceability::lambda::run(analytics::router()).await
}
