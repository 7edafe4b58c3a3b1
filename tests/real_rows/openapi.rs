//! The API's document describes the API that is there.

use std::collections::{BTreeMap, BTreeSet};

use http::Request;
use local::fixtures::Release;
use serde_json::{Value, json};
use tests::endpoints::{self, Endpoint};
use tests::{Answer, App, rows};

/// The committed document, which the health function serves.
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/health/openapi.json");

#[test]
fn the_committed_document_is_that_of_the_routes() {
    let committed = std::fs::read_to_string(COMMITTED).expect("functions/health/openapi.json is there");
    let current = local::api::document().expect("the document can be written");
    assert!(committed == current, "functions/health/openapi.json is out of date: run `make openapi`");
}

#[test]
fn the_document_is_openapi_3_1_and_its_operations_are_named_and_described() {
    let document = endpoints::document();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    let mut ids = BTreeSet::new();
    for Endpoint { path, operation, .. } in endpoints::all() {
        let id = operation["operationId"].as_str().expect("an operation id").to_owned();
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{id}");
        assert!(ids.insert(id.clone()), "{id} is the id of two operations");
        assert!(is_text(&operation["summary"]), "{path} has no summary");
        assert!(is_text(&operation["description"]), "{path} has no description");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(is_text(&parameter["description"]), "{path} does not describe {}", parameter["name"]);
            assert!(parameter["schema"].is_object(), "{path} does not say what {} is", parameter["name"]);
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            let described = is_text(&schema["description"]) || schema["$ref"].is_string() || schema["oneOf"].is_array();
            assert!(described, "{name}.{property} is not described");
        }
    }
}

/// What makes of generated clients something that compiles and reads well.
#[test]
fn the_document_names_each_choice_once_and_has_no_empty_default() {
    fn inline_choices<'a>(value: &'a Value, place: &str, found: &mut Vec<(String, &'a Value)>) {
        if let Some(words) = value.get("enum") {
            found.push((place.to_owned(), words));
        }
        assert_ne!(value.get("default"), Some(&Value::Null), "{place}");
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(name, value)| inline_choices(value, &format!("{place}/{name}"), found));
            }
            Value::Array(items) => items.iter().for_each(|item| inline_choices(item, place, found)),
            _ => {}
        }
    }
    let document = endpoints::document();
    let mut found = Vec::new();
    inline_choices(&document, "", &mut found);
    assert!(found.len() > 10, "{found:?}");
    let mut seen = BTreeSet::new();
    for (place, words) in found {
        let name = place.strip_prefix("/components/schemas/");
        assert!(name.is_some_and(|name| !name.contains('/')), "{place} has no name: declare it by choice!");
        assert!(seen.insert(words.to_string()), "{place} is another name of {words}");
    }
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for taken in ["Error", "Message", "Object", "Part", "Range", "Source", "String", "Symbol", "u32"] {
        assert!(!schemas.contains_key(taken), "{taken} is a name that languages have");
    }
    let list = &document["paths"]["/api/v1/sessions"]["get"]["responses"]["200"]["headers"];
    assert!(list["Link"].is_object() && list["X-Next-Cursor"].is_object());
}

#[tokio::test]
async fn every_described_operation_answers_and_every_described_parameter_is_known() {
    let app = App::of_release(Release::V1_80_0).await;
    let id = rows::log(Release::V1_80_0)[0]["request_id"].as_str().expect("an id").to_owned();
    let session = rows::session(&rows::log(Release::V1_80_0)[0]).to_owned();
    for endpoint in endpoints::all() {
        let id = if endpoint.path.contains("session_id") { &session } else { &id };
        let path = endpoint.with_id(id);
        let answer = ask(&app, &endpoint, &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        for parameter in &endpoint.query {
            let answer = ask(&app, &endpoint, &format!("{path}?{parameter}=")).await;
            assert_eq!(answer.blamed(), std::slice::from_ref(parameter), "{path}");
            assert!(!answer.text.contains("is not known"), "{path} does not know {parameter}");
        }
    }
}

#[tokio::test]
async fn what_is_answered_is_what_the_document_says() {
    let release = Release::V1_109_1;
    let app = App::of_release(release).await;
    let log = rows::log(release);
    // One request and one session of each kind of call, and how it ended.
    let mut kinds: BTreeMap<(String, String), &Value> = BTreeMap::new();
    for row in &log {
        kinds.insert((row["call_type"].to_string(), row["status"].to_string()), row);
    }
    assert!(kinds.len() > 15, "{} kinds of requests", kinds.len());
    let schemas = Schemas::new();
    let mut checked = 0;
    for endpoint in endpoints::all() {
        let paths: Vec<String> = match endpoint.path_parameter() {
            Some("request_id") => {
                kinds.values().map(|row| endpoint.with_id(row["request_id"].as_str().expect("an id"))).collect()
            }
            Some(_) => kinds.values().map(|row| endpoint.with_id(rows::session(row))).collect(),
            None if endpoint.takes("limit") => vec![format!("{}?limit=1000", endpoint.path)],
            None => {
                let more = [
                    ("granularity", "granularity=day"),
                    ("group_by", "group_by=team"),
                    ("group_by", "group_by=key"),
                    ("group_by", "group_by=tag"),
                    ("details", "details=true"),
                    ("compare", "compare=previous"),
                    ("compare", "compare=previous&details=true&granularity=week"),
                ];
                let more = more.into_iter().filter(|(parameter, _)| endpoint.takes(parameter));
                let more = more.map(|(_, query)| format!("{}?{query}", endpoint.path));
                std::iter::once(endpoint.path.clone()).chain(more).collect()
            }
        };
        for path in paths {
            let body = ask(&app, &endpoint, &path).await.ok();
            assert!(!body.as_array().is_some_and(Vec::is_empty), "{path} answers nothing");
            schemas.check(&endpoint, "200", &body);
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}

#[tokio::test]
async fn what_is_refused_is_refused_as_the_document_says() {
    let app = App::of_release(Release::V1_80_0).await;
    let schemas = Schemas::new();
    for endpoint in endpoints::all() {
        let path = endpoint.with_id("nobody-has-this-id");
        let refused = ask(&app, &endpoint, &format!("{path}?no_such_parameter=1")).await;
        schemas.check(&endpoint, "4XX", &refused.problem(422));
        if endpoint.path_parameter().is_some() {
            let missing = ask(&app, &endpoint, &path).await;
            schemas.check(&endpoint, "4XX", &missing.problem(404));
        }
    }
}

/// Asks with the endpoint's own method.
async fn ask(app: &App, endpoint: &Endpoint, path: &str) -> Answer {
    if endpoint.method == http::Method::POST {
        return app.post(path, &json!({})).await;
    }
    let request = Request::builder().method(endpoint.method.clone()).uri(path);
    app.send(request.body(axum::body::Body::empty()).expect("a request")).await
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// A reader of the document's schemas: enough of JSON Schema for what the document uses, and a panic for the rest.
struct Schemas(Value);

impl Schemas {
    fn new() -> Self {
        Self(endpoints::document())
    }

    /// Whether a body is what the operation says it answers with this status.
    #[track_caller]
    fn check(&self, endpoint: &Endpoint, status: &str, body: &Value) {
        let responses = &endpoint.operation["responses"][status]["content"];
        let content = responses.as_object().and_then(|content| content.values().next());
        let schema = &content.unwrap_or_else(|| panic!("{} says nothing of {status}", endpoint.path))["schema"];
        if let Err(problem) = self.fits(schema, body) {
            panic!("{} {status}: {problem}", endpoint.path);
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(target) => self.0.pointer(target.trim_start_matches('#')).expect("the schema exists"),
            None => schema,
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let problems: Vec<_> = choices.iter().filter_map(|choice| self.fits(choice, value).err()).collect();
            return if problems.len() < choices.len() { Ok(()) } else { Err(problems.join(", nor ")) };
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !types.is_empty() && !types.iter().any(|allowed| *allowed == is || (*allowed, is) == ("number", "integer")) {
            return Err(format!("{is} is none of {types:?}"));
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            return Err(format!("{value} is none of {allowed:?}"));
        }
        if schema["format"] == "date-time" && !value.is_null() {
            let text = value.as_str().unwrap_or_default();
            if !text.ends_with('Z') || chrono::DateTime::parse_from_rfc3339(text).is_err() {
                return Err(format!("{value} is no time with Z"));
            }
        }
        match value {
            Value::Array(items) if schema["items"].is_object() => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.fits(&schema["items"], item).map_err(|e| format!("[{index}]: {e}"))),
            Value::Object(fields) => {
                let (mut properties, mut required) = (BTreeMap::new(), BTreeSet::new());
                self.gather(schema, &mut properties, &mut required);
                if properties.is_empty() {
                    return Ok(());
                }
                if let Some(missing) = required.iter().find(|name| !fields.contains_key(**name)) {
                    return Err(format!("{missing} is missing"));
                }
                fields.iter().try_for_each(|(name, field)| {
                    let schema = properties.get(name.as_str()).ok_or(format!("{name} is not declared"))?;
                    self.fits(schema, field).map_err(|problem| format!("{name}: {problem}"))
                })
            }
            _ => Ok(()),
        }
    }

    /// The properties of a schema and of all it consists of.
    fn gather<'a>(
        &'a self,
        schema: &'a Value,
        properties: &mut BTreeMap<&'a str, &'a Value>,
        required: &mut BTreeSet<&'a str>,
    ) {
        let schema = self.resolve(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.gather(part, properties, required);
        }
        properties.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, of)| (name.as_str(), of)));
        required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
}
