//! `template.yaml`, which describes the deployment on AWS, and how CloudFormation judges parameters by its rules.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");

/// The template, with functions in their long form: `!Ref Api` is `{"Ref": "Api"}`, `!Sub …` is `{"Fn::Sub": …}`.
#[must_use]
pub fn read() -> Value {
    let text = std::fs::read_to_string(PATH).expect("template.yaml is there");
    json(&Yaml::load_from_str(&text).expect("template.yaml is YAML")[0])
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.0.into(),
        Yaml::Value(Scalar::String(value)) => value.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.as_str().expect("a name").to_owned(), json(value)));
            Value::Object(entries.collect())
        }
        Yaml::Tagged(tag, value) => {
            let name = match tag.suffix.as_str() {
                "Ref" | "Condition" => tag.suffix.clone(),
                function => format!("Fn::{function}"),
            };
            Value::Object(Map::from_iter([(name, json(value))]))
        }
        other => panic!("CloudFormation does not read {other:?}"),
    }
}

/// The resources of this type, by their logical ids.
#[must_use]
pub fn resources<'t>(template: &'t Value, kind: &str) -> BTreeMap<&'t str, &'t Value> {
    let resources = template["Resources"].as_object().expect("resources").iter();
    resources.filter(|(_, it)| it["Type"] == kind).map(|(name, it)| (name.as_str(), it)).collect()
}

/// What every rule could say.
#[must_use]
pub fn sentences(template: &Value) -> Vec<&str> {
    let rules = template["Rules"].as_object().expect("rules").values();
    rules.flat_map(assertions).map(sentence).collect()
}

/// The sentences with which CloudFormation refuses these parameters, the others at their defaults; none if it takes them.
#[must_use]
pub fn refusals<'t>(template: &'t Value, given: &[(&str, &str)]) -> Vec<&'t str> {
    let parameters = parameters(template, given);
    let rules = template["Rules"].as_object().expect("rules").values();
    let applied = rules.filter(|rule| rule.get("RuleCondition").is_none_or(|condition| holds(condition, &parameters)));
    applied.flat_map(assertions).filter(|it| !holds(&it["Assert"], &parameters)).map(sentence).collect()
}

fn assertions(rule: &Value) -> impl Iterator<Item = &Value> {
    rule["Assertions"].as_array().expect("a rule has assertions").iter()
}

fn sentence(assertion: &Value) -> &str {
    assertion["AssertDescription"].as_str().expect("an assertion says what is wrong")
}

fn parameters(template: &Value, given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let declared = template["Parameters"].as_object().expect("parameters");
    let default = |it: &Value| text(&it["Default"], &BTreeMap::new());
    let mut values: BTreeMap<_, _> = declared.iter().map(|(name, it)| (name.clone(), default(it))).collect();
    for (name, value) in given {
        if let Some(allowed) = declared[*name].get("AllowedValues").and_then(Value::as_array) {
            assert!(allowed.iter().any(|it| it == value), "{name} cannot be {value}");
        }
        values.insert((*name).to_owned(), (*value).to_owned());
    }
    values
}

fn holds(condition: &Value, parameters: &BTreeMap<String, String>) -> bool {
    let (function, arguments) = condition.as_object().and_then(|it| it.iter().next()).expect("a function");
    let arguments = arguments.as_array().expect("a function's arguments");
    match (function.as_str(), arguments.as_slice()) {
        ("Fn::And", all @ [_, _, ..]) => all.iter().all(|it| holds(it, parameters)),
        ("Fn::Or", any @ [_, _, ..]) => any.iter().any(|it| holds(it, parameters)),
        ("Fn::Not", [it]) => !holds(it, parameters),
        ("Fn::Equals", [one, other]) => text(one, parameters) == text(other, parameters),
        ("Fn::Contains", [Value::Array(list), it]) => {
            list.iter().any(|one| text(one, parameters) == text(it, parameters))
        }
        _ => panic!("{condition} is not understood here"),
    }
}

/// A parameter's value is a text, also where its type is a number.
fn text(value: &Value, parameters: &BTreeMap<String, String>) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        value => parameters[value["Ref"].as_str().expect("a text, a number or a parameter")].clone(),
    }
}
