//! `GET /health/live`

use axum::Json;
use serde::Serialize;
use traceability_http::Problem;
use traceability_http::params::NoQuery;
use utoipa::ToSchema;

/// The service answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liveness {
    /// `alive`.
    #[schema(example = "alive")]
    status: &'static str,
}

/// Check liveness
///
/// Answers without asking the database.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    responses(
        (status = 200, description = "The service answers", body = Liveness),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_liveness(_: NoQuery) -> Json<Liveness> {
    Json(Liveness { status: "alive" })
}
