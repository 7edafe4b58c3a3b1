//! Sessions that people reported, whose messages were repeated or lost: each file of `tests/fixtures/cases` says where it
//! comes from and what is right.

use std::sync::Arc;

use local::fixtures::{SCHEMA_VERSIONS, unqualified};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection};
use tests::{App, Database};

const CASES: [&str; 8] = [
    include_str!("../fixtures/cases/01-latest-turn.sql"),
    include_str!("../fixtures/cases/22-claude-code-billing-header.sql"),
    include_str!("../fixtures/cases/22c-claude-code-short-words.sql"),
    include_str!("../fixtures/cases/31-codex-multi-turn.sql"),
    include_str!("../fixtures/cases/34-n-and-custom-tools.sql"),
    include_str!("../fixtures/cases/36-bridged-responses-twice.sql"),
    include_str!("../fixtures/cases/38-storage-off-for-one-request.sql"),
    include_str!("../fixtures/cases/39-merged-tool-calls.sql"),
];

/// A log with all the cases.
async fn cases() -> App {
    let database = Database::empty("cases_conversations").await;
    let mut conn = database.connect().await;
    let schema = unqualified(SCHEMA_VERSIONS[SCHEMA_VERSIONS.len() - 1]);
    for sql in [&schema].into_iter().map(String::as_str).chain(CASES) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.expect("the rows are stored");
    }
    conn.close().await.expect("closed");
    App::over(Arc::new(database), "2026-11-27T00:00:00Z".parse().expect("a time"), &[])
}

/// What a request shows: `role text`, with the names of called tools.
fn shown(request: &Value) -> Vec<String> {
    let line = |message: &Value| {
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let text = message["text"].as_str().unwrap_or_default();
        let words = [message["role"].as_str().unwrap_or_default(), text].map(str::to_owned).into_iter();
        let calls = calls.map(|call| format!("{}()", call["name"].as_str().unwrap_or_default()));
        words.chain(calls).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    request["messages"].as_array().into_iter().flatten().map(line).collect()
}

#[tokio::test]
async fn every_message_of_the_cases_is_shown_once() {
    let app = cases().await;
    let claude_code = "5f1c2a3e-0000-4000-8000-000000000022";
    let expected: [(&str, &[&[&str]]); 8] = [
        (
            "sess-0001",
            &[
                &[
                    "user Refactor the parser module step by step.",
                    "assistant Step 1: I split the tokenizer out. Shall I go on?",
                ],
                &["user continue", "assistant read_file()"],
                &["assistant Step 2: I moved the grammar. Shall I go on?"],
                &["user continue", "assistant Step 3: done."],
                &["user continue", "assistant Nothing left to do."],
            ],
        ),
        (
            claude_code,
            &[
                &["system …", "user List the files.", "assistant Bash()"],
                &["tool a.py\nb.py", "assistant Two files: a.py and b.py."],
            ],
        ),
        (
            "short",
            &[
                &["system …", "user hi", "assistant Hello!"],
                &["user 2+2?", "assistant 4"],
                &["user bye", "assistant Bye."],
            ],
        ),
        (
            "019a-codex",
            &[
                &[
                    "system You are Codex, based on GPT-5.",
                    "developer <permissions>sandbox: workspace-write</permissions>",
                    "user <environment_context>\n<cwd>/repo</cwd>\n</environment_context>",
                    "user rename the function foo to bar",
                    "assistant apply_patch()",
                ],
                &[r#"tool {"output":"Success","metadata":{"exit_code":0}}"#, "assistant shell_command()"],
                &["tool 2 passed", "assistant Renamed."],
                &["user thanks", "assistant You are welcome."],
            ],
        ),
        ("nn", &[&["user pick", "assistant a()", "assistant b() sql()"], &["tool B", "tool 1", "assistant done"]]),
        ("dup-1", &[&["user who is Ada Lovelace", "assistant A mathematician."], &[]]),
        (
            "mid",
            &[
                &["user first question about the invoice", "assistant first answer about the invoice"],
                &[],
                &[
                    "user second question",
                    "assistant second answer, long enough",
                    "user third question",
                    "assistant third answer",
                ],
            ],
        ),
        ("oll", &[&["user read both", "assistant read()"], &["tool fn main(){}"]]),
    ];
    for (session, expected) in expected {
        let path = format!("/api/v1/sessions/{session}/messages");
        let whole = app.get(&path).await.ok();
        let requests: Vec<_> = whole.as_array().into_iter().flatten().map(shown).collect();
        let requests: Vec<Vec<_>> = requests
            .iter()
            .map(|lines| {
                // The system prompts of Claude Code are long, and begin with a nonce.
                let shorten = |line: &String| line.starts_with("system x-anthropic-billing-header: ");
                lines.iter().map(|line| if shorten(line) { "system …" } else { line.as_str() }).collect()
            })
            .collect();
        assert_eq!(requests, expected, "{session}");
        let (paged, _) = app.all_pages(&format!("{path}?limit=1")).await;
        assert!(Value::Array(paged) == whole, "{session} by pages");
    }

    let session = app.get("/api/v1/sessions/sess-0001/messages").await.ok();
    let reasons: Vec<_> =
        session.as_array().into_iter().flatten().map(|request| &request["content_unavailable_reason"]).collect();
    assert_eq!(reasons, ["partial", "partial", "not_stored", "partial", "partial"]);
    let request = app.get("/api/v1/requests/chatcmpl-a4/messages").await.ok();
    assert_eq!(request["prompt_availability"]["content_unavailable_reason"], "partial");
    assert_eq!(request["prompt_availability"]["content_available"], true);
    assert_eq!(request["response_availability"]["content_unavailable_reason"], Value::Null);

    let results = app.get("/api/v1/sessions/nn/messages").await.ok();
    let names: Vec<_> =
        results[1]["messages"].as_array().into_iter().flatten().map(|message| &message["name"]).collect();
    assert_eq!(names[..2], ["b", "sql"]);
}
