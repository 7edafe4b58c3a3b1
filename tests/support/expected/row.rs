//! One row of the log, understood field by field.

use std::collections::BTreeSet;

use crate::rows::{session, text, time};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::log::Companions;
use super::{Money, as_f64, count, tools as responses};

/// What a row says.
#[derive(Debug, Clone)]
pub struct Row {
    pub request_id: String,
    pub call_id: Option<String>,
    pub session: String,
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    pub duration_ms: i64,
    pub ttft_ms: Option<i64>,
    pub agent: Option<String>,
    pub conversation: Option<String>,
    pub user: Option<String>,
    pub end_user: Option<String>,
    pub team: Option<String>,
    pub key: Option<String>,
    pub model: Option<String>,
    pub group: Option<String>,
    pub provider: Option<String>,
    pub call_type: Option<String>,
    pub failed: bool,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub total_tokens: i64,
    pub cached_tokens: Option<i64>,
    pub spend: Money,
    pub cache_hit: bool,
    pub calls: i64,
    pub calls_exact: bool,
    pub tags: BTreeSet<String>,
    pub tools: BTreeSet<String>,
    pub error_class: Option<String>,
    pub origin: &'static str,
    pub doubts: Vec<&'static str>,
}

fn owned(row: &Value, column: &str) -> Option<String> {
    text(row, column).map(str::to_owned)
}

fn number(row: &Value, column: &str) -> i64 {
    row[column].as_i64().unwrap_or_else(|| panic!("{column} of {} is no number", row["request_id"]))
}

impl Row {
    pub fn new(row: &Value, companions: &Companions) -> Self {
        let (started, ended) = (time(row, "startTime"), time(row, "endTime"));
        let failed = match row.get("status") {
            Some(status) => status == "failure",
            None => row["metadata"]["status"] == "failure",
        };
        let (calls, calls_exact) = calls(row, failed, companions);
        let tags = row["request_tags"].as_array().into_iter().flatten();
        Self {
            request_id: owned(row, "request_id").expect("an id"),
            call_id: owned(row, "litellm_call_id"),
            session: session(row).to_owned(),
            started,
            ended,
            duration_ms: row
                .get("request_duration_ms")
                .and_then(Value::as_i64)
                .filter(|duration| *duration >= 0)
                .unwrap_or_else(|| (ended - started).num_milliseconds().max(0)),
            ttft_ms: ttft_ms(row),
            agent: agent(row, companions),
            conversation: in_payload(row, "conversation_name"),
            user: owned(row, "user"),
            end_user: owned(row, "end_user"),
            team: owned(row, "team_id"),
            key: owned(row, "api_key"),
            model: owned(row, "model"),
            group: model_group(row),
            provider: owned(row, "custom_llm_provider"),
            call_type: owned(row, "call_type"),
            failed,
            prompt_tokens: number(row, "prompt_tokens"),
            completion_tokens: number(row, "completion_tokens"),
            total_tokens: number(row, "total_tokens"),
            cached_tokens: cached_tokens(&row["metadata"]),
            spend: Money::of(row["spend"].as_f64().expect("dollars")),
            cache_hit: text(row, "cache_hit").is_some_and(|hit| hit.eq_ignore_ascii_case("true")),
            calls,
            calls_exact,
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            tools: tools(row, companions),
            error_class: owned(&row["metadata"]["error_information"], "error_class"),
            origin: origin(row),
            doubts: doubts(row, failed),
        }
    }

    /// The row as the list of requests shows it.
    pub fn in_list(&self) -> Value {
        json!({
            "request_id": self.request_id,
            "litellm_call_id": self.call_id,
            "session_id": self.session,
            "user_id": self.user.as_deref().unwrap_or("unknown"),
            "end_user": self.end_user,
            "team_id": self.team,
            "model": self.model.as_deref().unwrap_or_default(),
            "model_group": self.group,
            "provider": self.provider,
            "call_type": self.call_type,
            "status": if self.failed { "failure" } else { "success" },
            "request_start": self.started,
            "request_end": self.ended,
            "total_time": as_f64(self.duration_ms) / 1000.0,
            "time_to_first_token": self.ttft_ms.map(|ms| as_f64(ms) / 1000.0),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.total_tokens,
            "cost": self.spend.dollars(),
            "cache_hit": self.cache_hit,
            "tags": self.tags,
            "origin": self.origin,
            "data_quality": self.doubts,
        })
    }
}

/// Who made the request, by the call types of the rows at hand.
fn origin(row: &Value) -> &'static str {
    let health = Some("litellm-internal-health-check");
    let made_by_litellm = !row["metadata"]["internal_call_origin"].is_null();
    if made_by_litellm || text(row, "api_key") == health || text(row, "team_id") == health {
        "internal"
    } else if text(row, "call_type") == Some("list_mcp_tools") {
        "read"
    } else {
        "user"
    }
}

fn doubts(row: &Value, failed: bool) -> Vec<&'static str> {
    let counted = ["prompt_tokens", "completion_tokens", "total_tokens", "spend"].map(|name| row[name].as_f64());
    let answers = ["choices", "output", "content", "candidates"].map(|key| row["response"][key].get(0));
    let by_a_model = !["call_mcp_tool", "list_mcp_tools"].map(Some).contains(&text(row, "call_type"));
    let answered = !failed && by_a_model && answers.into_iter().flatten().any(Value::is_object);
    let mut doubts = Vec::new();
    if answered && counted == [Some(0.0); 4] && text(row, "cache_hit") != Some("True") {
        doubts.push("no_usage");
    }
    if time(row, "endTime") < time(row, "startTime") {
        doubts.push("ends_before_start");
    }
    doubts
}

/// Streamed responses only: in others LiteLLM sets the time of the first token to the end, give or take a millisecond.
fn ttft_ms(row: &Value) -> Option<i64> {
    text(row, "completionStartTime")?;
    let (start, first, end) = (time(row, "startTime"), time(row, "completionStartTime"), time(row, "endTime"));
    let streamed = (end - first).num_milliseconds() > 1 && first >= start;
    streamed.then(|| (first - start).num_milliseconds())
}

fn model_group(row: &Value) -> Option<String> {
    if let Some(group) = text(row, "model_group") {
        return Some(group.to_owned());
    }
    let model = text(row, "model")?;
    let bare = text(row, "custom_llm_provider")
        .and_then(|provider| model.strip_prefix(provider))
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(model);
    (!bare.is_empty()).then(|| bare.to_owned())
}

fn cached_tokens(metadata: &Value) -> Option<i64> {
    for holder in ["usage_object", "additional_usage_values"] {
        let usage = &metadata[holder];
        for count in [&usage["prompt_tokens_details"]["cached_tokens"], &usage["cache_read_input_tokens"]] {
            if let Some(count) = count.as_i64() {
                return Some(count.max(0));
            }
        }
    }
    None
}

/// The first carrier with a name in it.
fn in_payload(row: &Value, key: &str) -> Option<String> {
    let metadata = &row["metadata"];
    let request = row.get("proxy_server_request").unwrap_or(&Value::Null);
    let mut carriers = vec![&metadata["spend_logs_metadata"][key], &metadata[key]];
    for holder in [&request["metadata"], &request["litellm_metadata"]] {
        carriers.extend([&holder[key], &holder["requester_metadata"][key]]);
    }
    carriers.into_iter().find_map(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn agent(row: &Value, companions: &Companions) -> Option<String> {
    if let Some(name) = in_payload(row, "agent_name") {
        return Some(name);
    }
    if let Some(id) = text(row, "agent_id") {
        let card = text(row, "model").and_then(|model| model.strip_prefix("a2a_agent/"));
        let card = card.filter(|_| text(row, "custom_llm_provider") == Some("a2a_agent"));
        let registered = companions.agents.get(id).map(String::as_str);
        return Some(registered.or(card).unwrap_or(id).to_owned());
    }
    if text(row, "custom_llm_provider") == Some("a2a_agent") {
        return text(row, "model").and_then(|model| model.strip_prefix("a2a_agent/")).map(str::to_owned);
    }
    let mut tags = row["request_tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    tags.find_map(|tag| tag.strip_prefix("agent:")).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The calls of a row, and whether they were counted rather than inferred from the names of called tools.
fn calls(row: &Value, failed: bool, companions: &Companions) -> (i64, bool) {
    match text(row, "call_type").unwrap_or_default() {
        "call_mcp_tool" => (1, true),
        "aembedding" | "embedding" => (0, true),
        _ if responses::is_blank(&row["response"]) => {
            let id = row["request_id"].as_str().expect("an id");
            (companions.called_tools.get(id).map_or(0, |tools| count(&tools.iter().collect::<Vec<_>>())), failed)
        }
        _ => (responses::calls_in(&row["response"]), true),
    }
}

/// The names of the called tools: by the index and the response, or of an MCP tool by either.
fn tools(row: &Value, companions: &Companions) -> BTreeSet<String> {
    let id = row["request_id"].as_str().expect("an id");
    let indexed = companions.called_tools.get(id).cloned().unwrap_or_default();
    match text(row, "call_type").unwrap_or_default() {
        "call_mcp_tool" if !indexed.is_empty() => indexed,
        "call_mcp_tool" => {
            let logged = row["metadata"]["mcp_tool_call_metadata"]["name"].as_str();
            text(row, "mcp_namespaced_tool_name").or(logged).map(str::to_owned).into_iter().collect()
        }
        "aembedding" | "embedding" => indexed,
        _ => &indexed | &responses::names_in(&row["response"]),
    }
}
