//! The base of the API document: what all endpoints have in common.

mod generators;
mod operations;

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use self::operations::operations;
use super::caller::LITELLM_API_KEY;
use super::error::Problem;
use super::formats::{self, ExportFormat};
use super::state::AppState;
use crate::VERSION;

const DESCRIPTION: &str = "\
Sessions, requests, costs and usage out of LiteLLM's spend logs, read straight from the table that LiteLLM writes, or from \
an index of it.\n\n\
* Times are RFC 3339 with `Z`; a parameter may have another offset (none means UTC) or be a date, which begins in \
`timezone`. Windows are half-open: `end_date` does not belong to them.\n\
* Rates are percentages from 0 to 100, `*_seconds` and `avg_response_time` are seconds, costs are US dollars.\n\
* Lists are JSON arrays; the next page is in the `Link` header (`rel=\"next\"`), its cursor also in `X-Next-Cursor`.\n\
* Errors are problem documents (RFC 9457). An unknown parameter is an error, so that a misspelt filter never widens a \
result.\n\
* Callers see their own part of the log, in every list, count, sum and percentage: what LiteLLM would let them see. The \
text of messages is a right of its own (`content_unavailable_reason: not_permitted`).";

/// The groups, in the order in which people need them.
const TAGS: [(&str, &str); 6] = [
    ("sessions", "What happened in a session, message by message, and which sessions there were"),
    ("analytics", "Which agent, user, team or model costs what, and since when"),
    ("requests", "Single requests"),
    ("reports", "What was spent, for those who do not ask an API"),
    ("me", "Who is calling, and what they may see"),
    ("health", "The service itself"),
];

/// The document of these routes.
#[must_use]
pub fn document(router: OpenApiRouter<AppState>) -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("LLM Traceability API")
                .version(VERSION)
                .description(Some(DESCRIPTION))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
                .build(),
        )
        .tags(Some(TAGS.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build())))
        .build();
    document.merge(router.into_openapi());
    let components = document.components.get_or_insert_default();
    for (name, scheme) in schemes() {
        components.add_security_scheme(name, scheme);
    }
    let logged = document.paths.paths.iter_mut().filter(|(path, _)| path.starts_with(OVER_THE_LOG));
    for (_, item) in logged {
        item.get.iter_mut().for_each(tell_of_copies);
        operations(item).for_each(tell_age);
        operations(item).for_each(tell_cursor);
        operations(item).for_each(demand_login);
    }
    for list in formats::LISTS {
        let item = document.paths.paths.get_mut(list);
        item.and_then(|item| item.get.as_mut()).into_iter().for_each(tell_formats);
    }
    generators::adapt(&mut document);
    document
}

/// Below this path, answers come from the log: whoever asks has to say who they are.
const OVER_THE_LOG: &str = "/api/";
const BEARER: &str = "bearer";
const API_KEY: &str = "litellm_api_key";

fn schemes() -> [(&'static str, SecurityScheme); 2] {
    let bearer = "A LiteLLM key (`sk-…`), a service key, or a token of the company's login: which of these are taken is a \
                  setting of the service.";
    let key = "The same in LiteLLM's own header, for where `Authorization` is taken by something in between.";
    let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(bearer)).build();
    let header = ApiKeyValue::with_description(LITELLM_API_KEY.as_str(), key);
    [(BEARER, SecurityScheme::Http(http)), (API_KEY, SecurityScheme::ApiKey(ApiKey::Header(header)))]
}

/// Every good answer says as of when it is.
fn tell_age(operation: &mut Operation) {
    let text = "As of when the answer is (RFC 3339): requests that LiteLLM logged later are not in it. The index's time \
                where there is one, else now";
    add_header(operation, "X-As-Of", text);
}

/// A list can be written as something else than JSON.
fn tell_formats(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name(formats::FORMAT)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(formats::DESCRIPTION))
        .schema(Some(ExportFormat::schema()))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
}

/// Whoever gets the next page's address also gets its cursor by itself.
fn tell_cursor(operation: &mut Operation) {
    if operation.responses.responses.get("200").is_some_and(is_list) {
        add_header(operation, "X-Next-Cursor", "The `cursor` of the next page, if there is one");
    }
}

/// Whether a good answer is a page of a list.
fn is_list(response: &RefOr<Response>) -> bool {
    matches!(response, RefOr::T(response) if response.headers.contains_key("Link"))
}

/// An answer about a window that is over, or a list, can be asked about by its tag.
fn tell_of_copies(operation: &mut Operation) {
    let is_end = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.name == "end_date");
    if !operation.parameters.iter().flatten().any(is_end) {
        return;
    }
    let always = operation.responses.responses.get("200").is_some_and(is_list);
    let text = if always {
        "The answer's tag, for `If-None-Match`"
    } else {
        "The answer's tag, for `If-None-Match`; only where the window is over"
    };
    add_header(operation, "ETag", text);
    let unchanged = ResponseBuilder::new().description("The answer is the one whose tag `If-None-Match` has").build();
    operation.responses.responses.insert("304".into(), unchanged.into());
}

fn add_header(operation: &mut Operation, name: &str, description: &str) {
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200") {
        let header = HeaderBuilder::new().description(Some(description)).build();
        response.headers.insert(name.into(), header.into());
    }
}

fn demand_login(operation: &mut Operation) {
    let scheme = |name| SecurityRequirement::new(name, Vec::<String>::new());
    operation.security = Some(vec![scheme(BEARER), scheme(API_KEY)]);
    let problem = |description: &str| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        ResponseBuilder::new().description(description).content("application/problem+json", content)
    };
    let challenge = HeaderBuilder::new()
        .description(Some(
            "`Bearer`, with `error=\"invalid_token\"` where something was sent that does not open anything",
        ))
        .build();
    let unauthorized = problem("The caller has to log in, or the key or token is not valid (any more)");
    let forbidden = problem("The key or token may not read logs");
    let responses = &mut operation.responses.responses;
    responses.insert("401".into(), unauthorized.header("WWW-Authenticate", challenge).build().into());
    responses.insert("403".into(), forbidden.build().into());
}
