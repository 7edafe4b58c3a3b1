//! Secrets in every place where a release or a client may have put one are in no answer, for nobody, in no form, and
//! neither in the index nor in a log.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::{self, Release};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use tests::database::is_indexed;
use tests::made;
use tests::{Answer, App, Database, Logs, endpoints, index};

/// Part of every secret, and of nothing else.
const CANARY: &str = "c4n4ry";

/// The keys of LiteLLM's metadata over all releases, and what deployments or forks stamp beside them.
const METADATA: [&str; 66] = [
    "actor_agent_id",
    "additional_usage_values",
    "agent_execution_mode",
    "applied_guardrails",
    "attempted_fallbacks",
    "attempted_retries",
    "autorouter_baseline_observation",
    "autorouter_savings",
    "autorouter_savings_estimate",
    "azure_spillover",
    "batch_failed_requests",
    "batch_models",
    "batch_successful_requests",
    "billed_retry_attempt",
    "billing_agent_id",
    "cold_storage_object_key",
    "compression_savings",
    "cost_breakdown",
    "error_information",
    "eval_information",
    "guardrail_information",
    "internal_call_origin",
    "is_silent_experiment",
    "kubernetes_pod_routing",
    "litellm_call_id",
    "litellm_gateway_injected_cache",
    "litellm_overhead_time_ms",
    "litellm_roi_estimator",
    "max_retries",
    "mcp_tool_call_metadata",
    "model_map_information",
    "original_model_group",
    "proxy_server_request",
    "requester_ip_address",
    "router_metadata",
    "routing_decision",
    "spend_logs_metadata",
    "status",
    "target_agent_id",
    "upstream_provider",
    "usage_object",
    "used_client_oauth_token",
    "user_agent",
    "user_api_key",
    "user_api_key_alias",
    "user_api_key_auth",
    "user_api_key_org_id",
    "user_api_key_project_alias",
    "user_api_key_project_id",
    "user_api_key_team_alias",
    "user_api_key_team_id",
    "user_api_key_user_email",
    "user_api_key_user_id",
    "vector_store_request_metadata",
    "verified_human_user_id",
    "headers",
    "secret_fields",
    "requester_custom_headers",
    "requester_metadata",
    "provider_specific_header",
    "api_key",
    "token",
    "authorization",
    "cookie",
    "litellm_params",
    "of_a_later_release",
];

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn secret(name: &str) -> String {
    format!("corp-{CANARY}-{}", name.replace('_', "-"))
}

fn headers(name: &str) -> Value {
    let secret = secret(name);
    json!({"host": "proxy", "authorization": format!("Bearer {secret}"), "cookie": format!("sid={secret}"), "x-internal": secret})
}

/// Secrets as they stand beside harmless things, at some depth and in texts of JSON.
fn planted(name: &str) -> Value {
    let secret = secret(name);
    let deep = json!({"headers": headers(name), "api_key": secret, "kept": "harmless"});
    json!({
        "kept": "harmless", "api_key": secret, "headers": headers(name), "extra_headers": headers(name),
        "list": [{"Authorization": format!("Basic {secret}"), "X-Api-Key": secret}], "text": deep.to_string(),
        "again": json!([deep.to_string()]).to_string(), "credentials": {"of": [secret]}, "note": format!("api_key: {secret}"),
        "quoted": format!("refused {secret}"), "dump": format!("headers={{'x': '{secret}'}}"),
    })
}

/// Metadata with secrets under every key, and a message about the row's own key, which looks like nothing.
fn metadata(own: &str) -> Value {
    let mut metadata: Map<String, Value> = METADATA.iter().map(|name| ((*name).to_owned(), planted(name))).collect();
    // What the facts and the content are read from, as LiteLLM writes it.
    for name in ["litellm_call_id", "cold_storage_object_key", "mcp_tool_call_metadata", "original_model_group"] {
        metadata.remove(name);
    }
    for name in ["user_api_key", "api_key", "token", "authorization", "cookie"] {
        metadata.insert(name.to_owned(), json!(secret(name)));
    }
    metadata.insert("user_api_key".into(), json!(own));
    metadata.insert("user_api_key_alias".into(), json!("an alias"));
    let logged = json!({"headers": headers("logged"), "body": {"messages": [], "api_key": secret("logged")}});
    metadata.insert("proxy_server_request".into(), json!(logged.to_string()));
    let error = &mut metadata["error_information"];
    error["error_class"] = json!("ProxyModelNotFoundError");
    error["error_message"] = json!(format!("Invalid model name passed in for key {own}, not sk-{CANARY}-0123456789"));
    error["traceback"] =
        json!(format!("  File \"a.py\", line 1, in f\n    {own}\nAuthorization: Bearer {CANARY}-0123456789\n"));
    Value::Object(metadata)
}

/// A stored request with what the proxy stamps into it.
fn request(prompt: &Value) -> Value {
    let mut request = prompt.clone();
    for name in ["metadata", "litellm_metadata", "secret_fields", "proxy_server_request", "user_api_key_auth"] {
        request[name] = planted(name);
    }
    for name in ["headers", "extra_headers", "provider_specific_header"] {
        request[name] = headers(name);
    }
    for name in ["api_key", "authorization", "aws_secret_access_key"] {
        request[name] = json!(secret(name));
    }
    let url = format!("https://u:{CANARY}@mcp.example/sse?key={CANARY}");
    request["tools"] =
        json!([{"type": "mcp", "server_url": url, "headers": headers("tools"), "authorization": secret("tools")}]);
    request
}

fn response() -> Value {
    json!({
        "choices": [{"message": {"role": "assistant", "content": "a harmless answer"}}],
        "_hidden_params": {"additional_headers": headers("hidden")}, "headers": headers("response"),
    })
}

fn some_rows() -> Vec<Value> {
    let chat = json!({"messages": [{"role": "user", "content": "a harmless question"}]});
    let row = |place: i64, call_type: &str, other: Value| {
        let own =
            if place % 2 == 0 { secret(&format!("key-{place}")) } else { format!("sk-{CANARY}-{place}-0123456789") };
        let mut row = made::row(
            &format!("row-{place}"),
            now() - TimeDelta::minutes(place),
            json!({
                "call_type": call_type, "api_key": own, "model_id": secret("model_id"), "user": "alice", "team_id": "team",
                "end_user": "client", "requester_ip_address": secret("requester_ip_address"), "metadata": metadata(&own),
                "api_base": format!("https://u:{CANARY}@api.example/v1?key={CANARY}#{CANARY}"), "session_id": format!("s-{}", place / 2),
                "messages": chat["messages"], "proxy_server_request": request(&chat), "response": response(), "request_tags": ["tag"],
                "litellm_call_id": format!("call-{place}"), "cache_key": "cached",
            }),
        );
        for (name, value) in other.as_object().expect("fields") {
            row[name] = value.clone();
        }
        row
    };
    let failed = json!({"status": "failure", "response": {}, "spend": 0.0});
    let events = json!([{"type": "session.update", "session": {"tools": [{"type": "mcp", "headers": headers("events"), "authorization": secret("events")}]}}]);
    vec![
        row(0, "acompletion", json!({})),
        row(1, "acompletion", json!({})),
        row(2, "", failed.clone()),
        row(3, "acompletion", failed),
        row(
            4,
            "acompletion",
            json!({"response": response().to_string(), "proxy_server_request": request(&chat).to_string()}),
        ),
        row(5, "pass_through_endpoint", json!({"response": {"response": response().to_string()}})),
        row(6, "_arealtime", json!({"messages": events, "response": {"results": events}})),
        row(
            7,
            "call_mcp_tool",
            json!({"messages": {}, "proxy_server_request": request(&json!({"name": "f", "arguments": {"a": 1}}))}),
        ),
        row(8, "aresponses", json!({"proxy_server_request": {}, "messages": {}, "response": {}})),
    ]
}

async fn database(release: Release) -> Arc<Database> {
    let database = Database::empty(&format!("canaries_{}", release.version().replace('.', "_"))).await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, release).await.expect("the schema loads");
    made::insert(&mut conn, &some_rows()).await;
    sqlx::raw_sql("ANALYZE").execute(&mut conn).await.expect("ANALYZE");
    conn.close().await.expect("closed");
    if is_indexed() {
        index::fill(&database).await;
    }
    Arc::new(database)
}

/// Who asks: nobody in particular, and service keys of all kinds.
fn callers(open: &App) -> Vec<(&'static str, App)> {
    let key = |name: &str, scope: Value, content: bool| json!({"name": name, "sha256": format!("{:x}", Sha256::digest(name)), "scope": scope, "content": content});
    let keys = json!([
        key("admin", json!("all"), true),
        key("dashboard", json!("all"), false),
        key("team", json!({"teams": ["team"]}), true),
        key("user", json!({"users": ["alice"]}), false),
        key("nobody", json!({"users": ["bob"]}), true),
    ]);
    let guarded = open.with_access(&[
        ("AUTH_MODE", "litellm,keys"),
        ("SERVICE_KEYS", &keys.to_string()),
        ("LITELLM_MASTER_KEY", "sk-master-0001"),
        ("CONTENT_ACCESS", "all"),
    ]);
    let mut callers = vec![("anybody", open.clone()), ("the master key", guarded.with_key("sk-master-0001"))];
    callers.extend(["admin", "dashboard", "team", "user", "nobody"].map(|name| (name, guarded.with_key(name))));
    callers
}

/// Every endpoint for every row, in every form, by every dimension.
fn questions() -> BTreeSet<(http::Method, String)> {
    let rows = some_rows();
    let texts =
        |name: &str| rows.iter().map(|row| row[name].as_str().expect("a text").to_owned()).collect::<BTreeSet<_>>();
    let mut questions = BTreeSet::new();
    for endpoint in endpoints::all() {
        let ids = match endpoint.path_parameter() {
            Some("session_id") => &texts("session_id") | &texts("request_id"),
            Some(_) => &texts("request_id") | &BTreeSet::from(["call-0".to_owned()]),
            None => BTreeSet::from([String::new()]),
        };
        for path in ids.iter().map(|id| endpoint.with_id(id)) {
            questions.insert((endpoint.method.clone(), path.clone()));
            let values: [(&str, &[&str]); 3] = [
                (
                    "group_by",
                    &[
                        "model",
                        "agent",
                        "user",
                        "end_user",
                        "team",
                        "key",
                        "provider",
                        "tag",
                        "tool",
                        "key,model",
                        "team,key",
                    ],
                ),
                ("format", &["json", "csv", "focus", "markdown", "html"]),
                ("details", &["true"]),
            ];
            for (name, values) in values.into_iter().filter(|(name, _)| endpoint.takes(name)) {
                let window = "start_date=2026-11-01&end_date=2026-12-01";
                questions.extend(
                    values.iter().map(|value| (endpoint.method.clone(), format!("{path}?{window}&{name}={value}"))),
                );
            }
        }
    }
    let sessions: Vec<String> = texts("session_id").into_iter().collect();
    questions.extend(sessions.windows(2).map(|pair| {
        (
            http::Method::GET,
            format!("/api/v1/sessions/diff?a={}&b={}", tests::encode(&pair[0]), tests::encode(&pair[1])),
        )
    }));
    questions
}

async fn ask(app: &App, method: &http::Method, path: &str) -> Answer {
    if *method == http::Method::POST { app.post(path, &json!({})).await } else { app.get(path).await }
}

async fn no_canary_of(release: Release) {
    let database = database(release).await;
    let app = App::over(Arc::clone(&database), now() + TimeDelta::hours(1), &[]);
    let logs = Logs::collect();
    let (mut harmless, mut hashed) = (0, 0);
    let hash = format!("{:x}", Sha256::digest(secret("key-0")));
    for (name, caller) in callers(&app) {
        for (method, path) in questions() {
            // Without a login nothing is different about the rest.
            if !["anybody", "dashboard"].contains(&name)
                && path.contains('?')
                && !path.contains("key")
                && !path.contains("format")
                && !path.contains("/diff")
            {
                continue;
            }
            let answer = ask(&caller, &method, &path).await;
            let found = answer
                .text
                .find(CANARY)
                .map(|at| answer.text.floor_char_boundary(at.saturating_sub(200))..at + CANARY.len());
            assert!(found.is_none(), "{name}: {path} tells …{}", &answer.text[found.unwrap_or_default()]);
            for (header, value) in &answer.headers {
                assert!(
                    !String::from_utf8_lossy(value.as_bytes()).contains(CANARY),
                    "{name}: {path} tells by {header}"
                );
            }
            harmless += usize::from(answer.text.contains("harmless"));
            hashed += usize::from(answer.text.contains(&hash));
        }
        let lines = caller.audit.take();
        assert!(!json!(lines).to_string().contains(CANARY), "{name}: {lines:?}");
    }
    assert!(harmless > 20 && hashed > 20, "{harmless} answers have content, {hashed} the key's hash");
    for line in logs.take() {
        assert!(!line.contains(CANARY), "the log tells it: {line}");
    }
    if is_indexed() {
        let mut conn = database.connect().await;
        for table in ["facts", "rollups", "sessions", "labels", "stale", "state"] {
            let sql = format!("SELECT count(*) FROM traceability.{table} t WHERE t::text LIKE '%{CANARY}%'");
            let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut conn).await.expect("a count");
            assert_eq!(found, 0, "{table} has them");
        }
        conn.close().await.expect("closed");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn no_canary_of_1_61_20_is_told() {
    no_canary_of(Release::V1_61_20).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn no_canary_of_1_80_0_is_told() {
    no_canary_of(Release::V1_80_0).await;
}

#[tokio::test]
async fn no_canary_of_1_109_1_is_told() {
    no_canary_of(Release::V1_109_1).await;
}

/// Rows that people reported, and the secrets in them.
#[tokio::test]
async fn reported_rows_keep_their_secrets() {
    let cases = [
        include_str!("../fixtures/cases/10-raw-key.sql"),
        include_str!("../fixtures/cases/11-double-encoded-response.sql"),
    ];
    let secrets =
        ["corp-session-2f9b7c1d5e", "sk-live-9d8c7b6a5f4e3d2c1b0a", "azure-key-0123456789abcdef", "s3cr3tcookie"];
    let database = Database::empty("reported_secrets").await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    for case in cases {
        sqlx::raw_sql(case).execute(&mut conn).await.expect("the rows load");
    }
    let hash = format!("{:x}", Sha256::digest(secrets[0]));
    let alias =
        format!(r#"INSERT INTO "LiteLLM_VerificationToken" (token, key_alias) VALUES ('{hash}', 'batch jobs')"#);
    sqlx::raw_sql(sqlx::AssertSqlSafe(alias)).execute(&mut conn).await.expect("the alias is there");
    conn.close().await.expect("closed");
    if is_indexed() {
        index::fill(&database).await;
    }
    let app = App::over(Arc::new(database), "2026-11-26T00:00:00Z".parse().expect("a time"), &[]);
    let mut paths = vec!["/api/v1/analytics/cost-breakdown?group_by=key".to_owned()];
    paths
        .extend(["json", "csv", "focus", "markdown", "html"].map(|form| format!("/api/v1/reports/cost?format={form}")));
    for id in ["fail-0001", "chatcmpl-k2", "chatcmpl-de1"] {
        paths.extend([format!("/api/v1/requests/{id}"), format!("/api/v1/requests/{id}/messages")]);
    }
    for path in paths {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        for secret in secrets {
            assert!(!answer.text.contains(secret), "{path} tells {secret}");
        }
    }
    let by_key = app.get("/api/v1/analytics/cost-breakdown?group_by=key").await.ok();
    let of_key = by_key.as_array().expect("a list").iter().find(|row| row["category"] == hash.as_str());
    assert_eq!(of_key.expect("the key by its hash")["label"], "batch jobs");
    let failed = app.get("/api/v1/requests/fail-0001").await.ok();
    assert_eq!(failed["key_alias"], "batch jobs");
    let message = &failed["metadata"]["error_information"]["error_message"];
    assert_eq!(message, "Invalid model name passed in for key masked");
}
