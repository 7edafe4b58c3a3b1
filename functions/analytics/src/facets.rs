//! `GET /api/v1/facets/{dimension}`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use traceability_core::dimension::Dimension;
use traceability_core::scalar::Text;
use traceability_http::filters::Filters;
use traceability_http::params::Query3;
use traceability_http::window::WindowParams;
use traceability_http::{ApiError, ApiResult, AppState, CachePolicy, Caller, PageSize, PathId, Problem};
use traceability_queries::Source;
use traceability_queries::analytics::{Facet, FacetQuery, Question, facets};
use utoipa::IntoParams;

/// Which values to return.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// What the values, or their labels, begin with, in whatever case.
    #[param(value_type = Option<String>)]
    prefix: Option<Text>,
    /// How many values to return, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    limit: PageSize,
}

/// List the values of a filter
///
/// The values of a dimension that requests of the window have, the most frequent first, each with its number of requests and
/// when it was last seen. A request with several tags or called tools counts for each of them; of `error_class`, only failed
/// requests count. For the values that other filters leave, send those, too.
#[utoipa::path(
    get,
    path = "/api/v1/facets/{dimension}",
    tag = "analytics",
    params(
        (
            "dimension" = String, Path,
            description = "`model`, `agent`, `user`, `end_user`, `team`, `key`, `provider`, `tag`, `tool` or `error_class`"
        ),
        WindowParams, Filters, Params
    ),
    responses(
        (status = 200, description = "The values", body = Vec<Facet>),
        (status = "4XX", description = "There is no such dimension, or a parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_facets(
    State(state): State<AppState>,
    caller: Caller,
    PathId(dimension): PathId,
    Query3(window, filters, params): Query3<WindowParams, Filters, Params>,
) -> ApiResult<(CachePolicy, Json<Vec<Facet>>)> {
    let dimension = named(&dimension)?;
    let question = Question::new(window.window(state.clock.now())?, filters.request_filter());
    let mut db = state.db.connect().await?;
    let question = question.with_key_hashes(&mut db.conn, &db.facts).await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let prefix = params.prefix.as_ref().map(|prefix| prefix.0.as_str());
    let query = FacetQuery { dimension, prefix, limit: params.limit.get() };
    let found = facets(&mut db.conn, source, &question, query).await?;
    Ok((window.cache_policy(), Json(found)))
}

/// The dimension with this name.
fn named(name: &str) -> Result<Dimension, ApiError> {
    let found = Dimension::ALL.into_iter().find(|dimension| dimension.word() == name);
    found.ok_or_else(|| {
        let known = Dimension::ALL.map(Dimension::word).join(", ");
        ApiError::NotFound(format!("There is no dimension with this name; there are: {known}."))
    })
}
