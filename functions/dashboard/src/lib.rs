//! The dashboard: a page in the browser, and the settings that it has to know before anybody has logged in.
//!
//! The page asks the public API with the key of whoever looks at it. This function only hands out files: it has no
//! database and no rights.

mod assets;
mod headers;
mod page;
mod settings;
#[cfg(test)]
mod tests;

use axum::routing::get;
use http::HeaderMap;
use utoipa_axum::router::OpenApiRouter;

pub use settings::{Dashboard, Oidc};

/// The routes of this function. They are no operations of the API, and its document does not have them.
#[must_use]
pub fn router<S: Clone + Send + Sync + 'static>(dashboard: &Dashboard) -> OpenApiRouter<S> {
    let page = page::Page::new(dashboard);
    let index = page.clone();
    let show = get(async move |headers: HeaderMap| index.index(&headers));
    OpenApiRouter::new()
        .route("/dashboard", show.clone())
        .route("/dashboard/", show.clone())
        .route("/dashboard/config.json", get(async move || page.config()))
        .route("/dashboard/icon.svg", get(page::icon))
        .route("/dashboard/assets/{file}", get(page::asset))
        // The page itself knows its addresses, a session's for instance.
        .route("/dashboard/{*path}", show)
}
