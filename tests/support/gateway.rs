//! The events in which AWS's gateways pass a client's request to a function, and the answers they make of its responses.
//!
//! The envelopes are `fixtures/events/`; what stands here is how each gateway writes a request into one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::answer::Answer;
use crate::endpoints::encode;

/// What may stand before a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// An API Gateway HTTP API with the stage `$default`.
    HttpApi,
    /// One with a stage that is part of its URL.
    HttpApiStage,
    /// An API Gateway REST API, whose stage always is part of its URL.
    RestApi,
    /// An application load balancer.
    LoadBalancer,
    /// One that passes several values of a header or a parameter on.
    LoadBalancerMultiValue,
    /// The function's own URL.
    FunctionUrl,
}

/// The stage of [`Gateway::HttpApiStage`] and [`Gateway::RestApi`].
const STAGE: &str = "/prod";

/// A client's request.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The function that it is for.
    pub function: &'static str,
    /// Its method.
    pub method: &'static str,
    /// The route, with its parameter in braces.
    pub route: &'static str,
    /// That parameter's value.
    pub id: &'static str,
    /// The query as the client sends it.
    pub query: String,
    /// The headers beside those that every client sends.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body, if it has one: JSON.
    pub body: Option<&'static str>,
    /// Whether the gateway takes the body for a binary one.
    pub binary: bool,
}

impl Question {
    /// `GET` of a route.
    #[must_use]
    pub fn get(function: &'static str, route: &'static str, id: &'static str, query: &str) -> Self {
        Self { function, method: "GET", route, id, query: query.to_owned(), ..Self::default() }
    }

    /// The path, percent-encoded, as the client sends it.
    #[must_use]
    pub fn path(&self) -> String {
        match self.parameter() {
            Some(name) => self.route.replace(&format!("{{{name}}}"), &encode(self.id)),
            None => self.route.to_owned(),
        }
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path() } else { format!("{}?{}", self.path(), self.query) }
    }

    fn parameter(&self) -> Option<&str> {
        self.route.split_once('{')?.1.split_once('}').map(|(name, _)| name)
    }

    fn path_parameters(&self) -> Value {
        self.parameter().map_or(Value::Null, |name| json!({name: self.id}))
    }

    /// The parameters of the query as they stand there.
    fn raw_pairs(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect()
    }

    /// The parameters of the query and what they mean.
    fn pairs(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    fn body(&self) -> Value {
        match self.body {
            Some(body) if self.binary => STANDARD.encode(body).into(),
            body => body.into(),
        }
    }
}

impl Gateway {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::HttpApi,
        Self::HttpApiStage,
        Self::RestApi,
        Self::LoadBalancer,
        Self::LoadBalancerMultiValue,
        Self::FunctionUrl,
    ];

    /// What the client's path begins with before the API's own.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::HttpApiStage | Self::RestApi => STAGE,
            _ => "",
        }
    }

    /// The event that the function gets.
    #[must_use]
    pub fn event(self, question: &Question) -> Value {
        let mut event = match self {
            Self::HttpApi | Self::HttpApiStage => self.http_api(question),
            Self::RestApi => rest_api(question),
            Self::LoadBalancer => load_balancer(question),
            Self::LoadBalancerMultiValue => several_values(load_balancer(question), question),
            Self::FunctionUrl => function_url(question),
        };
        if question.body.is_some() {
            event["body"] = question.body();
            event["isBase64Encoded"] = question.binary.into();
        }
        event
    }

    /// The id that the gateway gave the request, if it gives one.
    #[must_use]
    pub fn request_id(event: &Value) -> Option<&str> {
        event["requestContext"]["requestId"].as_str()
    }

    /// An HTTP API decodes the path, and ends it at a question mark that it decoded. What its routes matched is whole.
    fn http_api(self, question: &Question) -> Value {
        let mut event = fixture("http-api");
        let path = percent_decode_str(&question.path()).decode_utf8().expect("it was encoded here").into_owned();
        let path = format!("{}{}", self.prefix(), path.split('?').next().unwrap_or_default());
        let route_key = format!("{} {}", question.method, question.route);
        event["routeKey"] = route_key.clone().into();
        event["requestContext"]["routeKey"] = route_key.into();
        event["requestContext"]["stage"] = self.prefix().strip_prefix('/').unwrap_or("$default").into();
        event["pathParameters"] = question.path_parameters();
        fill_version_2(&mut event, question, &path);
        event
    }

    /// What the client gets for the function's response, in the gateway's own terms.
    ///
    /// # Panics
    /// When the gateway would not understand the response, and answer 502 instead.
    #[must_use]
    pub fn answer(self, response: &Value) -> Answer {
        let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let status = StatusCode::from_u16(status.expect("a status")).expect("a status");
        if matches!(self, Self::LoadBalancer | Self::LoadBalancerMultiValue) {
            assert_eq!(response["statusDescription"], status.to_string(), "{response}");
        }
        let mut headers = HeaderMap::new();
        let mut add = |name: &str, value: &Value| {
            assert_eq!(name, name.to_lowercase(), "names of headers are in lower case, for clients that compare them");
            let value = HeaderValue::from_str(value.as_str().expect("a text")).expect("a header's value");
            headers.append(name.parse::<HeaderName>().expect("a header's name"), value);
        };
        let (single, several) = match self {
            // It merges both.
            Self::RestApi => (true, true),
            // It takes those it is set to.
            Self::LoadBalancerMultiValue => (false, true),
            _ => (true, false),
        };
        for (name, value) in response["headers"].as_object().into_iter().flatten().filter(|_| single) {
            add(name, value);
        }
        for (name, values) in response["multiValueHeaders"].as_object().into_iter().flatten().filter(|_| several) {
            values.as_array().expect("a list").iter().for_each(|value| add(name, value));
        }
        let body = response["body"].as_str().unwrap_or_default();
        let is_compressed = headers.contains_key("content-encoding");
        assert_eq!(response["isBase64Encoded"], is_compressed, "text goes as it is: {response}");
        let body = if is_compressed { STANDARD.decode(body).expect("base64") } else { body.into() };
        Answer::of(status, headers, &body)
    }
}

/// A function's own URL passes the path on as it was sent.
fn function_url(question: &Question) -> Value {
    let mut event = fixture("function-url");
    fill_version_2(&mut event, question, &question.path());
    event
}

/// What HTTP APIs and function URLs have in common: version 2.0 of the event.
fn fill_version_2(event: &mut Value, question: &Question, path: &str) {
    event["rawPath"] = path.into();
    event["rawQueryString"] = question.query.clone().into();
    event["requestContext"]["http"]["path"] = path.into();
    event["requestContext"]["http"]["method"] = question.method.into();
    // Values of one name are joined here, which is why nobody can use this.
    let joined = question.pairs().into_iter().fold(Map::new(), |mut all, (name, value)| {
        let earlier = all.get(&name).and_then(Value::as_str).map(|earlier| format!("{earlier},{value}"));
        all.insert(name, earlier.unwrap_or(value).into());
        all
    });
    if !joined.is_empty() {
        event["queryStringParameters"] = joined.into();
    }
    let (cookies, others): (Vec<_>, Vec<_>) = headers(question).into_iter().partition(|(name, _)| *name == "cookie");
    for (name, value) in others {
        event["headers"][name.to_lowercase()] = value.into();
    }
    if let Some((_, cookies)) = cookies.first() {
        event["cookies"] = cookies.split("; ").collect();
    }
}

/// A REST API passes the path on as it was sent, without the stage; parameters are decoded, headers keep their case.
fn rest_api(question: &Question) -> Value {
    let mut event = fixture("rest-api");
    event["resource"] = question.route.into();
    event["path"] = question.path().into();
    event["httpMethod"] = question.method.into();
    event["requestContext"]["resourcePath"] = question.route.into();
    event["requestContext"]["httpMethod"] = question.method.into();
    event["requestContext"]["path"] = format!("{STAGE}{}", question.path()).into();
    event["pathParameters"] = question.path_parameters();
    fill_values(&mut event, "queryStringParameters", "multiValueQueryStringParameters", question.pairs());
    let capitals = |name: &str| -> String {
        let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        words.collect::<Vec<_>>().join("-")
    };
    let common = event["headers"].as_object().expect("headers").clone().into_iter();
    let common = common.map(|(name, value)| (name, value.as_str().expect("a text").to_owned()));
    let own = headers(question).into_iter().map(|(name, value)| (capitals(name), value.to_owned()));
    let all = common.chain(own).collect();
    fill_values(&mut event, "headers", "multiValueHeaders", all);
    event
}

/// A load balancer passes path and query on as they were sent.
fn load_balancer(question: &Question) -> Value {
    let mut event = fixture("load-balancer");
    event["path"] = question.path().into();
    event["httpMethod"] = question.method.into();
    for (name, value) in question.raw_pairs() {
        event["queryStringParameters"][name] = value.into();
    }
    for (name, value) in headers(question) {
        event["headers"][name.to_lowercase()] = value.into();
    }
    event
}

/// Set to several values, a load balancer names them so, and gives no single ones.
fn several_values(mut event: Value, question: &Question) -> Value {
    let fields = event.as_object_mut().expect("an object");
    fields.remove("queryStringParameters");
    let headers = fields.remove("headers").expect("headers");
    let mut several = Map::new();
    for (name, value) in question.raw_pairs() {
        several.entry(name).or_insert_with(|| json!([])).as_array_mut().expect("a list").push(value.into());
    }
    event["multiValueQueryStringParameters"] = several.into();
    event["multiValueHeaders"] =
        headers.as_object().expect("headers").iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    event
}

/// Single values, of which the last one counts, and all values.
fn fill_values(event: &mut Value, single: &str, several: &str, pairs: Vec<(String, String)>) {
    if pairs.is_empty() {
        return;
    }
    let (mut last, mut all) = (Map::new(), Map::new());
    for (name, value) in pairs {
        all.entry(name.clone()).or_insert_with(|| json!([])).as_array_mut().expect("a list").push(value.clone().into());
        last.insert(name, value.into());
    }
    event[single] = last.into();
    event[several] = all.into();
}

/// What the client sends of headers.
fn headers(question: &Question) -> Vec<(&'static str, &'static str)> {
    let json = question.body.map(|_| ("content-type", "application/json"));
    question.headers.iter().copied().chain(json).collect()
}

/// An event's envelope.
#[must_use]
pub fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("the fixture is JSON")
}
