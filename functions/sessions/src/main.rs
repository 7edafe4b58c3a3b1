//! The Lambda entry of the sessions function.

use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    traceability::lambda::run(sessions::router()).await
}
