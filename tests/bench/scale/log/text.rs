//! Rows as the text that `COPY` takes.

use std::fmt::Write;

use chrono::DateTime;

use super::cast::{Cast, Naming};
use super::content;
use super::plan::Planned;
use super::row::Request;

/// Rows of both tables that grow with every request, ready to be sent.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Of the log.
    pub requests: String,
    /// Of the index of tools.
    pub tools: String,
    /// Requests in it.
    pub rows: u64,
}

/// The columns of the log, in the order in which [`Texts::add`] writes them.
pub const COLUMNS: &str = r#"request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens,
"startTime", "endTime", "completionStartTime", model, model_id, model_group, custom_llm_provider, api_base, "user",
metadata, cache_hit, cache_key, request_tags, team_id, end_user, requester_ip_address, messages, response,
proxy_server_request, session_id, status, organization_id, agent_id, request_duration_ms, created_at, updated_at,
litellm_call_id"#;

/// Writes rows.
pub struct Texts<'a> {
    cast: &'a Cast,
    /// The day of the last time that was written, in days since 1970, and its text.
    day: (i64, String),
}

impl<'a> Texts<'a> {
    /// Of these people.
    pub const fn new(cast: &'a Cast) -> Self {
        Self { cast, day: (i64::MIN, String::new()) }
    }

    /// Adds a request to the chunk, with what was said in it or without.
    pub fn add(&mut self, chunk: &mut Chunk, planned: Planned, with_content: bool) {
        let request = Request::new(self.cast, planned);
        let text = &mut chunk.requests;
        let [prompt, _, completion] = request.tokens;
        let [cost_of_prompt, cost_of_response] = request.costs();
        let call_type = if request.model.output == 0 { "aembedding" } else { "acompletion" };
        // Writing to a string cannot fail, here and below.
        let _ = write!(text, "{}\t{call_type}\t{}\t", request.id, request.key.token);
        dollars(text, cost_of_prompt + cost_of_response);
        let _ = write!(text, "\t{}\t{prompt}\t{completion}\t", prompt + completion);
        let end = planned.start + i64::from(request.duration);
        let first_token = request.first_token.map_or(end, |after| planned.start + i64::from(after));
        for time in [planned.start, end, first_token] {
            self.time(text, time);
            text.push('\t');
        }
        let model = request.model;
        let _ = write!(
            text,
            "{}\t{:016x}\t{}\t{}\t",
            model.name,
            model.input << 32 | model.output,
            model.group,
            model.provider
        );
        let _ = write!(text, "https://api.{}.example/v1\t{}\t", model.provider, request.key.user);
        metadata(text, &request);
        let _ = write!(text, "\t{}\tCache OFF\t[", if request.cached { "True" } else { "None" });
        tags(text, &request);
        let _ = write!(
            text,
            "]\t{}\t{}\t10.0.{}.{}\t{{}}\t",
            request.key.team,
            request.end_user,
            prompt % 7,
            planned.session % 200
        );
        if with_content {
            text.push_str(&content::response(&request).replace('\\', "\\\\"));
            text.push('\t');
            text.push_str(&content::prompt(&request).replace('\\', "\\\\"));
        } else {
            text.push_str("{}\t{}");
        }
        let status = if request.failure.is_some() { "failure" } else { "success" };
        let agent = request.agent.filter(|agent| agent.naming == Naming::Table).map_or("\\N", |agent| &agent.id);
        let _ = write!(text, "\t{}\t{status}\t\t{agent}\t{}\t", request.session, request.duration);
        // LiteLLM writes what it has collected every few seconds.
        let written = (end / 5_000 + 1) * 5_000;
        self.time(text, written);
        text.push('\t');
        self.time(text, written);
        let _ = writeln!(text, "\t{}", request.call_id);
        for tool in &request.tools {
            let _ = write!(chunk.tools, "{}\t{tool}\t", request.id);
            self.time(&mut chunk.tools, planned.start);
            chunk.tools.push('\n');
        }
        chunk.rows += 1;
    }

    /// A time, given in milliseconds since 1970. Most are of the same day as the one before.
    fn time(&mut self, text: &mut String, milliseconds: i64) {
        const DAY: i64 = 86_400_000;
        let (day, of_day) = (milliseconds.div_euclid(DAY), milliseconds.rem_euclid(DAY));
        if day != self.day.0 {
            let date = DateTime::from_timestamp_millis(day * DAY).unwrap_or_default();
            self.day = (day, date.format("%Y-%m-%d").to_string());
        }
        let (hours, minutes, seconds) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
        let _ = write!(text, "{} {hours:02}:{minutes:02}:{seconds:02}.{:03}", self.day.1, of_day % 1_000);
    }
}

/// An amount, given in billionths of a dollar.
fn dollars(text: &mut String, billionths: u64) {
    let _ = write!(text, "{}.{:09}", billionths / 1_000_000_000, billionths % 1_000_000_000);
}

/// What LiteLLM keeps of a request besides the columns, where it is told to keep only that: without the price table of
/// the model, which is most of it otherwise.
fn metadata(text: &mut String, request: &Request<'_>) {
    let [prompt, cached, completion] = request.tokens;
    let key = request.key;
    text.push_str(if request.failure.is_some() { r#"{"status":"failure","# } else { r#"{"status":null,"# });
    let _ = write!(
        text,
        r#""usage_object":{{"total_tokens":{},"prompt_tokens":{prompt},"completion_tokens":{completion},"prompt_tokens_details":{{"audio_tokens":0,"cached_tokens":{cached}}},"completion_tokens_details":{{"reasoning_tokens":0}}}},"#,
        prompt + completion,
    );
    if request.failure.is_none() {
        let [input, output] = request.costs();
        text.push_str(r#""cost_breakdown":{"input_cost":"#);
        dollars(text, input);
        text.push_str(r#","output_cost":"#);
        dollars(text, output);
        text.push_str(r#","total_cost":"#);
        dollars(text, input + output);
        text.push_str(r#","tool_usage_cost":0.0},"#);
    }
    match request.failure {
        Some(failure) => {
            let _ = write!(
                text,
                r#""error_information":{{"traceback":"","error_code":"{}","error_class":"{}","llm_provider":"{}","error_message":"{}"}},"#,
                failure.code, failure.class, request.model.provider, failure.message,
            );
        }
        None => text.push_str(r#""error_information":null,"#),
    }
    match (request.agent, &request.conversation) {
        (Some(agent), Some(conversation)) => {
            let _ = write!(
                text,
                r#""spend_logs_metadata":{{"agent_name":"{}","conversation_name":"{conversation}"}},"#,
                agent.name,
            );
        }
        _ => text.push_str(r#""spend_logs_metadata":null,"#),
    }
    let _ = write!(
        text,
        r#""user_api_key_alias":"{}","user_api_key_team_alias":"{}","requester_ip_address":"10.0.{}.{}"}}"#,
        key.alias,
        key.team_alias,
        prompt % 7,
        request.planned.session % 200,
    );
}

fn tags(text: &mut String, request: &Request<'_>) {
    let agent = request.agent.filter(|agent| agent.naming == Naming::Tag).map(|agent| ("agent:", &*agent.name));
    let tags = request.tags.iter().map(|tag| ("", *tag)).chain(agent);
    for (index, (kind, tag)) in tags.enumerate() {
        let _ = write!(text, "{}\"{kind}{tag}\"", if index > 0 { "," } else { "" });
    }
}
