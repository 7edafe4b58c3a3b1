//! Responses that are a text of JSON, or are within another value, as those of pass-through endpoints.

use traceability_content::calls::{BLOCK_KEYS, ITEM_SUFFIX, SERVER_LISTS, TEXT_KEYS};

use super::call_paths;

/// How deep a text of JSON may be nested to be read. Of a deeper one the calls are not counted.
const DEEPEST: usize = 16;
/// The longest text that is read, in characters.
const LONGEST: usize = 200_000;
/// How deep within a response a call can be. PostgreSQL goes through all of what is nearer, and would run out of stack in a
/// value that it could still store.
const CALL_DEPTH: usize = 6;

/// SQL of the response in `r` as the reader of messages sees it: without its envelope.
pub(super) fn opened(r: &str) -> String {
    format!("CASE WHEN {} THEN {} ELSE {r} END", is_wrapped(r), content(r))
}

/// SQL of the number of calls in a response that [`is_wrapped`]: of all that looks like a call, at any place where one may be.
/// The expressions for each shape would be repeated for the value that is in the envelope, and a subquery would keep
/// PostgreSQL from sharing the query among workers.
pub(super) fn count(r: &str) -> String {
    let is_call = looks_like_call();
    format!(
        "COALESCE(jsonb_array_length(jsonb_path_query_array({}, 'strict $.**{{0 to {CALL_DEPTH}}} ? ({is_call})')), 0)",
        content(r)
    )
}

/// SQL of whether calls may be in the response `r`, which has no shape that is known, that [`count`] gets wrong: all that
/// may be a call, and texts of JSON or of events that are not read.
pub(super) fn may_hide_calls(r: &str) -> String {
    let text = text(r);
    format!(
        "COALESCE(CASE WHEN jsonb_typeof({r}) = 'array' THEN {in_list} AND NOT {events} \
         WHEN NOT {wrapped} THEN false \
         WHEN {text} ~ '^\\s*[{{\\[]' THEN CASE WHEN {readable} THEN {in_text} ELSE true END \
         WHEN {text} ~ '(^|\\n)data:' THEN true \
         WHEN {text} IS NULL THEN {inside} ELSE false END, true)",
        in_list = may_call(r),
        events = call_paths::are_events(r),
        wrapped = is_wrapped(r),
        readable = is_readable(&text),
        in_text = may_call(&format!("({text})::jsonb")),
        inside = may_call(&format!("({r} -> 'response')")),
    )
}

fn may_call(value: &str) -> String {
    let lists = SERVER_LISTS.iter().chain(&["tool_calls"]).map(|key| format!("@.{key}.size() > 0"));
    let any: Vec<String> = lists.chain([looks_like_call()]).collect();
    // An envelope within the envelope is not opened.
    let texts = TEXT_KEYS.map(|key| format!("@.{key} like_regex \"^[[:space:]]*[{{[]|data:\"")).join(" || ");
    format!(
        "({value} @? 'strict $.**{{0 to {CALL_DEPTH}}} ? ({})' \
         OR {value} @? 'strict $ ? ({texts} || @.response.type() == \"object\" || @.response.type() == \"array\")')",
        any.join(" || ")
    )
}

/// The filter for what is a call in some place.
fn looks_like_call() -> String {
    let keys = BLOCK_KEYS.iter().chain(&["function", "custom"]).map(|key| format!("@.{key}.type() == \"object\""));
    let keys: Vec<String> = keys.collect();
    format!("@.type like_regex \"(tool_use|{ITEM_SUFFIX})$\" || {}", keys.join(" || "))
}

/// Whether the response is but the envelope of another one, as of pass-through endpoints.
pub(super) fn is_wrapped(r: &str) -> String {
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

/// The value in the envelope; NULL where that is a text that is not read.
fn content(r: &str) -> String {
    let text = text(r);
    format!("CASE WHEN {text} IS NULL THEN {r} -> 'response' WHEN {} THEN ({text})::jsonb END", is_readable(&text))
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
    let container = format!(r"\{{(?:{entry}(?:,{entry})*|{space})\}}|\[(?:{token}(?:,{token})*|{space})\]");
    let mut reduced = format!("regexp_replace(regexp_replace({text}, '{string}', '\"\"', 'g'), '{scalar}', '0', 'g')");
    for _ in 0..DEEPEST {
        reduced = format!("regexp_replace({reduced}, '{container}', '0', 'g')");
    }
    format!(
        "CASE WHEN length({text}) <= {LONGEST} AND {text} ~ '^{space}[{{\\[]' THEN {reduced} ~ '^{space}0{space}$' ELSE false END"
    )
}
