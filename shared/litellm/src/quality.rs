//! Who made a request, and what is doubtful about its row.
//!
//! LiteLLM logs more than its callers' requests: its own calls, and each poll of a response that is still being made. It also
//! writes rows whose figures cannot be right. Neither is corrected here: totals are those of the log. The rows are marked, so
//! that a reader can leave them out and a report can count them.

use super::probe::Schema;
use super::spend::spend;

/// A doubt about a request, which its row alone can raise.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// How answers call it.
    pub name: &'static str,
    /// What is said of such requests, as the beginning of a sentence that ends in their number.
    pub description: &'static str,
    /// SQL of whether the log row `s` raises it; never NULL.
    sql: fn(&Schema) -> String,
}

/// All of them: what the projection marks, the page of a request shows and a report counts.
pub const FLAGS: [Flag; 4] = [
    Flag {
        name: "no_usage",
        description: "Requests whose stored response is a model's answer, with neither tokens nor cost",
        sql: no_usage,
    },
    Flag {
        name: "ends_before_start",
        description: "Requests that end before they start",
        sql: |_| r#"(s."endTime" < s."startTime")"#.into(),
    },
    Flag {
        name: "time_out_of_range",
        description: "Requests with an infinite time, or one before 1970 or after 9999",
        sql: |_| time_out_of_range(),
    },
    Flag {
        name: "charged_read",
        description: "Requests that only read a response and were charged for it again",
        sql: |_| format!("({} > 0 AND {} = 'read')", spend(), origin()),
    },
];

/// The doubt that takes a look at other rows. It is told on the page of a request and in a report.
pub const SHARES_CALL_ID: Flag = Flag {
    name: "shares_call_id",
    description: "Requests with a call id that another request has, too: LiteLLM may have counted one call twice",
    // Of one row it is not known.
    sql: |_| "false".into(),
};

/// SQL of the array of the names of the flags that a log row raises; NULL where there is none.
pub(super) fn flags(schema: &Schema) -> String {
    let flags = FLAGS.map(|flag| format!("CASE WHEN {} THEN '{}' END", (flag.sql)(schema), flag.name));
    format!("NULLIF(array_remove(ARRAY[{}]::text[], NULL), '{{}}')", flags.join(", "))
}

/// The key and the team of LiteLLM's health checks, and the hash of that key, which some releases store.
const HEALTH_CHECK: &str = "litellm-internal-health-check";
const HEALTH_CHECK_HASH: &str = "2ee659761968def976c7905217d96fa6e765f300dfb066f6c73fd3c279b3435a";

/// Ends of request ids: what LiteLLM charges for a caller's batch, background response, video or guardrail once that is
/// known. Its poller writes the row, marked as LiteLLM's own, but the cost is in no other row.
const CHARGES: &str = "_(batch|background|video|guardrail)_cost$";

/// Call types that read what is there, synchronous or not, such as `aget_responses`, `alist_fine_tuning_jobs`,
/// `afile_retrieve`, `video_get_character` and `afile_content`; not `agenerate_content`. Call types are added in many releases,
/// so this is how LiteLLM names them rather than a list.
const READS: &str = "^a?(get|list|retrieve)_|_(get|list|retrieve)(_|$)|(file|video)_content$";

/// SQL of who made the request of the log row `s`: a word of [`traceability_core::scalar::Origin`].
pub(super) fn origin() -> String {
    // Without a poller, LiteLLM charges for a batch when its caller first reads that it is done.
    format!(
        "CASE WHEN s.request_id ~ '{CHARGES}' THEN 'user' \
         WHEN s.api_key IN ('{HEALTH_CHECK}', '{HEALTH_CHECK_HASH}') OR s.team_id = '{HEALTH_CHECK}' \
           OR s.metadata ->> 'internal_call_origin' <> '' THEN 'internal' \
         WHEN s.call_type ~ '{READS}' AND NOT (s.call_type IN ('aretrieve_batch', 'retrieve_batch') AND {} > 0) THEN 'read' \
         ELSE 'user' END",
        spend()
    )
}

/// Where a model's answer lies in a response: chat and text completions, Responses, Anthropic, Gemini, and interactions.
const ANSWERS: [&str; 6] = [
    r#"$.choices[*] ? (@.type() == "object")"#,
    r#"$.output[*] ? (@.type() == "object")"#,
    r#"$.content[*] ? (@.type() == "object")"#,
    r#"$.candidates[*] ? (@.type() == "object")"#,
    r#"$.outputs[*] ? (@.type() == "object")"#,
    r#"$.steps[*] ? (@.type() == "object")"#,
];

/// Tools of MCP servers answer in a `content`, too, and a response that is read was counted when it was made. What LiteLLM's
/// cache answered costs nothing.
fn no_usage(schema: &Schema) -> String {
    let status = if schema.has("status") { "s.status" } else { "s.metadata ->> 'status'" };
    let answers = ANSWERS.map(|path| format!("s.response @? '{path}'")).join(" OR ");
    // CASE keeps the order: `response` is unpacked of the few rows only that count nothing.
    format!(
        "CASE WHEN s.total_tokens = 0 AND s.prompt_tokens = 0 AND s.completion_tokens = 0 AND s.spend = 0 \
              AND s.call_type <> 'call_mcp_tool' AND s.call_type !~ '{READS}' \
              AND COALESCE(lower(s.cache_hit) <> 'true', true) AND {status} IS DISTINCT FROM 'failure' \
         THEN COALESCE({answers}, false) ELSE false END"
    )
}

fn time_out_of_range() -> String {
    let outside = |time: &str| format!("{time} < '1970-01-01' OR {time} >= '10000-01-01'");
    let times = [r#"s."startTime""#, r#"s."endTime""#, r#"s."completionStartTime""#].map(outside);
    // The time of the first token may be NULL.
    format!("COALESCE({}, false)", times.join(" OR "))
}

#[cfg(test)]
mod tests {
    use regex::Regex;
    use sha2::{Digest, Sha256};

    use super::*;

    /// The call types of LiteLLM 1.110 that exist with and without the `a` of the asynchronous ones, and some that do not.
    #[test]
    fn call_types_that_read_are_told_from_those_that_do_something() {
        let reads = Regex::new(READS).expect("a pattern");
        let reading = "get_responses list_input_items retrieve_batch list_batches file_retrieve file_list file_content \
            list_fine_tuning_jobs retrieve_fine_tuning_job get_assistants get_thread get_messages video_retrieve video_content \
            video_list video_retrieve_job video_get_character vector_store_file_list vector_store_file_retrieve \
            vector_store_file_content list_containers retrieve_container list_container_files list_mcp_tools";
        let doing = "completion text_completion embedding image_generation image_edit moderation transcription speech rerank \
            search create_batch cancel_batch responses compact_responses anthropic_messages create_thread add_message \
            run_thread file_delete create_file create_fine_tuning_job create_video video_remix video_delete \
            video_create_character video_edit vector_store_create vector_store_search vector_store_file_create ingest query \
            create_interaction create_container upload_container_file generate_content generate_content_stream ocr \
            call_mcp_tool send_message create_skill pass_through_endpoint llm_passthrough_route _arealtime \
            _aresponses_websocket realtime_calls create_realtime_client_secret run_code delete_responses";
        for (call_types, expected) in [(reading, true), (doing, false)] {
            for call_type in call_types.split_whitespace() {
                for name in [call_type.to_owned(), format!("a{call_type}")] {
                    assert_eq!(reads.is_match(&name), expected, "{name}");
                }
            }
        }
        assert!(!reads.is_match(""));
    }

    #[test]
    fn the_key_of_health_checks_is_known_by_its_hash() {
        assert_eq!(hex::encode(Sha256::digest(HEALTH_CHECK)), HEALTH_CHECK_HASH);
    }
}
