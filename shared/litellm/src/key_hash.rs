//! SQL of what a virtual key is called, see [`traceability_core::key_hash`].

use traceability_core::key_hash::{HASH_LENGTH, KEY_NAMES};

/// SQL of the key in this column as it may leave the database: NULL where there is none, a hash or one of [`KEY_NAMES`] as
/// it is, and the hash of anything else. That hash is also what LiteLLM's key table has for the same key.
pub(super) fn hashed(column: &str) -> String {
    format!(
        "CASE WHEN {} THEN {column}::text WHEN {column} <> '' THEN encode(sha256(convert_to({column}, 'UTF8')), 'hex') END",
        is_safe(column)
    )
}

/// SQL of whether a text is a hash or one of [`KEY_NAMES`]. The length goes first: it settles most rows, and an
/// aggregate evaluates this for every one.
pub(super) fn is_safe(column: &str) -> String {
    let names = KEY_NAMES.map(|name| format!("'{name}'")).join(", ");
    format!("(octet_length({column}) = {HASH_LENGTH} AND {column} !~ '[^0-9A-Fa-f]' OR {column} IN ({names}))")
}
