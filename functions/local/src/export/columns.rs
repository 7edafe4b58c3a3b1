//! The columns of a list, as the API document describes its rows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// US dollars.
    Dollars,
    /// Yes or no.
    Boolean,
    /// An instant.
    Time,
    /// An array or an object.
    Json,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A list that can be exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) columns: Vec<Column>,
    /// How many rows to ask for at a time; none where the list comes as a whole.
    pub(super) page: Option<u32>,
}

/// The most rows that a page has.
const PAGE: u32 = 1000;

/// What identifies a row comes first; the rest follows by its name.
const FIRST: [&str; 16] = [
    "period_start",
    "time_period",
    "category",
    "label",
    "subcategory",
    "sublabel",
    "error_class",
    "tool_name",
    "timestamp",
    "request_start",
    "session_start",
    "session_id",
    "message_sequence",
    "request_id",
    "agent_name",
    "user_id",
];

impl List {
    /// The list that `GET route` answers; none where it answers no array of objects.
    pub(super) fn of(document: &Value, route: &str) -> Option<Self> {
        let operation = &document["paths"][route]["get"];
        let rows = resolve(document, &operation["responses"]["200"]["content"]["application/json"]["schema"]);
        let mut properties = BTreeMap::new();
        gather(document, &rows["items"], &mut properties);
        let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
        let mut columns: Vec<Column> = properties
            .iter()
            .map(|(name, schema)| Column { name: (*name).to_owned(), kind: kind(name, schema) })
            .collect();
        columns.sort_by_key(|column| place(&column.name));
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        let page = parameters.any(|parameter| parameter["name"] == "limit").then_some(PAGE);
        (!columns.is_empty()).then_some(Self { columns, page })
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|target| document.pointer(target.trim_start_matches('#')));
    target.unwrap_or(schema)
}

/// The properties of a schema and of all it consists of, each with its own schema.
fn gather<'a>(document: &'a Value, schema: &'a Value, properties: &mut BTreeMap<&'a str, &'a Value>) {
    let schema = resolve(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        gather(document, part, properties);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        // What can be null is that or something: the something tells the kind.
        let mut choices = property["oneOf"].as_array().into_iter().flatten();
        let something = choices.rfind(|choice| choice["type"] != "null").unwrap_or(property);
        properties.insert(name, resolve(document, something));
    }
}

fn kind(name: &str, schema: &Value) -> Kind {
    let types: BTreeSet<&str> = match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.as_str()]),
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    };
    let is = |name| types.contains(name);
    match () {
        () if is("object") || is("array") || types.is_empty() => Kind::Json,
        () if is("boolean") => Kind::Boolean,
        () if is("integer") => Kind::Integer,
        () if is("number") && is_dollars(name) => Kind::Dollars,
        () if is("number") => Kind::Number,
        () if schema["format"] == "date-time" => Kind::Time,
        () => Kind::Text,
    }
}

fn is_dollars(name: &str) -> bool {
    matches!(name, "cost" | "total_cost" | "cost_per_session" | "avg_cost_per_request")
}

#[cfg(test)]
mod tests {
    use traceability_http::formats::LISTS;

    use super::*;

    #[test]
    fn every_list_has_columns_and_what_costs_is_dollars() {
        let document = serde_json::from_str(&crate::api::document().expect("a document")).expect("JSON");
        for route in LISTS {
            let list = List::of(&document, route).unwrap_or_else(|| panic!("{route} is no list"));
            for Column { name, kind } in &list.columns {
                let is_named_so = name.contains("cost") && !name.contains("percentage");
                assert_eq!(*kind == Kind::Dollars, is_named_so, "{route}: {name} is {kind:?}");
            }
            assert_eq!(list.page.is_some(), !route.contains("analytics"), "{route}");
        }
        let requests = List::of(&document, LISTS[2]).expect("a list");
        let kind = |name| requests.columns.iter().find(|column| column.name == name).expect("a column").kind;
        assert_eq!(kind("request_start"), Kind::Time);
        assert_eq!(kind("team_id"), Kind::Text);
        assert_eq!(kind("tags"), Kind::Json);
        assert_eq!(kind("time_to_first_token"), Kind::Number);
    }
}
