//! Where agent and conversation names come from.
//!
//! LiteLLM has no column for either. Clients send them in several ways, which end up in as many places; the first
//! carrier that holds a non-empty string wins:
//!
//! 1. the paths of the setting (`AGENT_NAME_PATHS`, `CONVERSATION_NAME_PATHS`), in their order;
//! 2. `metadata.spend_logs_metadata`: sent as a header or in the body, kept even where prompts are not;
//! 3. `metadata` itself, for deployments that write the column themselves;
//! 4. the request's own metadata, where LiteLLM stored the request: `metadata`, `litellm_metadata` and the
//!    `requester_metadata` in each (releases before 1.68 keep the request as a JSON string inside `metadata`);
//!
//! and for agents only
//!
//! 5. the agents table, by `agent_id`;
//! 6. the card name of an A2A call (`a2a_agent/<name>`);
//! 7. `agent_id` itself;
//! 8. a tag `agent:<name>`.

use traceability_core::name_paths::NamePath;

use super::probe::Schema;
use super::tables::AGENTS;

/// SQL of the agent's name. `p` is the unpacked payload, `s` the log row.
pub(super) fn agent_name(schema: &Schema, paths: &[NamePath]) -> String {
    let mut carriers = in_payload(schema, paths, "agent_name");
    if schema.has("agent_id") {
        if schema.table_has(AGENTS, "agent_name") {
            carriers.push(format!(r#"(SELECT a.agent_name FROM "{AGENTS}" a WHERE a.agent_id = s.agent_id)"#));
        }
        carriers.push("CASE WHEN s.custom_llm_provider = 'a2a_agent' THEN substr(s.model, 11) END".into());
        carriers.push("s.agent_id".into());
    }
    carriers.push(
        r#"substr(jsonb_path_query_first(s.request_tags, '$[*] ? (@ starts with "agent:" && @ != "agent:")') #>> '{}', 7)"#.into(),
    );
    first_of(&carriers)
}

/// SQL of the conversation's name.
pub(super) fn conversation_name(schema: &Schema, paths: &[NamePath]) -> String {
    first_of(&in_payload(schema, paths, "conversation_name"))
}

fn in_payload(schema: &Schema, paths: &[NamePath], key: &str) -> Vec<String> {
    let stored = schema.has("proxy_server_request");
    let mut carriers: Vec<String> = paths
        .iter()
        .filter(|path| stored || path.column == "metadata")
        .map(|path| format!("p.{} #>> '{{{}}}'", path.column, path.keys.join(",")))
        .collect();
    carriers.push(format!("p.metadata #>> '{{spend_logs_metadata,{key}}}'"));
    carriers.push(format!("p.metadata ->> '{key}'"));
    if stored {
        for holder in ["metadata", "litellm_metadata"] {
            carriers.push(format!("p.proxy_server_request #>> '{{{holder},{key}}}'"));
            carriers.push(format!("p.proxy_server_request #>> '{{{holder},requester_metadata,{key}}}'"));
        }
    }
    carriers.push(in_logged_request(key));
    carriers
}

/// The name inside the request that releases around 1.67 kept as the text of a JSON object. The text may be cut off,
/// and a cast of broken JSON would fail the whole query, so the pattern takes only strings that a cast cannot refuse.
fn in_logged_request(key: &str) -> String {
    let plain = r#"[^"\\[:cntrl:]]"#;
    let escape = r#"\\["\\/bfnrt]"#;
    let code_point = r"\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}";
    let surrogates = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}";
    format!(
        r#"('"' || substring(p.metadata ->> 'proxy_server_request' from '"{key}"\s*:\s*"((?:{plain}|{escape}|{code_point}|{surrogates})*)"') || '"')::jsonb #>> '{{}}'"#
    )
}

fn first_of(carriers: &[String]) -> String {
    let candidates: Vec<String> = carriers.iter().map(|carrier| format!("NULLIF({carrier}, '')")).collect();
    format!("COALESCE({})", candidates.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_json_column_and_plain_keys() {
        let path: NamePath = "proxy_server_request.metadata.app-name".parse().expect("a good path");
        assert_eq!(path.column, "proxy_server_request");
        assert_eq!(path.keys, ["metadata", "app-name"]);
        for bad in
            ["", "metadata", "response.x", "metadata.", "metadata..x", "metadata.x'", "metadata.a b", "metadata.{"]
        {
            assert!(bad.parse::<NamePath>().is_err(), "{bad} was taken");
        }
    }
}
