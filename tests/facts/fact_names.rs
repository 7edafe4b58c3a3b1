//! Agent and conversation names, from each of their carriers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tests::App;
use tests::made::{self, Scratch};
use traceability_core::name_paths::NamePaths;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn paths(text: &str) -> NamePaths {
    let paths = || text.split(',').map(|path| path.parse().expect("a path")).collect();
    NamePaths { agent: paths(), conversation: paths() }
}

/// The carriers inside the two JSON columns, the first one first; `*` is the name of the fact.
const IN_PAYLOAD: [&str; 8] = [
    "proxy_server_request.metadata.app.title",
    "metadata.bot",
    "metadata.spend_logs_metadata.*",
    "metadata.*",
    "proxy_server_request.metadata.*",
    "proxy_server_request.metadata.requester_metadata.*",
    "proxy_server_request.litellm_metadata.*",
    "proxy_server_request.litellm_metadata.requester_metadata.*",
];
const SETTING: &str = "proxy_server_request.metadata.app.title,metadata.bot";

/// Puts a name where `path` leads.
fn put(fields: &mut Map<String, Value>, path: &str, key: &str, name: &str) {
    let mut segments: Vec<&str> = path.split('.').map(|segment| if segment == "*" { key } else { segment }).collect();
    let last = segments.pop().expect("a path");
    let mut holder = fields;
    for segment in segments {
        let next = holder.entry(segment).or_insert_with(|| json!({}));
        holder = next.as_object_mut().expect("an object");
    }
    holder.insert(last.to_owned(), json!(name));
}

/// A row with the payload's carriers from `first` on, each with a name of its own, for agents and conversations.
fn carrying(first: usize) -> Map<String, Value> {
    let mut fields = Map::new();
    for (place, path) in IN_PAYLOAD.iter().enumerate().skip(first) {
        for key in ["agent_name", "conversation_name"] {
            // The setting names one place for both.
            put(&mut fields, path, key, &name(place, key));
        }
    }
    fields
}

fn name(place: usize, key: &str) -> String {
    if place < 2 { format!("by setting {place}") } else { format!("{key} {place}") }
}

#[tokio::test]
async fn the_first_carrier_with_a_name_wins() {
    let mut scratch = Scratch::new("carriers").await;
    made::create_tables(&mut scratch.conn, 12).await;
    let mut rows = Vec::new();
    for (place, path) in IN_PAYLOAD.iter().enumerate() {
        rows.push(made::row(&format!("from {place}"), noon(), Value::Object(carrying(place))));
        // An empty name is none.
        let mut fields = carrying(place);
        for key in ["agent_name", "conversation_name"] {
            put(&mut fields, path, key, "");
        }
        rows.push(made::row(&format!("after {place}"), noon(), Value::Object(fields)));
    }
    made::insert(&mut scratch.conn, &rows).await;
    let facts = scratch.facts(&paths(SETTING)).await;
    for key in ["agent_name", "conversation_name"] {
        for place in 0..IN_PAYLOAD.len() {
            assert_eq!(facts[&format!("from {place}")][key], name(place, key), "{}", IN_PAYLOAD[place]);
            let next = if place + 1 < IN_PAYLOAD.len() { json!(name(place + 1, key)) } else { Value::Null };
            assert_eq!(facts[&format!("after {place}")][key], next, "{}", IN_PAYLOAD[place]);
        }
    }
    let without = scratch.facts(&NamePaths::default()).await;
    assert_eq!(without["from 0"]["agent_name"], name(2, "agent_name"), "no setting, no path");
}

#[tokio::test]
async fn an_agent_without_a_name_goes_by_its_registration_card_id_or_tag() {
    let mut scratch = Scratch::new("agents").await;
    made::create_tables(&mut scratch.conn, 12).await;
    scratch
        .run(
            r#"CREATE TABLE "LiteLLM_AgentsTable" (agent_id text PRIMARY KEY, agent_name text);
               INSERT INTO "LiteLLM_AgentsTable" VALUES ('known', 'registered'), ('nameless', '')"#,
        )
        .await;
    let tags = json!(["User-Agent: x", "agent:", "agent:tagged", "agent:second"]);
    let tagged = json!(["User-Agent: x", "agent:tagged", "agent:second"]);
    let card = |id: Value| json!({"agent_id": id, "custom_llm_provider": "a2a_agent", "model": "a2a_agent/card", "request_tags": tagged});
    let cases = [
        ("all", card(json!("known")), json!("registered")),
        ("unregistered", card(json!("other")), json!("card")),
        ("nameless", card(json!("nameless")), json!("card")),
        ("card only", card(Value::Null), json!("card")),
        ("id", json!({"agent_id": "other", "request_tags": tagged}), json!("other")),
        ("empty id", json!({"agent_id": "", "request_tags": tagged}), json!("tagged")),
        ("tag", json!({"request_tags": tagged}), json!("tagged")),
        ("other tags", json!({"request_tags": ["xagent:no", "Agent:no", "agent"]}), Value::Null),
        ("nothing", json!({}), Value::Null),
        ("named", json!({"agent_id": "known", "metadata": {"agent_name": "named"}}), json!("named")),
        ("not a card", json!({"model": "a2a_agent/card"}), Value::Null),
    ];
    let mut rows: Vec<Value> = cases.iter().map(|(id, fields, _)| made::row(id, noon(), fields.clone())).collect();
    rows.push(made::row("an empty tag", noon(), json!({"request_tags": tags})));
    made::insert(&mut scratch.conn, &rows).await;
    let facts = scratch.facts(&NamePaths::default()).await;
    for (id, _, expected) in cases {
        assert_eq!(facts[id]["agent_name"], expected, "{id}");
        assert_eq!(facts[id]["conversation_name"], Value::Null, "{id}");
    }
    assert_eq!(facts["an empty tag"]["agent_name"], "tagged");
}

/// What 1.67 kept of a request: the text of a JSON object, as it may be, and the name in it.
const LOGGED: [(&str, Option<&str>); 21] = [
    (r#"{"model": "m", "metadata": {"agent_name": "bot"}}"#, Some("bot")),
    (r#"{"metadata":{"agent_name":"bot"}}"#, Some("bot")),
    (r#"{"metadata": {"agent_name"  :   "bot", "x": 1}}"#, Some("bot")),
    (r#"{"metadata": {"agent_name": "søren ☎ 🤖"}}"#, Some("søren ☎ 🤖")),
    // Escapes.
    (r#"{"metadata": {"agent_name": "a\"b\\c\/d\ne\tf"}}"#, Some("a\"b\\c/d\ne\tf")),
    (r#"{"metadata": {"agent_name": "s\u00f8ren \u260E"}}"#, Some("søren ☎")),
    (r#"{"metadata": {"agent_name": "\ud83e\udd16 \uD83E\uDD16"}}"#, Some("🤖 🤖")),
    // What no text of PostgreSQL can hold.
    (r#"{"metadata": {"agent_name": "\u0000"}}"#, None),
    (r#"{"metadata": {"agent_name": "\ud83e"}}"#, None),
    (r#"{"metadata": {"agent_name": "\ud83e\ud83e"}}"#, None),
    (r#"{"metadata": {"agent_name": "\udd16\ud83e"}}"#, None),
    (r#"{"metadata": {"agent_name": "\x41"}}"#, None),
    (r#"{"metadata": {"agent_name": "\u12"}}"#, None),
    // Cut off.
    (r#"{"metadata": {"agent_name": "bot", "tags": ["#, Some("bot")),
    (r#"{"metadata": {"agent_name": "bo... (truncated 17 chars)"#, None),
    (r#"{"metadata": {"agent_name": "bo\"#, None),
    // No name.
    (r#"{"metadata": {"agent_name": ""}}"#, None),
    (r#"{"metadata": {"agent_name": null}}"#, None),
    (r#"{"metadata": {"agent_name": 5}}"#, None),
    (r#"{"messages": [{"content": "\"agent_name\": \"evil\""}]}"#, None),
    ("", None),
];

#[tokio::test]
async fn names_are_found_in_the_text_that_old_releases_kept_of_a_request() {
    for version in [1, 12] {
        let mut scratch = Scratch::new(&format!("logged_{version}")).await;
        made::create_tables(&mut scratch.conn, version).await;
        let row = |place: usize, text: &str| {
            let text =
                text.replace("agent_name", if place.is_multiple_of(2) { "agent_name" } else { "conversation_name" });
            made::row(&format!("r{place}"), noon(), json!({"metadata": {"proxy_server_request": text}}))
        };
        // Each text for both names.
        let texts = || LOGGED.iter().flat_map(|case| [case, case]).enumerate();
        let mut rows: Vec<Value> = texts().map(|(place, (text, _))| row(place, text)).collect();
        let control = "{\"metadata\": {\"agent_name\": \"a\nb\"}}";
        rows.push(made::row("control", noon(), json!({"metadata": {"proxy_server_request": control}})));
        let object = json!({"metadata": {"agent_name": "bot"}});
        rows.push(made::row("object", noon(), json!({"metadata": {"proxy_server_request": object}})));
        made::insert(&mut scratch.conn, &rows).await;
        let facts = scratch.facts(&NamePaths::default()).await;
        for (place, (text, expected)) in texts() {
            let key = ["agent_name", "conversation_name"][place % 2];
            assert_eq!(facts[&format!("r{place}")][key].as_str(), *expected, "{key} in {text} of version {version}");
        }
        assert_eq!(facts["control"]["agent_name"], Value::Null);
        assert_eq!(facts["object"]["agent_name"], "bot");
    }
}

#[tokio::test]
async fn the_settings_add_carriers_to_the_api() {
    let named =
        json!({"metadata": {"team-bot": "by metadata"}, "proxy_server_request": {"app": {"name": "by request"}}});
    let rows = [
        made::row("named", noon(), named),
        made::row("unnamed", noon(), json!({"proxy_server_request": {"app": {"name": ""}}})),
    ];
    let database = made::database("name_settings", &rows).await;
    let now = noon() + chrono::TimeDelta::hours(1);
    for (setting, agent, conversation) in [
        (vec![], "unknown", "default"),
        (vec![("AGENT_NAME_PATHS", "metadata.team-bot, proxy_server_request.app.name")], "by metadata", "default"),
        (vec![("AGENT_NAME_PATHS", "proxy_server_request.app.name,metadata.team-bot")], "by request", "default"),
        (vec![("CONVERSATION_NAME_PATHS", "proxy_server_request.app.name")], "unknown", "by request"),
    ] {
        let app = App::over(database.clone(), now, &setting);
        let session = app.get("/api/v1/sessions/named/summary").await.ok();
        assert_eq!(
            (session["agent_name"].as_str(), session["conversation_name"].as_str()),
            (Some(agent), Some(conversation))
        );
        let session = app.get("/api/v1/sessions/unnamed/summary").await.ok();
        assert_eq!((&session["agent_name"], &session["conversation_name"]), (&json!("unknown"), &json!("default")));
        app.state.db.close().await;
    }
}
