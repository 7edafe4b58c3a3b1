//! What callers are told of themselves.

use local::fixtures::Release;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::App;

const RELEASE: Release = Release::V1_109_1;

#[tokio::test]
async fn a_caller_is_told_what_it_may_see() {
    let sha256 = |key: &str| format!("{:x}", Sha256::digest(key));
    let keys = json!([
        {"name": "wall", "sha256": sha256("wall"), "scope": "all", "content": false},
        {"name": "team", "sha256": sha256("team"), "scope": {"teams": ["team-data"], "agents": ["support-bot"]}, "content": true},
    ]);
    let app = App::in_process(RELEASE).await;
    let guarded = app.with_access(&[
        ("AUTH_MODE", "litellm,keys"),
        ("SERVICE_KEYS", &keys.to_string()),
        ("LITELLM_MASTER_KEY", "sk-real-master-0001"),
        ("CONTENT_ACCESS", "owners"),
        ("REDACT", "email,card"),
        ("REDACT_PATTERNS", r#"{"ticket": "TCK-[0-9]+"}"#),
    ]);
    let file: Value = serde_json::from_str(RELEASE.keys()).expect("keys.json is JSON");
    let keys = file["keys"].as_array().expect("keys");
    let research = keys.iter().find(|key| key["request"]["key_alias"] == "research-agent").expect("a key");
    let research = research["key"].as_str().expect("a key");
    let none = json!([]);
    for (key, login, name, rows, teams, content) in [
        ("wall", "service_key", json!("wall"), "all", none.clone(), (false, "none")),
        ("team", "service_key", json!("team"), "own", json!(["team-data"]), (true, "all")),
        ("sk-real-master-0001", "master_key", json!("default_user_id"), "all", none.clone(), (true, "own")),
        (research, "litellm_key", json!("bob"), "own", none.clone(), (true, "own")),
    ] {
        let me = guarded.with_key(key).get("/api/v1/me").await.ok();
        assert_eq!((&me["login"], &me["name"], &me["rows"]), (&json!(login), &name, &json!(rows)), "{me}");
        assert_eq!(
            (&me["team_ids"], &me["content"], &me["content_rows"]),
            (&teams, &json!(content.0), &json!(content.1))
        );
        assert_eq!(me["redaction"], json!(["ticket", "card", "email"]));
        assert!(!me.to_string().contains(key) || login == "service_key", "the key itself is not told");
    }
    let team = guarded.with_key("team").get("/api/v1/me").await.ok();
    assert_eq!((&team["agents"], &team["user_ids"]), (&json!(["support-bot"]), &none));
    let _ = guarded.get("/api/v1/me").await.problem(401);
    assert_eq!(guarded.with_key("team").get("/api/v1/me?x=1").await.blamed(), ["x"]);

    let anyone = app.get("/api/v1/me").await.ok();
    assert_eq!(
        (&anyone["login"], &anyone["name"], &anyone["rows"]),
        (&json!("anonymous"), &Value::Null, &json!("all"))
    );
    assert_eq!((&anyone["redaction"], &anyone["limits"]["page_items"]), (&none, &json!(1000)));
    assert_eq!(anyone["service"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&anyone["service"]["source"], &anyone["service"]["as_of"]), (&json!("log"), &Value::Null));
}
