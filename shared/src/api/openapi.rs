//! The base of the API document: what all endpoints have in common.

use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

use super::state::AppState;

const DESCRIPTION: &str = "\
Sessions, requests, costs and usage out of LiteLLM's spend logs, read straight from the table that LiteLLM writes.\n\n\
* Times are RFC 3339 with `Z`; a parameter may have another offset (none means UTC) or be a date, which begins in \
`timezone`. Windows are half-open: `end_date` does not belong to them.\n\
* Rates are percentages from 0 to 100, `*_seconds` and `avg_response_time` are seconds, costs are US dollars.\n\
* Lists are JSON arrays; the next page is in the `Link` header (`rel=\"next\"`).\n\
* Errors are problem documents (RFC 9457). An unknown parameter is an error, so that a misspelt filter never widens a \
result.";

/// The groups, in the order in which people need them.
const TAGS: [(&str, &str); 4] = [
    ("sessions", "What happened in a session, message by message, and which sessions there were"),
    ("analytics", "Which agent, user, team or model costs what, and since when"),
    ("requests", "Single requests"),
    ("health", "The service itself"),
];

/// The document of these routes.
#[must_use]
pub fn document(router: OpenApiRouter<AppState>) -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("LLM Traceability API")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
                .build(),
        )
        .tags(Some(TAGS.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build())))
        .build();
    document.merge(router.into_openapi());
    document
}
