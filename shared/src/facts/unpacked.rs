//! The stored response as the facts read it: decompressed once, and opened where it is a text of JSON.

use crate::calls::{EMBEDDINGS, TEXT_KEYS};

use super::call_paths;

/// How deep a text of JSON may be nested to be read. Of a deeper one the calls are not counted.
const DEEPEST: usize = 16;
/// The longest text that is read, in characters.
const LONGEST: usize = 200_000;

/// Appends a `FROM` item `r` with the one column `response`. The vectors of embeddings are not read, it is NULL there.
///
/// Each mention of the stored column decompresses all of it again. A path that is the value itself returns it decompressed,
/// and OFFSET 0 keeps the planner from undoing that.
pub(super) fn from_item() -> String {
    let embeddings = EMBEDDINGS.map(|call_type| format!("'{call_type}'")).join(", ");
    format!(
        " CROSS JOIN LATERAL (SELECT CASE WHEN w.text IS NOT NULL THEN CASE WHEN {readable} THEN w.text::jsonb \
         ELSE w.response END WHEN w.inside IS NOT NULL THEN w.inside ELSE w.response END AS response \
         FROM (SELECT u.response, CASE WHEN {wrapped} THEN {text} END AS text, \
         CASE WHEN {wrapped} THEN {inside} END AS inside \
         FROM (SELECT CASE WHEN s.call_type IN ({embeddings}) THEN NULL ELSE jsonb_path_query_first(s.response, '$') END \
         AS response OFFSET 0) u OFFSET 0) w OFFSET 0) r",
        readable = is_readable("w.text"),
        wrapped = is_wrapped("u.response"),
        text = text("u.response"),
        inside = inside("u.response"),
    )
}

/// SQL of whether calls may be in the response `r` of [`from_item`] that are not counted: it is a text of JSON or of events
/// that was not read, or a list.
pub(super) fn may_hide_calls(r: &str) -> String {
    let text = text(r);
    format!(
        "CASE jsonb_typeof({r}) WHEN 'object' THEN {wrapped} AND ({text} IS NULL OR {looks}) \
         WHEN 'string' THEN {looks} \
         WHEN 'array' THEN {r} @? 'strict $[*] ? (@.type() == \"object\")' AND NOT {events} ELSE false END",
        events = call_paths::are_events(r),
        wrapped = is_wrapped(r),
        looks = format_args!("COALESCE({text} ~ '^\\s*[{{\\[]' OR {text} ~ '(^|\\n)data:', false)"),
    )
}

/// Whether the response is but the envelope of another one, as of pass-through endpoints.
fn is_wrapped(r: &str) -> String {
    let texts = TEXT_KEYS.map(|key| format!("@.{key}.type() == \"string\"")).join(" || ");
    let inside = "@.response.type() == \"object\" || @.response.type() == \"array\"";
    format!(
        "(jsonb_typeof({r}) = 'string' OR {r} @? 'strict $ ? ({texts} || {inside})' AND NOT COALESCE({}, false))",
        call_paths::has_shape(r)
    )
}

/// The text that a response is, or that is in it.
fn text(r: &str) -> String {
    let keys = TEXT_KEYS.map(|key| format!("@.key == \"{key}\"")).join(" || ");
    format!(
        "CASE jsonb_typeof({r}) WHEN 'string' THEN {r} #>> '{{}}' WHEN 'object' THEN jsonb_path_query_first({r}, \
         'strict $.keyvalue() ? (({keys}) && @.value.type() == \"string\").value') #>> '{{}}' END"
    )
}

/// The value that a response has in it.
fn inside(r: &str) -> String {
    format!("CASE jsonb_typeof({r}) WHEN 'object' THEN {r} -> 'response' END")
}

/// SQL of whether a text is JSON, an object or a list, that a cast cannot refuse: it would fail the whole query, and
/// PostgreSQL cannot ask before 16.
///
/// Strings and then other scalars are replaced by tokens; lists and objects of tokens become tokens themselves, from the
/// inside. What is not JSON leaves more than one token.
fn is_readable(text: &str) -> String {
    let escape = r#"\\["\\/bfnrt]"#;
    let code_point = r"\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}";
    let surrogates = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}";
    let string = format!(r#""(?:[^"\\[:cntrl:]]|{escape}|{code_point}|{surrogates})*""#);
    // Of what a number may be, only as much as fits.
    let scalar = "-?(?:0|[1-9][0-9]{0,99})(?:[.][0-9]{1,99})?(?:[eE][+-]?[0-9]{1,2})?|true|false|null";
    let space = r"[ \t\n\r]*";
    let token = format!(r#"{space}(?:""|0){space}"#);
    let entry = format!(r#"{space}""{space}:{token}"#);
    let container = format!(
        r"\{{(?:{entry}(?:,{entry})*|{space})\}}|\[(?:{token}(?:,{token})*|{space})\]"
    );
    let mut reduced = format!("regexp_replace(regexp_replace({text}, '{string}', '\"\"', 'g'), '{scalar}', '0', 'g')");
    for _ in 0..DEEPEST {
        reduced = format!("regexp_replace({reduced}, '{container}', '0', 'g')");
    }
    format!("CASE WHEN length({text}) <= {LONGEST} AND {text} ~ '^{space}[{{\\[]' THEN {reduced} ~ '^{space}0{space}$' ELSE false END")
}
