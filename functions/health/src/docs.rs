//! `GET /openapi.json`, `/docs` and `/redoc`

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use http::HeaderName;
use http::header::CONTENT_TYPE;
use traceability_http::params::NoQuery;
use traceability_http::{AppState, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The document of the whole API. It is committed, so that this function need not carry the others' code to describe
/// them; a test holds it up to date.
const OPENAPI: &str = include_str!("../openapi.json");

/// Describe the API
///
/// This document, OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "health",
    responses(
        (status = 200, description = "The document", body = Object, content_type = "application/json"),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_openapi(_: NoQuery) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

/// The pages for people. Their assets are part of the binary: they work without a network.
pub(crate) fn pages() -> OpenApiRouter<AppState> {
    let config =
        Config::new(["/openapi.json"]).use_base_layout().try_it_out_enabled(true).display_request_duration(true);
    let swagger: Router<AppState> = SwaggerUi::new("/docs").config(config).into();
    OpenApiRouter::from(swagger.route("/redoc", get(async || Redirect::permanent("/docs"))))
}
