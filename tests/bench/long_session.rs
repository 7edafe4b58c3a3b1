//! A session of many requests, read from its first page to its last.
//!
//! It lies in a database of its own: among the sessions of the other log it would be the largest by far.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use local::fixtures::{self, Release};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

use crate::client::{Connection, get};
use crate::data;
use crate::load::{Measured, send};
use crate::process::{Login, Memory, Server};

/// Its name, by which `--only` knows it.
pub const LONG_SESSION: &str = "session of 20,000 requests, every page";

const DATABASE: &str = "traceability_bench_long_session";
const REQUESTS: u64 = 20_000;
/// Messages that a prompt has at most beside its instructions: the client leaves out the older ones.
const WINDOW: u64 = 24;

/// What came of it.
pub struct LongSession {
    /// The pages, of a thousand requests each or of 3 MB, one after the other.
    pub pages: Measured,
    /// The server's memory before the first page and after the last.
    pub memory: (Memory, Memory),
}

/// Reads the session once to warm up and once to measure.
pub async fn measure(server: &Url, program: Option<&Path>) -> Result<LongSession, Box<dyn Error>> {
    let mut url = server.clone();
    url.set_path(DATABASE);
    fill(server, &url).await?;
    let server = Server::start(program, &url, 1, Login::None)?;
    let memory_at_start = server.memory()?;
    let mut connection = Connection::open(server.address()).await?;
    let mut last = None;
    for _ in 0..2 {
        eprintln!("{LONG_SESSION}");
        last = Some(read(&mut connection).await.map_err(|error| server.explain(&*error))?);
    }
    let pages = last.ok_or("nothing was read")?;
    Ok(LongSession { pages, memory: (memory_at_start, server.memory()?) })
}

async fn read(connection: &mut Connection) -> Result<Measured, Box<dyn Error>> {
    let mut pages = Measured::new();
    let begun = Instant::now();
    let mut next = Some("/api/v1/sessions/long/messages".to_owned());
    while let Some(path) = next {
        next = send(connection, &get(&path), &mut pages).await?;
    }
    pages.elapsed = begun.elapsed();
    Ok(pages)
}

async fn fill(server: &Url, url: &Url) -> Result<(), Box<dyn Error>> {
    data::create(server, DATABASE).await?;
    let mut conn = PgConnection::connect(url.as_str()).await?;
    let is_filled: bool =
        sqlx::query_scalar(r#"SELECT to_regclass('"LiteLLM_SpendLogs"') IS NOT NULL"#).fetch_one(&mut conn).await?;
    if !is_filled {
        let mut transaction = conn.begin().await?;
        fixtures::load_schema(&mut transaction, Release::V1_109_1).await?;
        sqlx::raw_sql(AssertSqlSafe(rows())).execute(&mut *transaction).await?;
        transaction.commit().await?;
        sqlx::raw_sql("VACUUM ANALYZE").execute(&mut conn).await?;
    }
    Ok(())
}

/// SQL of the session: messages of 450 characters, and metadata of the size that LiteLLM writes, most of it the price table.
fn rows() -> String {
    let text =
        |who: &str| format!("(SELECT string_agg(md5('{who}' || q || ':' || n), ' ') FROM generate_series(1, 14) AS n)");
    format!(
        r#"INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, session_id, status, model, model_group,
               custom_llm_provider, "user", "startTime", "endTime", spend, prompt_tokens, completion_tokens, total_tokens,
               metadata, messages, proxy_server_request, response)
           SELECT 'chatcmpl-' || md5(i::text), 'acompletion', 'long', 'success', 'openai/gpt-4o', 'gpt-4o', 'openai', 'alice',
                  timestamp '2026-11-01' + i * interval '10 seconds',
                  timestamp '2026-11-01' + i * interval '10 seconds' + interval '1 second', 0.001, 1000, 100, 1100,
                  prices.metadata || jsonb_build_object('trace', (SELECT string_agg(md5(i || ':' || n), '') FROM generate_series(1, 60) AS n)),
                  '{{}}',
                  jsonb_build_object('model', 'gpt-4o', 'messages', (
                      SELECT jsonb_agg(m.message ORDER BY m.at) FROM (
                          SELECT -1 AS at, jsonb_build_object('role', 'system', 'content', 'You are a helpful assistant.') AS message
                          UNION ALL
                          SELECT 2 * q, jsonb_build_object('role', 'user', 'content', {question})
                          FROM generate_series(greatest(0, i - {WINDOW} / 2), i) AS q
                          UNION ALL
                          SELECT 2 * q + 1, jsonb_build_object('role', 'assistant', 'content', {answer})
                          FROM generate_series(greatest(0, i - {WINDOW} / 2), i - 1) AS q) m)),
                  jsonb_build_object('choices', jsonb_build_array(jsonb_build_object('index', 0, 'message',
                      jsonb_build_object('role', 'assistant', 'content', (SELECT {answer} FROM (SELECT i AS q) o)))))
           FROM generate_series(0, {REQUESTS} - 1) AS i CROSS JOIN (
               SELECT jsonb_build_object('model_map_information', jsonb_build_object('model_map_value',
                   (SELECT jsonb_object_agg('input_cost_per_token_above_' || k || '_tokens', NULL) FROM generate_series(1, 190) AS k)))
                   AS metadata) prices"#,
        question = text("question"),
        answer = text("answer"),
    )
}
