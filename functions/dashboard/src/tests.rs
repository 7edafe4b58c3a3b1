//! The page is served as its rules say, and is what its sources make.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use traceability_core::environment::Environment;

use crate::{Dashboard, router};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// Those of `ui/` that decide what is built; the rest are tests and lints. `ui/build/finish.mjs` has the same list.
const SOURCES: [&str; 7] =
    ["build", "index.html", "package-lock.json", "package.json", "public", "src", "vite.config.ts"];
/// Written anew by each build, from the API's document: types alone, of which nothing is left in the page.
const GENERATED: &str = "src/api/schema.ts";

async fn ask(settings: &[(&str, &str)], path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let environment: Environment = settings.iter().copied().collect();
    let dashboard = Dashboard::from_environment(&environment).expect("settings");
    let (routes, _) = router::<()>(&dashboard).split_for_parts();
    let routes: Router = routes;
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = routes.oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes().to_vec();
    (parts.status, parts.headers, body)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn the_assets_are_built_from_these_sources() {
    let ui = Path::new(FOLDER).join("ui");
    let mut found = Vec::new();
    for source in SOURCES {
        let path = ui.join(source);
        if path.is_dir() { files(&path, &mut found) } else { found.push(path) }
    }
    let hashes: BTreeMap<String, String> = found
        .iter()
        .map(|path| (path.strip_prefix(&ui).expect("below ui").to_str().expect("a name").replace('\\', "/"), path))
        .filter(|(name, _)| name != GENERATED)
        .map(|(name, path)| (name, hex::encode(Sha256::digest(fs::read(path).expect("a file")))))
        .collect();
    let list = hashes.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect::<Vec<_>>().concat();
    let built_from = fs::read_to_string(Path::new(FOLDER).join("assets/sources.sha256")).expect("a hash");
    assert_eq!(
        built_from.trim(),
        hex::encode(Sha256::digest(list)),
        "functions/dashboard/assets is not built from these sources: run `make ui` and commit it"
    );
}

#[tokio::test]
async fn every_address_of_the_page_is_the_page() {
    let (_, _, page) = ask(&[], "/dashboard", &[]).await;
    for path in
        ["/dashboard/", "/dashboard/sessions", "/dashboard/sessions/a%2Fb%3Cscript%3E", "/dashboard/no/such/page"]
    {
        let (status, headers, body) = ask(&[], path, &[]).await;
        assert_eq!((status, &body), (StatusCode::OK, &page), "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(
            headers[header::CONTENT_SECURITY_POLICY],
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri \
             'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        );
        let tag = headers[header::ETAG].to_str().expect("text").to_owned();
        let (status, headers, body) = ask(&[], path, &[("if-none-match", &tag)]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY));
    }
}

#[tokio::test]
async fn what_the_page_loads_is_there_for_ever_and_compressed() {
    let (_, _, page) = ask(&[], "/dashboard", &[]).await;
    let page = String::from_utf8(page).expect("text");
    assert!(!page.contains("<style") && !page.contains("<script>"), "the policy allows no inline code");
    let addresses: Vec<_> = page.split('"').filter(|part| part.starts_with("/dashboard/assets/")).collect();
    assert!(addresses.len() >= 2, "a script and a style sheet: {page}");
    for address in addresses {
        let (status, headers, plain) = ask(&[], address, &[]).await;
        assert_eq!(
            (status, &headers[header::CACHE_CONTROL]),
            (StatusCode::OK, &"public, max-age=31536000, immutable".parse().expect("a value"))
        );
        let (_, headers, small) = ask(&[], address, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(headers[header::CONTENT_ENCODING], "br");
        assert!(2 * small.len() < plain.len(), "{address} is not compressed");
    }
    for missing in
        ["/dashboard/assets/no.js", "/dashboard/assets/..%2Fsources.sha256", "/dashboard/assets/index.html.br"]
    {
        assert_eq!(ask(&[], missing, &[]).await.0, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn a_login_by_the_company_is_told_to_the_page_and_allowed_by_its_policy() {
    let settings = [
        ("AUTH_MODE", "jwt,litellm"),
        ("JWT_ISSUER", "https://login.example.com/realms/a"),
        ("DASHBOARD_OIDC_CLIENT_ID", "dashboard"),
        ("JWT_AUDIENCE", "llm-traceability"),
    ];
    let (_, _, config) = ask(&settings, "/dashboard/config.json", &[]).await;
    let config: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
    let oidc = serde_json::json!({"issuer": "https://login.example.com/realms/a", "client_id": "dashboard",
        "scope": "openid", "token": "access_token", "audience": null});
    assert_eq!(config, serde_json::json!({"login": ["jwt", "litellm"], "oidc": oidc}));
    let (_, headers, _) = ask(&settings, "/dashboard", &[]).await;
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.contains("connect-src 'self' https://login.example.com;"), "{policy}");
}
