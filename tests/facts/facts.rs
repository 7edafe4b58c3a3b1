//! The projection yields the same facts from the tables of every release.

use chrono::{DateTime, Utc};
use local::fixtures::SCHEMA_VERSIONS;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{Postgres, QueryBuilder};
use tests::made::{self, Scratch};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::Scope;
use traceability_facts::{Beside, Fact, RowSelector};
use traceability_litellm::SchemaError;
use traceability_queries::source::RequestSource;

const COLUMNS: [(&str, &str); 41] = [
    ("request_id", "text"),
    ("call_id", "text"),
    ("session_id", "text"),
    ("session_is_generated", "boolean"),
    ("started_at", "timestamp without time zone"),
    ("ended_at", "timestamp without time zone"),
    ("duration_ms", "bigint"),
    ("ttft_ms", "bigint"),
    ("agent_name", "text"),
    ("conversation_name", "text"),
    ("user_id", "text"),
    ("end_user", "text"),
    ("team_id", "text"),
    ("organization_id", "text"),
    ("api_key_hash", "text"),
    ("key_alias", "text"),
    ("model", "text"),
    ("model_group", "text"),
    ("provider", "text"),
    ("call_type", "text"),
    ("status", "text"),
    ("error_class", "text"),
    ("prompt_tokens", "integer"),
    ("completion_tokens", "integer"),
    ("cached_tokens", "bigint"),
    ("reasoning_tokens", "bigint"),
    ("total_tokens", "integer"),
    ("spend", "double precision"),
    ("cache_hit", "boolean"),
    ("tool_calls", "bigint"),
    ("tool_calls_exact", "boolean"),
    ("tags", "jsonb"),
    ("tools", "text[]"),
    ("origin", "text"),
    ("data_quality", "text[]"),
    ("cache_write_tokens", "bigint"),
    ("mcp_server", "text"),
    ("has_content", "boolean"),
    ("context_window", "bigint"),
    ("input_price", "double precision"),
    ("cache_read_price", "double precision"),
];

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

#[tokio::test]
async fn every_release_has_the_same_columns_of_the_same_types() {
    for version in 1..=SCHEMA_VERSIONS.len() {
        let mut scratch = Scratch::new(&format!("columns_{version}")).await;
        made::create_tables(&mut scratch.conn, version).await;
        made::insert(&mut scratch.conn, &[made::row("r", noon(), json!({}))]).await;
        let facts = RequestSource::probe(&mut scratch.conn, &NamePaths::default()).await.expect("there is a log");
        let types: Vec<String> =
            Fact::ALL.iter().map(|fact| format!("'{0}', pg_typeof(f.{0})::text", fact.name())).collect();
        // Two objects, because a function takes a hundred arguments at most.
        let (some, others) = types.split_at(16);
        let select = format!(
            "SELECT jsonb_build_object({}) || jsonb_build_object({}) FROM ",
            some.join(", "),
            others.join(", ")
        );
        let mut sql = QueryBuilder::<Postgres>::new(select);
        facts.push_requests(&mut sql, &Fact::ALL, Beside::Nothing, RowSelector::All, &Scope::AllRows);
        sql.push(" AS f");
        let types: Value = sql.build_query_scalar().fetch_one(&mut scratch.conn).await.expect("the types");
        let expected: serde_json::Map<String, Value> =
            COLUMNS.iter().map(|(name, sql_type)| ((*name).to_owned(), json!(sql_type))).collect();
        assert_eq!(types, Value::Object(expected), "version {version}");
        assert_eq!(Fact::ALL.map(Fact::name), COLUMNS.map(|(name, _)| name));
    }
}

/// Fields of a row, a fact, its value before the column exists, the version that brings it, and its value from then on.
fn columns_that_came_later() -> Vec<(Value, &'static str, Value, usize, Value)> {
    let failed = json!({"status": "failure"});
    let id = json!("r");
    vec![
        (json!({"session_id": "s-1"}), "session_id", id.clone(), 2, json!("s-1")),
        (json!({"session_id": "s-1"}), "session_is_generated", json!(true), 2, json!(false)),
        (json!({"session_id": ""}), "session_id", id.clone(), 2, id.clone()),
        (json!({"session_id": ""}), "session_is_generated", json!(true), 2, json!(true)),
        (json!({"session_id": null}), "session_id", id.clone(), 2, id.clone()),
        (json!({"session_id": null}), "session_is_generated", json!(true), 2, json!(true)),
        (json!({"status": "failure"}), "status", json!("success"), 3, json!("failure")),
        (json!({"status": null, "metadata": failed}), "status", json!("failure"), 3, json!("success")),
        (json!({"status": null, "metadata": {"status": null}}), "status", json!("success"), 3, json!("success")),
        (json!({"status": null, "metadata": {}}), "status", json!("success"), 3, json!("success")),
        (json!({"status": "success", "metadata": {}}), "status", json!("success"), 3, json!("success")),
        (json!({"organization_id": "o"}), "organization_id", Value::Null, 6, json!("o")),
        (json!({"organization_id": ""}), "organization_id", Value::Null, 6, Value::Null),
        (json!({"agent_id": "a"}), "agent_name", Value::Null, 7, json!("a")),
        (json!({"request_duration_ms": 1234}), "duration_ms", json!(1000), 8, json!(1234)),
        (json!({"request_duration_ms": null}), "duration_ms", json!(1000), 8, json!(1000)),
        (json!({"mcp_namespaced_tool_name": "zoo/feed"}), "mcp_server", Value::Null, 5, json!("zoo")),
        (json!({"mcp_namespaced_tool_name": "feed"}), "mcp_server", Value::Null, 5, Value::Null),
        (json!({"mcp_namespaced_tool_name": "/feed"}), "mcp_server", Value::Null, 5, Value::Null),
        (json!({"litellm_call_id": "c"}), "call_id", Value::Null, 11, json!("c")),
        (json!({"litellm_call_id": ""}), "call_id", Value::Null, 11, Value::Null),
    ]
}

/// Fields of a row, a fact and its value, in every version.
fn columns_of_every_release() -> Vec<(Value, &'static str, Value)> {
    let mut cases = Vec::new();
    for (text, hit) in [("None", false), ("False", false), ("True", true), ("true", true), ("", false)] {
        cases.push((json!({"cache_hit": text}), "cache_hit", json!(hit)));
    }
    cases.push((json!({"cache_hit": null}), "cache_hit", json!(false)));
    // The response of a second, streamed or not.
    for (first, ttft) in [
        ("12:00:00.250", json!(250)),
        ("12:00:00", json!(0)),
        ("12:00:00.998", json!(998)),
        ("12:00:00.999", Value::Null),
        ("12:00:01", Value::Null),
        ("12:00:01.500", Value::Null),
        ("11:59:59.999", Value::Null),
    ] {
        cases.push((json!({"completionStartTime": format!("2026-11-20T{first}")}), "ttft_ms", ttft));
    }
    cases.push((json!({"completionStartTime": null}), "ttft_ms", Value::Null));
    for (group, provider, model, expected) in [
        (json!("public"), json!("openai"), "openai/gpt-4o", json!("public")),
        (json!(""), json!("openai"), "openai/gpt-4o", json!("gpt-4o")),
        (json!(null), json!("openai"), "openai/gpt-4o", json!("gpt-4o")),
        (json!(""), json!("openai"), "gpt-4o", json!("gpt-4o")),
        (json!(""), json!("openai"), "azure/gpt-4o", json!("azure/gpt-4o")),
        (json!(""), json!("openai"), "openai/org/gpt-4o", json!("org/gpt-4o")),
        (json!(""), json!(""), "openai/gpt-4o", json!("openai/gpt-4o")),
        (json!(""), json!(null), "openai/gpt-4o", json!("openai/gpt-4o")),
        (json!(""), json!("openai"), "openai/", Value::Null),
        (json!(""), json!("openai"), "", Value::Null),
    ] {
        let fields = json!({"model_group": group, "custom_llm_provider": provider, "model": model});
        cases.push((fields, "model_group", expected));
    }
    for (column, fact) in [
        ("user", "user_id"),
        ("end_user", "end_user"),
        ("team_id", "team_id"),
        ("custom_llm_provider", "provider"),
        ("call_type", "call_type"),
        ("model", "model"),
    ] {
        cases.push((json!({column: "søren"}), fact, json!("søren")));
        cases.push((json!({column: ""}), fact, Value::Null));
    }
    let details = |cached: i64| json!({"prompt_tokens_details": {"cached_tokens": cached}});
    for (metadata, cached) in [
        (json!({}), Value::Null),
        (json!({"usage_object": {}}), Value::Null),
        (json!({"usage_object": details(0)}), json!(0)),
        (json!({"usage_object": details(7)}), json!(7)),
        (json!({"usage_object": {"cache_read_input_tokens": 8}}), json!(8)),
        (json!({"additional_usage_values": details(9)}), json!(9)),
        (json!({"usage_object": details(7), "additional_usage_values": details(9)}), json!(7)),
        (
            json!({"usage_object": {"prompt_tokens_details": {"cached_tokens": null}, "cache_read_input_tokens": 3}}),
            json!(3),
        ),
    ] {
        cases.push((json!({"metadata": metadata}), "cached_tokens", cached));
    }
    let reasoning = json!({"usage_object": {"completion_tokens_details": {"reasoning_tokens": 64}}});
    cases.push((json!({"metadata": reasoning}), "reasoning_tokens", json!(64)));
    cases.push((
        json!({"metadata": {"error_information": {"error_class": "Timeout"}}}),
        "error_class",
        json!("Timeout"),
    ));
    cases.push((json!({"metadata": {"error_information": {"error_class": ""}}}), "error_class", Value::Null));
    cases.push((json!({"metadata": {"user_api_key_alias": "alias"}}), "key_alias", json!("alias")));
    for (usage, written) in [
        (json!({"cache_creation_input_tokens": 5}), json!(5)),
        (json!({"prompt_tokens_details": {"cache_creation_tokens": 6}, "cache_creation_input_tokens": 5}), json!(6)),
        (json!({"prompt_tokens_details": {"cache_write_tokens": 0}}), json!(0)),
        (json!({"cache_creation_input_tokens": "5"}), Value::Null),
        (json!({"cache_creation_input_tokens": 1e30}), json!(i32::MAX)),
    ] {
        for carrier in ["usage_object", "additional_usage_values"] {
            cases.push((json!({"metadata": {carrier: usage}}), "cache_write_tokens", written.clone()));
        }
    }
    cases.extend(what_the_table_of_models_says());
    let server = |name: &str| json!({"metadata": {"mcp_tool_call_metadata": {"mcp_server_name": name}}});
    cases.push((server("zoo"), "mcp_server", json!("zoo")));
    cases.push((server(""), "mcp_server", Value::Null));
    for (stored, has_content) in [
        (json!({"messages": {}, "response": {}}), false),
        (json!({"messages": null, "response": []}), false),
        (json!({"messages": [{"role": "user", "content": "hi"}]}), true),
        (json!({"response": {"choices": []}}), true),
        (json!({"response": {"text": "redacted-by-litellm"}}), true),
        (json!({"response": {"text": "x".repeat(10_000)}}), true),
    ] {
        cases.push((stored, "has_content", json!(has_content)));
    }
    cases
}

fn what_the_table_of_models_says() -> Vec<(Value, &'static str, Value)> {
    let of =
        |value: Value| json!({"metadata": {"model_map_information": {"model_map_key": "m", "model_map_value": value}}});
    let mut cases = Vec::new();
    for (value, window) in [
        (json!({"max_input_tokens": 128_000, "max_tokens": 4096}), json!(128_000)),
        (json!({"max_input_tokens": null, "max_tokens": 8192}), json!(8192)),
        (json!({"max_input_tokens": "128000"}), Value::Null),
        (json!({"max_input_tokens": 0}), Value::Null),
        (json!({"max_input_tokens": 1e300}), Value::Null),
        (json!(null), Value::Null),
        (json!("m"), Value::Null),
    ] {
        cases.push((of(value), "context_window", window));
    }
    for (key, fact) in [("input_cost_per_token", "input_price"), ("cache_read_input_token_cost", "cache_read_price")] {
        for (value, price) in [
            (json!(2.5e-6), json!(2.5e-6)),
            (json!(0), json!(0)),
            (json!(1e-300), json!(0)),
            (json!(-1.0), Value::Null),
            (json!(1e300), Value::Null),
            (json!("0.1"), Value::Null),
            (json!({}), Value::Null),
        ] {
            cases.push((of(json!({key: value})), fact, price));
        }
    }
    cases
}

#[tokio::test]
async fn every_fact_is_right_in_every_release() {
    let later = columns_that_came_later();
    let always = columns_of_every_release();
    for version in 1..=SCHEMA_VERSIONS.len() {
        let cases: Vec<(&Value, &str, &Value)> = later
            .iter()
            .map(|(fields, fact, before, since, after)| (fields, *fact, if version < *since { before } else { after }))
            .chain(always.iter().map(|(fields, fact, expected)| (fields, *fact, expected)))
            .collect();
        let mut scratch = Scratch::new(&format!("values_{version}")).await;
        made::create_tables(&mut scratch.conn, version).await;
        // Each case's row has an id of its own, which takes the place of `r` in what is expected.
        let id = |place: usize| format!("r{place}");
        let rows: Vec<Value> = cases
            .iter()
            .enumerate()
            .map(|(place, (fields, _, _))| made::row(&id(place), noon(), (*fields).clone()))
            .collect();
        made::insert(&mut scratch.conn, &rows).await;
        let facts = scratch.facts(&NamePaths::default()).await;
        for (place, (fields, fact, expected)) in cases.into_iter().enumerate() {
            let expected = if *expected == "r" { &json!(id(place)) } else { expected };
            assert_eq!(facts[&id(place)][fact], *expected, "{fact} of {fields} in version {version}");
        }
    }
}

#[tokio::test]
async fn the_alias_of_a_key_is_the_key_tables_or_else_the_logged_one() {
    let mut scratch = Scratch::new("key_alias").await;
    made::create_tables(&mut scratch.conn, 12).await;
    let logged = json!({"user_api_key_alias": "logged"});
    let rows = ["named", "unnamed", "deleted"].map(|key| {
        let hash = format!("{:x}", Sha256::digest(key));
        made::row(key, noon(), json!({"api_key": hash, "metadata": logged.clone()}))
    });
    made::insert(&mut scratch.conn, &rows).await;
    // Releases before 1.100 logged some keys as they came.
    let raw = made::row("raw", noon(), json!({"api_key": "named", "metadata": logged}));
    made::insert(&mut scratch.conn, &[raw]).await;
    scratch
        .run(
            r#"INSERT INTO "LiteLLM_VerificationToken" (token, key_alias)
               VALUES (encode(sha256('named'), 'hex'), 'current'), (encode(sha256('unnamed'), 'hex'), NULL)"#,
        )
        .await;
    let facts = scratch.facts(&NamePaths::default()).await;
    for (key, alias) in [("named", "current"), ("unnamed", "logged"), ("deleted", "logged"), ("raw", "current")] {
        assert_eq!(facts[key]["key_alias"], alias, "{key}");
    }
    assert_eq!(facts["raw"]["api_key_hash"], facts["named"]["api_key_hash"]);
}

#[tokio::test]
async fn a_key_is_a_hash_whatever_was_logged() {
    let hash = "0aF".repeat(21) + "b";
    let sha256 = |text: &str| json!(format!("{:x}", Sha256::digest(text)));
    let cases = [
        (json!(""), Value::Null),
        (json!(hash), json!(hash)),
        (json!("litellm_proxy_master_key"), json!("litellm_proxy_master_key")),
        (json!("litellm-internal-health-check"), json!("litellm-internal-health-check")),
        (json!("sk-1234"), sha256("sk-1234")),
        (json!("søren \\x41 '\""), sha256("søren \\x41 '\"")),
        (json!("x".repeat(64)), sha256(&"x".repeat(64))),
        (json!(format!("{hash}0")), sha256(&format!("{hash}0"))),
        (json!(&hash[1..]), sha256(&hash[1..])),
        (json!("y".repeat(5000)), sha256(&"y".repeat(5000))),
    ];
    let mut scratch = Scratch::new("key_hash").await;
    made::create_tables(&mut scratch.conn, 1).await;
    // The index of LiteLLM's that would not take the longest came with a later release.
    let rows: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(place, (key, _))| made::row(&place.to_string(), noon(), json!({"api_key": key})))
        .collect();
    made::insert(&mut scratch.conn, &rows).await;
    let facts = scratch.facts(&NamePaths::default()).await;
    for (place, (key, expected)) in cases.iter().enumerate() {
        assert_eq!(facts[&place.to_string()]["api_key_hash"], *expected, "{key}");
    }
}

#[tokio::test]
async fn tools_called_in_unstored_responses_come_from_the_index() {
    let mut scratch = Scratch::new("tool_index").await;
    made::create_tables(&mut scratch.conn, 12).await;
    let called = json!({"choices": [{"message": {"tool_calls": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}}]});
    let rows = [
        ("stored", json!({"response": called})),
        ("unstored", json!({})),
        ("null", json!({"response": null})),
        ("json null", json!({})),
        ("redacted", json!({"response": {"text": "redacted-by-litellm"}})),
        ("failed", json!({"status": "failure"})),
        ("mcp", json!({"call_type": "call_mcp_tool"})),
        ("embedding", json!({"call_type": "aembedding", "response": {"data": []}})),
    ];
    let ids: Vec<&str> = rows.iter().map(|(id, _)| *id).collect();
    let rows: Vec<Value> = rows.iter().map(|(id, fields)| made::row(id, noon(), fields.clone())).collect();
    made::insert(&mut scratch.conn, &rows).await;
    scratch.run(r#"UPDATE "LiteLLM_SpendLogs" SET response = 'null' WHERE request_id = 'json null'"#).await;
    let calls = |facts: &std::collections::BTreeMap<String, Value>| -> Vec<(i64, bool)> {
        let of = |id: &&str| (facts[*id]["tool_calls"].as_i64(), facts[*id]["tool_calls_exact"].as_bool());
        ids.iter().map(of).map(|(calls, exact)| (calls.expect("a number"), exact.expect("a flag"))).collect()
    };
    let before = scratch.facts(&NamePaths::default()).await;
    let none = (0, false);
    assert_eq!(
        calls(&before),
        [(3, true), none, none, none, none, (0, true), (1, true), (0, true)],
        "without an index"
    );

    scratch
        .run(
            r#"CREATE TABLE "LiteLLM_SpendLogToolIndex"
                   (request_id text, tool_name text, start_time timestamp(3), PRIMARY KEY (request_id, tool_name));
               INSERT INTO "LiteLLM_SpendLogToolIndex"
               SELECT request_id, tool, now() FROM "LiteLLM_SpendLogs", unnest(ARRAY['a', 'b']) AS tool
               WHERE request_id IN ('stored', 'unstored', 'null', 'json null', 'redacted')"#,
        )
        .await;
    let after = scratch.facts(&NamePaths::default()).await;
    let two = (2, false);
    assert_eq!(calls(&after), [(3, true), two, two, two, two, (0, true), (1, true), (0, true)], "with an index");
}

#[tokio::test]
async fn companions_that_the_role_may_not_read_are_done_without() {
    let mut scratch = Scratch::new("unreadable").await;
    made::create_tables(&mut scratch.conn, 12).await;
    let key = format!("{:x}", Sha256::digest("k"));
    let fields = json!({"api_key": key, "agent_id": "a-1", "metadata": {"user_api_key_alias": "logged"}});
    made::insert(&mut scratch.conn, &[made::row("r", noon(), fields)]).await;
    scratch
        .run(
            r#"CREATE TABLE "LiteLLM_AgentsTable" (agent_id text PRIMARY KEY, agent_name text);
               CREATE TABLE "LiteLLM_SpendLogToolIndex" (request_id text, tool_name text, start_time timestamp(3));
               INSERT INTO "LiteLLM_AgentsTable" VALUES ('a-1', 'registered');
               INSERT INTO "LiteLLM_SpendLogToolIndex" VALUES ('r', 'tool', now());
               INSERT INTO "LiteLLM_VerificationToken" (token, key_alias) VALUES (encode(sha256('k'), 'hex'), 'current');
               DO $$ BEGIN CREATE ROLE traceability_test_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
               GRANT USAGE ON SCHEMA unreadable TO traceability_test_reader;"#,
        )
        .await;
    let seen = |facts: &Value| ["agent_name", "key_alias", "tool_calls"].map(|fact| facts[fact].clone());
    let all = scratch.facts(&NamePaths::default()).await;
    assert_eq!(seen(&all["r"]), [json!("registered"), json!("current"), json!(1)]);

    scratch.run("SET ROLE traceability_test_reader").await;
    let refused = scratch.refusal().await;
    assert!(matches!(SchemaError::of(&refused), Some(SchemaError::NotReadable)), "{refused:?}");
    scratch.run(r#"RESET ROLE; GRANT SELECT ON "LiteLLM_SpendLogs" TO traceability_test_reader"#).await;
    scratch.run("SET ROLE traceability_test_reader").await;
    let some = scratch.facts(&NamePaths::default()).await;
    assert_eq!(seen(&some["r"]), [json!("a-1"), json!("logged"), json!(0)]);

    let columns = r#"GRANT SELECT (token, key_alias) ON "LiteLLM_VerificationToken" TO traceability_test_reader;
        GRANT SELECT (agent_id) ON "LiteLLM_AgentsTable" TO traceability_test_reader"#;
    scratch.run(&format!("RESET ROLE; {columns}")).await;
    scratch.run("SET ROLE traceability_test_reader").await;
    let more = scratch.facts(&NamePaths::default()).await;
    assert_eq!(seen(&more["r"]), [json!("a-1"), json!("current"), json!(0)]);
}

#[tokio::test]
async fn a_database_that_is_not_litellms_is_refused_by_name() {
    let mut scratch = Scratch::new("not_litellms").await;
    let missing = scratch.refusal().await;
    assert!(matches!(SchemaError::of(&missing), Some(SchemaError::TableMissing)), "{missing:?}");
    made::create_tables(&mut scratch.conn, 12).await;
    scratch.run(r#"ALTER TABLE "LiteLLM_SpendLogs" DROP COLUMN request_tags"#).await;
    let lacking = scratch.refusal().await;
    assert!(matches!(SchemaError::of(&lacking), Some(SchemaError::ColumnMissing("request_tags"))), "{lacking:?}");
}
