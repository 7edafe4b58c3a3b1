//! The Lambda entry of the health function.

use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    traceability::lambda::run(health::router()).await
}
