//! The Lambda entry of the requests function.

use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    traceability::lambda::run(requests::router()).await
}
