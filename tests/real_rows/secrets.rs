//! What the proxy wrote into a stored request for itself (headers, keys, its own metadata) leaves in no answer.

use std::collections::{BTreeMap, BTreeSet};

use local::fixtures::Release;
use serde_json::Value;
use tests::endpoints::{self, Endpoint};
use tests::{Answer, App, rows};

/// Shorter texts are words that stand anywhere.
const SHORTEST: usize = 8;

/// All texts within a value.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// The texts that the proxy stamped into a row's stored request or keeps for itself, and all other texts of the row:
/// its columns, its metadata, and what the client sent and was answered.
fn open(row: &Value) -> (BTreeSet<String>, String) {
    let (mut stamped, mut open) = (BTreeSet::new(), row.clone());
    if let Some(body) = open["proxy_server_request"].as_object_mut() {
        for key in ["metadata", "litellm_metadata"] {
            let Some(mut metadata) = body.remove(key) else { continue };
            // What the client itself sent: here, and in a copy beside which the proxy put the headers.
            if let Some(mut sent) = metadata.as_object_mut().and_then(|map| map.remove("requester_metadata")) {
                let headers = sent.as_object_mut().and_then(|map| map.remove("headers"));
                texts(&headers.unwrap_or_default(), &mut stamped);
                body.insert(format!("{key} as it was sent"), sent);
            }
            // The names that the answers state are sent among the proxy's own keys, too.
            for name in ["agent_name", "conversation_name"] {
                if let Some(value) = metadata.as_object_mut().and_then(|map| map.remove(name)) {
                    body.insert(format!("{name} of {key}"), value);
                }
            }
            texts(&metadata, &mut stamped);
        }
        for key in ["headers", "secret_fields", "proxy_server_request"] {
            texts(&body.remove(key).unwrap_or_default(), &mut stamped);
        }
    }
    if let Some(columns) = open.as_object_mut() {
        columns.remove("requester_ip_address");
        texts(&columns.remove("api_key").unwrap_or_default(), &mut stamped);
    }
    if let Some(map) = open["metadata"].as_object_mut() {
        for key in ["user_api_key", "model_map_information", "proxy_server_request"] {
            map.remove(key);
        }
    }
    let mut rest = BTreeSet::new();
    texts(&open, &mut rest);
    (stamped, rest.into_iter().collect::<Vec<_>>().join("\n"))
}

/// The stamped texts that stand nowhere else.
fn hidden(stamped: &BTreeSet<String>, rest: &[&String]) -> BTreeSet<String> {
    let long = stamped.iter().filter(|text| text.len() >= SHORTEST);
    long.filter(|text| !rest.iter().any(|rest| rest.contains(text.as_str()))).cloned().collect()
}

/// As it would stand in JSON.
fn written(text: &str) -> String {
    let json = Value::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

/// The keys of a release and their hashes, but for those that clients wrote into their requests.
fn keys(release: Release) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let file: Value = serde_json::from_str(release.keys()).expect("keys.json is JSON");
    keys.insert(file["master_key"].as_str().expect("a key").to_owned());
    for key in file["keys"].as_array().into_iter().flatten() {
        keys.extend(["key", "token"].map(|field| key[field].as_str().expect("a text").to_owned()));
    }
    for row in rows::log(release) {
        keys.extend(rows::text(&row, "api_key").filter(|key| key.len() == 64).map(str::to_owned));
    }
    keys
}

#[tokio::test]
async fn no_answer_about_a_request_or_a_session_holds_what_the_proxy_stamped_into_it() {
    let mut secret_texts = 0;
    for release in Release::ALL {
        let app = App::of_release(release).await;
        let keys = keys(release);
        assert!(keys.len() > 10, "{} keys", keys.len());
        let log = rows::log(release);
        let endpoints: Vec<Endpoint> =
            endpoints::all().into_iter().filter(|endpoint| endpoint.path_parameter().is_some()).collect();
        assert!(endpoints.len() >= 4);
        let mut sessions: BTreeMap<&str, Vec<(BTreeSet<String>, String)>> = BTreeMap::new();
        let mut asked: Vec<(String, BTreeSet<String>)> = Vec::new();
        for row in &log {
            let (stamped, rest) = open(row);
            let id = row["request_id"].as_str().expect("an id");
            let own = endpoints.iter().filter(|endpoint| endpoint.path_parameter() == Some("request_id"));
            asked.extend(own.map(|endpoint| (endpoint.with_id(id), hidden(&stamped, &[&rest]))));
            sessions.entry(rows::session(row)).or_default().push((stamped, rest));
        }
        for (session, requests) in sessions {
            // What one request of a session hides another one may say.
            let stamped = requests.iter().flat_map(|(stamped, _)| stamped.iter().cloned()).collect();
            let rest: Vec<&String> = requests.iter().map(|(_, rest)| rest).collect();
            let own = endpoints.iter().filter(|endpoint| endpoint.path_parameter() == Some("session_id"));
            asked.extend(own.map(|endpoint| (endpoint.with_id(session), hidden(&stamped, &rest))));
        }
        for (path, hidden) in asked {
            let answer = app.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            secret_texts += hidden.len();
            for text in hidden.iter().map(|text| written(text)).chain(keys.iter().cloned()) {
                assert!(!answer.text.contains(&text), "{path} tells {text:?}");
            }
        }
    }
    assert!(secret_texts > 20_000, "{secret_texts}");
}

#[tokio::test]
async fn no_list_and_no_total_holds_a_key_or_its_hash_but_the_costs_by_key() {
    for release in Release::ALL {
        let app = App::of_release(release).await;
        let keys = keys(release);
        let mut asked = Vec::new();
        for endpoint in endpoints::all().into_iter().filter(|endpoint| endpoint.path_parameter().is_none()) {
            if endpoint.takes("group_by") {
                let dimensions = ["model", "agent", "user", "end_user", "team", "provider", "tag"];
                asked.extend(dimensions.map(|by| format!("{}?days=365&group_by={by}", endpoint.path)));
            } else if endpoint.takes("days") {
                asked.push(format!("{}?days=365", endpoint.path));
            } else if endpoint.method == http::Method::GET {
                asked.push(if endpoint.takes("limit") {
                    format!("{}?limit=1000", endpoint.path)
                } else {
                    endpoint.path
                });
            }
        }
        for path in asked {
            let answer = app.get(&path).await;
            let _ = answer.ok();
            // A report has the costs by key, and tells it nowhere else.
            let text = if path.starts_with("/api/v1/reports/") { without_keys(&answer) } else { answer.text };
            for key in &keys {
                assert!(!text.contains(key.as_str()), "{path} tells {key}");
            }
        }
        let by_key = app.get("/api/v1/analytics/cost-breakdown?days=365&group_by=key").await;
        assert!(keys.iter().any(|key| by_key.text.contains(key.as_str())), "costs by key state the hash");
    }
}

/// A report without its costs by key.
fn without_keys(answer: &Answer) -> String {
    let mut report = answer.ok();
    report["breakdowns"].as_array_mut().expect("breakdowns").retain(|breakdown| breakdown["by"] != "key");
    report.to_string()
}
