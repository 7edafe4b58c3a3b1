//! LiteLLM's own metadata of a request without what quotes its content.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::{json, withheld};

/// What may be kept of a value.
#[derive(Clone, Copy)]
enum Kept {
    /// A name, an id or a figure: a short text, a number or a truth value.
    Plain,
    /// A list of names.
    Names,
    /// Figures at any depth, and the texts of [`TERMS`].
    Figures,
    /// These entries, each if it is plain.
    Entries(&'static [&'static str]),
}

/// Of all keys that releases up to 1.109 write. Not there, because they hold content or may: `autorouter_*` decisions and
/// `routing_decision` (why a prompt went where), `eval_information`, `guardrail_information`, `router_metadata`,
/// `vector_store_request_metadata` (what was searched and found), `requester_metadata`, `spend_logs_metadata` and
/// `user_agent` (what the client sent); because they tell of the proxy's inside: `cold_storage_object_key`,
/// `kubernetes_pod_routing`. What a later release adds is left out until it is known.
const KEPT: &[(&str, Kept)] = &[
    ("actor_agent_id", Kept::Plain),
    ("additional_usage_values", Kept::Figures),
    ("agent_execution_mode", Kept::Plain),
    ("applied_guardrails", Kept::Names),
    ("attempted_fallbacks", Kept::Plain),
    ("attempted_retries", Kept::Plain),
    ("autorouter_savings", Kept::Figures),
    ("autorouter_savings_estimate", Kept::Figures),
    ("batch_failed_requests", Kept::Plain),
    ("batch_models", Kept::Names),
    ("batch_successful_requests", Kept::Plain),
    ("billed_retry_attempt", Kept::Plain),
    ("billing_agent_id", Kept::Plain),
    ("compression_savings", Kept::Figures),
    ("cost_breakdown", Kept::Figures),
    ("error_information", Kept::Entries(ERROR)),
    ("litellm_call_id", Kept::Plain),
    ("litellm_gateway_injected_cache", Kept::Figures),
    ("litellm_overhead_time_ms", Kept::Plain),
    ("litellm_roi_estimator", Kept::Figures),
    ("max_retries", Kept::Plain),
    ("mcp_tool_call_metadata", Kept::Entries(TOOL)),
    ("original_model_group", Kept::Plain),
    ("requester_ip_address", Kept::Plain),
    ("status", Kept::Plain),
    ("target_agent_id", Kept::Plain),
    ("usage_object", Kept::Figures),
    ("used_client_oauth_token", Kept::Figures),
    ("user_api_key_alias", Kept::Plain),
    ("user_api_key_org_id", Kept::Plain),
    ("user_api_key_project_alias", Kept::Plain),
    ("user_api_key_project_id", Kept::Plain),
    ("user_api_key_team_alias", Kept::Plain),
    ("user_api_key_team_id", Kept::Plain),
    ("user_api_key_user_email", Kept::Plain),
    ("user_api_key_user_id", Kept::Plain),
    ("verified_human_user_id", Kept::Plain),
];
/// What an error is; its message and its traceback quote the request.
const ERROR: &[&str] = &["error_class", "error_code", "error_rate_limit_category", "llm_provider", "normalized_error"];
/// Which tool was called, without its arguments and its result.
const TOOL: &[&str] = &["mcp_server_name", "name", "namespaced_tool_name"];
/// What names the kind of a figure.
const TERMS: &[&str] = &["data_residency", "inference_geo", "service_tier", "speed", "vertex_location"];
/// The longest name, in bytes.
const LONGEST: usize = 256;

/// The metadata's entries that are known to hold no content; `None` if it is no object.
pub fn without_content(metadata: &RawValue) -> Option<Box<RawValue>> {
    let Value::Object(mut map) = json::lenient(metadata.get()) else {
        return None;
    };
    let kept: Map<String, Value> =
        KEPT.iter().filter_map(|(key, kept)| Some(((*key).to_owned(), kept.of(map.remove(*key)?)?))).collect();
    to_raw_value(&kept).ok()
}

impl Kept {
    /// What is kept of a value; `None` if nothing is.
    fn of(self, value: Value) -> Option<Value> {
        match (self, value) {
            (_, Value::Null) => Some(Value::Null),
            (Self::Plain, value) => is_plain(&value).then_some(value),
            (Self::Names, Value::Array(items)) => {
                Some(items.into_iter().filter(|item| item.as_str().is_some_and(withheld::is_name)).collect())
            }
            (Self::Figures, value) => figures(value),
            (Self::Entries(entries), Value::Object(map)) => Some(Value::Object(
                map.into_iter().filter(|(key, value)| entries.contains(&key.as_str()) && is_term(value)).collect(),
            )),
            (Self::Names | Self::Entries(_), _) => None,
        }
    }
}

/// Whether a value is a short text or no text at all.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= LONGEST && !text.contains(char::is_control),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a value is one word, or no text at all.
fn is_term(value: &Value) -> bool {
    is_plain(value) && value.as_str().is_none_or(withheld::is_name)
}

fn figures(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value),
        Value::String(_) => None,
        Value::Array(items) => Some(items.into_iter().filter_map(figures).collect()),
        Value::Object(map) => Some(Value::Object(map.into_iter().filter_map(figure).collect())),
    }
}

fn figure((key, value): (String, Value)) -> Option<(String, Value)> {
    let value = if TERMS.contains(&key.as_str()) && is_term(&value) { value } else { figures(value)? };
    withheld::is_name(&key).then_some((key, value))
}
