//! What is read of single requests beside their facts: LiteLLM's own columns and the stored content.
//!
//! Never part of a list or an aggregate. The proxy's own metadata is taken off in the database already: it is most of
//! a row's weight, and holds headers and keys that have no business in this process.

use super::{Log, bounds};

/// What the proxy adds to a stored request; see the normaliser's allow-list for what may leave the service.
const PROXY_KEYS: &str = "'{metadata,litellm_metadata,headers,proxy_server_request,secret_fields,\
                          provider_specific_header,litellm_params,user_api_key_auth}'::text[]";

/// Of `metadata`, the logged request would bring headers along, the key's hash is a credential's fingerprint, and the
/// static price table is most of the column. Other headers and credentials are taken out by [`traceability_content`], which
/// looks for them in the texts beside them.
const METADATA_KEYS: &str = "'{proxy_server_request,user_api_key,model_map_information}'::text[]";

impl Log {
    /// SQL of what [`Beside::Record`](traceability_facts::Beside) has beyond the content.
    pub(super) fn record() -> String {
        format!(
            r"{} AS completion_started_at, s.cache_hit AS cache_hit_text, s.cache_key AS cache_key, s.api_base AS api_base,
             CASE jsonb_typeof(p.metadata) WHEN 'object' THEN p.metadata - {METADATA_KEYS} END AS metadata,
             array_remove(ARRAY[s.api_key, p.metadata ->> 'user_api_key'], NULL) AS row_keys",
            bounds::within_or_null(r#"s."completionStartTime""#),
        )
    }

    /// SQL of [`CONTENT_COLUMNS`](traceability_facts::CONTENT_COLUMNS).
    pub(super) fn content(&self) -> String {
        // To write a prompt as text takes longer than all else here. It is done once, for the client, which can count for itself;
        // only what lies inside of a text it does not get as JSON.
        let (request, has_metadata, logged_length) = if self.schema.has("proxy_server_request") {
            // Unpacked, what is no object is a list of itself and more: it is read as it is stored.
            let request = format!(
                "CASE jsonb_typeof(p.proxy_server_request) WHEN 'object' \
                 THEN p.proxy_server_request - {PROXY_KEYS} ELSE s.proxy_server_request END"
            );
            let has_metadata = "COALESCE(p.proxy_server_request ?| '{metadata,litellm_metadata}', false)";
            (request, has_metadata, "NULL")
        } else {
            ("NULL::jsonb".into(), "false", "length((p.metadata -> 'proxy_server_request')::text)")
        };
        format!(
            "s.messages AS messages, {request} AS proxy_server_request, \
             {has_metadata} AS has_request_metadata, s.response AS response, \
             p.metadata ->> 'proxy_server_request' AS logged_request, \
             p.metadata -> 'mcp_tool_call_metadata' AS mcp_tool_call, \
             NULLIF(p.metadata ->> 'cold_storage_object_key', '') AS cold_storage_object_key, \
             p.metadata -> 'error_information' AS error_information, \
             ({logged_length})::bigint AS logged_length, false AS deleted"
        )
    }
}
