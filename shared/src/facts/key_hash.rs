//! What a virtual key is called: by its SHA-256, as in LiteLLM's key table, and never by itself.
//!
//! LiteLLM 1.100 and newer hash whatever a caller sends. Older releases hash `sk-…` keys only, so that tokens of custom
//! authentication are in the log in clear: in `api_key` and in `metadata.user_api_key`.

/// Names that LiteLLM writes in place of a key.
pub(crate) const KEY_NAMES: [&str; 2] = ["litellm_proxy_master_key", "litellm-internal-health-check"];

/// The digits of a SHA-256 in hexadecimal.
const HASH_LENGTH: usize = 64;

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

/// Whether a text is a hash or one of [`KEY_NAMES`].
pub(crate) fn may_be_shown(text: &str) -> bool {
    text.len() == HASH_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit()) || KEY_NAMES.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_names_of_litellm_may_be_shown() {
        let hash = "3f".repeat(32);
        for shown in [hash.as_str(), &hash.to_uppercase(), KEY_NAMES[0], KEY_NAMES[1]] {
            assert!(may_be_shown(shown), "{shown}");
        }
        for hidden in
            ["", "sk-1", &hash[1..], &format!("{hash}0"), &format!("g{}", &hash[1..]), "Litellm_proxy_master_key"]
        {
            assert!(!may_be_shown(hidden), "{hidden}");
        }
    }
}
