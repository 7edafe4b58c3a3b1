//! `GET /`

use axum::Json;
use serde::Serialize;
use traceability_http::Problem;
use traceability_http::params::NoQuery;
use utoipa::ToSchema;

/// Where things are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Root {
    /// The service's name.
    #[schema(example = "LLM Traceability API")]
    message: &'static str,
    /// The interactive documentation.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// The health check.
    #[schema(example = "/health")]
    health: &'static str,
}

/// Say what this is
///
/// The service's name, and where to go on.
#[utoipa::path(
    get,
    path = "/",
    tag = "health",
    responses(
        (status = 200, description = "The service", body = Root),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_root(_: NoQuery) -> Json<Root> {
    Json(Root { message: "LLM Traceability API", docs: "/docs", health: "/health" })
}
