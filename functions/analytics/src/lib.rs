//! Analytics: what costs what, and since when.

mod agents;
mod answer;
mod buckets;
mod cost_breakdown;
mod errors;
mod facets;
mod latency;
mod models;
mod overview;
mod params;
mod previous;
mod sessions;
mod tools;
mod usage_trends;
mod users;

use traceability_http::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this function.
#[must_use]
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overview::get_overview))
        .routes(routes!(agents::list_agents))
        .routes(routes!(models::list_models))
        .routes(routes!(users::list_users))
        .routes(routes!(usage_trends::list_usage_trends))
        .routes(routes!(cost_breakdown::list_cost_breakdown))
        .routes(routes!(latency::list_latency))
        .routes(routes!(errors::list_errors))
        .routes(routes!(tools::list_tools))
        .routes(routes!(facets::list_facets))
        .routes(routes!(sessions::get_session_histograms))
}
