//! What a gateway made of the client's request, and how it was before.
//!
//! API Gateway, load balancers and function URLs do not agree on what is in a path. Routes are matched on what a client
//! sent, without what stands before it in the address that the gateway gave out.

use std::collections::HashMap;

use axum::extract::OriginalUri;
use http::header::HOST;
use http::{HeaderMap, Uri};
use lambda_http::Request;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayV2httpRequest};
use lambda_http::request::{LambdaRequest, RequestContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

use crate::id::as_segment;

/// What cannot stand in a query.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What cannot stand in a path.
const NOT_IN_A_PATH: &AsciiSet = &NOT_IN_A_QUERY.add(b'?');

/// How a request came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arrival {
    /// What the client's path has before the API's own: a stage, or a base path.
    prefix: String,
    /// The gateway's id of the request.
    pub(super) request_id: Option<String>,
}

/// Puts the API's own path in the event, and nothing that is no address: the conversion to a request would panic.
pub(super) fn arrive(event: &mut LambdaRequest) -> Arrival {
    match event {
        LambdaRequest::ApiGatewayV1(event) => {
            keep_host_if_any(&mut event.headers);
            arrive_by_rest_api(event)
        }
        LambdaRequest::ApiGatewayV2(event) => {
            keep_host_if_any(&mut event.headers);
            arrive_by_http_api(event)
        }
        LambdaRequest::Alb(event) => {
            keep_host_if_any(&mut event.headers);
            Arrival::default()
        }
        _ => Arrival::default(),
    }
}

fn keep_host_if_any(headers: &mut HeaderMap) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| Url::parse(&format!("https://{host}/")).is_err()) {
        headers.remove(HOST);
    }
}

/// REST APIs: `path` is the API's own, behind the base path of a domain of one's own; the context has the client's.
fn arrive_by_rest_api(event: &mut ApiGatewayProxyRequest) -> Arrival {
    let context = &mut event.request_context;
    // lambda_http would put the stage into the path.
    context.stage = None;
    let client = context.path.as_deref().unwrap_or_default();
    let path = event.path.take().unwrap_or_default();
    // As many segments as the route has, from the end: their text stays as the client encoded it.
    let route = event.resource.as_deref().unwrap_or_default();
    let greedy = |name: &str| event.path_parameters.get(name).map_or(1, |value| value.split('/').count());
    let count = |segment: &str| match segment.strip_prefix('{').and_then(|name| name.strip_suffix("+}")) {
        Some(name) => greedy(name),
        None => 1,
    };
    let wanted: usize = route.split('/').skip(1).map(count).sum();
    let own = match path.rmatch_indices('/').nth(wanted.saturating_sub(1)) {
        Some((at, _)) if wanted > 0 => path[at..].to_owned(),
        _ => path,
    };
    let prefix = client.strip_suffix(&own).unwrap_or_default().to_owned();
    event.path = Some(own);
    Arrival { prefix, request_id: context.request_id.clone() }
}

/// HTTP APIs and function URLs: `rawPath` has the stage unless it is `$default`, and HTTP APIs decode it, so that an id
/// with a slash falls apart. The parameters of the route are whole.
fn arrive_by_http_api(event: &mut ApiGatewayV2httpRequest) -> Arrival {
    let context = &mut event.request_context;
    let stage = context.stage.take().filter(|stage| stage != "$default");
    let raw = event.raw_path.take().unwrap_or_default();
    // An address of one's own has no stage in its paths; its first segment may have the same name.
    let own_domain = !context.domain_name.as_deref().unwrap_or_default().contains(".execute-api.");
    let prefix = stage.filter(|_| !own_domain).map(|stage| format!("/{stage}")).unwrap_or_default();
    let (prefix, path) = match raw.strip_prefix(&prefix) {
        Some(path) if path.starts_with('/') => (prefix, path),
        Some("") => (prefix, "/"),
        _ => (String::new(), raw.as_str()),
    };
    let route = event.route_key.as_deref().and_then(|route| route.split_once(' ')).map(|(_, path)| path);
    let path = route
        .and_then(|route| path_of_route(route, &event.path_parameters))
        .unwrap_or_else(|| utf8_percent_encode(path, NOT_IN_A_PATH).to_string());
    event.raw_path = Some(path);
    let query = event.raw_query_string.as_deref();
    event.raw_query_string = query.map(|query| utf8_percent_encode(query, NOT_IN_A_QUERY).to_string());
    Arrival { prefix, request_id: context.request_id.clone() }
}

/// The path that led to a route with parameters; `None` for a route that takes any path.
fn path_of_route(route: &str, parameters: &HashMap<String, String>) -> Option<String> {
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some(name) => parameters.get(name).map(|value| as_segment(value).to_string()),
        None => Some(segment.to_owned()),
    };
    let segments: Vec<String> = route.split('/').map(segment).collect::<Option<_>>()?;
    Some(segments.join("/"))
}

/// The claims of the token that an authorizer of the gateway has verified: an HTTP API's JWT authorizer, or a REST API's
/// for Cognito. A client has no part in this part of the event.
pub(super) fn verified_claims(context: &RequestContext) -> Option<Map<String, Value>> {
    match context {
        RequestContext::ApiGatewayV2(context) => {
            let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
            Some(claims.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect())
        }
        RequestContext::ApiGatewayV1(context) => context.authorizer.fields.get("claims")?.as_object().cloned(),
        _ => None,
    }
}

impl Arrival {
    /// Leaves the client's own path where links are made from it.
    pub(super) fn keep_client_path(&self, request: &mut Request) {
        if self.prefix.is_empty() {
            return;
        }
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        if let Ok(uri) = format!("{}{target}", self.prefix).parse::<Uri>() {
            request.extensions_mut().insert(OriginalUri(uri));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn http_api(raw_path: &str, stage: &str, domain: &str, route: &str, parameters: &Value) -> (String, Arrival) {
        let event = json!({
            "version": "2.0", "routeKey": route, "rawPath": raw_path, "rawQueryString": "limit=5", "headers": {},
            "pathParameters": parameters, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "123456789012", "apiId": "api-id", "domainName": domain, "domainPrefix": "api-id",
                "requestId": "JKJaXmPLvHcESHA=", "routeKey": route, "stage": stage, "timeEpoch": 1_583_348_638_390_i64,
                "http": {"method": "GET", "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            },
        });
        let mut event: LambdaRequest = serde_json::from_value(event).expect("an event");
        let arrival = arrive(&mut event);
        let mut request: Request = event.into();
        arrival.keep_client_path(&mut request);
        let client = request.extensions().get::<OriginalUri>().map(|uri| uri.0.to_string()).unwrap_or_default();
        assert!(client.is_empty() || client.starts_with(&arrival.prefix), "{client}");
        (request.uri().path().to_owned(), arrival)
    }

    const OWN: &str = "api.example.com";
    const EXECUTE: &str = "api-id.execute-api.us-east-1.amazonaws.com";
    const MESSAGES: &str = "GET /api/v1/sessions/{session_id}/messages";

    #[test]
    fn an_id_of_any_characters_arrives_whole() {
        for (id, raw) in [
            ("chat-42", "/api/v1/sessions/chat-42/messages"),
            ("team/a b?c", "/api/v1/sessions/team/a b"),
            ("100%41", "/api/v1/sessions/100%41/messages"),
            ("søren#1", "/api/v1/sessions/søren#1/messages"),
        ] {
            let (path, _) = http_api(raw, "$default", EXECUTE, MESSAGES, &json!({"session_id": id}));
            assert_eq!(path, format!("/api/v1/sessions/{}/messages", as_segment(id)));
        }
    }

    #[test]
    fn a_stage_is_not_part_of_the_path_but_of_links() {
        let none = json!({});
        let (path, arrival) = http_api("/prod/api/v1/requests", "prod", EXECUTE, "GET /api/v1/requests", &none);
        assert_eq!((path.as_str(), arrival.prefix.as_str()), ("/api/v1/requests", "/prod"));
        let (path, arrival) =
            http_api("/prod/docs/x y", "prod", EXECUTE, "GET /{proxy+}", &json!({"proxy": "docs/x y"}));
        assert_eq!((path.as_str(), arrival.prefix.as_str()), ("/docs/x%20y", "/prod"));
        // On a domain of one's own there is no stage in front, whatever the first segment is called.
        let (path, arrival) = http_api("/api/v1/requests", "api", OWN, "$default", &none);
        assert_eq!((path.as_str(), arrival.prefix.as_str()), ("/api/v1/requests", ""));
        let (path, arrival) = http_api("/", "$default", EXECUTE, "GET /", &none);
        assert_eq!((path.as_str(), arrival.prefix.as_str()), ("/", ""));
        assert_eq!(arrival.request_id.as_deref(), Some("JKJaXmPLvHcESHA="));
    }

    #[test]
    fn a_function_url_is_left_as_it_is() {
        let domain = "abc.lambda-url.us-east-1.on.aws";
        let raw = "/api/v1/sessions/team%2Fa%20b/messages";
        let (path, _) = http_api(raw, "$default", domain, "$default", &json!({}));
        assert_eq!(path, raw);
    }

    fn rest_api(path: &str, client: &str, resource: &str, parameters: &Value, host: &str) -> (String, String) {
        let event = json!({
            "resource": resource, "path": path, "httpMethod": "GET", "headers": {"Host": host}, "multiValueHeaders": {"Host": [host]},
            "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": parameters,
            "stageVariables": null, "body": null, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "123456789012", "apiId": "api-id", "resourceId": "abc", "resourcePath": resource, "stage": "prod",
                "path": client, "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "httpMethod": "GET", "identity": {},
            },
        });
        let mut event: LambdaRequest = serde_json::from_value(event).expect("an event");
        let arrival = arrive(&mut event);
        let request: Request = event.into();
        (request.uri().path().to_owned(), arrival.prefix)
    }

    #[test]
    fn a_rest_api_is_known_by_its_routes_under_a_stage_and_under_a_base_path() {
        let id = json!({"session_id": "a/b"});
        let route = "/api/v1/sessions/{session_id}/messages";
        let path = "/api/v1/sessions/a%2Fb/messages";
        for (path_of_event, client, prefix) in [
            (path.to_owned(), format!("/prod{path}"), "/prod"),
            (format!("/traces{path}"), format!("/traces{path}"), "/traces"),
            (path.to_owned(), path.to_owned(), ""),
        ] {
            let seen = rest_api(&path_of_event, &client, route, &id, EXECUTE);
            assert_eq!(seen, (path.to_owned(), prefix.to_owned()));
            let greedy = json!({"proxy": "api/v1/sessions/a%2Fb/messages"});
            assert_eq!(rest_api(&path_of_event, &client, "/{proxy+}", &greedy, EXECUTE), seen);
        }
        let root = rest_api("/", "/prod/", "/", &json!(null), EXECUTE);
        assert_eq!(root, ("/".to_owned(), "/prod".to_owned()));
    }

    #[test]
    fn what_is_no_address_does_not_end_the_function() {
        let (path, _) = rest_api("/health", "/prod/health", "/health", &json!(null), "no host at all");
        assert_eq!(path, "/health");
        for query in ["tag=<b>", "tag=a b", "a=\u{7f}", "%", "\"#"] {
            let mut event: LambdaRequest = serde_json::from_value(json!({
                "version": "2.0", "routeKey": "GET /api/v1/requests", "rawPath": "/api/v1/requests", "rawQueryString": query,
                "headers": {"host": "no host"}, "isBase64Encoded": false,
                "requestContext": {"stage": "$default", "timeEpoch": 0,
                                   "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
            }))
            .expect("an event");
            let _ = arrive(&mut event);
            let request: Request = event.into();
            assert_eq!(request.uri().path(), "/api/v1/requests", "{query}");
        }
    }
}
