//! Every endpoint of the API, read from its document, so that no test forgets one that is added later.

use http::Method;
use serde_json::Value;

/// One operation of the API.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path as the document has it, with its parameter in braces.
    pub route: String,
    /// The same, with the first dimension where it names one.
    pub path: String,
    /// The names of the parameters in its query.
    pub query: Vec<String>,
    /// What the document says of it.
    pub operation: Value,
}

/// The API's document.
#[must_use]
pub fn document() -> Value {
    serde_json::from_str(&local::api::document().expect("the document can be written")).expect("it is JSON")
}

/// All of them that can be asked without a parameter. The comparison of two sessions, which cannot, has tests of its own.
#[must_use]
pub fn all() -> Vec<Endpoint> {
    let needs_none = |endpoint: &Endpoint| {
        let mut parameters = endpoint.operation["parameters"].as_array().into_iter().flatten();
        !parameters.any(|parameter| parameter["in"] == "query" && parameter["required"] == true)
    };
    documented().into_iter().filter(needs_none).collect()
}

/// All that the document has.
#[must_use]
pub fn documented() -> Vec<Endpoint> {
    let document = document();
    let paths = document["paths"].as_object().expect("the document has paths");
    let endpoints = paths.iter().flat_map(|(path, item)| {
        item.as_object().expect("a path has methods").iter().map(|(method, operation)| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            Endpoint {
                method: method.to_uppercase().parse().expect("a method"),
                route: path.clone(),
                path: path.replace("{dimension}", "model"),
                query: query.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect(),
                operation: operation.clone(),
            }
        })
    });
    endpoints.collect()
}

/// Those of the API.
#[must_use]
pub fn of_the_api() -> Vec<Endpoint> {
    all().into_iter().filter(|endpoint| endpoint.path.starts_with("/api/")).collect()
}

/// Those whose answers come from the log: who asks is known without.
#[must_use]
pub fn over_the_log() -> Vec<Endpoint> {
    of_the_api().into_iter().filter(|endpoint| endpoint.path != "/api/v1/me").collect()
}

impl Endpoint {
    /// The name of the parameter in its path.
    #[must_use]
    pub fn path_parameter(&self) -> Option<&str> {
        self.path.split_once('{')?.1.split_once('}').map(|(name, _)| name)
    }

    /// The path for the session or the request with this id.
    #[must_use]
    pub fn with_id(&self, id: &str) -> String {
        match self.path_parameter() {
            Some(name) => self.path.replace(&format!("{{{name}}}"), &encode(id)),
            None => self.path.clone(),
        }
    }

    /// Whether it takes several values of this parameter, as the document says.
    #[must_use]
    pub fn is_repeatable(&self, parameter: &str) -> bool {
        let mut parameters = self.operation["parameters"].as_array().into_iter().flatten();
        parameters.any(|one| {
            one["name"] == parameter
                && one["schema"].to_string().contains(r#""type":"array""#)
                && one["explode"] != Value::Bool(false)
        })
    }

    /// Whether it takes this parameter in its query. The `format` of a list is that of an export, which is made of pages that are
    /// asked for without one: only a report is asked for in all forms.
    #[must_use]
    pub fn takes(&self, parameter: &str) -> bool {
        let is_asked = parameter != "format" || self.path.contains("/reports/");
        is_asked && self.query.iter().any(|name| name == parameter)
    }
}

/// A text as a path or a query holds it, with everything percent-encoded that could mean something there.
#[must_use]
pub fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
