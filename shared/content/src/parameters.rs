//! Which parts of a stored request may be shown.
//!
//! LiteLLM stores the body as the proxy saw it, with the caller's headers, key and the proxy's own bookkeeping stamped
//! into it. What is not known to be a parameter of a model is therefore not passed on.

use serde_json::{Map, Value};

use crate::PROMPTS;

/// The parameters of a model, over all APIs.
const PARAMETERS: &[&str] = &[
    "allowed_openai_params",
    "audio",
    "background",
    "best_of",
    "betas",
    "candidateCount",
    "chunking_strategy",
    "container",
    "context_management",
    "conversation",
    "dimensions",
    "disable_fallbacks",
    "drop_params",
    "echo",
    "encoding_format",
    "format",
    "frequency_penalty",
    "function_call",
    "functions",
    "generationConfig",
    "generation_config",
    "guided_json",
    "include",
    "inferenceConfig",
    "inference_geo",
    "input_type",
    "language",
    "logit_bias",
    "logprobs",
    "max_chunks_per_doc",
    "max_completion_tokens",
    "max_num_results",
    "max_output_tokens",
    "max_results",
    "max_tokens",
    "max_tokens_per_doc",
    "max_tool_calls",
    "mcp_servers",
    "method",
    "min_p",
    "modalities",
    "model",
    "moderation",
    "n",
    "name",
    "num_retries",
    "output_compression",
    "output_config",
    "output_format",
    "parallel_tool_calls",
    "partial_images",
    "prediction",
    "presence_penalty",
    "previous_interaction_id",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "quality",
    "rank_fields",
    "reasoning",
    "reasoning_effort",
    "reasoning_split",
    "repetition_penalty",
    "response_format",
    "return_documents",
    "safetySettings",
    "safety_identifier",
    "safety_settings",
    "seed",
    "service_tier",
    "size",
    "speed",
    "stop",
    "stop_sequences",
    "store",
    "stream",
    "stream_options",
    "style",
    "suffix",
    "temperature",
    "text",
    "thinking",
    "timeout",
    "timestamp_granularities",
    "toolConfig",
    "tool_choice",
    "tool_config",
    "tools",
    "top_k",
    "top_logprobs",
    "top_n",
    "top_p",
    "truncation",
    "user",
    "verbosity",
    "voice",
    "web_search_options",
];

/// Keys of credentials, in lower case with underscores, wherever they stand within a parameter.
const SECRETS: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "auth_token",
    "authorization",
    "authorization_token",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "client_secret",
    "connection_string",
    "cookie",
    "credentials",
    "extra_headers",
    "headers",
    "http_headers",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "secret_key",
    "token",
    "vertex_credentials",
    "x_api_key",
];

/// What the proxy adds to a body, or takes out of it for itself; never the content of a request.
const INTERNAL: &[&str] = &[
    "api_base",
    "api_version",
    "base_url",
    "custom_llm_provider",
    "extra_body",
    "extra_query",
    "id",
    "jsonrpc",
    "agent_id",
    "cache",
    "caching",
    "guardrails",
    "metadata",
    "mock_response",
    "model_info",
    "proxy_server_request",
    "secret_fields",
    "server_id",
    "session_id",
    "tags",
    "url",
];

/// What stands for a credential.
const MASK: &str = "masked";

/// The prompt as the client sent it: the value of whichever parameter of the body is the prompt.
pub(super) fn sent(body: &Value) -> Option<Value> {
    // Nothing tells which part of a text or a list may be shown.
    let map = body.as_object()?;
    let (key, value) = PROMPTS.iter().find_map(|key| Some((*key, map.get(*key)?)))?;
    // An agent's parameters hold more than its message, such as where to call back and with which token.
    Some(if key == "params" { masked(value.clone(), false) } else { value.clone() })
}

/// The request body's model parameters, without the conversation.
pub(super) fn parameters(body: &Map<String, Value>) -> Map<String, Value> {
    let known = |key: &String| PARAMETERS.contains(&key.as_str());
    let shown = body.iter().filter(|(key, _)| known(key));
    shown.map(|(key, value)| (key.clone(), masked(value.clone(), false))).collect()
}

/// What a body of an unknown shape holds beside parameters and the proxy's own keys.
pub(super) fn unknown(body: Map<String, Value>) -> Map<String, Value> {
    let is_internal = |key: &str| {
        key.starts_with("litellm_")
            || key.starts_with('_')
            || key.starts_with("user_api_key")
            || INTERNAL.contains(&key)
            || (PARAMETERS.contains(&key) && !matches!(key, "name" | "method"))
            || is_secret(key)
    };
    let rest = body.into_iter().filter(|(key, _)| !is_internal(key));
    rest.map(|(key, value)| (key, masked(value, false))).collect()
}

fn is_secret(key: &str) -> bool {
    // `api_key`, `api-key` and `apiKey` are the same.
    let plain = |key: &str| key.replace(['-', '_'], "").to_ascii_lowercase();
    let key = plain(key);
    SECRETS.iter().any(|secret| plain(secret) == key)
}

/// The value without credentials. Within a JSON schema `token` is the name of a property rather than a token, so
/// that only texts are taken for credentials there.
pub(super) fn masked(value: Value, in_schema: bool) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| masked(item, in_schema)).collect(),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let value = masked_entry(&key, value, in_schema);
                    (key, value)
                })
                .collect(),
        ),
        other => other,
    }
}

fn masked_entry(key: &str, value: Value, in_schema: bool) -> Value {
    if is_secret(key) && !value.is_null() && (!in_schema || value.is_string()) {
        return Value::String(MASK.to_owned());
    }
    match value {
        // A server's address may carry a key in its user part or its query.
        Value::String(url) if matches!(key, "server_url" | "serverUrl" | "url") && url.contains("://") => {
            Value::String(bare_url(&url))
        }
        other => {
            let schema =
                matches!(key, "parameters" | "input_schema" | "inputSchema" | "schema" | "parametersJsonSchema");
            masked(other, in_schema || schema)
        }
    }
}

/// A URL without its user part, its query and its fragment, each of which may carry a key.
#[must_use]
pub fn bare_url(url: &str) -> String {
    let address = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = address.find("://").map_or(("", address), |colon| address.split_at(colon + 3));
    let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{host}{path}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn passes_model_parameters_only() {
        let body = json!({
            "model": "gpt-4o", "temperature": 0.2, "messages": [{"role": "user", "content": "hi"}], "user": "u",
            "metadata": {"headers": {"authorization": "Bearer sk-1"}}, "litellm_metadata": {}, "api_key": "sk-2",
            "api_base": "http://x", "extra_headers": {"a": "b"}, "proxy_server_request": {"headers": {}},
        });
        let Value::Object(map) = &body else { panic!("an object") };
        assert_eq!(Value::Object(parameters(map)), json!({"model": "gpt-4o", "temperature": 0.2, "user": "u"}));
        assert_eq!(sent(&body), Some(json!([{"role": "user", "content": "hi"}])));
    }

    #[test]
    fn masks_credentials_of_tools() {
        let Value::Object(body) = json!({"tools": [
            {"type": "mcp", "server_url": "https://u:p@mcp.example/sse?key=k", "headers": {"X-Api-Key": "k"}, "authorization": "t"},
            {"type": "function", "function": {"name": "f", "parameters": {"properties": {"token": {"type": "string"}}}}},
        ]}) else {
            panic!("an object")
        };
        assert_eq!(
            Value::Object(parameters(&body)),
            json!({"tools": [
                {"type": "mcp", "server_url": "https://mcp.example/sse", "headers": "masked", "authorization": "masked"},
                {"type": "function", "function": {"name": "f", "parameters": {"properties": {"token": {"type": "string"}}}}},
            ]})
        );
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_a_key() {
        for (url, bare) in [
            ("https://u:p@h.example:1/v1?key=k#f", "https://h.example:1/v1"),
            ("u:p@h.example/v1?key=k", "h.example/v1"),
            ("https://h.example/a@b", "https://h.example/a@b"),
            ("", ""),
        ] {
            assert_eq!(bare_url(url), bare);
        }
    }

    #[test]
    fn shows_nothing_of_a_body_that_is_no_object() {
        assert_eq!(sent(&json!("{\"api_key\":")), None);
        assert_eq!(sent(&json!([1])), None);
    }

    #[test]
    fn a_call_of_an_agent_is_shown_without_its_credentials() {
        let body = json!({"params": {"message": {"parts": []}, "configuration": {"token": "t"}}});
        assert_eq!(sent(&body), Some(json!({"message": {"parts": []}, "configuration": {"token": "masked"}})));
        let body = json!({"name": "lookup_order", "arguments": {"order_id": "A-1"}});
        assert_eq!(sent(&body), Some(json!({"order_id": "A-1"})));
    }
}
