//! Analytics: what costs what, and since when.

mod agents;
mod cost_breakdown;
mod models;
mod overview;
mod params;
mod usage_trends;

use traceability::api::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this function.
#[must_use]
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overview::get_overview))
        .routes(routes!(agents::list_agents))
        .routes(routes!(models::list_models))
        .routes(routes!(usage_trends::list_usage_trends))
        .routes(routes!(cost_breakdown::list_cost_breakdown))
}
